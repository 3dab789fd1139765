from __future__ import annotations

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.index.hrefs import Hrefs

SEGMENT = st.text("ab1_-", min_size=1, max_size=3)
HREF = st.builds(
    lambda up, down, name: "../" * up + "/".join([*down, name]),
    st.integers(0, 3),
    st.lists(SEGMENT, max_size=2),
    SEGMENT,
)


@given(st.lists(SEGMENT, max_size=3), st.lists(HREF, min_size=1, max_size=5))
def test_hrefs_point_to_the_same_thing_from_the_table(folder: list[str], hrefs: list[str]) -> None:
    table = "https://h.example/one/two/three/four/"
    item = urljoin(table, "".join(f"{part}/" for part in folder) + "item.json")
    relative, absolute = Hrefs("/".join(folder)), Hrefs("/".join(folder), table.rstrip("/"))
    for href in hrefs:
        truth = urljoin(item, href)
        assert urljoin(table + "items.parquet", relative(href)) == truth
        assert absolute(href) == truth


@pytest.mark.parametrize(
    "href", ["https://x.example/a/b.tif", "s3://bucket/key", "/vsicurl/a", "/a.tif", "mailto:a@b.c"]
)
def test_absolute_hrefs_stay(href: str) -> None:
    for base in (None, "https://h.example/catalog"):
        seen = Hrefs("p/row", base)
        seen("a.tif")
        assert seen(href) == href


def test_forms() -> None:
    seen = Hrefs("p/row")
    assert seen("./a.tif") == seen("a.tif") == "./p/row/a.tif"
    assert seen("../../collection.json") == "./collection.json"
    assert seen("../../../labels/x.json") == "../labels/x.json"
    assert Hrefs(".", "s3://bucket/c")("p/a.json") == "s3://bucket/c/p/a.json"
    assert Hrefs("p", "https://h.example")("../a.json") == "https://h.example/a.json"
