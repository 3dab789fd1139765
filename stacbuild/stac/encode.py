"""The one JSON encoder: deterministic bytes, key order as built.

Items are compact, because there are millions of them. Catalogs, collections and reports are
indented: people read and diff them.
"""

from __future__ import annotations

from typing import Any

import orjson


def dumps_item(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return compact JSON in UTF-8, without a newline at the end."""
    return orjson.dumps(value)


def dumps_pretty(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return JSON in UTF-8 with two spaces of indent and a newline at the end."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def dumps_canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return compact JSON with sorted keys, for digests; bytes become hexadecimal text."""
    return orjson.dumps(value, default=bytes.hex, option=orjson.OPT_SORT_KEYS)


def loads(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse JSON.

    Raises
    ------
    ValueError
        If it is not JSON in UTF-8.
    """
    return orjson.loads(data)
