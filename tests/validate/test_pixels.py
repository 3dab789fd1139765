from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import rasterio
from rasterio.io import MemoryFile

from stacbuild.dataset import Context, Dataset, Files, InputSpec, Pixels, SampleRef
from stacbuild.errors import SampleError, UsageError
from stacbuild.stac.encode import dumps_item, loads
from stacbuild.validate.pixels import compare_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pystac

    from stacbuild.dataset import Facts, Item, Place
    from stacbuild.summary import Summary

PART = "demo/demo-images/north/row1"


class Chips(Dataset):
    """The dataset of the catalog of the tests: raw GeoTIFFs in a folder."""

    id = "demo"
    title = description = "Demo"
    homepage = "https://example.com"
    inputs = (InputSpec("chips", "the folder", required=True),)
    collection_ids = ("demo-images", "demo-labels")
    collection_titles = ("Images of tests", "Labels of tests")
    facts_schema = pa.schema({})
    context_schema = pa.schema({})
    pixel_format = item_format = 1

    def __init__(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Pixels
        self.changes = changes

    def scan(self, inputs: Mapping[str, Path]) -> Iterator[SampleRef]:
        for path in sorted(inputs["chips"].glob("*.tif")):
            yield SampleRef(path.stem, path.name, "chips")

    def context(self, inputs: Mapping[str, Path], ids: Sequence[str]) -> Context:
        raise NotImplementedError

    def partition(self, sample_id: str) -> str:
        return "north/row1"

    def convert(self, ref: SampleRef, context: Mapping[str, Any], files: Files) -> Facts:
        raise NotImplementedError

    def describe(self, facts: Facts, context: Mapping[str, Any], place: Place) -> list[Item]:
        raise NotImplementedError

    def collections(self, summary: Summary) -> list[pystac.Collection]:
        raise NotImplementedError

    def pixels(self, ref: SampleRef, files: Files) -> Iterator[Pixels]:
        data = files.read(f"{ref.id}.tif")
        if not data:
            raise SampleError("empty", "the file is empty", file=files.where(f"{ref.id}.tif"))
        with MemoryFile(data) as memory, memory.open() as raster:
            expected = Pixels(
                collection="demo-images",
                item=ref.id,
                asset="image",
                array=raster.read(),
                crs=str(raster.crs),
                transform=tuple(raster.transform)[:6],
            )
        yield replace(expected, **self.changes)


@pytest.fixture
def raw(catalog: Path, tmp_path: Path) -> Path:
    """Raw data that is what the catalog was made of."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for path in (catalog / PART).glob("*.tif"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_the_same_pixels_are_the_same(catalog: Path, raw: Path) -> None:
    report = compare_pixels(catalog, Chips(), {"chips": raw})

    assert report.findings.kept == []
    assert report.exit_code == 0
    assert (report.counters.items, report.counters.assets) == (2, 2)
    assert report.counters.pixels == 2 * 3 * 32 * 32


def test_one_other_pixel_is_found(catalog: Path, raw: Path) -> None:
    with rasterio.open(raw / "chip_2.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        band = file.read(2)
        band[3, 4] += 1
        file.write(band, 2)
    (found,) = compare_pixels(catalog, Chips(), {"chips": raw}).findings.kept

    assert (found.kind, found.file) == ("pixels", f"{PART}/chip_2.tif")
    assert found.message.startswith("1 of 3,072 pixel values")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"crs": "EPSG:32634"}, "pixels-crs"),
        ({"transform": (10, 0, 0, 0, -10, 0)}, "pixels-transform"),
        ({"array": np.zeros((3, 32, 31), "uint16")}, "pixels-shape"),
        ({"asset": "other"}, "pixels-missing"),
        ({"item": "other"}, "pixels-missing"),
        ({"collection": "../../other"}, "pixels-missing"),
    ],
)
def test_every_kind_of_difference_is_found(
    catalog: Path, raw: Path, change: dict[str, Any], kind: str
) -> None:
    report = compare_pixels(catalog, Chips(**change), {"chips": raw})
    errors = {one.kind for one in report.findings.kept if one.severity == "error"}

    assert errors == {kind}


def test_another_dtype_is_found_even_where_the_numbers_are_the_same(
    catalog: Path, raw: Path
) -> None:
    (raw / "chip_2.tif").unlink()
    with MemoryFile((raw / "chip_1.tif").read_bytes()) as memory, memory.open() as raster:
        array = raster.read().astype("int32")
    (found,) = compare_pixels(catalog, Chips(array=array), {"chips": raw}).findings.kept

    assert (found.kind, found.file) == ("pixels-dtype", f"{PART}/chip_1.tif")


def test_a_sample_without_an_item_is_found_unless_it_was_rejected(catalog: Path, raw: Path) -> None:
    (raw / "chip_3.tif").write_bytes((raw / "chip_1.tif").read_bytes())
    report = compare_pixels(catalog, Chips(), {"chips": raw})
    assert [(one.kind, one.file) for one in report.findings.kept] == [
        ("pixels-missing", f"{PART}/chip_3.json")
    ]

    path = catalog / ".stacbuild/demo/ledger.jsonl"
    line = loads(path.read_bytes())
    line["rejects"] = [{"id": "chip_3", "kind": "odd", "reason": "odd"}]
    path.write_bytes(dumps_item(line) + b"\n")
    assert compare_pixels(catalog, Chips(), {"chips": raw}).findings.kept == []


def test_what_a_partial_catalog_leaves_out_is_not_missing(catalog: Path, raw: Path) -> None:
    (raw / "chip_3.tif").write_bytes((raw / "chip_1.tif").read_bytes())
    path = catalog / ".stacbuild/demo/build.json"
    path.write_bytes(dumps_item({**loads(path.read_bytes()), "partial": "the first 2"}))
    report = compare_pixels(catalog, Chips(), {"chips": raw})

    assert report.findings.kept == []
    assert report.counters.items == 2


def test_raw_data_that_cannot_be_read_is_a_finding(catalog: Path, raw: Path) -> None:
    (raw / "chip_1.tif").write_bytes(b"")
    (found,) = compare_pixels(catalog, Chips(), {"chips": raw}).findings.kept

    assert (found.kind, found.file) == ("raw", "chip_1")


def test_no_raw_data_at_all_is_no_proof(catalog: Path, tmp_path: Path) -> None:
    assert compare_pixels(catalog, Chips(), {"chips": tmp_path / "none"}).exit_code == 1


def test_a_chip_that_gdal_cannot_read(catalog: Path, raw: Path) -> None:
    (catalog / f"{PART}/chip_1.tif").write_bytes(b"II*\0")
    (found,) = compare_pixels(catalog, Chips(), {"chips": raw}).findings.kept

    assert (found.kind, found.file) == ("cog-decode", f"{PART}/chip_1.tif")


def test_data_that_the_package_says_nothing_about_is_remarked(catalog: Path, raw: Path) -> None:
    path = catalog / f"{PART}/chip_1.json"
    item = loads(path.read_bytes())
    item["assets"]["more"] = item["assets"]["image"]
    path.write_bytes(dumps_item(item))
    (found,) = compare_pixels(catalog, Chips(), {"chips": raw}).findings.kept

    assert (found.severity, found.kind) == ("warning", "pixels-not-compared")


def test_a_dataset_without_the_method_says_so(catalog: Path, raw: Path) -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        Dataset.pixels(Chips(), SampleRef("a", "a.tif", "chips"), None)
