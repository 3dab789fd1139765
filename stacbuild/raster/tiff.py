"""TIFF structure: tag numbers, directories packed and parsed, no pixels.

Numbers are those of TIFF 6.0 (Adobe, 1992), BigTIFF (Aware Systems), GeoTIFF 1.1 (OGC 19-008r4)
and, from 42112 on, GDAL's private tags. Parsing never reads outside the data and allocates no
more than the data holds, whatever a header claims.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IMAGE_WIDTH: Final = 256
IMAGE_LENGTH: Final = 257
BITS_PER_SAMPLE: Final = 258
COMPRESSION: Final = 259
PHOTOMETRIC: Final = 262
STRIP_OFFSETS: Final = 273
ORIENTATION: Final = 274
SAMPLES_PER_PIXEL: Final = 277
ROWS_PER_STRIP: Final = 278
STRIP_BYTE_COUNTS: Final = 279
PLANAR_CONFIG: Final = 284
PREDICTOR: Final = 317
TILE_WIDTH: Final = 322
TILE_LENGTH: Final = 323
TILE_OFFSETS: Final = 324
TILE_BYTE_COUNTS: Final = 325
SAMPLE_FORMAT: Final = 339
MODEL_PIXEL_SCALE: Final = 33550
MODEL_TIE_POINT: Final = 33922
GEO_KEYS: Final = 34735
GEO_DOUBLES: Final = 34736
GEO_ASCII: Final = 34737
GDAL_METADATA: Final = 42112
GDAL_NODATA: Final = 42113

SHORT: Final = 3
LONG: Final = 4
DOUBLE: Final = 12

TYPE_CODES: Final = {
    1: "B",  # BYTE
    2: "s",  # ASCII
    3: "H",  # SHORT
    4: "I",  # LONG
    5: "II",  # RATIONAL
    6: "b",  # SBYTE
    7: "s",  # UNDEFINED
    8: "h",  # SSHORT
    9: "i",  # SLONG
    10: "ii",  # SRATIONAL
    11: "f",  # FLOAT
    12: "d",  # DOUBLE
    13: "I",  # IFD
    16: "Q",  # LONG8 (BigTIFF)
    17: "q",  # SLONG8
    18: "Q",  # IFD8
}
"""`struct` codes of the field types, by their number."""

TYPE_SIZES: Final = {kind: struct.calcsize("<" + code) for kind, code in TYPE_CODES.items()}
"""Bytes of one value of each field type."""

_MAGIC: Final = {
    b"II*\0": ("<", False),
    b"MM\0*": (">", False),
    b"II+\0": ("<", True),
    b"MM\0+": (">", True),
}


class TiffError(ValueError):
    """The bytes are not a TIFF, or its directory leads out of the file.

    Parameters
    ----------
    kind : str
        A slug as in `stacbuild.errors.SampleError`.
    reason : str
        What is wrong.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a directory: its type number, its number of values, where they lie."""

    type: int
    count: int
    at: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The first image file directory of a TIFF.

    Parameters
    ----------
    data : bytes
        The whole file.
    order : str
        ``"<"`` or ``">"``, as `struct` has it.
    big : bool
        Whether it is a BigTIFF.
    entries : mapping of int to Entry
        Fields by tag number; fields of types that TIFF does not know are left out.
    end : int
        Offset behind the directory and all its out-of-line values.
    following : int
        Offset of the next directory; 0 where there is none.
    """

    data: bytes
    order: str
    big: bool
    entries: Mapping[int, Entry]
    end: int
    following: int

    def raw(self, tag: int) -> bytes:
        """Return the bytes of a field's values; empty where the field is absent."""
        entry = self.entries.get(tag)
        if entry is None:
            return b""
        return self.data[entry.at : entry.at + entry.count * TYPE_SIZES[entry.type]]

    def numbers(self, tag: int) -> tuple[int | float, ...]:
        """Return a field's numbers; empty where the field is absent or holds text."""
        entry = self.entries.get(tag)
        if entry is None or TYPE_CODES[entry.type] == "s":
            return ()
        code = TYPE_CODES[entry.type] * entry.count
        return struct.unpack_from(self.order + code, self.data, entry.at)

    def integers(self, tag: int) -> tuple[int, ...]:
        """Return a field's integers; empty where the field is absent or of another type."""
        entry = self.entries.get(tag)
        if entry is None or TYPE_CODES[entry.type] not in "BHIQ":
            return ()
        code = f"{self.order}{entry.count}{TYPE_CODES[entry.type]}"
        return struct.unpack_from(code, self.data, entry.at)

    def integer(self, tag: int, default: int) -> int:
        """Return the first integer of a field, or the default where there is none."""
        return next(iter(self.integers(tag)), default)


