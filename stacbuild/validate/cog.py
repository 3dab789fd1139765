"""Whether a file is a cloud-optimized GeoTIFF, and the one that its asset describes.

The structure is read here from the bytes, without GDAL and without the code that writes chips, in
some 0.03 ms. Tags: TIFF 6.0; GeoKeys: OGC 19-008r4; the layout and its ghost area: GDAL, "COG -
Cloud Optimized GeoTIFF generator", section "File layout".
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from stacbuild.validate.findings import Finding, error, warning

if TYPE_CHECKING:
    from stacbuild.validate.folder import Content

WIDTH, HEIGHT, BITS, SAMPLES = 256, 257, 258, 277
SUBFILE, PLANAR, TILE_WIDTH, TILE_HEIGHT = 254, 284, 322, 323
TILE_OFFSETS, TILE_SIZES, FORMAT = 324, 325, 339
PIXEL_SCALE, TIE_POINT, TRANSFORMATION, GEO_KEYS = 33550, 33922, 34264, 34735
GDAL_METADATA, GDAL_NODATA = 42112, 42113
RASTER_TYPE_KEY, GEOGRAPHIC_KEY, PROJECTED_KEY = 1025, 2048, 3072
_PIXEL_IS_POINT = 2

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8, 17: 8}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 16: "Q", 17: "q"}
_ASCII = 2
_DTYPES = {
    (1, 8): "uint8", (1, 16): "uint16", (1, 32): "uint32", (1, 64): "uint64",
    (2, 8): "int8", (2, 16): "int16", (2, 32): "int32", (2, 64): "int64",
    (3, 16): "float16", (3, 32): "float32", (3, 64): "float64",
    (5, 32): "cint16", (5, 64): "cint32", (6, 64): "cfloat32", (6, 128): "cfloat64",
}  # fmt: skip
"""STAC's name of a data type, by SampleFormat and BitsPerSample."""
_MOST_IFDS = 64
_MOST_TAGS = 512
_GHOST = re.compile(rb"GDAL_STRUCTURAL_METADATA_SIZE=\d{6} bytes\n")
_DESCRIPTION = re.compile(
    r'<Item (?=[^>]*name="DESCRIPTION")(?=[^>]*sample="(\d+)")[^>]*>([^<]*)</Item>'
)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_TOLERANCE = 1e-9
"""Relative: what a decimal number loses on its way through JSON and back is far below it."""

Tags = dict[int, Any]


