"""Lay bands into padded tiles and predict them, ready for deflate.

The predictors are those of TIFF 6.0 section 14 (2, horizontal differencing) and of Adobe
Photoshop TIFF Technical Note 3 (3, floating point). Padding, to the right of and below the
pixels, is zero after prediction for integers and before it for floats: a reader never sees it.
Each thread has its own buffers, zeroed once and reused, so a tile is valid until the next one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Block = tuple[int, int]
    Tiler = Callable[[NDArray[Any], Block], Iterator[NDArray[Any]]]

BATCH_BYTES: Final = 1 << 18
"""Bands are predicted together as long as they stay in the processor's second-level cache."""

MAX_BUFFERS: Final = 64


class _Buffers(threading.local):
    """Zeroed tiles by purpose, shape and type; one set per thread."""

    def __init__(self) -> None:
        self.kept: dict[tuple[object, ...], NDArray[Any]] = {}

    def get(self, *key: Any) -> NDArray[Any]:  # noqa: ANN401 - (purpose, shape, dtype, inner shape)
        """Return the buffer of a key ``(shape, dtype, pixels)``; zero outside the pixels."""
        found = self.kept.get(key)
        if found is None:
            if len(self.kept) >= MAX_BUFFERS:
                self.kept.clear()
            found = self.kept[key] = np.zeros(key[0], key[1])
        return found


_BUFFERS: Final = _Buffers()


def integer_tiles(array: NDArray[Any], block: Block) -> Iterator[NDArray[Any]]:
    """Yield one tile per band, differences along rows, modulo the type.

    Parameters
    ----------
    array : ndarray of integers, shape (bands, height, width)
        Pixels.
    block : tuple of int
        Height and width of a tile, no less than the pixels'.
    """
    bands, height, width = array.shape
    batch = min(bands, max(1, BATCH_BYTES // (block[0] * block[1] * array.itemsize)))
    tiles = _BUFFERS.get((batch, *block), array.dtype, (height, width))
    flat = _BUFFERS.get((batch * height * width,), array.dtype, None)
    for first in range(0, bands, batch):
        part = array[first : first + batch]
        out = tiles[: len(part)]
        # One long subtraction and a copy are faster than one subtraction per row; what it makes
        # of each row's first pixel is overwritten.
        out[:, :height, :width] = _differences(part, flat)
        out[:, :height, 0] = part[:, :, 0]
        yield from out


def _differences(part: NDArray[Any], flat: NDArray[Any]) -> NDArray[Any]:
    """Return each pixel minus the one before it in memory; the very first one is undefined."""
    pixels = part.reshape(-1)
    out = flat[: part.size]
    np.subtract(pixels[1:], pixels[:-1], out=out[1:])
    return out.reshape(part.shape)


def picture_tiles(array: NDArray[Any], block: Block) -> Iterator[NDArray[Any]]:
    """Yield one tile of all bands interleaved by pixel; otherwise as `integer_tiles`."""
    bands, height, width = array.shape
    tile = _BUFFERS.get((*block, bands), array.dtype, (height, width))
    flat = _BUFFERS.get((array.size,), array.dtype, None)
    differences = _differences(array, flat)
    for band in range(bands):
        tile[:height, :width, band] = differences[band]
        tile[:height, 0, band] = array[band, :, 0]
    yield tile


def float_tiles(array: NDArray[Any], block: Block) -> Iterator[NDArray[Any]]:
    """Yield one tile per band: each row as byte planes, most significant first, differences.

    Parameters
    ----------
    array : ndarray of little-endian floats, shape (bands, height, width)
        Pixels.
    block : tuple of int
        Height and width of a tile, no less than the pixels'.
    """
    _, height, width = array.shape
    size = array.itemsize
    planes = _BUFFERS.get((height, size, block[1]), np.uint8, (height, width))
    tile = _BUFFERS.get((block[0], size * block[1]), np.uint8, (height, "planes"))
    rows = planes.reshape(height, size * block[1])
    for band in np.ascontiguousarray(array):
        octets = band.view(np.uint8).reshape(height, width, size)
        for plane in range(size):
            planes[:, plane, :width] = octets[:, :, size - 1 - plane]
        tile[:height, 0] = rows[:, 0]
        np.subtract(rows[:, 1:], rows[:, :-1], out=tile[:height, 1:])
        yield tile
