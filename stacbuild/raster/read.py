"""Read raw chips: plain TIFFs the short way, every other TIFF through GDAL.

A plain TIFF is what most chip datasets are made of: classic, little-endian, one directory, one
sample, uncompressed strips that lie in one piece, north-up, an EPSG code in its GeoKeys. Its
header is parsed once per layout; afterwards a file whose header differs in nothing but the
origin costs one dictionary look-up and no copy of its pixels.
"""

from __future__ import annotations

import math
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.session import DummySession

from stacbuild.errors import SampleError
from stacbuild.raster import tiff
from stacbuild.raster.claims import allowance, check_claims

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stacbuild.raster.tiff import Directory

Transform = tuple[float, float, float, float, float, float]

AGAIN: Final = "Fetch or unpack it again"

_ORIGIN: Final = struct.Struct("<2d")
_PLAIN_TAGS: Final = frozenset(
    {256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 339}
    | {254, 282, 283, 296, 305, 306}  # subfile type, resolution, software and date: no pixels
    | {33550, 33922, 34735, 34736, 34737, 42113}
)
_FORMATS: Final = {
    (1, 8): "<u1", (1, 16): "<u2", (1, 32): "<u4", (1, 64): "<u8",
    (2, 8): "<i1", (2, 16): "<i2", (2, 32): "<i4", (2, 64): "<i8",
    (3, 32): "<f4", (3, 64): "<f8",
}  # fmt: skip
# GeoTIFF 1.1, table of keys: model type, raster type, three citations, angular and linear units.
_MODEL, _RASTER, _GEOGRAPHIC, _PROJECTED = 1024, 1025, 2048, 3072
_PLAIN_KEYS: Final = {1026: None, 2049: None, 3073: None, 2054: 9102, 3076: 9001}
_USER_DEFINED: Final = 32767


class Chip(NamedTuple):
    """A raster in memory.

    Parameters
    ----------
    array : ndarray, shape (bands, height, width)
        Native byte order; read-only where it is a view of the file's bytes.
    crs : str or None
        ``"EPSG:32633"``, or WKT where no EPSG code fits.
    transform : tuple of 6 float
        a, b, c, d, e, f of ``x = a col + b row + c``, ``y = d col + e row + f``, in CRS units,
        for the pixels' outer corners (rasterio's and STAC's order).
    nodata : int or float or None
        As the file declares it; int for integer pixels.
    descriptions : tuple of str
        One per band, empty where the band has none.
    """

    array: NDArray[Any]
    crs: str | None
    transform: Transform
    nodata: float | None
    descriptions: tuple[str, ...]

    @property
    def epsg(self) -> int | None:
        """The EPSG code, or None where there is none."""
        return int(self.crs[5:]) if self.crs and self.crs.startswith("EPSG:") else None

    @property
    def origin(self) -> tuple[float, float]:
        """Outer upper-left corner in CRS units."""
        return self.transform[2], self.transform[5]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top in CRS units; for north-up rasters."""
        a, _, left, _, e, top = self.transform
        return left, top + e * self.array.shape[1], left + a * self.array.shape[2], top


@dataclass(frozen=True, slots=True)
class PlainLayout:
    """All that the header of a plain TIFF says, but for its origin.

    Parameters
    ----------
    dtype : dtype
        Little-endian.
    shape : tuple of int
        Height and width.
    start : int
        Offset of the pixels, which lie in one piece.
    tie : int
        Offset of the origin: two doubles.
    scale : tuple of float
        Pixel width and height in CRS units, both positive.
    crs : str
        ``EPSG:<code>``.
    nodata : int or float or None
        As declared.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, int]
    start: int
    tie: int
    scale: tuple[float, float]
    crs: str
    nodata: float | None

    def chip(self, data: bytes, name: str) -> Chip:
        """Return the chip in a file of this layout, as a view of its bytes."""
        x, y = _ORIGIN.unpack_from(data, self.tie)
        if not (math.isfinite(x) and math.isfinite(y)):
            raise SampleError("unreadable-tiff", "its origin is not a number", file=name)
        height, width = self.shape
        array = np.frombuffer(data, self.dtype, height * width, self.start)
        return Chip(
            array.reshape(1, height, width),
            self.crs,
            (self.scale[0], 0.0, x, 0.0, -self.scale[1], y),
            self.nodata,
            ("",),
        )


