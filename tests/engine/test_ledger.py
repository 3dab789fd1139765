from __future__ import annotations

from pathlib import Path

import pytest

from stacbuild.engine.layout import Layout
from stacbuild.engine.ledger import Entry, Ledger
from stacbuild.errors import CatalogError


def entry(key: str, samples: int = 1) -> Entry:
    return Entry(key, "p", "f", "i", "d", samples, {"c": [3, 100]}, ({"id": "x", "kind": "k"},))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, "tiny")


def test_sealed_ledger_is_sorted_and_reads_back(layout: Layout) -> None:
    ledger = Ledger.load(layout)
    for key in ("b/2", "a/10", "b/1"):
        ledger.record(entry(key), f"stamp {key}")
    ledger.seal()
    lines = (layout.state / "ledger.jsonl").read_text().splitlines()
    assert [line[:20] for line in lines] == [
        '{"partition":"a/10",',
        '{"partition":"b/1","',
        '{"partition":"b/2","',
    ]
    again = Ledger.load(layout)
    assert again.entries == ledger.entries
    assert again.stamps == ledger.stamps


def test_sealed_bytes_do_not_depend_on_the_order(tmp_path: Path) -> None:
    keys = ["c", "a", "b"]
    texts = []
    for turn in range(3):
        ledger = Ledger.load(Layout(tmp_path / str(turn), "tiny"))
        for key in keys[turn:] + keys[:turn]:
            ledger.record(entry(key), key)
        texts.append(ledger.seal())
    assert len(set(texts)) == 1


def test_journal_survives_without_a_seal(layout: Layout) -> None:
    ledger = Ledger.load(layout)
    ledger.record(entry("a"), "1")
    ledger.record(entry("b"), "2")
    ledger.forget("a")
    ledger.close()  # and no seal: the process is gone
    again = Ledger.load(layout)
    assert list(again.entries) == ["b"]
    assert again.stamps == {"b": "2"}


@pytest.mark.parametrize("cut", [1, 10, 50])
def test_torn_last_line_of_the_journal_is_forgotten(layout: Layout, cut: int) -> None:
    ledger = Ledger.load(layout)
    ledger.record(entry("a"), "1")
    ledger.record(entry("b"), "2")
    ledger.close()
    path = layout.local / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    again = Ledger.load(layout)
    assert list(again.entries) == ["a"]
    again.record(entry("c"), "3")
    again.close()
    assert list(Ledger.load(layout).entries) == ["a", "c"]


def test_damaged_ledger_is_an_error_that_names_the_line(layout: Layout) -> None:
    layout.state.mkdir(parents=True)
    (layout.state / "ledger.jsonl").write_text("{}x\n")
    with pytest.raises(CatalogError, match="line 1 is not JSON"):
        Ledger.load(layout)
