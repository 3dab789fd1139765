"""Geometry that no schema can check: rings, boxes, rounding."""

from __future__ import annotations

from typing import Any

Position = list[float]

DECIMALS = 7
"""Decimals of longitude and latitude: a centimetre, and the same text on every machine."""
_MIN_RING = 4


def geometry_faults(item: dict[str, Any]) -> list[str]:
    """Return what is wrong with an item's geometry and bbox.

    Parameters
    ----------
    item : dict
        An item that its schemas accept: geometry is null, a Point, Polygon or MultiPolygon.

    Returns
    -------
    list of str
        One message per fault; longitude and latitude in degrees.
    """
    geometry = item["geometry"]
    if geometry is None:
        return []
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Polygon":
        parts = [coordinates]
    elif kind == "MultiPolygon":
        parts = coordinates
    else:
        parts = [[[coordinates]]]
    if not all(parts) or not parts:
        return ["a polygon has no ring"]
    faults: list[str] = []
    if kind != "Point":
        for part in parts:
            for place, ring in enumerate(part):
                faults += _ring_faults(ring, exterior=place == 0)
    odd = _position_fault(parts)
    if odd is not None:
        return [*faults, odd]
    expected = _box(parts)
    if item["bbox"] != expected:
        faults.append(f"bbox is {item['bbox']}, and the geometry's bounds are {expected}")
    return faults


def _position_fault(parts: list[list[list[Position]]]) -> str | None:
    for part in parts:
        for ring in part:
            for position in ring:
                if len(position) != 2:  # noqa: PLR2004 - longitude and latitude
                    return "a position has not two coordinates"
                x, y = position
                if round(x, DECIMALS) != x or round(y, DECIMALS) != y:
                    return f"{position} is not rounded to {DECIMALS} decimals"
    return None


def _ring_faults(ring: list[Position], *, exterior: bool) -> list[str]:
    if len(ring) < _MIN_RING or ring[0] != ring[-1]:
        return ["a ring is not closed"]
    # Relative to the first corner: far from the origin the products would cancel badly.
    x0, y0 = ring[0][0], ring[0][1]
    doubled = 0.0
    before_x = before_y = 0.0
    for position in ring[1:]:
        x, y = position[0] - x0, position[1] - y0
        doubled += before_x * y - x * before_y
        before_x, before_y = x, y
    if doubled == 0:
        return ["a ring encloses nothing"]
    if (doubled > 0) != exterior:
        turn = "counter-clockwise" if exterior else "clockwise"
        return [f"a ring does not run {turn} as RFC 7946 wants it"]
    return []


def _box(parts: list[list[list[Position]]]) -> list[float]:
    """Return west, south, east, north; west is above east where the 180th meridian is crossed."""
    spans = []
    for part in parts:
        xs = [position[0] for position in part[0]]
        spans.append((min(xs), max(xs)))
    ys = [position[1] for part in parts for position in part[0]]
    west, east = min(low for low, _ in spans), max(high for _, high in spans)
    if west == -180 and east == 180 and len(parts) > 1:  # noqa: PLR2004 - degrees
        # RFC 7946 cuts such a geometry in two at the meridian.
        west = min(low for low, high in spans if high == 180)  # noqa: PLR2004
        east = max(high for low, high in spans if low == -180)  # noqa: PLR2004
    return [west, min(ys), east, max(ys)]
