from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stacbuild import dataset
from stacbuild.cli.demo import MARK
from stacbuild.config import load_config

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).resolve().parent.parent.parent


def test_demo_builds_validates_and_says_what_there_is(call: Call) -> None:
    code, out, err = call("demo", "--size", 40, "-j", 1)
    assert code == 0, out + err
    assert Path("demo/catalog/catalog.json").is_file()
    for name in dataset.names():
        for collection in dataset.load(name).collection_ids:
            assert collection in out
    assert "demo/catalog/catalog.json" in out
    assert "train" in out
    assert "\nvalid\n" in out
    assert "stacbuild validate demo/catalog --pixels" in out
    assert "\r" not in out + err


def test_second_demo_replaces_the_first(call: Call) -> None:
    assert call("demo", "there", "--size", 30, "-j", 1, "-q")[0] == 0
    Path("there/notes.txt").write_text("mine")
    assert call("demo", "there", "--size", 31, "-j", 1, "-q")[0] == 0
    assert Path("there/notes.txt").read_text() == "mine"
    assert len(list(Path("there/raw/stations").rglob("*.csv"))) == 31


def test_kept_demo_goes_on(call: Call) -> None:
    assert call("demo", "there", "--size", 30, "-j", 1, "-q")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in Path("there/raw").rglob("*")}
    code, out, _ = call("demo", "there", "--size", 31, "-j", 1, "-q", "--keep")
    assert code == 0
    assert "synthetic" not in out
    assert {path: path.stat().st_mtime_ns for path in Path("there/raw").rglob("*")} == before


def test_folder_of_something_else_is_left_alone(call: Call) -> None:
    Path("mine").mkdir()
    Path("mine/catalog.toml").write_text("[catalog]\n")
    Path("mine/raw").mkdir()
    code, out, err = call("demo", "mine", "--size", 2)
    assert (code, out) == (2, "")
    assert "left alone" in err
    assert Path("mine/raw").is_dir()


def test_demo_that_was_killed_is_made_anew(call: Call) -> None:
    Path("there/raw/bigearthnet").mkdir(parents=True)
    Path("there/catalog.toml").write_text(MARK)
    assert call("demo", "there", "--size", 30, "-j", 1, "-q", "--keep")[0] == 0


def test_demo_toml_of_the_repository_is_what_the_demo_writes(call: Call) -> None:
    assert call("demo", "--size", 30, "-j", 1, "-q")[0] == 0
    written = load_config(Path("demo/catalog.toml"))
    ours = load_config(ROOT / "catalogs/demo.toml")
    assert ours.texts == written.texts
    here = Path("demo").resolve()
    there = (ROOT / "demo").resolve()
    for name, one in ours.datasets.items():
        assert {key: path.resolve().relative_to(there) for key, path in one.inputs.items()} == {
            key: path.resolve().relative_to(here)
            for key, path in written.datasets[name].inputs.items()
        }
