from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from stacbuild.cli import output


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (123_456, "123 kB"),
        (999_600, "1 MB"),
        (70_032_164_579, "70 GB"),
        (3.2e15, "3.2e+03 TB"),
    ],
)
def test_sizes_for_people(count: float, text: str) -> None:
    assert output.size(count) == text


def test_findings_are_shown_by_kind_and_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    found = [("b-kind", f"id_{number}: reason [{number}]") for number in range(5)]
    found.append(("a-kind", "id_x: reason"))
    output.findings(output.console(), found, "new rejects")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "",
        "new rejects: 6",
        "a-kind (1)",
        "id_x: reason",
        "b-kind (5)",
        "id_0: reason [0]",
        "id_1: reason [1]",
        "id_2: reason [2]",
        "… and 2 more",
    ]


def test_findings_hang_on_a_terminal_and_are_one_line_in_a_log() -> None:
    text = "words " * 30
    for terminal in (True, False):
        stream = io.StringIO()
        out = Console(
            file=stream, force_terminal=terminal, width=60, color_system=None, soft_wrap=True
        )
        output.findings(out, [("kind", text)], "findings")
        lines = stream.getvalue().splitlines()[3:]
        assert (len(lines) > 1) is terminal
        assert all(line.startswith("      words") for line in lines[1:])
        assert all(len(line) <= 60 for line in lines) is terminal


def test_table_sets_numbers_flush_right(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(output.console(), ("split", "items"), [("train", 1234), ("test", 5)])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["split  items", "train  1,234", "test       5"]


def test_long_paths_stay_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    path = "x/" * 100
    output.pairs(output.console(), [("catalog", path)])
    assert path in capsys.readouterr().out


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    output.json({"title": "Übung", "n": [1]})
    assert json.loads(capsys.readouterr().out) == {"title": "Übung", "n": [1]}


def test_paths_are_shown_as_the_user_would_write_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert output.shown(tmp_path / "a" / "b") == "a/b"
    assert output.shown(Path("/a")) == "/a"
