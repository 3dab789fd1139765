"""A tiny dataset in which many samples, in many shards, make one item."""

from __future__ import annotations

import json
from pathlib import Path

import pystac
import pytest
from trees import changed, digests, stamps

from stacbuild.dataset import load
from stacbuild.engine.build import BuildRequest, BuildResult, build
from stacbuild.engine.rebuild import describe_catalog
from stacbuild.engine.scan import Selection
from stacbuild.engine.texts import Texts
from stacbuild.errors import UsageError


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    load("stations").sample(folder, size=50, seed=1)
    return folder


def make(raw: Path, root: Path, *, jobs: int = 1, rehash: bool = False) -> BuildResult:
    return build(BuildRequest(root, "stations", {"stations": raw}, jobs=jobs, rehash=rehash))


def test_shards_make_one_item_a_region(raw: Path, tmp_path: Path) -> None:
    result = make(raw, tmp_path / "out")
    assert result.exit_code == 0
    assert result.summary is not None
    assert result.summary.samples == 50
    assert result.summary.collections["stations"].items == 2
    catalog = pystac.Catalog.from_file(str(tmp_path / "out/catalog.json"))
    items = {item.id: item for item in catalog.get_items(recursive=True)}
    assert set(items) == {"north", "south"}
    assert items["north"].properties["stations"] + items["south"].properties["stations"] == 50
    href = items["south"].assets["stations"].get_absolute_href()
    assert href is not None
    lines = Path(href).read_text().splitlines()
    assert len(lines) == 1 + items["south"].properties["stations"]
    expected = sorted(path.read_text() for path in (raw / "south").iterdir())
    assert sorted(lines[1:]) == expected


@pytest.mark.parametrize("jobs", [1, 2])
def test_bytes_do_not_depend_on_the_workers(raw: Path, tmp_path: Path, jobs: int) -> None:
    make(raw, tmp_path / "one")
    make(raw, tmp_path / "two", jobs=jobs)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_second_build_does_nothing(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    make(raw, root)
    before = stamps(root)
    again = make(raw, root)
    assert again.converted == again.described == 0
    after = stamps(root)
    assert {name for name in changed(before, after) if "report.json" not in name} <= {  # type: ignore[arg-type]
        ".stacbuild/local/lock"
    }


def test_changed_sample_changes_its_shard_and_its_item_alone(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    make(raw, root)
    before = digests(root)
    (raw / "south/south-3.csv").write_text("5,5,1.000")
    result = make(raw, root)
    assert result.converted == 10 + 1 - 6  # four stations of its shard, and the region
    names = changed(before, digests(root))
    assert "stations/stations/south/south.csv" in names
    assert not [name for name in names if "/north/" in name]


def test_same_bytes_after_a_rebuild_as_from_scratch(raw: Path, tmp_path: Path) -> None:
    make(raw, tmp_path / "out")
    (raw / "south/south-3.csv").write_text("5,5,1.000")
    (raw / "north/north-49.csv").unlink()
    make(raw, tmp_path / "out")
    make(raw, tmp_path / "fresh")
    assert digests(tmp_path / "out") == digests(tmp_path / "fresh")


def test_removed_region_goes(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    make(raw, root)
    for path in (raw / "south").iterdir():
        path.unlink()
    result = make(raw, root)
    assert result.removed > 0
    assert not (root / "stations/stations/south").exists()
    make(raw, tmp_path / "fresh")
    assert digests(root) == digests(tmp_path / "fresh")


def test_reject_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    load("stations").sample(raw, size=50, seed=1, faults=True)
    result = make(raw, tmp_path / "out")
    assert result.exit_code == 3
    assert [(reject["id"], reject["kind"]) for reject in result.rejects] == [
        ("south-0", "not-numbers")
    ]
    assert result.summary is not None
    assert result.summary.samples == 49
    known = BuildRequest(
        tmp_path / "out", "stations", {"stations": raw}, known_rejects=frozenset({"south-0"})
    )
    assert build(known).exit_code == 0
    report = json.loads((tmp_path / "out/.stacbuild/local/stations/report.json").read_text())
    assert report["rejects"][0]["known"] is True


def test_describe_needs_no_raw_data(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    make(raw, root)
    before = digests(root)
    assert describe_catalog(root) == {"stations": 0}
    assert digests(root) == before
    describe_catalog(root, texts=Texts(title="Another title"))
    names = changed(before, digests(root))
    assert {"catalog.json", "stations/stations/north/north.json"} <= names
    assert not [name for name in names if name.endswith(".csv")]


def test_no_samples_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(UsageError, match="no sample of Weather stations was found"):
        make(tmp_path / "raw", tmp_path / "out")
    with pytest.raises(UsageError, match="does not exist"):
        make(tmp_path / "nowhere", tmp_path / "out")


def test_trial_is_marked_and_does_not_eat_a_larger_catalog(raw: Path, tmp_path: Path) -> None:
    def trial(root: Path, limit: int) -> BuildResult:
        return build(
            BuildRequest(root, "stations", {"stations": raw}, selection=Selection(limit=limit))
        )

    small = trial(tmp_path / "small", 20)
    assert small.summary is not None
    assert small.summary.partial == "20 of 50 samples (at most 20 samples)"
    collection = json.loads((tmp_path / "small/stations/stations/collection.json").read_text())
    assert "part of the dataset" in collection["description"]
    make(raw, tmp_path / "whole")
    with pytest.raises(UsageError, match="outside of this selection"):
        trial(tmp_path / "whole", 20)
    make(raw, tmp_path / "small")
    assert digests(tmp_path / "small") == digests(tmp_path / "whole")
