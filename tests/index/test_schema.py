from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.index.schema import SchemaError, conform, leaves, settle, unify_schemas, unify_types

LEAVES = st.sampled_from([pa.null(), pa.bool_(), pa.int64(), pa.float64(), pa.string()])
NAMES = st.sampled_from("abcd")
TYPES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(pa.list_, inner) | st.builds(pa.struct, st.dictionaries(NAMES, inner, max_size=3))
    ),
    max_leaves=6,
)


def united(*types: pa.DataType) -> object:
    found = types[0]
    try:
        for kind in types[1:]:
            found = unify_types(found, kind)
    except SchemaError:
        return "no type"
    return found


@given(TYPES, TYPES, TYPES)
def test_the_order_of_uniting_does_not_matter(
    one: pa.DataType, two: pa.DataType, three: pa.DataType
) -> None:
    # Uniting with itself sorts the fields, as every batch has them.
    sorted_ones = [united(pa.struct([("x", kind)]), pa.struct([])) for kind in (one, two, three)]
    a, b, c = (pa.struct([("x", _sorted(kind.field("x").type))]) for kind in sorted_ones)
    assert united(a, b, c) == united(c, a, b) == united(b, c, a)


def _sorted(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        fields = sorted(kind, key=lambda field: field.name)
        return pa.struct([(field.name, _sorted(field.type)) for field in fields])
    return pa.list_(_sorted(kind.value_type)) if pa.types.is_list(kind) else kind


def test_null_gives_way_and_integers_widen() -> None:
    one = pa.schema({"a": pa.null(), "b": pa.int64(), "c": pa.list_(pa.null())})
    two = pa.schema({"a": pa.string(), "b": pa.float64(), "c": pa.list_(pa.struct({"z": "int64"}))})
    expected = pa.schema(
        {"a": pa.string(), "b": pa.float64(), "c": pa.list_(pa.struct({"z": pa.int64()}))}
    )
    assert unify_schemas(one, two) == unify_schemas(two, one) == expected


def test_text_and_number_name_the_field() -> None:
    one = pa.schema({"assets": pa.struct({"10m": pa.struct({"nodata": pa.int64()})})})
    two = pa.schema({"assets": pa.struct({"10m": pa.struct({"nodata": pa.string()})})})
    with pytest.raises(SchemaError, match=r"assets\.10m\.nodata is an integer .* text"):
        unify_schemas(one, two)


def test_what_nobody_filled_is_text() -> None:
    kind = pa.struct({"a": pa.null(), "b": pa.list_(pa.null())})
    assert settle(kind) == pa.struct({"a": pa.string(), "b": pa.list_(pa.string())})


def test_an_object_without_fields_has_no_column() -> None:
    with pytest.raises(SchemaError, match=r"links\[\]\.x is an empty object"):
        settle(pa.list_(pa.struct({"x": pa.struct([])})), "links")


def test_conform_keeps_nulls_of_lists_and_structs() -> None:
    rows = [{"l": [1, None], "s": {"a": 1}}, {"l": None, "s": None}, {"l": [], "s": {"a": None}}]
    narrow = pa.RecordBatch.from_pylist(rows)
    wide = pa.schema(
        {
            "s": pa.struct({"a": pa.float64(), "b": pa.string()}),
            "l": pa.list_(pa.float64()),
            "n": pa.bool_(),
        }
    )
    for batch, expected in ((narrow, rows), (narrow.slice(1), rows[1:])):
        found = conform(batch, wide)
        assert found.schema == wide
        found.validate(full=True)
        assert found.column("l").to_pylist() == [row["l"] for row in expected]
        inner = [None if row["s"] is None else {**row["s"], "b": None} for row in expected]
        assert found.column("s").to_pylist() == inner


def test_conform_refuses_unknown_fields_and_loss() -> None:
    batch = pa.RecordBatch.from_pylist([{"s": {"a": 2**60 + 1, "z": 1}}])
    with pytest.raises(SchemaError, match=r"s\.z"):
        conform(batch, pa.schema({"s": pa.struct({"a": pa.int64()})}))
    with pytest.raises(SchemaError, match=r"s\.a"):
        conform(batch, pa.schema({"s": pa.struct({"a": pa.float64(), "z": pa.int64()})}))
    with pytest.raises(SchemaError, match="unknown field 's'"):
        conform(batch, pa.schema({"t": pa.int64()}))


def test_leaves_are_named_as_parquet_names_them() -> None:
    kind = pa.list_(pa.struct({"a": pa.int64(), "b": pa.list_(pa.string())}))
    found = [path for path, _ in leaves(pa.schema({"id": pa.string(), "x": kind}))]
    assert found == ["id", "x.list.element.a", "x.list.element.b.list.element"]
