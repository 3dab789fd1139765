"""Rows to columns and back: plain JSON objects as Arrow arrays, leaf by leaf.

``pyarrow.array`` on nested objects visits every value through general code. Here each leaf
becomes one flat list first, and an object that many rows share (band descriptions, roles,
class lists) is built once and repeated.
"""

from __future__ import annotations

import math
from itertools import chain, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stacbuild.index.schema import SchemaError, conform, order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = Mapping[str, Any]

_NONE = type(None)
_PROBE = 64  # rows looked at before deciding whether objects are shared
_BASES: tuple[type, ...] = (dict, list, tuple, str, bool, int, float)
_SEQUENCES = frozenset({list, tuple})
_NUMBERS = frozenset({int, float})


def infer_schema(rows: Sequence[Row]) -> pa.Schema:
    """Return the schema of rows, fields sorted by name at every level.

    Unite the schemas of several batches with `stacbuild.index.schema.unify_schemas`: the result
    depends on the set of rows, not on their order.

    Raises
    ------
    SchemaError
        If a field has values of types that cannot be united.
    """
    return transpose(rows).schema


def transpose(rows: Sequence[Row], schema: pa.Schema | None = None) -> pa.RecordBatch:
    """Return rows as columns.

    Parameters
    ----------
    rows : sequence of dict
        JSON objects: text, numbers, booleans, None, lists and objects, nested at will.
        A missing key and None are both null.
    schema : pyarrow.Schema, optional
        What the columns shall be; without it, what the rows need, sorted by name.

    Raises
    ------
    SchemaError
        If a row has a key that the schema lacks, a value of another type, a mixture of types in
        one field, or a number that JSON cannot hold.
    """
    if not rows:
        return pa.RecordBatch.from_pylist([], schema=schema or pa.schema([]))
    batch = pa.RecordBatch.from_struct_array(_struct(rows, ""))
    return batch if schema is None else conform(batch, schema)


def column(values: Sequence[Any], path: str) -> pa.Array:
    """Return one column of JSON values as an Arrow array, typed by what it holds.

    Parameters
    ----------
    values : sequence
        One value a row; None is null.
    path : str
        Where the values stand in an item, for messages.

    Raises
    ------
    SchemaError
        As `transpose`.
    """
    kinds = set(map(type, values))
    nulls = _NONE in kinds
    kinds.discard(_NONE)
    if not kinds:
        return pa.nulls(len(values))
    if len(kinds) == 1 and str in kinds:
        return _text(values, path)
    if not kinds <= set(_BASES):
        kinds = {_base(kind, path) for kind in kinds}
    if kinds <= _NUMBERS:
        return _numbers(values, float in kinds, path)
    if len(kinds) == 1 and bool in kinds:
        return pa.array(values, pa.bool_())
    if kinds == {str}:
        return _text([None if value is None else str(value) for value in values], path)
    if kinds <= _SEQUENCES or kinds == {dict}:
        build = _struct if dict in kinds else _list
        return _sparse(values, path, build) if nulls else _repeated(values, path, build)
    names = " and ".join(sorted(kind.__name__ for kind in kinds))
    raise SchemaError(
        f"{path} mixes {names}", mend="Give the field one type in all items of the collection"
    )


def _base(kind: type, path: str) -> type:
    """Return the JSON type that a subclass of it stands for."""
    for base in _BASES:
        if issubclass(kind, base):
            return base
    raise SchemaError(f"{path} holds a {kind.__name__}, which is not JSON")


def _text(values: Sequence[Any], path: str) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        raise SchemaError(f"{path}: {error}") from None


def _numbers(values: Sequence[Any], real: bool, path: str) -> pa.Array:
    try:
        array = pa.array(values, pa.float64() if real else pa.int64())
    except (pa.ArrowInvalid, OverflowError) as error:
        raise SchemaError(f"{path}: {error}") from None
    # One sum tells of any NaN or infinity; only a suspicious one is looked at closely.
    if real and not math.isfinite(pc.sum(array).as_py() or 0.0):
        finite = pc.all(pc.is_finite(array)).as_py()
        if not finite:
            raise SchemaError(f"{path} is NaN or infinite, which JSON cannot hold")
    return array


