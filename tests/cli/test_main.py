from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import metadata

import pytest

from stacbuild.cli import SECTIONS, cli, run

VERBS = [name for verbs in SECTIONS.values() for name in verbs]


def test_help_lists_every_verb_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for name in VERBS:
        assert f"\n  {name} " in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: stacbuild {name} ")
    command = cli.get_command(cli.make_context("stacbuild", ["x"]), name)
    assert command is not None
    assert command.name == name


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"stacbuild {metadata.version('stacbuild')}\n"


@pytest.mark.parametrize(
    ("args", "reason", "mend"),
    [
        (["bild"], "there is no verb 'bild'", "'build'"),
        (["--nonsense"], "No such option", "stacbuild --help"),
        (["validate"], "Missing argument", "stacbuild validate --help"),
        (["sample", "bigearthnt", "x"], "there is no dataset 'bigearthnt'", "'bigearthnet'"),
        (["sample", "bigearthnet", "x", "--size", "0"], "0 is not in the range", "--help"),
        (["build"], "give DATASET RAW CATALOG", "stacbuild demo"),
        (["build", "-c", "absent.toml"], "no such configuration", "stacbuild init absent.toml"),
    ],
)
def test_wrong_usage_is_2_with_the_mend(
    args: list[str], reason: str, mend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(args) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error  ")
    assert reason in captured.err
    assert mend in captured.err
    assert "Traceback" not in captured.err


def test_no_verb_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Make a catalog" in capsys.readouterr().err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACBUILD_DEBUG", "1")
    with pytest.raises(Exception, match="no such configuration"):
        run(["build", "-c", "absent.toml"])


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys; from stacbuild.cli import run; code = run(['--help']); "
        "heavy = {'numpy', 'pyarrow', 'pystac', 'rasterio', 'rich', 'pandas'} & set(sys.modules); "
        "sys.exit(code or bool(heavy))"
    )
    begun = time.perf_counter()
    run_ = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    spent = time.perf_counter() - begun
    assert run_.returncode == 0, run_.stderr.decode()
    assert spent < 3  # measured 0.1 s; this is only the alarm, on however loaded a machine


def test_reader_that_goes_away_is_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    run_ = subprocess.run(
        [sys.executable, "-m", "stacbuild", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert run_.returncode == 1
    assert run_.stderr == b""
