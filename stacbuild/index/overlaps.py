"""Find the pairs of rectangles that overlap or touch, within one CRS and between two.

Within a CRS the rectangles are compared as they are, exactly. Between two, their outlines are
taken to longitude and latitude (edges densified) and areas measured on the ellipsoid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError

from stacbuild.errors import StacbuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

TOLERANCE = 1e-6
"""Overlaps thinner than this share of the smaller side (within a CRS), or smaller than this
share of the smaller area (between two), are rounding, not overlap."""

_CHUNK = 20_000  # rectangles asked for at a time
_STEPS = 8  # segments an edge is cut into before it is taken to another CRS
_MARGIN = 0.01  # how far edges may bulge out of the box of their corners, as a share of it


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rectangles by their places in the table of bounds.

    Parameters
    ----------
    first, second : ndarray of int64, shape (n,)
    area : ndarray of float64, shape (n,)
        Of the overlap, in square metres; 0 where they only touch.
    share : ndarray of float64, shape (n,)
        Of the smaller rectangle that is covered.
    """

    first: Places
    second: Places
    area: Floats
    share: Floats

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.first)

    def where(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Return some of the pairs."""
        return Pairs(self.first[chosen], self.second[chosen], self.area[chosen], self.share[chosen])


def joined(parts: list[Pairs]) -> Pairs:
    """Return the pairs of all parts."""
    empty = np.empty(0, np.int64), np.empty(0, np.float64)
    return Pairs(
        np.concatenate([empty[0], *(part.first for part in parts)]),
        np.concatenate([empty[0], *(part.second for part in parts)]),
        np.concatenate([empty[1], *(part.area for part in parts)]),
        np.concatenate([empty[1], *(part.share for part in parts)]),
    )


@cache
def crs_of(code: str) -> CRS:
    """Return a CRS by its code.

    Raises
    ------
    StacbuildError
        If PROJ does not know it.
    """
    try:
        return CRS.from_user_input(code)
    except CRSError:
        raise StacbuildError(f"unknown CRS {code!r}", mend="Give proj:code as EPSG:…") from None


@cache
def _to_lonlat(code: str) -> Transformer:
    return Transformer.from_crs(crs_of(code), "OGC:CRS84", always_xy=True)


def within(code: str, bounds: Floats, places: Places) -> Iterator[Pairs]:
    """Yield the pairs within one CRS that overlap, or share a piece of an edge (area 0).

    Rectangles that meet in a corner alone are no pair.

    Parameters
    ----------
    code : str
        The CRS, such as ``"EPSG:32633"``.
    bounds : ndarray of float64, shape (n, 4)
        Left, bottom, right, top in the CRS.
    places : ndarray of int64, shape (n,)
        What the rectangles are called in the pairs.
    """
    tree = shapely.STRtree(_boxes(bounds))
    for start in range(0, len(bounds), _CHUNK):
        asked = _boxes(bounds[start : start + _CHUNK])
        one, other = tree.query(asked).astype(np.int64)
        one += start
        once = one < other
        yield _compare(code, bounds, places, (one[once], other[once]))


def _compare(code: str, bounds: Floats, places: Places, pair: tuple[Places, Places]) -> Pairs:
    one, other = pair
    lower = np.maximum(bounds[one, :2], bounds[other, :2])
    upper = np.minimum(bounds[one, 2:], bounds[other, 2:])
    sides = bounds[:, 2:] - bounds[:, :2]
    size = upper - lower
    thin = TOLERANCE * np.minimum(sides[one], sides[other])
    thick = size > thin
    inside: NDArray[np.bool_] = np.asarray(thick.all(axis=1))
    near = (size >= -thin).all(axis=1) & thick.any(axis=1)
    found: NDArray[np.bool_] = np.asarray(inside | near)
    one, other, inside = one[found], other[found], inside[found]
    area = np.zeros(len(one))
    overlap = np.column_stack([lower, upper])[found][inside]
    area[inside] = areas(code, overlap)
    smaller = np.minimum(np.prod(sides, axis=1)[one], np.prod(sides, axis=1)[other])
    share = np.where(inside, np.prod(size[found], axis=1) / smaller, 0.0)
    return Pairs(places[one], places[other], area, share)


def areas(code: str, bounds: Floats) -> Floats:
    """Return the areas of rectangles in square metres.

    In a projected CRS they are areas on the map; in a geographic one, on the ellipsoid.

    Parameters
    ----------
    code : str
    bounds : ndarray of float64, shape (n, 4)
    """
    crs = crs_of(code)
    if crs.is_projected:
        metres = float(np.prod([axis.unit_conversion_factor for axis in crs.axis_info[:2]]))
        sides = bounds[:, 2:] - bounds[:, :2]
        return sides[:, 0] * sides[:, 1] * metres
    return ground(_polygons(outlines(code, bounds)))


def _boxes(bounds: Floats) -> NDArray[np.object_]:
    return np.asarray(shapely.box(*bounds.T), object)


def _polygons(rings: Floats) -> NDArray[np.object_]:
    return np.asarray(shapely.polygons(rings), object)


def ground(shapes: NDArray[np.object_]) -> Floats:
    """Return the areas of polygons in longitude and latitude, in square metres on WGS 84."""
    geod = Geod(ellps="WGS84")
    return np.array([abs(geod.geometry_area_perimeter(shape)[0]) for shape in shapes], np.float64)


def outlines(code: str, bounds: Floats, steps: int = _STEPS) -> Floats:
    """Return the outlines of rectangles in longitude and latitude.

    Parameters
    ----------
    code : str
    bounds : ndarray of float64, shape (n, 4)
    steps : int
        Segments an edge is cut into.

    Returns
    -------
    ndarray of float64, shape (n, 4 * steps + 1, 2)
        Closed rings, counter-clockwise, in degrees. A ring over the antimeridian is given with
        longitudes above 180.
    """
    along = np.arange(steps) / steps
    zero, one = np.zeros(steps), np.ones(steps)
    x = np.concatenate([along, one, 1 - along, zero, zero[:1]])
    y = np.concatenate([zero, along, one, 1 - along, zero[:1]])
    left, bottom, right, top = (bounds[:, [side]] for side in range(4))
    # Weighted so that the ends are the corners to the last bit.
    xs = left * (1 - x) + right * x
    ys = bottom * (1 - y) + top * y
    lon, lat = _to_lonlat(code).transform(xs, ys)
    wide = np.ptp(lon, axis=1, keepdims=True) > 180  # noqa: PLR2004 - half of the world
    lon = np.where(wide & (lon < 0), lon + 360, lon)
    return np.stack([lon, lat], axis=-1)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rectangles of one CRS, with their boxes in longitude and latitude."""

    code: str
    bounds: Floats
    places: Places
    boxes: Floats

    @classmethod
    def of(cls, code: str, bounds: Floats, places: Places) -> Sheet:
        """Make the boxes, a little larger than those of the corners."""
        rings = outlines(code, bounds, 1)
        lower, upper = rings.min(axis=1), rings.max(axis=1)
        margin = _MARGIN * (upper - lower)
        return cls(code, bounds, places, np.column_stack([lower - margin, upper + margin]))

    def near(self, other: Sheet) -> Places:
        """Return which of the rectangles lie within the extent of another sheet."""
        lower, upper = other.boxes[:, :2].min(axis=0), other.boxes[:, 2:].max(axis=0)
        inside = (self.boxes[:, :2] <= upper).all(axis=1) & (self.boxes[:, 2:] >= lower).all(axis=1)
        return np.flatnonzero(inside)


def between(one: Sheet, other: Sheet) -> Pairs:
    """Return the pairs of rectangles in two CRSs that overlap on the ground."""
    near, there = one.near(other), other.near(one)
    if not len(near) or not len(there):
        return joined([])
    tree = shapely.STRtree(_boxes(other.boxes[there]))
    parts = []
    for start in range(0, len(near), _CHUNK):
        asked = near[start : start + _CHUNK]
        first, second = tree.query(_boxes(one.boxes[asked]))
        parts.append(_overlay(one, other, asked[first], there[second]))
    return joined(parts)


def _overlay(one: Sheet, other: Sheet, first: Places, second: Places) -> Pairs:
    shapes, mates = _chosen(one, first), _chosen(other, second)
    common = shapely.intersection(shapes, mates)
    some = shapely.area(common) > 0
    first, second = first[some], second[some]
    area = ground(common[some])
    smaller = np.minimum(ground(shapes[some]), ground(mates[some]))
    share = area / smaller
    found = Pairs(one.places[first], other.places[second], area, share)
    return found.where(share > TOLERANCE)


def _chosen(sheet: Sheet, chosen: Places) -> NDArray[np.object_]:
    """Return one polygon for each choice, made once for each rectangle."""
    distinct, place = np.unique(chosen, return_inverse=True)
    return _polygons(outlines(sheet.code, sheet.bounds[distinct]))[place]
