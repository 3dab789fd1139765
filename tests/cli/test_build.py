from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stacbuild import dataset

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., tuple[int, str, str]]
    CallJson = Callable[..., dict[str, Any]]

ONE = ("-j", "1")
PLUGINS = Path(__file__).resolve().parent.parent / "plugins"


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "local" not in path.relative_to(folder).parts
    }


def test_good_build_is_0_and_says_what_there_is(call: Call, raw: Path) -> None:
    code, out, err = call("build", "stations", raw, "catalog", *ONE)
    assert code == 0
    assert "25 samples" in out
    assert "rejects" not in out
    assert out.rstrip().endswith("next  stacbuild validate catalog")
    assert "convert: 25 in " in err
    assert "\r" not in out + err
    assert Path("catalog/catalog.json").is_file()
    assert max(map(len, out.splitlines())) <= 80


def test_new_rejects_are_3_and_shown_with_the_report(call: Call, faulty: Path) -> None:
    code, out, err = call("build", "stations", faulty, "catalog", *ONE)
    assert code == 3
    assert "24 samples, 1 rejected" in out
    assert "not-numbers (1)\n    south-0.csv: could not convert" in out
    (line,) = [line for line in out.splitlines() if line.startswith("all of them")]
    report = json.loads(Path(line.rpartition(" ")[2]).read_bytes())
    assert [one["id"] for one in report["rejects"]] == ["south-0"]
    assert "rejected south-0: not-numbers" in err


@pytest.mark.parametrize("as_list", [True, False], ids=["list", "report"])
def test_known_rejects_are_0(
    call: Call, call_json: CallJson, faulty: Path, *, as_list: bool
) -> None:
    first = call_json("build", "stations", faulty, "catalog", *ONE)
    known = Path(first["datasets"][0]["report"])
    if as_list:
        known = Path("known.txt")
        known.write_text("# broken in the release\nsouth-0\n")
    code, out, err = call("build", "stations", faulty, "catalog", *ONE, "--known-rejects", known)
    assert code == 0
    assert "24 samples, 1 rejected (known)" in out
    assert "rejected" not in err


def test_strict_is_1_at_the_first_reject(call: Call, faulty: Path) -> None:
    code, out, err = call("build", "stations", faulty, "catalog", *ONE, "--strict", "-q")
    assert code == 1
    assert out == ""
    assert err.startswith("error  south-0 is rejected (not-numbers)")
    assert "Traceback" not in err
    assert not Path("catalog/catalog.json").exists()


def test_no_input_is_2_and_says_what_to_do(call: Call) -> None:
    code, out, err = call("build", "stations", "absent", "catalog")
    assert (code, out) == (2, "")
    assert "absent" in err
    assert "mend " in err
    assert not Path("catalog").exists()