def _sparse(values: Sequence[Any], path: str, build: Any) -> pa.Array:  # noqa: ANN401 - _struct or _list
    """Build the rows that are there, and spread them over all rows."""
    dense: list[Any] = []
    places: list[int | None] = []
    for value in values:
        if value is None:
            places.append(None)
        else:
            places.append(len(dense))
            dense.append(value)
    return _repeated(dense, path, build).take(pa.array(places, pa.int32()))


def _repeated(values: Sequence[Any], path: str, build: Any) -> pa.Array:  # noqa: ANN401 - _struct or _list
    """Build each distinct object once, if rows share them; else build all."""
    probe = values[:_PROBE]
    if len(probe) > 1 and len(set(map(id, probe))) * 2 <= len(probe):
        ids = list(map(id, values))
        distinct = dict(zip(ids, values, strict=True))
        if len(distinct) * 2 <= len(values):
            places = {key: place for place, key in enumerate(distinct)}
            array = build(list(distinct.values()), path)
            return array.take(pa.array([places[key] for key in ids], pa.int32()))
    return build(values, path)


def _list(values: Sequence[Any], path: str) -> pa.Array:
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=offsets[1:])
    return pa.ListArray.from_arrays(
        pa.array(offsets), column(list(chain.from_iterable(values)), f"{path}[]")
    )


def _struct(rows: Sequence[Row], path: str) -> pa.Array:
    keys, columns = _columns(rows)
    if not keys:
        return pa.array([{}] * len(rows), pa.struct([]))
    prefix = f"{path}." if path else ""
    arrays = {key: column(values, prefix + key) for key, values in zip(keys, columns, strict=True)}
    names = order(arrays)
    return pa.StructArray.from_arrays([arrays[name] for name in names], names=names)


def _columns(rows: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    keys = list(rows[0])
    width = len(keys)
    if width > 1 and set(map(len, rows)) == {width}:
        try:  # the common case: every row has the keys of the first one, and no others
            flat = list(chain.from_iterable(map(itemgetter(*keys), rows)))
        except KeyError:
            pass
        else:
            return keys, [flat[place::width] for place in range(width)]
    keys = sorted(set().union(*rows))
    return keys, [[row.get(key) for row in rows] for key in keys]


def rows_of(array: pa.Array) -> list[Any]:
    """Return an array as JSON values: the inverse of `column`.

    Null fields of objects are left out (null and missing are the same in a table); null
    elements of lists stay.

    Parameters
    ----------
    array : pyarrow.Array
        Of text, numbers, booleans, binary, lists and structs.
    """
    kind = array.type
    values: list[Any]
    if pa.types.is_struct(kind):
        values = _rows_of_struct(array)
    elif pa.types.is_list(kind):
        flat = rows_of(array.values)
        ends = array.offsets.to_pylist()
        values = [flat[start:end] for start, end in pairwise(ends)]
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        filled = array.fill_null(False if pa.types.is_boolean(kind) else 0)
        values = filled.to_numpy(zero_copy_only=False).tolist()
    else:
        return array.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    if array.null_count:
        valid = array.is_valid().to_numpy(zero_copy_only=False).tolist()
        values = [value if there else None for value, there in zip(values, valid, strict=True)]
    return values


def _rows_of_struct(array: pa.StructArray) -> list[dict[str, Any]]:
    names = [field.name for field in array.type]
    columns = [rows_of(array.field(place)) for place in range(len(names))]
    if not columns:
        return [{} for _ in range(len(array))]
    return [
        {name: value for name, value in zip(names, values, strict=False) if value is not None}
        for values in zip(*columns, strict=True)
    ]


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value as a table gives it back: objects without their null fields."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [without_nulls(inner) for inner in value]
    return value
