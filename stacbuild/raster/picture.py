"""Pictures for people: 8-bit true colour with one fixed stretch, and thumbnails."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VALUES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Stretch:
    """A fixed stretch of uint16 values to a picture's 8 bits.

    A valid value ``v`` becomes ``1 + round(254 x ** (1 / gamma))`` with
    ``x = (v - low) / (high - low)``, held within 0 and 1; nodata, which is 0, stays 0. So 0 in a
    picture means nodata, and nothing else does.

    Parameters
    ----------
    low, high : float
        Values that become 1 and 255, in units of the pixels.
    gamma : float
        Above 1 it brightens the dark values.
    """

    low: float
    high: float
    gamma: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if not (self.low < self.high and self.gamma > 0):
            raise ValueError("a stretch needs low < high and gamma > 0")

    @property
    def table(self) -> NDArray[np.uint8]:
        """The picture's value of every uint16 value; shape (65536,), read-only."""
        return _table(self)


@lru_cache(maxsize=16)
def _table(stretch: Stretch) -> NDArray[np.uint8]:
    values = np.arange(_VALUES, dtype=np.float64)
    share = np.clip((values - stretch.low) / (stretch.high - stretch.low), 0, 1)
    table = (1 + np.rint(254 * share ** (1 / stretch.gamma))).astype(np.uint8)
    table[0] = 0
    table.flags.writeable = False
    return table


def visual_rgb(
    red: NDArray[Any], green: NDArray[Any], blue: NDArray[Any], stretch: Stretch
) -> NDArray[np.uint8]:
    """Return a true-colour picture.

    Parameters
    ----------
    red, green, blue : ndarray of uint16, shape (height, width)
        Bands of one shape; 0 is nodata.
    stretch : Stretch
        One for all three bands, so that colours stay true.

    Returns
    -------
    ndarray of uint8, shape (3, height, width)
        0 where a band has no data.
    """
    if any(band.dtype != np.uint16 or band.ndim != 2 for band in (red, green, blue)):  # noqa: PLR2004
        raise ValueError("a picture is made of two-dimensional bands of uint16")
    table = stretch.table
    picture = np.empty((3, *red.shape), np.uint8)
    for band, out in zip((red, green, blue), picture, strict=True):
        # No index can lie outside the table; any mode but "raise" writes without a buffer.
        np.take(table, band, out=out, mode="wrap")
    return picture


def thumbnail_jpeg(
    rgb: NDArray[np.uint8], *, quality: int = 85, size: int | None = None, sharp: bool = False
) -> bytes:
    """Return a picture as the bytes of a baseline JPEG.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (3, height, width)
        The picture.
    quality : int
        Of libjpeg, 1 to 95.
    size : int, optional
        Wanted longer side in pixels: smaller pictures are enlarged by the largest whole number
        that keeps them within it, pixel by pixel. Larger ones are left as they are.
    sharp : bool
        Keep colours at full resolution (4:4:4), for classes; photographs do with 4:2:0, which
        is a fifth smaller.
    """
    _, height, width = rgb.shape
    pixels = np.empty((height, width, 3), np.uint8)
    for band in range(3):  # three strided copies are three times faster than one transposed
        pixels[:, :, band] = rgb[band]
    factor = 1 if size is None else max(1, size // max(height, width))
    if factor > 1:
        pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0 if sharp else 2)
    return file.getvalue()
