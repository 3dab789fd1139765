"""Bad input is rejected with its reason; the rest goes on."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pystac
import pytest
from trees import digests

from stacbuild import cli
from stacbuild.dataset import load
from stacbuild.engine.build import BuildRequest, build
from stacbuild.errors import CatalogError
from stacbuild.validate.catalog import validate_catalog

KINDS = {
    "missing-band",
    "extra-band",
    "wrong-shape",
    "wrong-dtype",
    "truncated-tiff",
    "tiff-claims-too-much",
    "crs-differs",
    "json-missing",
    "json-unparsable",
    "unknown-label",
    "off-lattice",
    "two-splits",
    "zero-byte",
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    load("bigearthnet").sample(folder, size=20, seed=3, faults=True)
    return folder


@pytest.fixture(scope="module")
def expected(faulty: Path) -> dict[str, str]:
    with (faulty / "faults.csv").open() as file:
        return {row["id"]: row["kind"] for row in csv.DictReader(file)}


def run(*words: object) -> int:
    return cli.run([str(word) for word in words])


def test_sample_has_a_fault_of_every_kind(expected: dict[str, str]) -> None:
    assert set(expected.values()) == KINDS


def test_every_fault_is_rejected_with_its_kind_and_the_rest_is_a_valid_catalog(
    faulty: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "out"
    result = build(BuildRequest(root, "bigearthnet", load("bigearthnet").discover(faulty)))
    assert {str(reject["id"]): reject["kind"] for reject in result.rejects} == expected
    assert all(reject["reason"] for reject in result.rejects)
    assert result.exit_code == 3
    catalog = pystac.Catalog.from_file(str(root / "catalog.json"))
    items = {item.id for item in catalog.get_items(recursive=True)}
    assert len(items) == 2 * 20
    assert not items & set(expected)
    files = {path.name for path in root.rglob("*") if path.is_file()}
    assert not [name for name in files for broken in expected if name.startswith(f"{broken}_")]
    report = validate_catalog(root)
    assert report.findings.kept == []


def test_rejects_do_not_disturb_the_others(faulty: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(faulty, raw)
    with (raw / "faults.csv").open() as file:
        for row in csv.DictReader(file):
            shutil.rmtree(raw / "BigEarthNet-v1.0" / row["id"])
    for name, folder in (("with", faulty), ("without", raw)):
        inputs = load("bigearthnet").discover(folder)
        build(BuildRequest(tmp_path / name, "bigearthnet", inputs))
    one, two = (
        {path: digest for path, digest in digests(tmp_path / name).items() if "/S2" in path}
        for name in ("with", "without")
    )
    catalog = {path for path in one if ".stacbuild" not in path}
    assert catalog == {path for path in two if ".stacbuild" not in path}
    assert all(one[path] == two[path] for path in catalog)


def test_exit_codes(
    faulty: Path, expected: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("build", "bigearthnet", faulty, tmp_path / "out", "--quiet")
    assert run(*words) == 3
    # Nothing new to do, and nobody has looked at the rejects yet.
    assert run(*words) == 3
    known = tmp_path / "known.txt"
    known.write_text("\n".join(expected))
    assert run(*words, "--known-rejects", known) == 0
    capsys.readouterr()
    assert run(*words[:3], tmp_path / "strict", "--strict") == 1
    assert "is rejected" in capsys.readouterr().err


def test_json_output_is_one_object(
    faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("build", "bigearthnet", faulty, tmp_path / "out", "--json") == 3
    (dataset,) = json.loads(capsys.readouterr().out)["datasets"]
    assert dataset["samples"] == 20
    assert len(dataset["rejects"]) == len(KINDS)


def test_mended_sample_comes_in(
    faulty: Path, expected: dict[str, str], sample: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(faulty, raw)
    (name,) = [name for name, kind in expected.items() if kind == "zero-byte"]
    folder = raw / "BigEarthNet-v1.0" / name
    request = BuildRequest(tmp_path / "out", "bigearthnet", load("bigearthnet").discover(raw))
    build(request)
    (empty,) = [path for path in folder.iterdir() if path.stat().st_size == 0]
    (like,) = [path for path in folder.iterdir() if path.name.endswith("_B02.tif")]
    empty.write_bytes(like.read_bytes())
    again = build(request)
    assert name not in {reject["id"] for reject in again.rejects}
    assert again.summary is not None
    assert again.summary.samples == 21


def test_no_input_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("build", "bigearthnet", tmp_path / "empty", tmp_path / "out") == 2
    assert not (tmp_path / "out/catalog.json").exists()


def test_second_build_into_the_same_catalog_is_refused(sample: Path, tmp_path: Path) -> None:
    from stacbuild.engine.lock import locked  # noqa: PLC0415

    inputs = load("bigearthnet").discover(sample)
    with locked(tmp_path), pytest.raises(CatalogError, match="another build"):
        build(BuildRequest(tmp_path, "bigearthnet", inputs))


def test_target_that_cannot_be_written_is_an_error(sample: Path, tmp_path: Path) -> None:
    # Not even root makes a folder below a file.
    (tmp_path / "file").write_text("")
    root = tmp_path / "file/out"
    with pytest.raises(CatalogError, match="cannot be written to"):
        build(BuildRequest(root, "bigearthnet", load("bigearthnet").discover(sample)))