def parse(data: bytes) -> Directory:
    """Parse the header and the first directory of a TIFF of any byte order and size.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    TiffError
        ``not-a-tiff`` without a TIFF header, ``truncated-tiff`` if the directory or a field's
        values lie outside the data.
    """
    order, big = _MAGIC.get(data[:4], ("", False))
    if not order or (big and data[4:8] != struct.pack(order + "HH", 8, 0)):
        raise TiffError("not-a-tiff", "it has no TIFF header")
    word, counter, size = ("Q", "Q", 20) if big else ("I", "H", 12)
    start = _unpack(order + word, data, 8 if big else 4)
    count = _unpack(order + counter, data, start)
    first = start + struct.calcsize("<" + counter)
    last = first + count * size
    following = _unpack(order + word, data, last)
    end = last + struct.calcsize("<" + word)
    entries: dict[int, Entry] = {}
    for at in range(first, last, size):
        tag, kind, number = struct.unpack_from(order + "HH" + word, data, at)
        if kind not in TYPE_SIZES:
            continue
        length = number * TYPE_SIZES[kind]
        where = at + (12 if big else 8)
        if length > (8 if big else 4):
            where = _unpack(order + word, data, where)
            end = max(end, where + length)
        if where + length > len(data):
            raise TiffError("truncated-tiff", f"the values of tag {tag} lie beyond the end")
        entries.setdefault(tag, Entry(kind, number, where))  # as libtiff: the first one counts
    return Directory(data, order, big, entries, end, following)


def _unpack(code: str, data: bytes, at: int) -> int:
    """Return one integer, or raise where it lies beyond the end."""
    if at + struct.calcsize(code) > len(data):
        raise TiffError("truncated-tiff", "its directory lies beyond the end of the file")
    value: int = struct.unpack_from(code, data, at)[0]
    return value


def pack(fields: Iterable[tuple[int, int, int, bytes]], at: int) -> tuple[bytes, dict[int, int]]:
    """Pack a classic little-endian directory with its out-of-line values behind it.

    Parameters
    ----------
    fields : iterable of (tag, type, count, values)
        Values already in little-endian bytes; any order.
    at : int
        Offset in the file where the directory will stand; even.

    Returns
    -------
    data : bytes
        Directory and values; the next-directory offset is 0. Its length is even.
    where : dict of int to int
        Offset in the file of each tag's values.
    """
    ordered = sorted(fields)
    behind = at + 2 + 12 * len(ordered) + 4
    directory, values, where = [struct.pack("<H", len(ordered))], bytearray(), {}
    for tag, kind, count, content in ordered:
        head = struct.pack("<HHI", tag, kind, count)
        if len(content) <= 4:  # noqa: PLR2004 - what fits into the offset's place stands there
            where[tag] = at + 2 + 12 * (len(directory) - 1) + 8
            directory.append(head + content.ljust(4, b"\0"))
            continue
        where[tag] = behind + len(values)
        directory.append(head + struct.pack("<I", where[tag]))
        values += content + b"\0" * (len(content) % 2)
    directory.append(struct.pack("<I", 0))
    return b"".join(directory) + bytes(values), where
