"""What lists and side tables say about each patch: splits, exclusions, products, countries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stacbuild.dataset import Context
from stacbuild.lists import duplicates, read_ids, read_table
from stactools.bigearthnet.raw import LISTS, NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from stacbuild.dataset import Inputs

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
    names = pa.array(ids, pa.string())
    notes: dict[str, int] = {}
    rows = {**_splits(inputs, names, notes), **_flags(inputs, names, notes)}
    rows |= _tables(inputs, names)
    table = pa.table([rows[field.name] for field in CONTEXT_SCHEMA], schema=CONTEXT_SCHEMA)
    sources = {name: inputs[name] for name in LISTS if name in inputs and name not in _SIDE}
    return Context(table, sources, notes)


_SIDE: Final = frozenset(("products", "countries"))
"""Side tables are not lists of samples; what they say stands in the items."""


def _splits(inputs: Inputs, names: pa.Array, notes: dict[str, int]) -> dict[str, pa.Array]:
    """Return the split of each patch, and the splits of those that are in more than one."""
    given = [name for name in SPLITS if name in inputs]
    listed = [_listed(inputs[name], name, names, notes) for name in given]
    count = np.sum(listed, axis=0, dtype=np.int8) if listed else np.zeros(len(names), np.int8)
    code = np.full(len(names), -1, np.int32)
    for number, found in enumerate(listed):
        code[found & (count == 1)] = number
    split = pa.DictionaryArray.from_arrays(
        pa.array(code, mask=code < 0), pa.array([SPLITS[name] for name in given], pa.string())
    )
    conflict: list[str | None] = [None] * len(names)
    for place in np.flatnonzero(count > 1).tolist():
        members = [name for name, found in zip(given, listed, strict=True) if found[place]]
        conflict[place] = " and ".join(members)
    return {
        "split": split,
        "conflict": pa.array(conflict, pa.string()).dictionary_encode(),
    }


def _flags(inputs: Inputs, names: pa.Array, notes: dict[str, int]) -> dict[str, pa.Array]:
    """Return what the exclusion lists say; nothing where a list is not given."""
    return {
        column: pa.array(_listed(inputs[name], name, names, notes))
        if name in inputs
        else pa.nulls(len(names), pa.bool_())
        for name, column in FLAGS.items()
    }


def _tables(inputs: Inputs, names: pa.Array) -> dict[str, pa.Array]:
    """Return the true product, the country and the season of each patch."""
    found = {name: pa.nulls(len(names), _WORD) for name in ("product", "country", "season")}
    if "products" in inputs:
        table = read_table(inputs["products"], ("patch", "product"), pattern=NAME)
        places = pc.index_in(names, value_set=pa.array(table["patch"]))
        product = _words(table["product"])
        short = pc.replace_substring_regex(product.dictionary, r"\.SAFE$", "")
        product = pa.DictionaryArray.from_arrays(product.indices, short)
        found["product"] = product.take(places)
        del table
        pa.default_memory_pool().release_unused()  # a hundred megabytes, gone before the next
    if "countries" in inputs:
        columns = ("s1_name", "s2_name", "country", "season")
        table = read_table(inputs["countries"], columns, key="s2_name", pattern=NAME)
        places = pc.index_in(names, value_set=pa.array(table["s2_name"]))
        for name in ("country", "season"):
            found[name] = _words(table[name]).take(places)
    return found


def _listed(path: Path, name: str, names: pa.Array, notes: dict[str, int]) -> NDArray[np.bool_]:
    """Return which patches are in a list; count those of the list that are not in the input."""
    ids = read_ids(path, NAME)
    twice = duplicates(ids)
    if twice:
        notes[f"{name}: listed more than once"] = len(twice)
    unique = pa.array(ids, pa.string()).unique()
    found: NDArray[np.bool_] = pc.is_in(names, value_set=unique).to_numpy(zero_copy_only=False)
    absent = len(unique) - int(found.sum())
    if absent:
        notes[f"{name}: listed but not in the input"] = absent
    return found


def _words(values: pd.Series[str]) -> pa.DictionaryArray:
    """Return words that come again and again, each once, and who has which."""
    words = pa.array(values)
    if isinstance(words, pa.ChunkedArray):
        words = words.combine_chunks()
    return words.dictionary_encode()
