"""What lists and side tables say about each patch: splits, exclusions, products, countries.

A patch that stands in two split lists is in conflict, and is rejected. One that stands in a split
list and in an exclusion list has no split: the official lists never do that, and what is excluded
has none. Both are counted in the notes.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stacbuild.dataset import Context
from stacbuild.errors import UsageError
from stacbuild.lists import duplicates, read_ids, read_table
from stactools.bigearthnet.raw import LISTS, NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from stacbuild.dataset import Inputs

    Mask = NDArray[np.bool_]
    Notes = dict[str, int]
    Rows = dict[str, int]

SPLITS: Final = {"train": "train", "val": "validate", "test": "test"}
"""Input (the publisher's name) to ``ml-aoi:split``."""

FLAGS: Final = {
    "snow": "seasonal_snow",
    "cloud": "cloud_or_shadow",
    "no_19_class": "no_19_class",
}
"""Input (an exclusion list) to the column that says whether a patch is in it."""

# Few products, many patches: 5 MB instead of 38 for the whole release. The other words are short,
# and plain strings turn into Python's ten times as fast.
_PRODUCT: Final = pa.dictionary(pa.int32(), pa.string())

CONTEXT_SCHEMA: Final = pa.schema(
    [
        pa.field("split", pa.string()),
        pa.field("seasonal_snow", pa.bool_()),
        pa.field("cloud_or_shadow", pa.bool_()),
        pa.field("no_19_class", pa.bool_()),
        pa.field("product", _PRODUCT),
        pa.field("country", pa.string()),
        pa.field("season", pa.string()),
        pa.field("conflict", pa.string()),
    ]
)
"""A row per patch. ``split``: train, validate, test or none. Flags: whether the patch is in the
publisher's list; none where the list is not given. ``product``: its true L1C product, without
``.SAFE``. ``conflict``: the split lists of a patch that is in more than one."""

_SIDE: Final = frozenset(("products", "countries"))
"""Side tables are not lists of samples; what they say stands in the items."""
_L1C: Final = r"^S2[AB]_MSIL1C_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d{2}[A-Z]{3}_\d{8}T\d{6}$"
_DAY: Final = slice(11, 19)
"""Of the names of patches and of products."""
_TILE: Final = slice(39, 44)
_S1_TILE: Final = slice(33, 38)
"""Of ``S1A_IW_GRDH_1SDV_20170904T161304_34VDN_33_85``."""
_CHUNK: Final = 1 << 16


def make_context(inputs: Inputs, ids: Sequence[str]) -> Context:
    """Return what the lists and side tables say about the patches of ``ids``, in that order.

    Parameters
    ----------
    inputs : mapping of str to Path
        Lists and tables by the names in `LISTS`; any of them may be missing.
    ids : sequence of str
        Names of patches, each once.

    Raises
    ------
    UsageError
        If a list or table cannot be read, or holds something else.
    """
    # Python's own dict takes half the memory of Arrow's hash tables, and is as fast here.
    rows = {name: row for row, name in enumerate(ids)}
    notes: Notes = {}
    listed = {
        name: _listed(inputs[name], name, rows, notes)
        for name in (*SPLITS, *FLAGS)
        if name in inputs
    }
    found = {**_splits(listed, len(ids), notes), **_flags(listed, len(ids))}
    found["product"] = _products(inputs, rows, notes)
    found |= _countries(inputs, rows, found["product"], notes)
    table = pa.table([found[field.name] for field in CONTEXT_SCHEMA], schema=CONTEXT_SCHEMA)
    sources = {name: inputs[name] for name in LISTS if name in inputs and name not in _SIDE}
    return Context(table, sources, notes)


def _listed(path: Path, name: str, rows: Rows, notes: Notes) -> Mask:
    """Return which patches are in a list; count those of the list that are not in the input."""
    ids = read_ids(path, NAME)
    places = np.fromiter(map(rows.get, ids, repeat(-1)), np.int32, len(ids))
    absent = {ids[place] for place in np.flatnonzero(places < 0).tolist()}
    _note(notes, f"{name}: listed more than once", len(duplicates(ids)))
    _note(notes, f"{name}: listed but not in the input", len(absent))
    found = np.zeros(len(rows), np.bool_)
    found[places[places >= 0]] = True
    return found


def _splits(listed: dict[str, Mask], count: int, notes: Notes) -> dict[str, pa.Array]:
    """Return the split of each patch, and the lists of those that are in more than one."""
    given = [name for name in SPLITS if name in listed]
    times = sum((listed[name] for name in given), np.zeros(count, np.int8))
    excluded = np.zeros(count, np.bool_)
    for name in FLAGS:
        excluded |= listed.get(name, False)
    code = np.full(count, -1, np.int8)
    for number, name in enumerate(given):
        code[listed[name] & (times == 1) & ~excluded] = number
    words = pa.array([SPLITS[name] for name in given], pa.string())
    conflict: list[str | None] = [None] * count
    for place in np.flatnonzero(times > 1).tolist():
        conflict[place] = " and ".join(name for name in given if listed[name][place])
    _note(notes, "in more than one split list", int((times > 1).sum()))
    _note(notes, "in a split list and excluded: no split", int(((times == 1) & excluded).sum()))
    if given:
        _note(notes, "in no list: no split", int(((times == 0) & ~excluded).sum()))
    return {
        "split": words.take(pa.array(code, mask=code < 0)),
        "conflict": pa.array(conflict, pa.string()),
    }


def _flags(listed: dict[str, Mask], count: int) -> dict[str, pa.Array]:
    """Return what the exclusion lists say; nothing where a list is not given."""
    return {
        column: pa.array(listed[name]) if name in listed else pa.nulls(count, pa.bool_())
        for name, column in FLAGS.items()
    }


def _products(inputs: Inputs, rows: Rows, notes: Notes) -> pa.Array:
    """Return the true product of each patch.

    It must be of the patch's day; the tile is checked against the other table.
    """
    if "products" not in inputs:
        return pa.nulls(len(rows), _PRODUCT)
    path = inputs["products"]
    table = read_table(path, ("patch", "product"), key=("patch", NAME), words=["product"])
    places = _places(table["patch"], rows, "products", notes)
    column = table["product"].cat.remove_unused_categories()
    del table
    words = pa.array(column.cat.categories.tolist(), pa.string())
    words = pc.replace_substring_regex(words, r"\.SAFE$", "")
    for word in words.filter(pc.invert(pc.match_substring_regex(words, _L1C))).to_pylist()[:1]:
        raise UsageError(f"{word[:80]!r} is not the name of a Sentinel-2 product", file=path)
    codes = pa.array(column.cat.codes.to_numpy(np.int32))
    product = pa.DictionaryArray.from_arrays(codes.take(places), words)
    days = np.fromiter((int(name[_DAY]) for name in rows), np.int32, len(rows))
    wrong = _differ(_part(product, _DAY).cast(pa.int32()), pa.array(days))
    _note(notes, "products: another day than the patch's", wrong)
    pa.default_memory_pool().release_unused()  # tens of megabytes, gone before the next table
    return product


def _countries(inputs: Inputs, rows: Rows, product: pa.Array, notes: Notes) -> dict[str, pa.Array]:
    """Return country and season of each patch; check the tile in the Sentinel-1 name."""
    columns = ("country", "season")
    if "countries" not in inputs:
        return {name: pa.nulls(len(rows), pa.string()) for name in columns}
    table = read_table(
        inputs["countries"],
        ("s1_name", "s2_name", *columns),
        key=("s2_name", NAME),
        words=columns,
    )
    places = _places(table["s2_name"], rows, "countries", notes)
    tiles = pc.utf8_slice_codeunits(pa.array(table["s1_name"]), _S1_TILE.start, _S1_TILE.stop)
    wrong = _differ(_part(product, _TILE), tiles.take(places))
    _note(notes, "countries: tile in the Sentinel-1 name is not the product's", wrong)
    return {name: _text(table[name]).take(places) for name in columns}


def _places(keys: pd.Series[str], rows: Rows, table: str, notes: Notes) -> pa.Array:
    """Return the row of a table for each patch, null where there is none: the first of several."""
    values = pa.array(keys)
    found = np.empty(len(values), np.int32)
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK].to_pylist()
        found[start : start + len(part)] = np.fromiter(map(rows.get, part, repeat(-1)), np.int32)
    known = np.flatnonzero(found >= 0)[::-1]
    places = np.full(len(rows), -1, np.int32)
    places[found[known]] = known  # in reverse: the first one stays
    absent = int((places < 0).sum())
    _note(notes, f"{table}: patches that are not in the table", absent)
    _note(notes, f"{table}: rows that come again", len(known) - len(rows) + absent)
    return pa.array(places, mask=places < 0)


def _part(words: pa.Array, at: slice) -> pa.Array:
    """Return a part of each word."""
    return pc.utf8_slice_codeunits(words.dictionary, at.start, at.stop).take(words.indices)


def _differ(one: pa.Array, other: pa.Array) -> int:
    """Count the rows where two values, both known, are not the same."""
    return int(pc.sum(pc.not_equal(one, other)).as_py() or 0)


def _text(values: pd.Series[str]) -> pa.Array:
    words = pa.array(values.cat.categories.tolist(), pa.string())
    return words.take(pa.array(values.cat.codes.to_numpy(np.int32)))


def _note(notes: Notes, text: str, count: int) -> None:
    if count:
        notes[text] = count
