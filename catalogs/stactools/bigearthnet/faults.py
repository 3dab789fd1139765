"""Broken patches, one of each kind that the reader rejects."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from stactools.bigearthnet import constants as c
from stactools.bigearthnet.raw import JSON_SUFFIX
from stactools.bigearthnet.rawtiff import raw_tiff

if TYPE_CHECKING:
    from collections.abc import Callable

    from stactools.bigearthnet.plan import Planned

    Files = dict[str, bytes]
    Fault = Callable[[Planned, Files], None]

TWO_SPLITS: Final = "two-splits"
"""The one fault that lies in the lists and not in the files."""

_LENGTH_VALUE: Final = 30
"""Offset of the value of ImageLength in a band's header."""
_SPLITS: Final = ("train", "val", "test")


def broken(kind: str, planned: Planned, files: Files) -> Files:
    """Return the files of a patch with one fault.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    planned : Planned
        The patch.
    files : dict of str to bytes
        Its files as they should be; not changed.
    """
    found = dict(files)
    _FAULTS[kind](planned, found)
    return found


def listed_in(kind: str | None, planned: Planned) -> tuple[str, ...]:
    """Return the lists that hold a patch; ``kind`` is its fault, None if it is whole."""
    if kind != TWO_SPLITS:
        return (planned.listed,)
    first = planned.listed if planned.listed in _SPLITS else _SPLITS[0]
    return first, _SPLITS[(_SPLITS.index(first) + 1) % len(_SPLITS)]


def _band(planned: Planned, band: str) -> str:
    return f"{planned.name}_{band}.tif"


def _pixels(
    planned: Planned, band: str, files: Files
) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    size = c.BAND[band].size
    data = files[_band(planned, band)]
    return np.frombuffer(data, "<u2", offset=len(data) - 2 * size * size).reshape(size, size)


def _missing_band(planned: Planned, files: Files) -> None:
    del files[_band(planned, "B06")]


def _extra_band(planned: Planned, files: Files) -> None:
    """Add the band that the release leaves out."""
    files[_band(planned, "B10")] = files[_band(planned, "B09")]


def _wrong_shape(planned: Planned, files: Files) -> None:
    pixels = _pixels(planned, "B05", files)[:-1]
    files[_band(planned, "B05")] = raw_tiff(pixels, planned.tile.epsg, planned.corner, 20)


def _wrong_dtype(planned: Planned, files: Files) -> None:
    pixels = _pixels(planned, "B04", files).view("<i2")
    files[_band(planned, "B04")] = raw_tiff(pixels, planned.tile.epsg, planned.corner, 10)


def _truncated(planned: Planned, files: Files) -> None:
    files[_band(planned, "B08")] = files[_band(planned, "B08")][:20_000]


def _claims_too_much(planned: Planned, files: Files) -> None:
    """Claim 60,000 rows in a file that holds 120."""
    data = bytearray(files[_band(planned, "B02")])
    struct.pack_into("<H", data, _LENGTH_VALUE, 60_000)
    files[_band(planned, "B02")] = bytes(data)


def _crs_differs(planned: Planned, files: Files) -> None:
    epsg = planned.tile.epsg
    other = next(tile.epsg for tile in c.TILES.values() if tile.epsg != epsg)
    pixels = _pixels(planned, "B11", files)
    files[_band(planned, "B11")] = raw_tiff(pixels, other, planned.corner, 20)


def _json_missing(planned: Planned, files: Files) -> None:
    del files[planned.name + JSON_SUFFIX]


def _json_unparsable(planned: Planned, files: Files) -> None:
    files[planned.name + JSON_SUFFIX] = files[planned.name + JSON_SUFFIX][:-40]


def _unknown_label(planned: Planned, files: Files) -> None:
    """Add the CORINE class that the release does not have."""
    content = json.loads(files[planned.name + JSON_SUFFIX])
    content["labels"].append("Glaciers and perpetual snow")
    files[planned.name + JSON_SUFFIX] = json.dumps(content).encode("ascii")


def _off_lattice(planned: Planned, files: Files) -> None:
    """Move the rasters and the JSON alike by one fine pixel."""
    ulx, uly = planned.corner
    for band in c.BANDS:
        pixels = _pixels(planned, band.name, files)
        moved = raw_tiff(pixels, planned.tile.epsg, (ulx + 10, uly - 10), band.resolution)
        files[_band(planned, band.name)] = moved
    content = json.loads(files[planned.name + JSON_SUFFIX])
    for key, shift in (("ulx", 10), ("uly", -10), ("lrx", 10), ("lry", -10)):
        content["coordinates"][key] += shift
    files[planned.name + JSON_SUFFIX] = json.dumps(content).encode("ascii")


def _zero_byte(planned: Planned, files: Files) -> None:
    files[_band(planned, "B03")] = b""


def _unchanged(_planned: Planned, _files: Files) -> None:
    """Leave the files: the lists are at fault."""


_FAULTS: Final[dict[str, Fault]] = {
    "missing-band": _missing_band,
    "extra-band": _extra_band,
    "wrong-shape": _wrong_shape,
    "wrong-dtype": _wrong_dtype,
    "truncated-tiff": _truncated,
    "tiff-claims-too-much": _claims_too_much,
    "crs-differs": _crs_differs,
    "json-missing": _json_missing,
    "json-unparsable": _json_unparsable,
    "unknown-label": _unknown_label,
    "off-lattice": _off_lattice,
    TWO_SPLITS: _unchanged,
    "zero-byte": _zero_byte,
}
KINDS: Final = tuple(_FAULTS)
"""Kinds of `stacbuild.errors.SampleError`, one for each broken patch of a sample."""
