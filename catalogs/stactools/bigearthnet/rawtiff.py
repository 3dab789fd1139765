"""Write raw TIFFs in the byte layout of the release: what GDAL's GTiff driver wrote by default.

Source of the layout: the headers of the published patches. Classic, little-endian, one directory
at byte 8 with 15 tags, the long values behind it, then strips of at most 8 KiB.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from stacbuild.raster import tiff

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ASCII: Final = 2
_STRIP: Final = 8192
"""Strips hold as many whole rows as fit into this many bytes."""
_SAMPLE_FORMATS: Final = {"u": 1, "i": 2, "f": 3}
# The order in which the long values lie is that of libtiff, not that of the tags.
_ORDER: Final = (
    tiff.STRIP_BYTE_COUNTS,
    tiff.STRIP_OFFSETS,
    tiff.MODEL_PIXEL_SCALE,
    tiff.MODEL_TIE_POINT,
    tiff.GEO_KEYS,
    tiff.GEO_ASCII,
)
_HEADER: Final = 8
_ENTRY: Final = 12


def raw_tiff(pixels: NDArray[Any], epsg: int, corner: tuple[int, int], resolution: int) -> bytes:
    """Return a raw band as the bytes of its file.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Little-endian, uint16 in the release.
    epsg : int
        Code of a UTM zone, north.
    corner : tuple of int
        Outer upper-left corner in metres.
    resolution : int
        Side of a pixel in metres.
    """
    head, tie = _head(*pixels.shape, pixels.dtype.str, epsg, resolution)
    origin = struct.pack("<2d", *corner)
    return b"".join((head[:tie], origin, head[tie + 16 :], pixels.tobytes()))


@lru_cache(maxsize=256)
def _head(height: int, width: int, dtype: str, epsg: int, resolution: int) -> tuple[bytes, int]:
    """Return all bytes before the pixels, and the offset of the origin in them."""
    row = width * int(dtype[2:])
    rows = min(height, _STRIP // row)
    counts = [row * min(rows, height - top) for top in range(0, height, rows)]
    text = f"WGS 84 / UTM zone {epsg % 100}N|WGS 84|\0".encode()
    values = _values(counts, text, resolution, epsg)
    short: dict[int, tuple[int, int, bytes]] = {
        tag: (tiff.SHORT, 1, struct.pack("<HH", value, 0))
        for tag, value in (
            (tiff.IMAGE_WIDTH, width),
            (tiff.IMAGE_LENGTH, height),
            (tiff.BITS_PER_SAMPLE, 8 * int(dtype[2:])),
            (tiff.COMPRESSION, 1),
            (tiff.PHOTOMETRIC, 1),
            (tiff.SAMPLES_PER_PIXEL, 1),
            (tiff.ROWS_PER_STRIP, rows),
            (tiff.PLANAR_CONFIG, 1),
            (tiff.SAMPLE_FORMAT, _SAMPLE_FORMATS[dtype[1]]),
        )
    }
    at = _HEADER + 2 + _ENTRY * (len(short) + len(values)) + 4
    start = at + sum(len(data) for _, _, data in values.values() if len(data) > 4)  # noqa: PLR2004 - what an entry holds itself
    offsets = [start + sum(counts[:index]) for index in range(len(counts))]
    values[tiff.STRIP_OFFSETS] = _longs(offsets)
    tie = 0
    behind = b""
    entries = dict(short)
    for tag in _ORDER:
        kind, count, data = values[tag]
        if len(data) > 4:  # noqa: PLR2004 - the same
            if tag == tiff.MODEL_TIE_POINT:
                tie = at + len(behind) + 24
            entries[tag] = (kind, count, struct.pack("<I", at + len(behind)))
            behind += data
        else:
            entries[tag] = (kind, count, data)
    table = b"".join(
        struct.pack("<HHI", tag, kind, count) + data
        for tag, (kind, count, data) in sorted(entries.items())
    )
    head = b"II*\0" + struct.pack("<IH", _HEADER, len(entries)) + table + bytes(4) + behind
    return head, tie


def _values(
    counts: list[int], text: bytes, resolution: int, epsg: int
) -> dict[int, tuple[int, int, bytes]]:
    """Return type, count and bytes of what may not fit into an entry, by tag."""
    zone = len(text) - len("WGS 84|\0")
    keys = (
        *(1, 1, 0, 7),
        *(1024, 0, 1, 1),  # model: projected
        *(1025, 0, 1, 1),  # raster: pixel is area
        *(1026, tiff.GEO_ASCII, zone, 0),
        *(2049, tiff.GEO_ASCII, 7, zone),
        *(2054, 0, 1, 9102),  # degrees
        *(3072, 0, 1, epsg),
        *(3076, 0, 1, 9001),  # metres
    )
    return {
        tiff.STRIP_BYTE_COUNTS: _longs(counts),
        tiff.STRIP_OFFSETS: _longs(counts),  # as long as they will be
        tiff.MODEL_PIXEL_SCALE: (tiff.DOUBLE, 3, struct.pack("<3d", resolution, resolution, 0)),
        tiff.MODEL_TIE_POINT: (tiff.DOUBLE, 6, bytes(48)),
        tiff.GEO_KEYS: (tiff.SHORT, len(keys), struct.pack(f"<{len(keys)}H", *keys)),
        tiff.GEO_ASCII: (_ASCII, len(text), text),
    }


def _longs(numbers: list[int]) -> tuple[int, int, bytes]:
    return tiff.LONG, len(numbers), struct.pack(f"<{len(numbers)}I", *numbers)
