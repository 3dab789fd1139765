"""Footprints: the corners of a raster in longitude and latitude.

They come from the raster alone, never from sidecar files.
"""

from __future__ import annotations

import math
from array import array
from functools import lru_cache
from typing import Final

from pyproj import Transformer
from pyproj.exceptions import ProjError

from stacbuild.errors import SampleError

Ring = list[list[float]]

DECIMALS: Final = 7
"""About 1 cm on the ground."""

TOLERANCE: Final = 1e-5
"""Degrees of latitude, about 1.1 m: a straight edge may lie this far off the raster's edge.

The edges of a chip of 1.2 km lie off by at most 0.05 m in UTM; those of 10 km by some metres.
"""

MAX_PIECES: Final = 64
"""No edge is cut into more pieces: at most 253 points make a ring."""


@lru_cache(maxsize=64)
def transformer(crs: str) -> Transformer:
    """Return the transformer from a CRS to longitude and latitude on WGS 84 (EPSG:4326).

    Raises
    ------
    SampleError
        ``unknown-crs`` if PROJ does not know the CRS.
    """
    try:
        return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except ProjError as error:
        reason = f"PROJ cannot make longitude and latitude of the CRS {crs}"
        raise SampleError("unknown-crs", reason) from error


def footprint(crs: str, left: float, bottom: float, right: float, top: float) -> Ring:
    """Return a raster's outline as a closed ring of longitude and latitude.

    The ring has the four corners, and more points on an edge whose straight line would deviate
    from it by more than `TOLERANCE`.

    Parameters
    ----------
    crs : str
        ``"EPSG:32633"`` or WKT.
    left, bottom, right, top : float
        Outer edges of the raster in CRS units.

    Returns
    -------
    list of [longitude, latitude]
        Counter-clockwise, closed, from the lower left corner of the raster, in degrees rounded
        to 7 decimals.

    Raises
    ------
    SampleError
        ``unknown-crs``, or ``no-footprint`` where the outline has no longitude and latitude, or
        crosses the antimeridian or a pole: GeoJSON wants that cut in two, and no dataset here
        has it.
    """
    xs = array("d", (left, right, right, left))
    ys = array("d", (bottom, bottom, top, top))
    across, up = (left + right) / 2, (bottom + top) / 2
    xs.extend((across, right, across, left))
    ys.extend((bottom, up, top, up))
    _project(crs, xs, ys)
    pieces = [_pieces(xs, ys, edge) for edge in range(4)]
    if max(pieces) == 1:
        ring = [[round(xs[i], DECIMALS), round(ys[i], DECIMALS)] for i in range(4)]
    else:
        ring = _dense(crs, ((left, bottom), (right, bottom), (right, top), (left, top)), pieces)
    ring.append(ring[0][:])
    return _oriented(crs, ring)


def _project(crs: str, xs: array[float], ys: array[float]) -> None:
    """Transform coordinates in place."""
    transformer(crs).transform(xs, ys, inplace=True)
    # What PROJ cannot transform becomes infinite.
    if not (-180 <= min(xs) <= max(xs) <= 180 and -90 <= min(ys) <= max(ys) <= 90):  # noqa: PLR2004
        raise SampleError("no-footprint", f"its corners do not lie on the map of {crs}")


def _pieces(xs: array[float], ys: array[float], edge: int) -> int:
    """Return into how many pieces an edge is cut, from its ends and its middle.

    An arc lies off its chord by a height that falls with the square of the number of pieces;
    halved again, since it may be bent more elsewhere than in its middle.
    """
    end, middle = (edge + 1) % 4, edge + 4
    shrink = math.cos(math.radians(ys[middle]))
    dx, dy = (xs[end] - xs[edge]) * shrink, ys[end] - ys[edge]
    mx, my = (xs[middle] - xs[edge]) * shrink, ys[middle] - ys[edge]
    length = math.hypot(dx, dy)
    off = abs(dx * my - dy * mx) / length if length else math.hypot(mx, my)
    if off <= TOLERANCE:
        return 1
    return min(MAX_PIECES, math.ceil(math.sqrt(2 * off / TOLERANCE)))


def _dense(crs: str, corners: tuple[tuple[float, float], ...], pieces: list[int]) -> Ring:
    """Return the open ring with its edges cut into pieces."""
    xs, ys = array("d"), array("d")
    for edge, count in enumerate(pieces):
        (x, y), (end_x, end_y) = corners[edge], corners[(edge + 1) % 4]
        for step in range(count):
            xs.append(x + (end_x - x) * step / count)
            ys.append(y + (end_y - y) * step / count)
    _project(crs, xs, ys)
    return [[round(x, DECIMALS), round(y, DECIMALS)] for x, y in zip(xs, ys, strict=True)]


def _oriented(crs: str, ring: Ring) -> Ring:
    """Return the ring counter-clockwise, or raise if it goes around the world."""
    area, (last_x, last_y) = 0.0, ring[0]
    origin_x, origin_y = last_x, last_y
    for x, y in ring:
        if abs(x - last_x) > 180:  # noqa: PLR2004 - degrees
            reason = f"its outline crosses the antimeridian or a pole (CRS {crs})"
            raise SampleError("no-footprint", reason)
        area += (last_x - origin_x) * (y - origin_y) - (x - origin_x) * (last_y - origin_y)
        last_x, last_y = x, y
    if area == 0:
        raise SampleError("no-footprint", "its outline has no area")
    return ring if area > 0 else ring[::-1]


def bbox(ring: Ring) -> list[float]:
    """Return west, south, east, north of a ring."""
    xs = [point[0] for point in ring]
    ys = [point[1] for point in ring]
    return [min(xs), min(ys), max(xs), max(ys)]
