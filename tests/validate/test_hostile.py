"""Whatever stands in a catalog's JSON, a validation ends, and says something of it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stacbuild.stac.encode import dumps_item, loads
from stacbuild.validate.catalog import validate_catalog

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "catalog.json",
    "demo/demo-images/collection.json",
    "demo/demo-images/north/row1/catalog.json",
    "demo/demo-images/north/row1/chip_1.json",
    "demo/demo-labels/north/row1/chip_1_labels.json",
    ".stacbuild/demo/build.json",
    ".stacbuild/demo/ledger.jsonl",
)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["../..", "file:///etc/hostname", "//x", "%00", "%2e%2e/x", ".", "C:x", "http:"]
    ),
    st.just([]),
    st.just({}),
    st.lists(st.none(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.none(), max_size=2),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _places(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found += _places(inner, (*path, place))
    return found


@given(st.data())
@settings(
    max_examples=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a run costs too much to shrink
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_odd_values_anywhere(catalog: Path, tmp_path: Path, data: st.DataObject) -> None:
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(catalog, copy)
    for _ in range(data.draw(st.integers(1, 3))):
        file = copy / data.draw(st.sampled_from(NAMES))
        value = loads(file.read_bytes())
        places = _places(value)
        if not places:
            continue
        *path, last = data.draw(st.sampled_from(places))
        inner = value
        for step in path:
            inner = inner[step]
        inner[last] = data.draw(ODD)
        file.write_bytes(dumps_item(value) + b"\n" * file.name.endswith("l"))

    report = validate_catalog(copy)

    assert report.to_dict()["errors"] == report.errors
    assert report.lines()