class Malformed(Exception):  # noqa: N818 - a fact about a file
    """The bytes are not a TIFF that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Tiff:
    """The structure of a TIFF.

    Parameters
    ----------
    ifds : tuple of dict
        Tags of each image: numbers to tuples of numbers, or to text.
    offsets : tuple of int
        Where each IFD lies in the file.
    ghost : bytes
        What stands between header and first IFD.
    """

    ifds: tuple[Tags, ...]
    offsets: tuple[int, ...]
    ghost: bytes


def parse(data: Content) -> Tiff:
    """Read the structure of a classic TIFF or a BigTIFF.

    Parameters
    ----------
    data : bytes or mmap
        The whole file. No claim in it is believed beyond its own length.

    Raises
    ------
    Malformed
        If it is no TIFF, or one that points outside itself.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:  # noqa: PLR2004 - the header of a BigTIFF
        raise Malformed("it does not start as a TIFF does")
    (magic,) = struct.unpack_from(order + "H", data, 2)
    if magic not in (42, 43):
        raise Malformed("it does not start as a TIFF does")
    big = magic == 43  # noqa: PLR2004 - BigTIFF
    (place,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    start = 16 if big else 8
    ghost = data[start : min(place, start + 4096)]
    ifds: list[Tags] = []
    offsets: list[int] = []
    while place:
        if place in offsets or len(offsets) >= _MOST_IFDS:
            raise Malformed("its directories run in a circle, or are too many")
        offsets.append(place)
        tags, place = _directory(data, place, order, big=big)
        ifds.append(tags)
    return Tiff(tuple(ifds), tuple(offsets), ghost)


def _directory(data: Content, place: int, order: str, *, big: bool) -> tuple[Tags, int]:
    head, entry, inline, link = ("Q", "HHQ", 8, "Q") if big else ("H", "HHI", 4, "I")
    entry_head = struct.Struct(order + entry)
    step = entry_head.size + inline
    try:
        (count,) = struct.unpack_from(order + head, data, place)
        if count > _MOST_TAGS:
            raise Malformed("a directory claims too many tags")
        first = place + struct.calcsize(order + head)
        tags: Tags = {}
        for at in range(first, first + count * step, step):
            tag, kind, number = entry_head.unpack_from(data, at)
            size = _SIZES.get(kind, 0) * number
            where = at + entry_head.size
            if size > inline:
                (where,) = struct.unpack_from(order + link, data, where)
            if where + size > len(data):
                raise Malformed(f"tag {tag} points outside the file")
            if kind == _ASCII:
                tags[tag] = data[where : where + size].rstrip(b"\0").decode("utf-8", "replace")
            elif kind in _CODES:
                tags[tag] = struct.unpack_from(f"{order}{number}{_CODES[kind]}", data, where)
        (following,) = struct.unpack_from(order + link, data, first + count * step)
    except struct.error as reason:
        raise Malformed("a directory lies outside the file") from reason
    return tags, following


def check_cog(
    data: Content, asset: dict[str, Any], properties: dict[str, Any], file: str
) -> list[Finding]:
    """Return where a file is no COG, or not the one that its asset describes.

    Parameters
    ----------
    data : bytes or mmap
        The whole file.
    asset : dict
        The asset, with ``proj:*``, ``bands``, ``data_type`` and ``nodata``.
    properties : dict
        The item's properties, for what the asset does not repeat (``proj:code``).
    file : str
        The file's name, for the findings.
    """
    try:
        tiff = parse(data)
        layout = _layout_faults(tiff, data)
        faults = _agreement_faults(tiff.ifds[0], asset, properties) if tiff.ifds else []
    except Malformed as reason:
        return [error("cog-layout", file, str(reason))]
    except (LookupError, TypeError, ValueError, ArithmeticError) as reason:
        text = f"its tags do not fit together ({type(reason).__name__}: {reason})"
        return [error("cog-layout", file, text)]
    found = [error("cog-layout", file, text) for text in layout]
    found += [error("cog-asset", file, text) for text in faults]
    if not _GHOST.match(tiff.ghost):
        found.append(warning("cog-ghost", file, "GDAL's structural metadata is missing"))
    return found


def _layout_faults(tiff: Tiff, data: Content) -> list[str]:
    """Check that headers come first, then the tiles, those of the smallest overview first."""
    if not tiff.ifds:
        return ["it holds no image"]
    faults = []
    if list(tiff.offsets) != sorted(tiff.offsets):
        faults.append("its directories are not in order")
    # GDAL may weave the tiles of masks into those of the images: each kind is in order by itself.
    masks = [tags for tags in tiff.ifds if _is_mask(tags)]
    images = [tags for tags in tiff.ifds if not _is_mask(tags)]
    for group in (images, masks):
        if not all(_is_smaller(overview, image) for image, overview in pairwise(group)):
            faults.append("its overviews do not go from large to small")
        after = tiff.offsets[-1]
        for tags in reversed(group):
            if TILE_OFFSETS not in tags:
                return [*faults, "it is not tiled"]
            if _tile_count(tags) != len(tags[TILE_OFFSETS]):
                faults.append("the number of its tiles does not fit its size")
            fault, after = _tile_fault(tags, data, after, tiff.ghost)
            if fault is not None:
                return [*faults, fault]
    return faults


def _tile_fault(tags: Tags, data: Content, after: int, ghost: bytes) -> tuple[str | None, int]:
    """Check an image's tiles; return the first fault, and where the last one ends."""
    leaders = b"BLOCK_LEADER=SIZE_AS_UINT4" in ghost
    trailers = b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED" in ghost
    for where, size in zip(tags[TILE_OFFSETS], tags[TILE_SIZES], strict=True):
        if not size:
            continue  # an empty tile: all nodata
        if where + size > len(data):
            return "a tile lies outside the file", after
        if where < after:
            return "its tiles are not in order after the headers", after
        if leaders and data[where - 4 : where] != size.to_bytes(4, "little"):
            return "the size in front of a tile is not that of the tile", after
        after = where + size
        if trailers:
            if data[after : after + 4] != data[after - 4 : after]:
                return "the last bytes of a tile are not repeated after it", after
            after += 4
    return None, after


def _is_mask(tags: Tags) -> bool:
    return bool(tags.get(SUBFILE, (0,))[0] & 4)


def _is_smaller(overview: Tags, image: Tags) -> bool:
    size = (overview[WIDTH][0], overview[HEIGHT][0])
    limit = (image[WIDTH][0], image[HEIGHT][0])
    return size[0] <= limit[0] and size[1] <= limit[1] and size != limit


def _tile_count(tags: Tags) -> int:
    across = -(-int(tags[WIDTH][0]) // int(tags[TILE_WIDTH][0]))
    down = -(-int(tags[HEIGHT][0]) // int(tags[TILE_HEIGHT][0]))
    planes = int(tags[SAMPLES][0]) if tags.get(PLANAR, (1,))[0] != 1 else 1
    return across * down * planes


def _agreement_faults(tags: Tags, asset: dict[str, Any], properties: dict[str, Any]) -> list[str]:
    bands = asset.get("bands") or [{}]
    samples = tags.get(SAMPLES, (1,))[0]
    faults = []
    if samples != len(bands):
        faults.append(f"it has {samples} bands, the asset {len(bands)}")
    shape = [tags[HEIGHT][0], tags[WIDTH][0]]
    if asset.get("proj:shape") not in (None, shape):
        faults.append(f"its shape is {shape}, the asset's proj:shape {asset['proj:shape']}")
    dtype = _DTYPES.get((tags.get(FORMAT, (1,))[0], tags[BITS][0]))
    named = {band.get("data_type", asset.get("data_type")) for band in bands} - {None}
    if named and named != {dtype}:
        faults.append(f"its data type is {dtype}, the asset's {', '.join(sorted(named))}")
    faults += _place_faults(tags, asset, properties)
    faults += _nodata_faults(tags, [band.get("nodata", asset.get("nodata")) for band in bands])
    names = dict(_DESCRIPTION.findall(tags.get(GDAL_METADATA, "")))
    for place, band in enumerate(bands):
        # GDAL escapes a description for its tag, and once more for the XML.
        described = _plain(_plain(names.get(str(place), "")))
        if described and described != band.get("name", described):
            faults.append(f"its band {place + 1} is {described}, the asset's {band['name']}")
    return faults


def _place_faults(tags: Tags, asset: dict[str, Any], properties: dict[str, Any]) -> list[str]:
    faults = []
    transform = _transform(tags)
    stated = asset.get("proj:transform")
    if stated is not None and not _close(transform, stated[:6]):
        faults.append(f"its transform is {transform}, the asset's proj:transform {stated}")
    code = asset.get("proj:code", properties.get("proj:code"))
    if stated is not None and isinstance(code, str) and code.startswith("EPSG:"):
        found = _geo_keys(tags)
        own = found.get(PROJECTED_KEY, found.get(GEOGRAPHIC_KEY))
        if own != int(code[5:]):
            faults.append(f"its CRS is EPSG:{own}, the asset's proj:code {code}")
    return faults


def _geo_keys(tags: Tags) -> dict[int, int]:
    """Return the GeoKeys whose values stand in the directory itself."""
    keys = tags.get(GEO_KEYS, ())
    return {keys[i]: keys[i + 3] for i in range(4, len(keys) - 3, 4) if keys[i + 1] == 0}


def _transform(tags: Tags) -> list[float] | None:
    """Return the affine transform in rasterio's order: a, b, c, d, e, f."""
    if TRANSFORMATION in tags:
        m = tags[TRANSFORMATION]
        return [m[0], m[1], m[3], m[4], m[5], m[7]]
    if PIXEL_SCALE in tags and TIE_POINT in tags:
        scale, tie = tags[PIXEL_SCALE], tags[TIE_POINT]
        left, top = tie[3] - tie[0] * scale[0], tie[4] + tie[1] * scale[1]
        if _geo_keys(tags).get(RASTER_TYPE_KEY) == _PIXEL_IS_POINT:
            # The tie point is the middle of a pixel then; a transform starts at its corner.
            left, top = left - scale[0] / 2, top + scale[1] / 2
        return [scale[0], 0.0, left, 0.0, -scale[1], top]
    return None


def _close(own: list[float] | None, stated: list[float]) -> bool:
    return own is not None and all(
        abs(a - b) <= _TOLERANCE * max(abs(a), abs(b)) for a, b in zip(own, stated, strict=True)
    )


def _nodata_faults(tags: Tags, stated: list[Any]) -> list[str]:
    own = tags.get(GDAL_NODATA)
    text = None if own is None else str(own).strip(" \0")
    if text is None and set(stated) == {None}:
        return []
    # As numbers: the tag may say "0" or "0.0"; as text, so that nan equals nan.
    value = None if text is None else str(float(text))
    if any(value != (None if one is None else str(float(one))) for one in stated):
        return [f"its nodata is {text}, the asset's {stated[0]}"]
    return []


def _plain(text: str) -> str:
    for entity, letter in _ENTITIES.items():
        text = text.replace(entity, letter)
    return text