class _Family(NamedTuple):
    """Layouts of files of one size: where the origin and the pixels are, layouts by the rest."""

    tie: int
    start: int
    layouts: dict[bytes, PlainLayout]


_FAMILIES: Final[dict[int, _Family]] = {}
_MAX_KNOWN: Final = 256


def read_chip(data: bytes, name: str) -> Chip:
    """Read one raw raster from its bytes.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        The file's name, for messages.

    Raises
    ------
    SampleError
        ``zero-byte``; ``not-a-tiff``; ``truncated-tiff`` if the directory or the pixels run past
        the end of the file; ``tiff-claims-too-much`` if it claims more pixels than its strips
        hold, or than `stacbuild.raster.claims` allows; ``unreadable-tiff`` for all that GDAL
        refuses.
    """
    family = _FAMILIES.get(len(data))
    if family is not None:
        tie, start, layouts = family
        layout = layouts.get(data[:tie] + data[tie + 16 : start])
        if layout is not None:
            return layout.chip(data, name)
    return _read_unknown(data, name)


def _read_unknown(data: bytes, name: str) -> Chip:
    """Read a file whose header was not met before."""
    if not data:
        raise SampleError("zero-byte", "the file is empty", file=name, mend=AGAIN)
    try:
        directory = tiff.parse(data)
        check_claims(directory)
        layout = plain_layout(directory)
    except tiff.TiffError as error:
        raise SampleError(error.kind, str(error), file=name, mend=AGAIN) from error
    if layout is None:
        return _read_gdal(data, name)
    # Only where the header ends before the pixels begin does its prefix say everything.
    if directory.end <= layout.start:
        _remember(data, layout)
    return layout.chip(data, name)


def _remember(data: bytes, layout: PlainLayout) -> None:
    """Keep a layout for the next file of this size; the number kept is bounded."""
    tie, start = layout.tie, layout.start
    family = _FAMILIES.get(len(data))
    if family is None or (family.tie, family.start) != (tie, start):
        if len(_FAMILIES) >= _MAX_KNOWN:
            _FAMILIES.clear()
        family = _FAMILIES[len(data)] = _Family(tie, start, {})
    if len(family.layouts) >= _MAX_KNOWN:
        family.layouts.clear()
    family.layouts[data[:tie] + data[tie + 16 : start]] = layout


def plain_layout(directory: Directory) -> PlainLayout | None:
    """Return the layout of a plain TIFF whose claims are checked; None if it is not plain."""
    get = directory.integer
    offsets = directory.integers(tiff.STRIP_OFFSETS)
    counts = directory.integers(tiff.STRIP_BYTE_COUNTS)
    code = _FORMATS.get((get(tiff.SAMPLE_FORMAT, 1), get(tiff.BITS_PER_SAMPLE, 1)))
    height, width = get(tiff.IMAGE_LENGTH, 0), get(tiff.IMAGE_WIDTH, 0)
    expected = (
        (tiff.COMPRESSION, 1),
        (tiff.SAMPLES_PER_PIXEL, 1),
        (tiff.PLANAR_CONFIG, 1),
        (tiff.ORIENTATION, 1),
        (254, 0),
    )
    if (
        directory.order != "<"
        or directory.big
        or directory.following
        or code is None
        or not directory.entries.keys() <= _PLAIN_TAGS
        or get(tiff.PHOTOMETRIC, -1) != 1
        or any(get(tag, value) != value for tag, value in expected)
        or sum(counts) != height * width * np.dtype(code).itemsize
        or any(offsets[i] + counts[i] != offsets[i + 1] for i in range(len(counts) - 1))
    ):
        return None
    scale = directory.numbers(tiff.MODEL_PIXEL_SCALE)
    tie = directory.numbers(tiff.MODEL_TIE_POINT)
    if directory.entries.get(tiff.MODEL_TIE_POINT, _NONE).type != tiff.DOUBLE:
        return None
    if len(scale) != 3 or len(tie) != 6 or any(tie[:3]) or tie[5]:  # noqa: PLR2004 - GeoTIFF 7.1
        return None
    if not (0 < scale[0] < math.inf and 0 < scale[1] < math.inf):
        return None
    crs, (nodata, known) = _plain_crs(directory), _plain_nodata(directory, np.dtype(code))
    if crs is None or not known:
        return None
    origin = directory.entries[tiff.MODEL_TIE_POINT].at + 24
    return PlainLayout(
        np.dtype(code), (height, width), offsets[0], origin, (scale[0], scale[1]), crs, nodata
    )


