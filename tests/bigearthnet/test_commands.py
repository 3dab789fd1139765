from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pystac
import pytest

from stactools.bigearthnet import constants as c

STAC = Path(sys.executable).with_name("stac")
NAME = "S2B_MSIL2A_20170924T93020_69_24"


def stac(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the real `stac` command, which finds the package by itself."""
    command = [str(STAC), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_stac_finds_the_package() -> None:
    done = stac("bigearthnet", "--help")
    assert done.returncode == 0, done.stderr
    assert "create-collection" in done.stdout
    assert "create-item" in done.stdout


@pytest.mark.parametrize("collection", [c.IMAGERY, c.LABELS])
def test_create_collection_writes_one_file(tmp_path: Path, collection: str) -> None:
    path = tmp_path / "made" / "collection.json"
    done = stac("bigearthnet", "create-collection", path, "--collection", collection)
    assert done.returncode == 0, done.stderr
    made = pystac.Collection.from_file(str(path))
    assert made.id == collection
    assert str(tmp_path) not in path.read_text()


def test_create_item_writes_both_items_and_their_assets(real_patches: Path, tmp_path: Path) -> None:
    done = stac("bigearthnet", "create-item", real_patches / NAME, tmp_path, "--split", "validate")
    assert done.returncode == 0, done.stderr
    item = pystac.Item.from_file(str(tmp_path / f"{NAME}.json"))
    labels = json.loads((tmp_path / f"{NAME}_labels.json").read_text())
    assert item.properties["ml-aoi:split"] == "validate"
    assert labels["links"][0]["rel"] == "source"
    for asset in (*item.assets.values(), labels["assets"]["vector_labels"]):
        href = asset.href if isinstance(asset, pystac.Asset) else asset["href"]
        assert (tmp_path / href).is_file()
    assert str(tmp_path) not in (tmp_path / f"{NAME}.json").read_text()


def test_create_item_says_what_is_wrong(tmp_path: Path) -> None:
    done = stac("bigearthnet", "create-item", tmp_path / "absent", tmp_path / "out")
    assert done.returncode == 1
    assert "absent" in done.stderr
    assert "folder of one patch" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
