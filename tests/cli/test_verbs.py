from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stacbuild import dataset
from stacbuild.config import load_config

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., tuple[int, str, str]]
    CallJson = Callable[..., dict[str, Any]]


def test_datasets_lists_inputs_and_where_raw_data_comes_from(call: Call) -> None:
    code, out, _ = call("datasets")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    flat = " ".join(out.split())
    for name in dataset.names():
        known = dataset.load(name)
        assert known.homepage in flat
        assert f"stacbuild sample {name} raw" in flat
    found = json.loads(call("datasets", "--json")[1])["datasets"]
    assert [one["id"] for one in found] == list(dataset.names())
    assert found[0]["inputs"][0].keys() == {"name", "help", "required"}


def test_init_writes_once(call: Call) -> None:
    code, out, _ = call("init")
    assert code == 0
    assert out.startswith("wrote catalog.toml\n")
    assert load_config(Path("catalog.toml")).datasets == {}
    code, _, err = call("init")
    assert code == 2
    assert "exists already" in err


def test_init_for_one_dataset(call: Call) -> None:
    assert call("init", "ours.toml", "--dataset", "bigearthnet")[0] == 0
    assert list(load_config(Path("ours.toml")).datasets) == ["bigearthnet"]
    assert call("init", "x.toml", "--dataset", "bigearthnt")[0] == 2
    assert not Path("x.toml").exists()


def test_sample_is_the_same_for_the_same_seed(call: Call) -> None:
    for folder, seed in (("one", 3), ("two", 3), ("three", 4)):
        code, out, _ = call("sample", "stations", folder, "--size", 5, "--seed", seed)
        assert code == 0
        assert out.startswith(f"wrote 5 synthetic samples of stations to {folder}\n")
    one, two, three = (
        {path.name: path.read_bytes() for path in Path(folder).rglob("*.csv")}
        for folder in ("one", "two", "three")
    )
    assert len(one) == 5
    assert one == two != three


def test_sample_leaves_what_is_there_alone(call: Call, raw: Path) -> None:
    before = sorted(raw.rglob("*"))
    code, _, err = call("sample", "stations", raw)
    assert code == 2
    assert "is not empty" in err
    assert sorted(raw.rglob("*")) == before


def test_describe_takes_the_texts_of_a_configuration(call: Call, raw: Path) -> None:
    assert call("build", "stations", raw, "catalog", "-j", 1)[0] == 0
    Path("catalog.toml").write_text('[catalog]\ntitle = "New title"\n')
    code, out, err = call("describe", "catalog", "-c", "catalog.toml", "-j", 1)
    assert code == 0
    assert "written again" in out
    assert "describe: " in err
    assert json.loads(Path("catalog/catalog.json").read_bytes())["title"] == "New title"


def test_describe_without_a_catalog(call: Call) -> None:
    code, _, err = call("describe", "absent")
    assert code == 1
    assert "no catalog" in err


def test_validate_passes_what_build_made(call: Call, call_json: CallJson, raw: Path) -> None:
    assert call("build", "stations", raw, "catalog", "-j", 1)[0] == 0
    code, out, err = call("validate", "catalog", "-j", 1)
    assert (code, out.splitlines()[-1]) == (0, "valid")
    assert "validate: " in err
    found = call_json("validate", "catalog", "-j", 1)
    assert found["valid"]
    assert found["checked"]["items"] == 2


def test_validate_finds_a_changed_byte(call: Call, call_json: CallJson, raw: Path) -> None:
    assert call("build", "stations", raw, "catalog", "-j", 1)[0] == 0
    asset = next(Path("catalog").rglob("south.csv"))
    data = bytearray(asset.read_bytes())
    data[-3] ^= 1
    asset.write_bytes(data)
    code, out, _ = call("validate", "catalog", "-j", 1, "-q")
    assert code == 1
    assert "south.csv" in out
    assert not call_json("validate", "catalog", "-j", 1)["valid"]


@pytest.mark.parametrize("words", [("absent",), ("absent", "--pixels", "raw")])
def test_validate_without_a_catalog_is_no_traceback(call: Call, words: tuple[str, ...]) -> None:
    code, out, err = call("validate", *words)
    assert code in {1, 2}
    assert out == ""
    assert err.startswith("error  ")