_NONE: Final = tiff.Entry(0, 0, 0)


def _plain_crs(directory: Directory) -> str | None:
    """Return the EPSG code of GeoKeys that say nothing else; None if they do."""
    keys = directory.integers(tiff.GEO_KEYS)
    if len(keys) < 4 or keys[0] != 1 or len(keys) != 4 + 4 * keys[3]:  # noqa: PLR2004 - 4 a key
        return None
    # What stands elsewhere (citations) has a tag number as location, and no value here.
    values = {keys[i]: None if keys[i + 1] else keys[i + 3] for i in range(4, len(keys), 4)}
    model = values.pop(_MODEL, None)
    code = values.pop({1: _PROJECTED, 2: _GEOGRAPHIC}.get(model or 0, 0), None)
    if values.pop(_RASTER, None) != 1 or code is None or not 0 < code < _USER_DEFINED:
        return None
    if any(key not in _PLAIN_KEYS or value != _PLAIN_KEYS[key] for key, value in values.items()):
        return None
    return f"EPSG:{code}"


def _plain_nodata(directory: Directory, dtype: np.dtype[Any]) -> tuple[float | None, bool]:
    """Return a declared nodata value, and whether it is one that needs no interpretation."""
    if tiff.GDAL_NODATA not in directory.entries:
        return None, True
    text = directory.raw(tiff.GDAL_NODATA).rstrip(b"\0 ")
    digits = text.removeprefix(b"-")
    if dtype.kind == "f" or not digits.isdigit() or len(digits) > 18:  # noqa: PLR2004 - int64
        return None, False
    limits = np.iinfo(dtype)
    value = int(text)
    return value, limits.min <= value <= limits.max


def gdal_env(**options: str) -> rasterio.Env:
    """Return the environment for GDAL: no credentials, no side files.

    Without it each `rasterio.open` builds a cloud session where credentials stand in the
    environment, which is nine times slower.
    """
    return rasterio.Env(
        session=DummySession(), GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO",
        **options,
    )  # fmt: skip


def _read_gdal(data: bytes, name: str) -> Chip:
    """Read a TIFF that is not plain: GDAL's GTiff driver and no other."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with gdal_env(), MemoryFile(data) as file, file.open(driver="GTiff") as source:
                return _chip_of(source, len(data))
    except SampleError as error:
        raise SampleError(error.kind, error.reason, file=name, mend=AGAIN) from None
    except Exception as error:  # whatever GDAL's Python side makes of damaged input
        reason = f"GDAL cannot read it: {error.__cause__ or error}"
        raise SampleError("unreadable-tiff", reason, file=name, mend=AGAIN) from error


def _chip_of(source: Any, held: int) -> Chip:  # noqa: ANN401 - rasterio has no types
    """Return an open dataset as a chip, unless it claims too much."""
    kinds = {np.dtype(name) for name in source.dtypes}
    size = sum(np.dtype(name).itemsize for name in source.dtypes) * source.width * source.height
    if len(kinds) > 1 or kinds.pop().kind not in "uif":
        raise SampleError("unreadable-tiff", f"its pixels are {', '.join(set(source.dtypes))}")
    if size > allowance(held):
        reason = f"it claims {size} bytes of pixels in a file of {held}"
        raise SampleError("tiff-claims-too-much", reason)
    nodata = source.nodata
    if nodata is not None and np.dtype(source.dtypes[0]).kind in "ui" and nodata % 1 == 0:
        nodata = int(nodata)
    a, b, c, d, e, f = (float(value) for value in source.transform[:6])
    if not all(map(math.isfinite, (a, b, c, d, e, f))):
        raise SampleError("unreadable-tiff", "its geotransform is not a number")
    return Chip(
        source.read(),
        crs_text(source.crs),
        (a, b, c, d, e, f),
        nodata,
        tuple(text or "" for text in source.descriptions),
    )


def crs_text(crs: Any) -> str | None:  # noqa: ANN401 - rasterio has no types
    """Return a rasterio CRS as ``EPSG:<code>`` where that is exact, else as WKT."""
    if not crs:
        return None
    code = crs.to_epsg(confidence_threshold=100)
    return f"EPSG:{code}" if code else str(crs.to_wkt())
