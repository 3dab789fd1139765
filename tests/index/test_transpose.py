from __future__ import annotations

import math
import random
from collections import OrderedDict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.index.schema import SchemaError, unify_schemas
from stacbuild.index.transpose import infer_schema, rows_of, transpose, without_nulls

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTS = st.integers(-(2**53), 2**53)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
# One shape for all rows, so that types can be united; every level may be missing or null.
BAND = st.fixed_dictionaries(
    {"name": TEXT}, optional={"mean": FLOATS | INTS | st.none(), "flags": st.lists(st.booleans())}
)
ROW = st.fixed_dictionaries(
    {"id": TEXT},
    optional={
        "size": INTS | st.none(),
        "bands": st.none() | st.lists(BAND | st.none(), max_size=4),
        "asset": st.none()
        | st.fixed_dictionaries({}, optional={"href": TEXT, "shape": st.lists(INTS, max_size=2)}),
        "nested": st.lists(st.lists(TEXT | st.none(), max_size=3), max_size=3),
    },
)


@given(st.lists(ROW, min_size=1, max_size=20))
def test_what_goes_in_comes_out(rows: list[dict[str, Any]]) -> None:
    batch = transpose(rows)
    batch.validate(full=True)
    assert rows_of(batch.to_struct_array()) == without_nulls(rows)


@given(st.lists(ROW, min_size=2, max_size=20), st.data())
def test_the_schema_depends_on_the_rows_alone(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(1, len(rows) - 1))
    whole = infer_schema(rows)
    assert infer_schema(shuffled) == whole
    parts = unify_schemas(infer_schema(shuffled[cut:]), infer_schema(shuffled[:cut]))
    assert parts == whole
    fitted = transpose(shuffled[:cut], whole)
    assert fitted.schema == whole
    assert rows_of(fitted.to_struct_array()) == without_nulls(shuffled[:cut])


@pytest.mark.parametrize("holes", [False, True])
def test_shared_objects_are_built_once_and_come_out_everywhere(holes: bool) -> None:
    kinds = [{"name": "a", "roles": ["x", "y"]}, {"name": "b", "roles": []}]
    rng = random.Random(3)
    rows = [{"kind": None if holes and n % 7 == 0 else rng.choice(kinds)} for n in range(500)]
    batch = transpose(rows)
    batch.validate(full=True)
    assert rows_of(batch.to_struct_array()) == without_nulls(rows)


def test_shared_at_first_and_distinct_later() -> None:
    same = {"v": -1}
    rows = [{"o": same} for _ in range(70)] + [{"o": {"v": n}} for n in range(400)]
    assert rows_of(transpose(rows).column("o")) == [row["o"] for row in rows]


def test_a_key_that_the_schema_lacks_is_refused() -> None:
    schema = infer_schema([{"assets": {"10m": {"href": "a"}}}])
    for row, path in (
        ({"assets": {"10m": {"href": "a", "size": 1}}}, r"assets\.10m\.size"),
        ({"assets": {"20m": None}}, r"assets\.20m"),
        ({"other": 1}, "other"),
    ):
        with pytest.raises(SchemaError, match=path):
            transpose([{"assets": {"10m": {"href": "b"}}}, row], schema)


@pytest.mark.parametrize(
    "values",
    [["a", 1], [True, 1], [{"a": 1}, [1]], [[1], "a"], [b"x"], [object()], [math.nan], [math.inf]],
)
def test_what_is_not_one_json_type_is_refused_with_its_path(values: list[Any]) -> None:
    with pytest.raises(SchemaError, match=r"assets\.x"):
        transpose([{"assets": {"x": value}} for value in values])


def test_integers_beyond_64_bits_are_refused() -> None:
    with pytest.raises(SchemaError, match="n"):
        transpose([{"n": 2**70}])


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(SchemaError, match="title"):
        transpose([{"title": "\ud800"}])


def test_subclasses_and_tuples_are_json_too() -> None:
    class Name(str):
        __slots__ = ()

    rows = [{"a": OrderedDict(x=(1, 2), y=Name("n"))}, {"a": {"x": [3], "y": "m"}}]
    assert rows_of(transpose(rows).column("a")) == [{"x": [1, 2], "y": "n"}, {"x": [3], "y": "m"}]


def test_same_number_of_keys_but_not_the_same_keys() -> None:
    rows = [{"a": 1, "b": 2}, {"a": 1, "c": 3}]
    assert rows_of(transpose(rows).to_struct_array()) == rows


def test_empty_objects_stay_objects() -> None:
    rows: list[dict[str, Any]] = [{"a": {}}, {"a": None}, {"a": {}}]
    batch = transpose(rows)
    assert batch.column("a").type == pa.struct([])
    assert rows_of(batch.column("a")) == [{}, None, {}]


def test_no_rows() -> None:
    schema = pa.schema({"a": pa.int64()})
    assert transpose([], schema).schema == schema
    assert transpose([]).num_rows == 0
