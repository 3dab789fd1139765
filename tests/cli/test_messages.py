from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import click
import pytest

from stacbuild.cli import messages
from stacbuild.errors import CatalogError, SampleError, StacbuildError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Exception], tuple[int, list[str]]]:
    monkeypatch.setenv("COLUMNS", "60")

    def fail(error: Exception) -> tuple[int, list[str]]:
        assert isinstance(error, click.ClickException | StacbuildError | OSError)
        code = messages.failed(error)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "\x1b" not in captured.err
        return code, captured.err.splitlines()

    return fail


def test_reason_file_and_mend_in_short_lines(
    said: Callable[[Exception], tuple[int, list[str]]],
) -> None:
    error = UsageError(
        "line 3 is neither a patch name nor a comment, and the file is no report either",
        file="lists/train.csv",
        mend="Look at it",
    )
    assert said(error) == (
        2,
        [
            "error  line 3 is neither a patch name nor a comment, and the",
            "       file is no report either",
            "file   lists/train.csv",
            "mend   Look at it",
        ],
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StacbuildError("x"), 1),
        (CatalogError("x"), 1),
        (SampleError("kind", "x"), 1),
        (UsageError("x"), 2),
        (click.UsageError("x."), 2),
        (OSError(errno.EIO, "x"), 1),
    ],
)
def test_exit_codes(
    said: Callable[[Exception], tuple[int, list[str]]], error: Exception, code: int
) -> None:
    found, lines = said(error)
    assert found == code
    assert lines[0] == "error  x"


def test_full_disk_says_what_to_do(said: Callable[[Exception], tuple[int, list[str]]]) -> None:
    code, lines = said(OSError(errno.ENOSPC, "No space left on device", "out/x.tif"))
    assert code == 1
    assert lines[0] == "error  No space left on device"
    assert lines[1] == "file   out/x.tif"
    assert "goes on where it stopped" in " ".join(line.strip() for line in lines[2:])


def test_long_paths_are_not_broken(said: Callable[[Exception], tuple[int, list[str]]]) -> None:
    path = "a-long/" * 20
    assert f"file   {path}" in said(UsageError("x", file=path))[1]
