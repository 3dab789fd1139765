"""The same input gives the same bytes; a change makes again what it touches and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trees import changed, digests, stamps

from stacbuild.dataset import load
from stacbuild.engine.build import BuildRequest, BuildResult, build
from stacbuild.engine.rebuild import describe_catalog


def make(raw: Path, root: Path, *, jobs: int = 1, rehash: bool = False) -> BuildResult:
    inputs = load("bigearthnet").discover(raw)
    return build(BuildRequest(root, "bigearthnet", inputs, jobs=jobs, rehash=rehash))


@pytest.fixture(scope="module")
def built(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("built")
    make(sample, root)
    return digests(root)


@pytest.mark.parametrize("jobs", [1, 2])
def test_same_bytes_whatever_the_workers(
    sample: Path, tmp_path: Path, built: dict[str, str], jobs: int
) -> None:
    make(sample, tmp_path, jobs=jobs)
    assert digests(tmp_path) == built


def test_second_build_writes_nothing(sample: Path, tmp_path: Path) -> None:
    make(sample, tmp_path)
    before = stamps(tmp_path)
    again = make(sample, tmp_path)
    assert (again.converted, again.described) == (0, 0)
    names = changed(before, stamps(tmp_path))  # type: ignore[arg-type]
    assert names <= {".stacbuild/local/bigearthnet/report.json"}


def test_describe_from_the_facts_alone_writes_the_same(
    raw: Path, tmp_path: Path, built: dict[str, str]
) -> None:
    root = tmp_path / "out"
    make(raw, root)
    # Without its fingerprint every partition is described again.
    ledger = root / ".stacbuild/bigearthnet/ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"items":"', '"items":"0'))
    (raw / "BigEarthNet-v1.0").rename(tmp_path / "gone")
    describe_catalog(root)
    assert digests(root) == built


LOCAL = ".stacbuild/local/bigearthnet"


@pytest.mark.parametrize(
    ("jobs", "sign", "size"),
    [
        (1, f"{LOCAL}/journal.jsonl", 1),
        (1, f"{LOCAL}/journal.jsonl", 4000),
        (2, f"{LOCAL}/journal.jsonl", 1),
        (2, f"{LOCAL}/journal.jsonl", 2500),
        (1, "bigearthnet/bigearthnet-s2/splits/train.parquet", 1),
        (1, "bigearthnet/bigearthnet-s2-labels/collection.json", 1),
    ],
)
def test_killed_and_resumed(
    sample: Path, tmp_path: Path, built: dict[str, str], jobs: int, sign: str, size: int
) -> None:
    root = tmp_path / "out"
    command = [sys.executable, "-m", "stacbuild", "build", "bigearthnet", str(sample), str(root)]
    process = subprocess.Popen(
        [*command, "--jobs", str(jobs), "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # As soon as so much of this file is there, wherever the build is then.
    while process.poll() is None:
        try:
            if (root / sign).stat().st_size >= size:
                process.kill()
                break
        except FileNotFoundError:
            pass
        time.sleep(0.0005)
    assert process.wait() == -signal.SIGKILL
    before = set(digests(root))
    assert before != set(built)
    result = make(sample, root)
    assert result.converted < 60
    assert digests(root) == built


def test_flipped_byte_behind_an_old_time_is_found_by_hashing(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    make(raw, root)
    before = digests(root)
    patch = sorted((raw / "BigEarthNet-v1.0").iterdir())[7]
    band = patch / f"{patch.name}_B04.tif"
    status = band.stat()
    data = bytearray(band.read_bytes())
    data[5000] ^= 1
    band.write_bytes(data)
    os.utime(band, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert make(raw, root).converted == 0
    assert digests(root) == before
    result = make(raw, root, rehash=True)
    key = load("bigearthnet").partition(patch.name)
    names = changed(before, digests(root))
    assert f"bigearthnet/bigearthnet-s2/{key}/{patch.name}_10m.tif" in names
    pixels = {name for name in names if name.endswith((".tif", ".jpg"))}
    assert pixels
    assert all(f"/{patch.name}_" in name for name in pixels)
    inside = {name for name in names if "/S2" in name and ".stacbuild" not in name}
    assert all(f"/{key}/" in name for name in inside)
    assert result.converted == sum(
        load("bigearthnet").partition(path.name) == key
        for path in (raw / "BigEarthNet-v1.0").iterdir()
    )


def test_changed_split_list_moves_no_pixel(raw: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    make(raw, root)
    before = digests(root)
    train, test = raw / "splits/train.csv", raw / "splits/test.csv"
    rows = train.read_bytes().splitlines(keepends=True)
    train.write_bytes(b"".join(rows[1:]))
    test.write_bytes(test.read_bytes() + rows[0])
    result = make(raw, root)
    name = rows[0].decode().strip()
    assert result.converted == 0
    assert result.described == 2  # the imagery item and the label item
    names = changed(before, digests(root))
    assert not [path for path in names if path.endswith((".tif", ".jpg", ".geojson"))]
    items = {Path(path).name for path in names if "/row" in path and path.endswith(".json")}
    assert items == {f"{name}.json", f"{name}_labels.json"}


def test_changed_context_without_raw_data_gives_the_same_as_a_build(
    raw: Path, tmp_path: Path
) -> None:
    make(raw, tmp_path / "out")
    train, test = raw / "splits/train.csv", raw / "splits/test.csv"
    rows = train.read_bytes().splitlines(keepends=True)
    train.write_bytes(b"".join(rows[1:]))
    test.write_bytes(test.read_bytes() + rows[0])
    lists = dict(load("bigearthnet").discover(raw))
    del lists["patches"]
    describe_catalog(tmp_path / "out", lists={"bigearthnet": lists})
    make(raw, tmp_path / "fresh")
    assert digests(tmp_path / "out") == digests(tmp_path / "fresh")
