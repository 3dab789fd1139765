from __future__ import annotations

import json
import time
import zlib
from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from stacbuild.errors import SampleError, UsageError
from stacbuild.lists import read_ids
from stactools.bigearthnet import DATASET
from stactools.bigearthnet import constants as c
from stactools.bigearthnet.faults import KINDS
from stactools.bigearthnet.plan import ALL_QUIRKS, Planned, names, plan
from stactools.bigearthnet.raw import NAME, discover, parse_name, read_patch, scan
from stactools.bigearthnet.rawtiff import raw_tiff
from stactools.bigearthnet.sample import TOP, metadata, patch_files, write_sample
from stactools.bigearthnet.scenery import pixels

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.dataset import Context

SIZE = 60
SEED = 5


class Folder:
    """The raw files of a patch on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.names = sorted(path.name for path in folder.iterdir())

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def where(self, name: str) -> str:
        return str(self._folder / name)

    def write(self, collection: str, name: str, data: bytes) -> None:
        raise AssertionError((collection, name, data))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "raw"
    write_sample(folder, size=SIZE, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty") / "raw"
    write_sample(folder, size=20, seed=SEED, faults=True)
    return folder


@pytest.fixture(scope="module")
def first() -> list[Planned]:
    return list(plan(ALL_QUIRKS, SEED))


def tree(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def context_of(folder: Path, ids: list[str]) -> Context:
    return DATASET.context(discover(folder), ids)


# The layout


def test_every_header_is_that_of_a_real_file(real_patches: Path) -> None:
    compared = 0
    for path in real_patches.glob("*/*.tif"):
        data = path.read_bytes()
        with rasterio.open(path) as raw:
            corner = int(raw.transform.c), int(raw.transform.f)
            made = raw_tiff(raw.read(1), raw.crs.to_epsg(), corner, int(raw.transform.a))
        assert made == data, path.name
        compared += 1
    assert compared == 72


def test_every_json_has_the_form_of_a_real_one(real_patches: Path, first: list[Planned]) -> None:
    real = [path.read_bytes() for path in real_patches.glob("*/*.json")]
    projections = {}
    for data in real:
        content = json.loads(data)
        # Writing it again gives the same bytes: so it is one line with these separators.
        assert json.dumps(content).encode("ascii") == data
        projections[content["projection"][26:28]] = content["projection"]
    form = [(key, type(value)) for key, value in json.loads(real[0]).items()]
    for patch in first:
        data = metadata(patch)
        content = json.loads(data)
        assert [(key, type(value)) for key, value in content.items()] == form
        assert list(content["coordinates"]) == ["ulx", "uly", "lrx", "lry"]
        assert json.dumps(content).encode("ascii") == data
        zone = content["projection"][26:28]
        assert content["projection"] == projections.get(zone, content["projection"])
        assert int(zone) == patch.tile.epsg % 100
    assert len(projections) == 3


def test_projections_are_what_proj_reads(first: list[Planned]) -> None:
    for patch in first:
        crs = rasterio.CRS.from_wkt(json.loads(metadata(patch))["projection"])
        assert crs == rasterio.CRS.from_epsg(patch.tile.epsg)


def test_every_patch_has_thirteen_files_of_the_published_sizes(sample: Path) -> None:
    folders = sorted((sample / TOP).iterdir())
    assert len(folders) == SIZE
    for folder in folders:
        assert len(list(folder.iterdir())) == 13
        for band in c.BANDS:
            size = (folder / f"{folder.name}_{band.name}.tif").stat().st_size
            assert size == {10: 29_192, 20: 7_560, 60: 1_160}[band.resolution]
        assert 850 < (folder / f"{folder.name}_labels_metadata.json").stat().st_size < 1_400


def test_every_patch_is_read_and_lies_where_it_should(sample: Path) -> None:
    refs = list(scan(discover(sample)))
    assert {ref.id for ref in refs} == set(names(SIZE))
    for patch in plan(SIZE, SEED):
        read = read_patch(patch.name, Folder(sample / TOP / patch.name))
        assert (read.ulx, read.uly) == patch.corner
        assert read.epsg == patch.tile.epsg
        assert read.metadata.tile == patch.product.tile


def test_lists_and_tables_have_the_published_form(sample: Path) -> None:
    files = tree(sample)
    for name in ("train", "val", "test"):
        data = files[f"splits/{name}.csv"]
        assert data.endswith(b"\r\n")
        assert data.count(b"\r\n") == data.count(b"\n") == len(data.split())
        assert NAME.fullmatch(data.split()[0].decode())
    for name in ("seasonal_snow", "cloud_and_shadow"):
        assert files[f"exclusions/patches_with_{name}.csv"].endswith(b"\r\n")
    assert b"\r" not in files["exclusions/patches_with_no_19_class_targets.csv"]
    rows = files["index/tile_names_and_links.csv"].decode().split("\r\n")
    assert len(rows) == SIZE + 1
    name, product, link = rows[0].split(",")
    assert NAME.fullmatch(name)
    assert product.removesuffix(".SAFE") in c.PRODUCTS
    assert link.startswith("https://scihub.copernicus.eu/apihub/odata/v1/Products('")
    rows = files["index/s1_s2_name_country_season.csv"].decode().split("\n")
    assert rows[0] == "s1_name,s2_name,country,season"
    assert len(rows) == SIZE + 2
    assert not (sample / "faults.csv").exists()


# The quirks


def test_sixteen_patches_have_every_quirk(first: list[Planned]) -> None:
    found = [parse_name(patch.name) for patch in first]
    times = [name.time for name in found if name]
    assert {len(time) for time in times} == {5, 6}
    assert {time[-2:] for time in times} >= {"60", "61"}
    assert {patch.name[:3] for patch in first} == {"S2A", "S2B"}
    assert {patch.tile.epsg for patch in first} == {tile.epsg for tile in c.TILES.values()}
    tiles = defaultdict(set)
    dates = Counter()
    for patch in first:
        tiles[patch.prefix].add(patch.tile.name)
        dates[patch.tile.name, patch.h, patch.v] += 1
    assert max(map(len, tiles.values())) == 2
    assert max(dates.values()) == 4
    assert max(len(patch.labels) for patch in first) == 12
    assert {patch.listed for patch in first} == {
        "train", "val", "test", "snow", "cloud", "no_19_class",
    }  # fmt: skip
    assert any(patch.edge for patch in first)


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_quirks_do_not_depend_on_the_seed(seed: int) -> None:
    patches = list(plan(ALL_QUIRKS, seed))
    assert [patch.name for patch in patches] == list(names(ALL_QUIRKS))
    assert {patch.listed for patch in patches} >= {"train", "val", "test", "snow", "no_19_class"}
    assert max(len(patch.labels) for patch in patches) == 12
    (empty,) = (patch for patch in patches if patch.listed == "no_19_class")
    assert all(c.TO_19[label] is None for label in empty.labels)


def test_altered_times_have_a_valid_acquisition_date(first: list[Planned]) -> None:
    dates = {patch.prefix[20:]: patch.acquisition_date for patch in first}
    assert dates["94161"] == "2018-02-04 09:41:56"
    assert dates["93042"] == "2018-05-27 09:30:42"
    for patch in first:
        assert f"T{patch.prefix[20:]}_" in patch.tile_source
        time.strptime(patch.acquisition_date, "%Y-%m-%d %H:%M:%S")


def test_edges_of_the_swath_are_0_in_all_bands(first: list[Planned]) -> None:
    (patch,) = (patch for patch in first if patch.edge)
    bands = pixels(patch)
    dark = bands["B01"] == 0
    assert 0 < dark.sum() < dark.size
    for name, array in bands.items():
        step = 60 // c.BAND[name].resolution
        assert np.array_equal(array == 0, np.kron(dark, np.ones((step, step), bool)))


def test_splits_are_those_of_places_and_overlapping_tiles_leak() -> None:
    patches = list(plan(2000, SEED))
    places = defaultdict(set)
    for patch in patches:
        if patch.listed in ("train", "val", "test"):
            places[patch.tile.name, patch.h, patch.v].add(patch.listed)
    assert all(len(lists) == 1 for lists in places.values())
    corners = defaultdict(list)
    for (tile, h, v), (which,) in places.items():
        known = c.TILES[tile]
        corners[known.epsg].append((known.ulx + 1200 * h, known.uly - 1200 * v, which))
    leaks = sum(
        abs(one[0] - other[0]) < 1200 and abs(one[1] - other[1]) < 1200 and one[2] != other[2]
        for group in corners.values()
        for one, other in combinations(group, 2)
    )
    assert leaks > 10


def test_the_context_is_that_of_the_plan(sample: Path) -> None:
    patches = sorted(plan(SIZE, SEED), key=lambda patch: patch.name)
    context = context_of(sample, [patch.name for patch in patches])
    assert context.notes == {}
    splits = {"train": "train", "val": "validate", "test": "test"}
    for patch, row in zip(patches, context.rows.to_pylist(), strict=True):
        assert row == {
            "split": splits.get(patch.listed),
            "seasonal_snow": patch.listed == "snow",
            "cloud_or_shadow": patch.listed == "cloud",
            "no_19_class": patch.listed == "no_19_class",
            "product": patch.product.name,
            "country": patch.country,
            "season": patch.season,
            "conflict": None,
        }


def test_labels_are_spread_as_in_the_release() -> None:
    counts = Counter(len(patch.labels) for patch in plan(3000, SEED))
    mean = sum(number * count for number, count in counts.items()) / counts.total()
    assert 2.6 < mean < 3.2  # 2.89 in the splits
    assert sum(counts[number] for number in range(1, 6)) > 0.93 * counts.total()


# Sameness


def test_a_sample_is_the_beginning_of_a_larger_one(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "small", size=7, seed=SEED)
    large, small = tree(sample / TOP), tree(tmp_path / "small" / TOP)
    assert len(small) == 7 * 13
    assert small.items() <= large.items()


def test_faults_change_nothing_of_the_whole_patches(sample: Path, faulty: Path) -> None:
    kinds = dict(line.split(",") for line in (faulty / "faults.csv").read_text().split()[1:])
    large, mixed = tree(sample / TOP), tree(faulty / TOP)
    good = {path: data for path, data in mixed.items() if path.split("/")[0] not in kinds}
    assert len(good) == 20 * 13
    assert good.items() <= large.items()


def test_the_seed_changes_pixels_and_not_names(first: list[Planned]) -> None:
    other = next(plan(1, SEED + 1))
    assert other.name == first[0].name
    one, two = patch_files(first[0]), patch_files(other)
    assert one.keys() == two.keys()
    assert all(one[name] != two[name] for name in one if name.endswith(".tif"))
    assert patch_files(first[0]) == one


def test_pixels_are_golden(first: list[Planned]) -> None:
    # Whole numbers throughout: another machine makes the same ones.
    digest = 0
    for patch in first:
        for array in pixels(patch).values():
            digest = zlib.crc32(np.ascontiguousarray(array), digest)
    assert digest == 2488435775


# Pictures


def test_pixels_compress_and_look_like_the_real_ones(real_patches: Path) -> None:
    def ratio(bands: list[np.ndarray[tuple[int, ...], np.dtype[np.uint16]]]) -> float:
        raw = packed = 0
        for array in bands:
            change = array.copy()
            change[:, 1:] -= array[:, :-1]
            raw += array.nbytes
            packed += len(zlib.compress(change.tobytes(), 6))
        return packed / raw

    real = []
    for path in real_patches.glob("*/*.tif"):
        with rasterio.open(path) as source:
            real.append(source.read(1))
    made = [array for patch in plan(30, SEED) for array in pixels(patch).values()]
    assert ratio(made) == pytest.approx(ratio(real), abs=0.05)


def test_spectra_are_those_of_land_covers() -> None:
    means = defaultdict(list)
    for patch in plan(400, SEED):
        if len(patch.labels) == 1 and patch.listed in ("train", "val", "test"):
            bands = {name: array.mean() for name, array in pixels(patch).items()}
            means[c.CLC_CODES[patch.labels[0]]].append(bands)
    water = means[512] + means[523]
    wood = means[311] + means[312] + means[313]
    assert water
    assert wood
    assert all(bands["B08"] < bands["B03"] < 400 for bands in water)
    assert all(bands["B08"] > 3 * bands["B04"] for bands in wood)


def test_bands_share_the_ground_at_every_resolution(first: list[Planned]) -> None:
    bands = pixels(first[0])
    fine = bands["B08"].astype(float).reshape(60, 2, 60, 2).mean(axis=(1, 3))
    assert np.corrcoef(fine.ravel(), bands["B8A"].ravel())[0, 1] > 0.9
    coarse = bands["B02"].astype(float).reshape(20, 6, 20, 6).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), bands["B01"].ravel())[0, 1] > 0.9


def test_snow_is_white_and_dark_in_the_short_waves(first: list[Planned]) -> None:
    patch = next(patch for patch in first if patch.trait == "snow")
    bands = {name: np.median(array) for name, array in pixels(patch).items()}
    assert bands["B03"] > 2500
    assert bands["B11"] < 0.4 * bands["B03"]


# Faults


def test_each_fault_is_rejected_with_its_kind_and_the_rest_is_read(faulty: Path) -> None:
    lines = (faulty / "faults.csv").read_text().splitlines()
    assert lines[0] == "id,kind"
    expected = dict(line.split(",") for line in lines[1:])
    assert sorted(expected.values()) == sorted(KINDS)
    assert set(KINDS) == {
        "missing-band", "extra-band", "wrong-shape", "wrong-dtype", "truncated-tiff",
        "tiff-claims-too-much", "crs-differs", "json-missing", "json-unparsable",
        "unknown-label", "off-lattice", "two-splits", "zero-byte",
    }  # fmt: skip
    refs = sorted(scan(discover(faulty)), key=lambda ref: ref.id)
    assert len(refs) == 20 + len(KINDS)
    rows = context_of(faulty, [ref.id for ref in refs]).rows.to_pylist()
    found, named = {}, set()
    for ref, row in zip(refs, rows, strict=True):
        if row["conflict"]:
            found[ref.id] = "two-splits"
        try:
            read_patch(ref.id, Folder(faulty / TOP / ref.id))
        except SampleError as error:
            found[ref.id] = error.kind
            named.add(ref.id in str(error))
    assert found == expected
    assert named == {True}


def test_faults_are_in_the_lists_as_the_rest(faulty: Path) -> None:
    listed = Counter()
    for path in [*(faulty / "splits").iterdir(), *(faulty / "exclusions").iterdir()]:
        listed.update(read_ids(path, NAME))
    kinds = dict(line.split(",") for line in (faulty / "faults.csv").read_text().split()[1:])
    assert set(listed) == {path.name for path in (faulty / TOP).iterdir()}
    for name, times in listed.items():
        assert times == (2 if kinds.get(name) == "two-splits" else 1)


# Names and calls


def test_as_many_names_as_the_release_has() -> None:
    start = time.process_time()
    found = list(names(c.PATCHES))
    assert len(set(found)) == len(found) == c.PATCHES
    rows = Counter(name.rsplit("_", 2)[0] + name.rsplit("_", 1)[1] for name in found)
    assert max(rows.values()) <= c.PATCHES_PER_SIDE
    assert c.PATCHES / len(rows) > 50  # 63 in the release
    assert time.process_time() - start < 30


def test_neighbours_share_partitions() -> None:
    partitions = Counter(map(DATASET.partition, names(1000)))
    assert 1000 / len(partitions) > 8


def test_a_folder_that_holds_something_is_refused(sample: Path, tmp_path: Path) -> None:
    before = tree(sample)
    with pytest.raises(UsageError, match="something already"):
        write_sample(sample, size=1, seed=0)
    assert tree(sample) == before
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="something already"):
        write_sample(path, size=1, seed=0)


@pytest.mark.parametrize(("size", "seed"), [(0, 0), (-1, 0), (1, -1)])
def test_sizes_and_seeds_that_make_no_sense_are_refused(
    tmp_path: Path, size: int, seed: int
) -> None:
    with pytest.raises(UsageError):
        write_sample(tmp_path, size=size, seed=seed)
    assert not list(tmp_path.iterdir())
