"""Check what a TIFF's header claims against what the file holds, before anything is allocated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacbuild.raster import tiff

if TYPE_CHECKING:
    from stacbuild.raster.tiff import Directory

MAX_BYTES: Final = 1 << 30
"""No chip may claim more than 1 GiB of pixels: 512 x 512 x 512 bands of float64."""

MAX_RATIO: Final = 4096
"""A file may claim this many times its own size (deflate reaches 1,032, LZW about 2,700)."""

MIN_ALLOWANCE: Final = 64 << 20
"""Claims up to 64 MiB pass whatever the ratio: constant chips under ZSTD, sparse files."""

MAX_BANDS: Final = 4096
"""GDAL's time to open a raster grows with the square of its bands: half a second for these."""


def allowance(held: int) -> int:
    """Return how many bytes of pixels a file of this many bytes may claim."""
    return min(MAX_BYTES, max(MIN_ALLOWANCE, MAX_RATIO * held))


def check_claims(directory: Directory) -> None:
    """Check what a header claims against what the file holds, before anything is allocated.

    Raises
    ------
    tiff.TiffError
        ``tiff-claims-too-much``, ``truncated-tiff`` or ``unreadable-tiff``.
    """
    held = len(directory.data)
    width = directory.integer(tiff.IMAGE_WIDTH, 0)
    height = directory.integer(tiff.IMAGE_LENGTH, 0)
    samples = directory.integer(tiff.SAMPLES_PER_PIXEL, 1)
    bits = max(directory.integers(tiff.BITS_PER_SAMPLE) or (1,))
    if not (width and height and samples and bits):
        raise tiff.TiffError("unreadable-tiff", "it has no width, height or samples")
    claimed = width * height * samples * bits // 8
    if samples > MAX_BANDS:
        raise tiff.TiffError("tiff-claims-too-much", f"it claims {samples} bands")
    if claimed > allowance(held):
        text = f"it claims {width} x {height} x {samples} pixels in a file of {held} bytes"
        raise tiff.TiffError("tiff-claims-too-much", text)
    _check_blocks(directory, (width, height, samples), bits)


def _check_blocks(directory: Directory, size: tuple[int, int, int], bits: int) -> None:
    """Check that strips or tiles hold the pixels and lie inside the file."""
    tiled = tiff.TILE_OFFSETS in directory.entries
    offsets = directory.integers(tiff.TILE_OFFSETS if tiled else tiff.STRIP_OFFSETS)
    counts = directory.integers(tiff.TILE_BYTE_COUNTS if tiled else tiff.STRIP_BYTE_COUNTS)
    width, height, samples = size
    per_sample = directory.integer(tiff.PLANAR_CONFIG, 1) == 2  # noqa: PLR2004 - separate planes
    if tiled:
        wide = directory.integer(tiff.TILE_WIDTH, 0)
        high = directory.integer(tiff.TILE_LENGTH, 0)
    else:
        wide, high = width, min(directory.integer(tiff.ROWS_PER_STRIP, height), height)
    if not (wide and high):
        raise tiff.TiffError("unreadable-tiff", "its strips or tiles have no size")
    down = -(-height // high)
    needed = down * -(-width // wide) * (samples if per_sample else 1)
    if min(len(offsets), len(counts)) < needed:
        text = f"its size needs {needed} strips or tiles, it has {min(len(offsets), len(counts))}"
        raise tiff.TiffError("tiff-claims-too-much", text)
    raw = directory.integer(tiff.COMPRESSION, 1) == 1
    row_bits = wide * (1 if per_sample else samples) * bits
    for index, (offset, count) in enumerate(zip(offsets, counts, strict=False)):
        last = not tiled and index % down == down - 1
        whole = (height - (down - 1) * high if last else high) * -(-row_bits // 8)
        if raw and count < whole and offset:
            text = f"it claims {whole} bytes for strip or tile {index}, which has {count}"
            raise tiff.TiffError("tiff-claims-too-much", text)
        if offset + count > len(directory.data):
            beyond = count > (whole if raw else len(directory.data))
            raise tiff.TiffError(
                "tiff-claims-too-much" if beyond else "truncated-tiff",
                f"strip or tile {index} ends at byte {offset + count}, "
                f"the file at byte {len(directory.data)}",
            )
