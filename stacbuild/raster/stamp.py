"""Stamp chips: pixels of at most 512 px a side to the bytes of a Cloud Optimized GeoTIFF.

GDAL writes the header once per `ChipSpec`; every chip patches its origin and the place and
length of its tiles into a copy of it. The layout is that of GDAL's COG driver for one resolution
level: header, structural metadata, directory, then one tile per band (uint8 RGB pictures: one
tile for all three), each between a leader (its size) and a trailer (its last four bytes again),
as GDAL's "COG" driver page documents it. A chip of this size needs no overviews.

Tiles are deflate streams by ISA-L at level 1 or 2, whose output does not depend on the processor
(level 3 does), behind the predictor that suits the type: differences of neighbours for integers
(TIFF predictor 2), the same over byte planes for floats (predictor 3).
"""

from __future__ import annotations

import math
import struct
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from isal import isal_zlib
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from stacbuild.raster import tiff
from stacbuild.raster.claims import MAX_BANDS
from stacbuild.raster.predict import float_tiles, integer_tiles, picture_tiles
from stacbuild.raster.read import gdal_env

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stacbuild.raster.predict import Tiler

PIXEL_FORMAT: Final = 1
"""Raise it by hand whenever the same pixels become other bytes."""

MAX_SIDE: Final = 512
"""Larger rasters need overviews: see `stacbuild.raster.translate`."""

DTYPES: Final = frozenset(
    "uint8 int8 uint16 int16 uint32 int32 uint64 int64 float32 float64".split()  # noqa: SIM905
)

