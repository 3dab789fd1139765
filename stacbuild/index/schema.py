"""Arrow types of JSON values: unify them, and fit arrays to them.

The types form a lattice, so that the order in which batches arrive does not matter::

    null < bool, string, binary, timestamp
    null < int64 < double
    null < list<T> < list<T'>     where T < T'
    null < struct                 fields united, each by itself, sorted by name
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from stacbuild.errors import StacbuildError

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST = {name: place for place, name in enumerate(("xmin", "ymin", "zmin", "xmax", "ymax", "zmax"))}
"""Fields of a bounding box stand in this order; everything else is sorted by name."""


class SchemaError(StacbuildError):
    """A value does not fit the columns of a table."""


def order(names: Iterable[str]) -> list[str]:
    """Return names of struct fields in the order in which tables carry them."""
    return sorted(names, key=lambda name: (FIRST.get(name, len(FIRST)), name))


def unify_types(one: pa.DataType, other: pa.DataType, path: str = "") -> pa.DataType:
    """Return the smallest type that holds the values of both.

    Parameters
    ----------
    one, other : pyarrow.DataType
    path : str
        Where the values stand in an item, for the message.

    Raises
    ------
    SchemaError
        If there is no such type (text here, a number there).
    """
    if one.equals(other) or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return pa.struct(_unify_fields(list(one), list(other), path))
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(unify_types(one.value_type, other.value_type, f"{path}[]"))
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    raise SchemaError(
        f"{path or 'value'} is {_plain(one)} in one item and {_plain(other)} in another",
        mend="Give the field one type in all items of the collection",
    )


def _unify_fields(one: list[pa.Field], other: list[pa.Field], path: str) -> list[pa.Field]:
    types = {field.name: field.type for field in one}
    for field in other:
        name = field.name
        known = types.get(name)
        inner = f"{path}.{name}" if path else name
        types[name] = field.type if known is None else unify_types(known, field.type, inner)
    return [pa.field(name, types[name]) for name in order(types)]


def unify_schemas(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    """Return the smallest schema that holds the rows of both, columns sorted by name.

    Raises
    ------
    SchemaError
        If a field has types that cannot be united.
    """
    if one.equals(other):
        return one
    return pa.schema(_unify_fields(list(one), list(other), ""))


def settle(kind: pa.DataType, path: str = "") -> pa.DataType:
    """Return the type with what nobody ever filled turned into text: Parquet readers want a type.

    Raises
    ------
    SchemaError
        If an object has no fields in any item: Parquet has no empty structs.
    """
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(settle(kind.value_type, f"{path}[]"))
    if pa.types.is_struct(kind):
        if not kind.num_fields:
            raise SchemaError(
                f"{path} is an empty object in all items", mend="Leave the key out of the items"
            )
        return pa.struct([pa.field(f.name, settle(f.type, f"{path}.{f.name}")) for f in kind])
    return kind


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Fit a batch to a wider schema: order, missing columns, wider types.

    Raises
    ------
    SchemaError
        If the batch has a field that the schema lacks, or one of another type.
    """
    if batch.schema.equals(schema):
        return batch
    if unknown := set(batch.schema.names) - set(schema.names):
        raise SchemaError(f"unknown field {min(unknown)!r}: the schema does not have it")
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    rows = batch.num_rows
    return pa.RecordBatch.from_arrays(
        [
            fit(columns[f.name], f.type, f.name) if f.name in columns else pa.nulls(rows, f.type)
            for f in schema
        ],
        schema=schema,
    )


def fit(array: pa.Array, kind: pa.DataType, path: str) -> pa.Array:
    """Return an array in a wider type.

    Raises
    ------
    SchemaError
        If the type is not wider, or lacks a field.
    """
    if array.type.equals(kind):
        return array
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), kind)
    if pa.types.is_struct(array.type) and pa.types.is_struct(kind):
        return _fit_struct(array, kind, path)
    if pa.types.is_list(array.type) and pa.types.is_list(kind):
        if array.offset:  # a mask cannot be given together with sliced offsets
            array = array.take(pa.array(range(len(array))))
        values = fit(array.values, kind.value_type, f"{path}[]")
        mask = array.is_null() if array.null_count else None
        return pa.ListArray.from_arrays(array.offsets, values, type=kind, mask=mask)
    if pa.types.is_int64(array.type) and pa.types.is_float64(kind):
        try:
            return pc.cast(array, kind)
        except pa.ArrowInvalid as error:
            raise SchemaError(f"{path}: {error}") from None
    raise SchemaError(f"{path} is {_plain(array.type)}, the schema has {_plain(kind)}")


def _fit_struct(array: pa.StructArray, kind: pa.StructType, path: str) -> pa.StructArray:
    places = {field.name: place for place, field in enumerate(array.type)}
    rows = len(array)
    children = []
    for field in kind:
        place = places.pop(field.name, None)
        if place is None:
            children.append(pa.nulls(rows, field.type))
        else:
            child = array.field(place)
            children.append(fit(child, field.type, f"{path}.{field.name}"))
    if places:
        raise SchemaError(f"unknown field {path}.{min(places)}: the schema does not have it")
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(children, fields=list(kind), mask=mask)


def leaves(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Return the Parquet path and the type of every leaf column, in order.

    Lists add ``.list.element`` to the path, as the Parquet specification names their groups.
    """
    found: list[tuple[str, pa.DataType]] = []

    def walk(path: str, kind: pa.DataType) -> None:
        if pa.types.is_struct(kind):
            for field in kind:
                walk(f"{path}.{field.name}", field.type)
        elif pa.types.is_list(kind):
            walk(f"{path}.list.element", kind.value_type)
        else:
            found.append((path, kind))

    for field in schema:
        walk(field.name, field.type)
    return found


def _plain(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "an object"
    if pa.types.is_list(kind):
        return "a list"
    return {"string": "text", "int64": "an integer", "double": "a number"}.get(str(kind), str(kind))
