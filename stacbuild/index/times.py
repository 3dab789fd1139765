"""Instants of items: text in the items, timestamps in the tables."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stacbuild.index.schema import SchemaError

TIMES = frozenset(
    {
        "datetime",
        "start_datetime",
        "end_datetime",
        "created",
        "updated",
        "expires",
        "published",
        "unpublished",
    }
)
"""Item properties that are instants: STAC common metadata and the timestamps extension."""

INSTANT = pa.timestamp("us", tz="UTC")

_SECOND, _MILLI = 1_000_000, 1_000


def to_instants(array: pa.Array, path: str) -> pa.Array:
    """Return text as timestamps in microseconds, UTC.

    Raises
    ------
    SchemaError
        If a text is not RFC 3339 in UTC in the one spelling that `to_text` gives.
    """
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), INSTANT)
    if not pa.types.is_string(array.type):
        raise SchemaError(f"{path} is not text")
    try:
        instants = pc.cast(array, INSTANT)
    except pa.ArrowInvalid as error:
        raise SchemaError(f"{path}: {error}") from None
    again = pa.array(to_text(instants), pa.string())
    wrong = pc.fill_null(pc.not_equal(again, array), fill_value=False)
    if pc.any(wrong).as_py():
        text = array.filter(wrong)[0].as_py()
        raise SchemaError(
            f"{path} is {text!r}",
            mend="Write instants as 2017-06-13T10:10:31Z, fractions with three or six digits",
        )
    return instants


def to_text(array: pa.Array) -> list[str | None]:
    """Return timestamps as RFC 3339 text in UTC.

    Whole seconds without fraction; else three digits, or six where three do not suffice.
    """
    micros = pc.cast(array, pa.int64()).fill_null(0).to_numpy()
    stamps = micros.astype("datetime64[us]")
    text: Any = np.datetime_as_string(stamps, unit="s").astype(object)
    units: tuple[tuple[Literal["ms", "us"], int], ...] = (("ms", _SECOND), ("us", _MILLI))
    for unit, step in units:
        finer = micros % step != 0
        if finer.any():
            text[finer] = np.datetime_as_string(stamps[finer], unit=unit)
    text += "Z"
    if array.null_count:
        text[array.is_null().to_numpy(zero_copy_only=False)] = None
    found: list[str | None] = text.tolist()
    return found
