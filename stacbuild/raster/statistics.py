"""Band statistics as exact integer sums, which add up in any order to the same result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from stacbuild.summary import BandSums

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

FIELDS: Final = ("count", "nodata", "minimum", "maximum", "total", "squares")

SUMS_TYPE: Final = pa.list_(
    pa.struct([pa.field(name, pa.int64(), nullable=False) for name in FIELDS])
)
"""Type of the facts column ``band_sums``: one struct per band.

int64 holds the squares of 2.1e9 pixels of uint16, and those of a 512 x 512 chip whose values
reach 5.9 million; `to_facts` refuses what it does not hold.
"""

_EXACT: Final = 1 << 53
"""Up to here float64 counts without gaps, so sums in it are exact in any order."""

_BATCH: Final = 1 << 16
"""Pixels converted together: half a MiB of float64, which stays in the processor's cache."""


def band_sums(array: NDArray[Any], nodata: float | None = None) -> list[BandSums]:
    """Return exact sums over the valid pixels of each band.

    Parameters
    ----------
    array : ndarray of integers, shape (bands, height, width)
        Any integer type.
    nodata : int or None
        Pixels of this value are counted apart.

    Raises
    ------
    ValueError
        For floating-point pixels, whose sums would depend on their order.
    """
    if array.dtype.kind not in "ui":
        raise ValueError(f"band sums are for integers, not {array.dtype}")
    if not array.size:
        return [BandSums() for _ in array]
    flat = array.reshape(len(array), -1)
    lows, highs = flat.min(axis=1).tolist(), flat.max(axis=1).tolist()
    if nodata is not None:
        nodata = int(nodata) if float(nodata).is_integer() else None
    step = max(1, _BATCH // flat.shape[1])
    found: list[BandSums] = []
    for first in range(0, len(flat), step):
        batch = slice(first, first + step)
        found += _batch_sums(flat[batch], lows[batch], highs[batch], nodata)
    return found


def _batch_sums(
    flat: NDArray[Any], lows: list[int], highs: list[int], nodata: int | None
) -> list[BandSums]:
    """Return the sums of some bands, each a row, given their extremes."""
    pixels = flat.shape[1]
    largest = max(-min(lows), *highs, 1)
    if largest**2 * pixels < _EXACT:
        values = flat.astype(np.float64)
        totals = np.einsum("ij->i", values).tolist()
        np.multiply(values, values, out=values)
        squares = np.einsum("ij->i", values).tolist()
    else:
        totals, squares = zip(*map(_large_sums, flat), strict=True)
    found = []
    for band, low, high, total, square in zip(flat, lows, highs, totals, squares, strict=True):
        sums = BandSums(pixels, 0, low, high, int(total), int(square))
        if nodata is not None and low <= nodata <= high:
            sums = _without(sums, band, nodata)
        found.append(sums)
    return found


def _large_sums(band: NDArray[Any]) -> tuple[int, int]:
    """Return the sum of a band's values and that of their squares, of any size."""
    # Python's integers have no limit, and there are seldom as many values as pixels.
    values, counts = (part.tolist() for part in np.unique(band, return_counts=True))
    pairs = list(zip(values, counts, strict=True))
    return sum(v * n for v, n in pairs), sum(v * v * n for v, n in pairs)


def _without(sums: BandSums, band: NDArray[Any], nodata: int) -> BandSums:
    """Return the sums of a band less its pixels without data."""
    absent = int(np.count_nonzero(band == nodata))
    count = sums.count - absent
    if not count:
        return BandSums(nodata=absent)
    low, high = sums.minimum, sums.maximum
    if nodata in {low, high}:
        # Counted from the value next to nodata, in the unsigned type, nodata wraps around to the
        # largest number: the extreme of the others is found without picking them out.
        bits = band.view(f"u{band.itemsize}")
        wrap = (1 << (8 * band.itemsize)) - 1
        if nodata == low:
            low += 1 + int((bits - bits.dtype.type((low + 1) & wrap)).min())
        else:
            high -= 1 + int((bits.dtype.type((high - 1) & wrap) - bits).min())
    total, squares = sums.total - absent * nodata, sums.squares - absent * nodata**2
    return BandSums(count, absent, low, high, total, squares)


def to_facts(sums: Iterable[BandSums]) -> list[dict[str, int]]:
    """Return sums as values of the facts column `SUMS_TYPE`.

    Raises
    ------
    ValueError
        If a sum does not fit into 64 bits.
    """
    rows = [{name: getattr(band, name) for name in FIELDS} for band in sums]
    for row in rows:
        if row["squares"] >> 63 or row["maximum"] >> 63:
            raise ValueError("the sums of this band do not fit into 64 bits")
    return rows


def merged(rows: Sequence[Sequence[Mapping[str, int]]]) -> list[BandSums]:
    """Return the sums over many samples, band by band.

    Parameters
    ----------
    rows : sequence of sequence of mapping
        Values of the facts column `SUMS_TYPE`, one per sample, each with the same bands.
    """
    found = []
    for band in zip(*rows, strict=True):
        valid = [sums for sums in band if sums["count"]]
        found.append(
            BandSums(
                count=sum([sums["count"] for sums in valid]),
                nodata=sum([sums["nodata"] for sums in band]),
                minimum=min([sums["minimum"] for sums in valid], default=0),
                maximum=max([sums["maximum"] for sums in valid], default=0),
                total=sum([sums["total"] for sums in valid]),
                squares=sum([sums["squares"] for sums in valid]),
            )
        )
    return found