def test_empty_input_is_2(call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = call("build", "stations", "empty", "catalog")
    assert code == 2
    assert "no sample" in err


def test_json_is_one_object_and_nothing_else(call: Call, faulty: Path) -> None:
    code, out, err = call("build", "stations", faulty, "catalog", *ONE, "--json")
    found = json.loads(out)
    assert code == 3
    assert found["catalog"] == "catalog"
    (one,) = found["datasets"]
    assert one["dataset"] == "stations"
    assert (one["found"], one["samples"], one["new_rejects"], one["exit_code"]) == (25, 24, 1, 3)
    assert one["rejects"][0]["id"] == "south-0"
    assert one["items"] == {"stations": 2}
    assert one["bytes"] > 0
    assert "convert: 25" in err


def test_quiet_says_nothing_on_stderr(call: Call, raw: Path) -> None:
    code, out, err = call("build", "stations", raw, "catalog", *ONE, "-q")
    assert code == 0
    assert "25 samples" in out
    assert err == ""


def test_second_build_has_nothing_to_do(call_json: CallJson, raw: Path) -> None:
    call_json("build", "stations", raw, "catalog", *ONE)
    before = files(Path("catalog"))
    (again,) = call_json("build", "stations", raw, "catalog", *ONE)["datasets"]
    assert (again["converted"], again["described"]) == (0, 0)
    assert files(Path("catalog")) == before


def test_dry_run_writes_nothing(call: Call, call_json: CallJson, raw: Path) -> None:
    code, out, _ = call("build", "stations", raw, "catalog", *ONE, "--dry-run")
    assert code == 0
    for word in ("25 samples", "partitions", "objects", "time", "trial", "free"):
        assert word in out
    (plan,) = call_json("build", "stations", raw, "catalog", "-n")["datasets"]
    assert (plan["found"], plan["samples"], plan["known"]) == (25, 25, 0)
    assert plan["fits"]
    assert not Path("catalog").exists()
    assert sorted(path.name for path in Path().iterdir()) == ["raw"]


def test_trial_is_marked_partial(call: Call, call_json: CallJson, raw: Path) -> None:
    _, out, _ = call("build", "stations", raw, "few", *ONE, "--limit", "3")
    assert "3 samples" in out
    assert "partial" in out
    (one,) = call_json("build", "stations", raw, "south", *ONE, "--only", "south-*")["datasets"]
    assert one["items"] == {"stations": 1}
    assert "south-*" in one["partial"]


def test_configuration_is_the_same_as_the_words(call: Call, raw: Path) -> None:
    Path("catalog.toml").write_text(
        '[catalog]\nid = "ours"\ntitle = "Ours"\n[datasets.stations]\ninputs = {stations = "raw"}\n'
    )
    assert call("build", "-c", "catalog.toml", *ONE)[0] == 0
    assert json.loads(Path("ours/catalog.json").read_bytes())["title"] == "Ours"
    assert call("build", "-c", "catalog.toml", "stations", raw, "words", *ONE)[0] == 0
    assert call("build", "-c", "catalog.toml", "named", *ONE)[0] == 0
    assert files(Path("ours")) == files(Path("words")) == files(Path("named"))


def test_flags_win_over_the_configuration(call: Call, faulty: Path) -> None:
    Path("none.txt").write_text("")
    Path("all.txt").write_text("south-0")
    Path("catalog.toml").write_text(
        '[datasets.stations]\ninputs = { stations = "absent" }\nknown_rejects = "all.txt"\n'
    )
    base = ("build", "-c", "catalog.toml", "catalog", *ONE)
    assert call(*base)[0] == 2
    assert call(*base, "--input", f"stations={faulty}")[0] == 0
    assert call(*base, "-i", f"stations.stations={faulty}", "--known-rejects", "none.txt")[0] == 3


@pytest.mark.parametrize(
    ("word", "reason", "mend"),
    [
        ("statoins=x", "no input 'statoins'", "'stations'"),
        ("stations", "is not NAME=PATH", "--input train="),
        ("stations=", "is not NAME=PATH", "--input train="),
        ("nodata.stations=x", "of which dataset", "stations"),
    ],
)
def test_wrong_input_is_2(call: Call, raw: Path, word: str, reason: str, mend: str) -> None:
    code, _, err = call("build", "stations", raw, "catalog", "--input", word)
    assert code == 2
    assert reason in err
    assert mend in err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[catalogue]\n", "unknown key 'catalogue'"),
        ("", "no dataset is named"),
        ("[datasets.stations]\n", "'stations' is missing"),
    ],
)
def test_wrong_configuration_is_2_with_the_mend(call: Call, text: str, reason: str) -> None:
    Path("catalog.toml").write_text(text)
    code, out, err = call("build", "-c", "catalog.toml", "catalog")
    assert (code, out) == (2, "")
    assert reason in err
    assert "\nmend " in err
    assert not Path("catalog").exists()


def test_folder_that_may_not_be_written_is_1(call: Call, raw: Path) -> None:
    Path("catalog").write_text("a file")
    code, _, err = call("build", "stations", raw, "catalog", *ONE, "-q")
    assert code == 1
    assert err.startswith("error  ")
    assert "file   catalog" in err


def test_ctrl_c_is_130_and_the_next_build_goes_on(
    call: Call, call_json: CallJson, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    dataset.load("stations").sample(many, size=1500, seed=2, faults=True)
    words = ["build", "stations", str(many), "catalog", "-j", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "stacbuild", *words],
        env={**os.environ, "PYTHONPATH": str(PLUGINS)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("rejected"):
                running.send_signal(signal.SIGINT)
                break
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert err.splitlines()[-2:] == [
        "error  interrupted",
        "mend   Run the same command again: it goes on where it stopped",
    ]
    (one,) = call_json("build", "stations", many, "catalog", *ONE)["datasets"]
    assert one["samples"] == 1499
    assert one["converted"] < 1499
    assert call("build", "stations", many, "whole", *ONE, "-q")[0] == 3
    assert files(Path("catalog")) == files(Path("whole"))
