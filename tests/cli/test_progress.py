from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

import pytest

from stacbuild.cli.progress import Lines, progress, seconds
from stacbuild.engine.progress import Silent

SHOW = """
import time
from stacbuild.cli.progress import progress
with progress(quiet=False) as shown:
    shown.start("scan", None); shown.advance(3); shown.finish()
    shown.start("convert", 4)
    shown.advance(2)
    shown.reject("A_1", "missing-band", "B05 [is] missing")
    shown.reject("A_2", "missing-band", "B06 is missing")
    shown.advance(2)
    shown.finish()
    shown.start("assemble", 9); shown.advance(5)
    raise SystemExit(7)
"""


def test_lines_in_a_log_have_no_carriage_returns() -> None:
    stream = io.StringIO()
    lines = Lines(stream, interval=0.0)
    lines.start("convert", 2000)
    lines.advance(500)
    lines.reject("A_1", "missing-band", "B05 is missing")
    lines.reject("A_2", "missing-band", "B06 is missing")
    lines.advance(1500)
    lines.finish()
    first, rejected, second, last = stream.getvalue().splitlines()
    assert first.startswith("convert: 500 of 2,000 (25%), ")
    assert rejected == "rejected A_1: missing-band: B05 is missing"
    assert second.startswith("convert: 2,000 of 2,000 (100%), ")
    assert second.endswith(", 2 rejected")
    assert last == "convert: 2,000 in less than 0.1 s, 2 rejected"
    assert "\r" not in stream.getvalue()


def test_lines_come_now_and_then() -> None:
    stream = io.StringIO()
    lines = Lines(stream, interval=3600)
    lines.start("convert", 100)
    for _ in range(100):
        lines.advance()
    assert stream.getvalue() == ""


def test_unknown_total_is_left_out() -> None:
    stream = io.StringIO()
    lines = Lines(stream, interval=0.0)
    lines.start("scan", None)
    lines.advance(10)
    assert " of " not in stream.getvalue()
    assert "left" not in stream.getvalue()


def test_quiet_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    with progress(quiet=True) as shown:
        assert isinstance(shown, Silent)
        shown.start("convert", 1)
        shown.note("x")
        shown.finish()
    assert capfd.readouterr() == ("", "")


def test_log_gets_lines_on_stderr_only(capfd: pytest.CaptureFixture[str]) -> None:
    with progress(quiet=False) as shown:
        shown.start("convert", 1)
        shown.advance()
        shown.finish()
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "convert: 1 in less than 0.1 s\n"


def test_terminal_gets_bars_and_its_cursor_back() -> None:
    parent, child = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    run = subprocess.run(
        [sys.executable, "-c", SHOW],
        stdout=subprocess.PIPE,
        stderr=child,
        stdin=child,
        env=env,
        check=False,
    )
    os.close(child)
    seen = b""
    try:
        while more := os.read(parent, 65536):
            seen += more
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(parent)
    assert run.returncode == 7
    assert run.stdout == b""
    text = seen.decode()
    assert "4/4" in text
    assert "rejected A_1: missing-band: B05 [is] missing" in text
    assert "2 rejected" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.04, "less than 0.1 s"),
        (0.06, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (200.2, "3 min 20 s"),
        (3599.9, "1 h 0 min"),
        (18750, "5 h 12 min"),
    ],
)
def test_durations_for_people(value: float, text: str) -> None:
    assert seconds(value) == text
