"""Order places along a Hilbert curve, so that neighbours on the ground are neighbours in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEVEL = 16
"""Bits per axis: cells of 0.0055 by 0.0027 degrees."""

NOWHERE = np.uint64(1) << np.uint64(2 * LEVEL)
"""The index of what has no location: behind everything that has one."""


def hilbert(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.uint64]:
    """Return the place of points on a Hilbert curve over the whole world.

    Source of the algorithm: ``xy2d`` of J. K. Lawder's and H. S. Warren's formulation ("Hacker's
    Delight", 2nd edition, chapter 16), here for all points at once.

    Parameters
    ----------
    lon, lat : array_like, shape (n,)
        Degrees, OGC:CRS84. NaN where there is no location.

    Returns
    -------
    ndarray of uint64, shape (n,)
        Below ``4 ** LEVEL``; `NOWHERE` where a coordinate is NaN.
    """
    lon = np.asarray(lon, np.float64)
    lat = np.asarray(lat, np.float64)
    nowhere = np.isnan(lon) | np.isnan(lat)
    side = 1 << LEVEL
    x = _cells((lon + 180.0) / 360.0, nowhere, side)
    y = _cells((lat + 90.0) / 180.0, nowhere, side)
    place = np.zeros(x.shape, np.uint64)
    for bit in range(LEVEL - 1, -1, -1):
        right = (x >> bit) & 1
        upper = (y >> bit) & 1
        place += ((3 * right) ^ upper).astype(np.uint64) << np.uint64(2 * bit)
        # The lower quadrants are turned: mirrored on the right, then axes swapped.
        lower = upper == 0
        mirror = lower & (right == 1)
        x, y = np.where(mirror, side - 1 - x, x), np.where(mirror, side - 1 - y, y)
        x, y = np.where(lower, y, x), np.where(lower, x, y)
    place[nowhere] = NOWHERE
    return place


def _cells(share: NDArray[np.float64], nowhere: NDArray[np.bool_], side: int) -> NDArray[np.int64]:
    cells: NDArray[np.float64] = np.floor(np.where(nowhere, 0.0, share) * side)
    found: NDArray[np.int64] = np.clip(cells, 0, side - 1).astype(np.int64)
    return found


def hilbert_of_boxes(
    west: ArrayLike, south: ArrayLike, east: ArrayLike, north: ArrayLike
) -> NDArray[np.uint64]:
    """Return the place of the centres of bounding boxes on the curve.

    Parameters
    ----------
    west, south, east, north : array_like, shape (n,)
        Degrees, OGC:CRS84; west is greater than east where a box crosses the antimeridian.
    """
    west = np.asarray(west, np.float64)
    east = np.asarray(east, np.float64)
    centre = (west + np.where(east < west, east + 360.0, east)) / 2.0
    centre = (centre + 180.0) % 360.0 - 180.0
    return hilbert(centre, (np.asarray(south, np.float64) + np.asarray(north, np.float64)) / 2.0)
