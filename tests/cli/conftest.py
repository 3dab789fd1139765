"""The command line on the tests' own small dataset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stacbuild import dataset
from stacbuild.cli import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run a verb in an empty folder; return its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("STACBUILD_DEBUG", raising=False)

    def call_(*words: str | int | Path) -> tuple[int, str, str]:
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call_


@pytest.fixture
def call_json(call: Callable[..., tuple[int, str, str]]) -> Callable[..., dict[str, Any]]:
    """Run a verb with ``--json``; return the one object that it prints."""

    def call_(*words: str | int | Path) -> dict[str, Any]:
        _, out, _ = call(*words, "--json", "--quiet")
        found: dict[str, Any] = json.loads(out)
        return found

    return call_


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Raw data of 25 stations, all good."""
    dataset.load("stations").sample(tmp_path / "raw", size=25, seed=1)
    return tmp_path / "raw"


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Raw data of 25 stations; ``south-0`` is broken."""
    dataset.load("stations").sample(tmp_path / "faulty", size=25, seed=1, faults=True)
    return tmp_path / "faulty"
