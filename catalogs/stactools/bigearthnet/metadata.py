"""Read what a patch's JSON claims.

The format is in the dataset's description: five keys, or six once the authors' tool has added
the 19-class labels. Claims are kept as found.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from stacbuild.errors import SampleError
from stacbuild.stac.encode import loads
from stactools.bigearthnet import constants as c

METADATA_LIMIT: Final = 1 << 16
"""Bytes of a patch's JSON; real ones have about a thousand."""

AGAIN: Final = "Fetch or unpack it again"


class PatchMetadata(NamedTuple):
    """What a patch's JSON claims."""

    labels: list[str]
    """43-class names."""
    labels_19: list[str] | None
    """19-class names, if the original tools added them."""
    ulx: int
    uly: int
    lrx: int
    lry: int
    epsg: int
    tile_source: str
    """Name of an L1C product; its time is that of the patch's name, so it need not exist."""
    mission: str
    """From ``tile_source``, such as ``S2A``."""
    date: str
    """The same, YYYYMMDD."""
    tile: str
    """The same, MGRS."""
    acquisition_date: str


_SOURCE: Final = re.compile(
    r"(S2[AB])_MSIL1C_(\d{8})T\d{5,6}_N\d{4}_R\d{3}_T(\d\d[A-Z]{3})_\d{8}T\d{6}(?:\.SAFE)?",
    re.ASCII,
)
_EPSG: Final = re.compile(r'PROJCS\[.{,2000},AUTHORITY\["EPSG","(\d{4,5})"\]\]', re.ASCII)
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T]\d\d:\d\d:\d\d", re.ASCII)
_REQUIRED: Final = frozenset(
    ("labels", "coordinates", "projection", "tile_source", "acquisition_date")
)
_LABELS_19: Final = "BigEarthNet_19_labels"
_EXTENDED: Final = _REQUIRED | {_LABELS_19}


def parse_metadata(data: bytes, name: str) -> PatchMetadata:
    """Read a patch's JSON.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        Its name, for messages.

    Raises
    ------
    SampleError
        ``zero-byte``; ``json-unparsable``; ``json-keys`` where keys or values are not a patch's;
        ``unknown-label``; ``json-disagrees`` where the 19-class labels do not follow from the 43.
    """
    found = _parsed(data, name)
    labels = _names(found["labels"], c.INDEX_43, name)
    if not labels:
        raise SampleError("json-keys", "there is no label", file=name)
    labels_19 = None
    if _LABELS_19 in found:
        labels_19 = _names(found[_LABELS_19], c.INDEX_19, name)
        _check_labels_19(labels, labels_19, name)
    ulx, uly, lrx, lry = _corners(found["coordinates"], name)
    (epsg,) = _matched(_EPSG, found, "projection", name)
    mission, day, tile = _matched(_SOURCE, found, "tile_source", name)
    if _matched(_DATE, found, "acquisition_date", name) != (day[:4], day[4:6], day[6:]):
        reason = f"acquisition_date is {found['acquisition_date']}, the day of tile_source {day}"
        raise SampleError("json-disagrees", reason, file=name)
    return PatchMetadata(
        labels=labels,
        labels_19=labels_19,
        ulx=ulx,
        uly=uly,
        lrx=lrx,
        lry=lry,
        epsg=int(epsg),
        tile_source=found["tile_source"],
        mission=mission,
        date=day,
        tile=tile,
        acquisition_date=found["acquisition_date"],
    )


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    """Return a JSON object with a patch's keys."""
    if not data:
        raise SampleError("zero-byte", "the file is empty", file=name, mend=AGAIN)
    if len(data) > METADATA_LIMIT:
        raise SampleError("json-unparsable", f"{len(data):,} bytes are too many", file=name)
    try:
        found = loads(data)
    except ValueError as error:
        reason = f"not JSON: {error}"
        raise SampleError("json-unparsable", reason, file=name, mend=AGAIN) from error
    if not isinstance(found, dict) or found.keys() not in (_REQUIRED, _EXTENDED):
        keys = sorted(found) if isinstance(found, dict) else type(found).__name__
        reason = f"other keys than a patch has: {str(keys)[:200]}"
        raise SampleError("json-keys", reason, file=name)
    return found


def _matched(
    pattern: re.Pattern[str], found: dict[str, Any], key: str, name: str
) -> tuple[str, ...]:
    """Return the groups of a pattern that a value has to match."""
    value = found[key]
    groups = _groups(pattern, value) if isinstance(value, str) else None
    if groups is None:
        raise SampleError("json-keys", f"{key} is {str(value)[-80:]!r}", file=name)
    return groups


@lru_cache(maxsize=1024)
def _groups(pattern: re.Pattern[str], value: str) -> tuple[str, ...] | None:
    """Match once what comes again and again: seven projections, 159 products."""
    match = pattern.fullmatch(value)
    return None if match is None else match.groups()


def _check_labels_19(labels: list[str], labels_19: list[str], name: str) -> None:
    derived = {c.TO_19[c.INDEX_43[label]] for label in labels} - {None}
    if derived != {c.INDEX_19[label] for label in labels_19}:
        reason = f"the 19-class labels {labels_19} do not follow from {labels}"
        raise SampleError("json-disagrees", reason, file=name)


def _corners(value: Any, name: str) -> list[int]:  # noqa: ANN401 - untrusted JSON
    keys = ("ulx", "uly", "lrx", "lry")
    if not isinstance(value, dict) or value.keys() != set(keys):
        raise SampleError("json-keys", "coordinates are not ulx, uly, lrx, lry", file=name)
    sides = [value[key] for key in keys]
    if not all(type(side) is int for side in sides):
        raise SampleError("json-keys", f"coordinates are {sides}, not integers", file=name)
    return sides


def _names(value: Any, known: dict[str, int], name: str) -> list[str]:  # noqa: ANN401 - untrusted JSON
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise SampleError("json-keys", "labels are not a list of names", file=name)
    for one in value:
        if one not in known:
            raise SampleError("unknown-label", f"{one[:80]!r} is not a class", file=name)
    if len(set(value)) < len(value):
        raise SampleError("json-keys", "a label comes twice", file=name)
    return value