_STRUCTURE: Final = (
    b"LAYOUT=IFDS_BEFORE_DATA\n"
    b"BLOCK_ORDER=ROW_MAJOR\n"
    b"BLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
    b"KNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_GHOST: Final = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_STRUCTURE) + _STRUCTURE + b"\0"
_ORIGIN: Final = struct.Struct("<2d")
_SIZE: Final = struct.Struct("<I")


@dataclass(frozen=True)
class ChipSpec:
    """All that chips of one kind have in common: everything but pixels and origin.

    Parameters
    ----------
    height, width : int
        In pixels, 1 to 512.
    bands : int
        1 to 4096.
    dtype : str
        One of `DTYPES`.
    crs : str or None
        ``"EPSG:32633"`` or WKT.
    resolution : tuple of float or None
        Pixel width and height in CRS units, both positive; None where chips have no location.
    nodata : int or float or None
        Written as GDAL's nodata tag; None writes no tag.
    descriptions : tuple of str
        One per band, or empty.
    photometric : str
        ``"minisblack"``, or ``"rgb"`` for three bands of uint8, which are then interleaved by
        pixel: pictures are read whole, and compress better so.
    level : int
        Deflate level of ISA-L, 1 or 2.
    """

    height: int
    width: int
    bands: int = 1
    dtype: str = "uint16"
    crs: str | None = None
    resolution: tuple[float, float] | None = None
    nodata: float | None = None
    descriptions: tuple[str, ...] = ()
    photometric: str = "minisblack"
    level: int = 2

    def __post_init__(self) -> None:
        """Refuse what cannot be stamped."""
        checks = (
            (min(self.height, self.width) >= 1, "a chip has at least one pixel"),
            (
                max(self.height, self.width) <= MAX_SIDE,
                f"a side above {MAX_SIDE} px needs overviews: translate it",
            ),
            (1 <= self.bands <= MAX_BANDS, f"a chip has 1 to {MAX_BANDS} bands"),
            (self.dtype in DTYPES, f"no chip of {self.dtype}; known: {', '.join(sorted(DTYPES))}"),
            (
                len(self.descriptions) in {0, self.bands},
                "there is one description per band or none",
            ),
            (self.level in {1, 2}, "deflate level 1 or 2: others are not deterministic or slow"),
            (self.photometric in {"minisblack", "rgb"}, "photometric is minisblack or rgb"),
            (
                self.photometric != "rgb" or (self.bands, self.dtype) == (3, "uint8"),
                "a picture is three bands of uint8",
            ),
            (self.crs is None or self.resolution is not None, "a CRS needs a resolution"),
            (
                self.resolution is None or all(0 < side < math.inf for side in self.resolution),
                "only north-up rasters: a resolution is two positive numbers",
            ),
        )
        for holds, reason in checks:
            if not holds:
                raise ValueError(reason)

    @property
    def interleaved(self) -> bool:
        """Whether all bands of a pixel stand together, in one tile."""
        return self.photometric == "rgb"


def stamp(spec: ChipSpec, array: NDArray[Any], origin: tuple[float, float] | None = None) -> bytes:
    """Return a chip as the bytes of a Cloud Optimized GeoTIFF.

    Parameters
    ----------
    spec : ChipSpec
        What the chip is.
    array : ndarray, shape (bands, height, width)
        Pixels of the spec's dtype, native byte order.
    origin : tuple of float or None
        x and y of the outer upper-left corner in CRS units; None where the spec has no
        resolution.

    Raises
    ------
    ValueError
        If array or origin are not what the spec says.
    """
    plan = _plan(spec)
    if array.shape != plan.shape or array.dtype != plan.dtype:
        raise ValueError(f"the chip is {array.shape} {array.dtype}, not {plan.shape} {plan.dtype}")
    if (origin is None) != (plan.tie == 0):
        raise ValueError("a chip has an origin exactly if its spec has a resolution")
    if origin is not None and not (math.isfinite(origin[0]) and math.isfinite(origin[1])):
        raise ValueError(f"the origin {origin} is not two finite numbers")
    parts: list[bytes | bytearray] = [b""]
    offset, offsets, counts = plan.start, [], []
    for tile in plan.tiler(np.ascontiguousarray(array), plan.block):
        data = isal_zlib.compress(tile, spec.level)
        size = len(data)
        parts += (_SIZE.pack(size), data, data[-4:])
        offsets.append(offset)
        counts.append(size)
        offset += size + 8
    header = bytearray(plan.header)
    plan.numbers.pack_into(header, plan.offsets, *offsets)
    plan.numbers.pack_into(header, plan.counts, *counts)
    if origin is not None:
        _ORIGIN.pack_into(header, plan.tie, *origin)
    parts[0] = header
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A header ready to be patched, and where."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    block: tuple[int, int]
    tiler: Tiler
    header: bytes
    tie: int
    offsets: int
    counts: int
    numbers: struct.Struct

    @property
    def start(self) -> int:
        """Offset of the first tile: behind the header and the tile's leader."""
        return len(self.header) + _SIZE.size


@lru_cache(maxsize=256)
def _plan(spec: ChipSpec) -> _Plan:
    """Return the plan of a spec: GDAL's tags, laid out anew."""
    template = tiff.parse(_template(spec))
    tiles = 1 if spec.interleaved else spec.bands
    empty = bytes(4 * tiles)
    fields = [
        (tag, entry.type, entry.count, template.raw(tag))
        for tag, entry in template.entries.items()
        if tag not in {tiff.TILE_OFFSETS, tiff.TILE_BYTE_COUNTS}
    ]
    fields += [
        (tiff.TILE_OFFSETS, tiff.LONG, tiles, empty),
        (tiff.TILE_BYTE_COUNTS, tiff.LONG, tiles, empty),
    ]
    start = 8 + len(_GHOST)
    directory, where = tiff.pack(fields, start)
    dtype = np.dtype(spec.dtype)
    floats = float_tiles if dtype.kind == "f" else integer_tiles
    return _Plan(
        shape=(spec.bands, spec.height, spec.width),
        dtype=dtype,
        block=(_block(spec.height), _block(spec.width)),
        tiler=picture_tiles if spec.interleaved else floats,
        header=b"II*\0" + _SIZE.pack(start) + _GHOST + directory,
        tie=where[tiff.MODEL_TIE_POINT] + 24 if spec.resolution else 0,
        offsets=where[tiff.TILE_OFFSETS],
        counts=where[tiff.TILE_BYTE_COUNTS],
        numbers=struct.Struct(f"<{tiles}I"),
    )


def _block(side: int) -> int:
    """Return the side of a tile: TIFF wants a multiple of 16."""
    return -(-side // 16) * 16


def _template(spec: ChipSpec) -> bytes:
    """Return an empty TIFF of this spec as GDAL writes it."""
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": spec.height,
        "width": spec.width,
        "count": spec.bands,
        "dtype": spec.dtype,
        "nodata": spec.nodata,
        "tiled": True,
        "blockxsize": _block(spec.width),
        "blockysize": _block(spec.height),
        "interleave": "pixel" if spec.interleaved else "band",
        "compress": "deflate",
        "predictor": 3 if spec.dtype.startswith("float") else 2,
        "photometric": spec.photometric,
        "sparse_ok": True,
    }
    if spec.crs is not None:
        profile["crs"] = spec.crs
    if spec.resolution is not None:
        # Any origin will do but zero, which GDAL may take for no location at all.
        wide, high = spec.resolution
        profile["transform"] = Affine(wide, 0, wide, 0, -high, high)
    try:
        with warnings.catch_warnings(), gdal_env(), MemoryFile() as file:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with file.open(**profile) as target:
                for band, text in enumerate(spec.descriptions, 1):
                    target.set_band_description(band, text)
            with file.open() as source:
                if (spec.crs is None) != (source.crs is None):
                    raise ValueError(f"GeoTIFF cannot hold this CRS: {spec.crs}")
            return bytes(file.read())
    except RasterioError as error:
        raise ValueError(f"GDAL refuses this kind of chip: {error}") from error
