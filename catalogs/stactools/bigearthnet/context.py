"""What lists and side tables say about each patch: splits, exclusions, products, countries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa

from stacbuild.dataset import Context
from stacbuild.lists import duplicates, read_ids, read_table
from stactools.bigearthnet.raw import LISTS, NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stacbuild.dataset import Inputs

    Names = pd.Index[Any]
    Column = pd.Series[Any]

SPLITS: Final = {"train": "train", "val": "validate", "test": "test"}
"""Input (the publisher's name) to ``ml-aoi:split``."""

FLAGS: Final = {
    "snow": "seasonal_snow",
    "cloud": "cloud_or_shadow",
    "no_19_class": "no_19_class",
}
"""Input (an exclusion list) to the column that says whether a patch is in it."""

_WORD = pa.dictionary(pa.int32(), pa.string())

CONTEXT_SCHEMA: Final = pa.schema(
    [
        pa.field("split", _WORD),
        pa.field("seasonal_snow", pa.bool_()),
        pa.field("cloud_or_shadow", pa.bool_()),
        pa.field("no_19_class", pa.bool_()),
        pa.field("product", _WORD),
        pa.field("country", _WORD),
        pa.field("season", _WORD),
        pa.field("conflict", _WORD),
    ]
)
"""A row per patch. ``split``: train, validate, test or none. Flags: whether the patch is in the
publisher's list; none where the list is not given. ``product``: its true L1C product, without
``.SAFE``. ``conflict``: the splits of a patch that is in more than one."""


def make_context(inputs: Inputs, ids: Sequence[str]) -> Context:
    """Return what the lists and side tables say about the patches of ``ids``, in that order."""
    index = pd.Index(list(ids), dtype=pd.ArrowDtype(pa.string()))
    notes: dict[str, int] = {}
    rows = {
        **_splits(inputs, index, notes),
        **_flags(inputs, index, notes),
        **_tables(inputs, index),
    }
    table = pa.table([rows[field.name] for field in CONTEXT_SCHEMA], schema=CONTEXT_SCHEMA)
    sources = {name: inputs[name] for name in LISTS if name in inputs and name not in _SIDE}
    return Context(table, sources, notes)


_SIDE: Final = frozenset(("products", "countries"))
"""Side tables are large and not the publishers' definition of anything: not copied."""


def _splits(inputs: Inputs, index: Names, notes: dict[str, int]) -> dict[str, pa.Array]:
    """Return the split of each patch, and the splits of those that are in more than one."""
    split: list[str | None] = [None] * len(index)
    conflict: list[str | None] = [None] * len(index)
    for name, value in SPLITS.items():
        if name not in inputs:
            continue
        for place in _places(inputs[name], name, index, notes):
            before = split[place]
            if before is None:
                split[place] = value
            else:
                conflict[place] = f"{conflict[place] or before} and {value}"
    for place, found in enumerate(conflict):
        if found is not None:
            split[place] = None
    return {"split": _words(split), "conflict": _words(conflict)}


def _flags(inputs: Inputs, index: Names, notes: dict[str, int]) -> dict[str, pa.Array]:
    """Return what the exclusion lists say; nothing where a list is not given."""
    found = {}
    for name, column in FLAGS.items():
        if name not in inputs:
            found[column] = pa.nulls(len(index), pa.bool_())
            continue
        flags = [False] * len(index)
        for place in _places(inputs[name], name, index, notes):
            flags[place] = True
        found[column] = pa.array(flags, pa.bool_())
    return found


def _tables(inputs: Inputs, index: Names) -> dict[str, pa.Array]:
    """Return the true product, the country and the season of each patch."""
    found = {name: pa.nulls(len(index), _WORD) for name in ("product", "country", "season")}
    if "products" in inputs:
        table = read_table(inputs["products"], ("patch", "product"), pattern=NAME)
        product = table["product"].str.removesuffix(".SAFE")
        found["product"] = _looked_up(index, table["patch"], product)
    if "countries" in inputs:
        columns = ("s1_name", "s2_name", "country", "season")
        table = read_table(inputs["countries"], columns, key="s2_name", pattern=NAME)
        for name in ("country", "season"):
            found[name] = _looked_up(index, table["s2_name"], table[name])
    return found


def _places(path: Path, name: str, index: Names, notes: dict[str, int]) -> list[int]:
    """Return where the patches of a list stand; count those that are not there at all."""
    ids = read_ids(path, NAME)
    twice = duplicates(ids)
    if twice:
        notes[f"{name}: listed more than once"] = len(twice)
    places = index.get_indexer(pd.Index(dict.fromkeys(ids), dtype=index.dtype))
    absent = int((places < 0).sum())
    if absent:
        notes[f"{name}: listed but not in the input"] = absent
    return [place for place in places.tolist() if place >= 0]


def _looked_up(index: Names, keys: Column, values: Column) -> pa.Array:
    """Return the value of each patch; the first one where a table has several."""
    found = pd.Series(values.to_numpy(), index=pd.Index(keys, dtype=index.dtype)).astype("category")
    found = found[~found.index.duplicated()].reindex(index)
    return pa.array(found.array).cast(_WORD)


def _words(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode().cast(_WORD)
