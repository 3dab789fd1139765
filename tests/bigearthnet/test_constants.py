from __future__ import annotations

import bz2
import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Transformer

import stactools.bigearthnet
from stactools.bigearthnet import constants as c


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    return shared / "datasets/bigearthnet"


@pytest.fixture(scope="module")
def facts(real: Path) -> str:
    return (real / "facts.md").read_text()


@pytest.fixture(scope="module")
def patch_products(real: Path) -> list[tuple[str, str]]:
    """Patch name and true product of all patches."""
    text = bz2.decompress((real / "index/tile_names_and_links.csv.bz2").read_bytes()).decode()
    return [(row[0], row[1].removesuffix(".SAFE")) for row in csv.reader(io.StringIO(text))]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_namespace_has_no_init_file() -> None:
    # It would hide stactools itself, and with it the `stac` command line.
    package = Path(stactools.bigearthnet.__file__).parent
    assert (package / "__init__.py").is_file()
    assert not (package.parent / "__init__.py").exists()


def test_labels_are_those_of_the_authors_code(real: Path) -> None:
    tables = json.loads((real / "labels/label_indices.json").read_text())
    assert tables["original_labels"] == c.INDEX_43
    assert tables["BigEarthNet-19_labels"] == c.INDEX_19
    assert [list(members) for members in c.FROM_19] == tables["label_conversion"]
    assert list(c.LABELS_43) == sorted(c.LABELS_43, key=tables["original_labels"].__getitem__)
    assert list(c.LABELS_19) != sorted(c.LABELS_19)
    assert sum(target is None for target in c.TO_19) == 11


def test_codes_and_colours_are_the_official_ones(real: Path) -> None:
    rows = json.loads((real / "labels/clc_metadata.json").read_text())["clc_data"]
    official = {row["name_clc"]: row for row in rows}
    for index, name in enumerate(c.LABELS_43):
        row = official[name]
        assert int(row["code"]) == c.CLC_CODES[index]
        assert bytes.fromhex(c.COLORS_43[index]) == bytes(row["color"][:3])
        target = c.TO_19[index]
        assert row["name_19"] == ("UNLABELED" if target is None else c.LABELS_19[target])


def test_a_19_class_has_the_colour_of_its_largest_member() -> None:
    for index, color in enumerate(c.COLORS_19):
        largest = max(c.FROM_19[index], key=lambda member: c.PUBLISHED_43[member][0])
        assert color == c.COLORS_43[largest]
    assert len(set(c.COLORS_19)) == 19


def test_published_counts_are_those_of_the_facts(facts: str) -> None:
    rows = re.findall(
        r"^\| (\d+) \| \d{3} \| (.+?) \| (?:\d+|dropped) \| ([\d,]+) \| ([\d,]+) \|$",
        facts,
        re.MULTILINE,
    )
    assert [(int(i), name, number(a), number(b)) for i, name, a, b in rows] == [
        (index, name, *c.PUBLISHED_43[index]) for index, name in enumerate(c.LABELS_43)
    ]
    for index, name in enumerate(c.LABELS_19):
        counts = [c.PUBLISHED_19[key][index] for key in ("total", "train", "validate", "test")]
        line = " | ".join(f"{count:,}" for count in counts)
        assert f"| {index} | {name} | {line} |" in facts
        assert counts[0] == sum(counts[1:])
    for count in (*c.SPLIT_COUNTS.values(), c.SNOW_COUNT, c.CLOUD_COUNT, c.PATCHES):
        assert f"{count:,}" in facts
    for count in (c.OVERLAPPING_LOCATIONS, c.LEAKING_LOCATIONS, c.LEAKING_TOUCHED):
        assert f"{count:,}" in facts
    assert f"{list(c.BBOX)}" in facts
    assert c.START in facts
    assert c.END in facts
    assert sum(c.SPLIT_COUNTS.values()) == c.PATCHES - c.SNOW_COUNT - c.CLOUD_COUNT - 55


def test_split_counts_are_those_of_the_official_lists(real: Path) -> None:
    for split, name in (("train", "train"), ("validate", "val"), ("test", "test")):
        data = bz2.decompress((real / f"splits/{name}.csv.bz2").read_bytes())
        assert data.count(b"\r\n") == c.SPLIT_COUNTS[split]
    lists = real / "exclusions"
    assert (lists / "patches_with_seasonal_snow.csv").read_bytes().count(b"\r\n") == c.SNOW_COUNT
    cloudy = (lists / "patches_with_cloud_and_shadow.csv").read_bytes()
    assert cloudy.count(b"\r\n") == c.CLOUD_COUNT
    unlabelled = bz2.decompress((lists / "patches_with_no_19_class_targets.csv.bz2").read_bytes())
    assert len(unlabelled.split()) == c.NO_19_CLASS_COUNT


def test_bands_are_those_of_the_facts_and_of_real_files(facts: str, real_patches: Path) -> None:
    assert c.BAND_NAMES == (
        "B01",
        "B02",
        "B03",
        "B04",
        "B05",
        "B06",
        "B07",
        "B08",
        "B8A",
        "B09",
        "B11",
        "B12",
    )
    assert c.RESOLUTIONS == {
        10: ("B02", "B03", "B04", "B08"),
        20: ("B05", "B06", "B07", "B8A", "B11", "B12"),
        60: ("B01", "B09"),
    }
    sizes = {20: 1160, 60: 7560, 120: 29192}
    patch = next(real_patches.iterdir())
    for band in c.BANDS:
        assert (patch / f"{patch.name}_{band.name}.tif").stat().st_size == sizes[band.size]
        assert band.size * band.resolution == c.PATCH_METRES
        row = next(
            line for line in facts.splitlines() if line.startswith(f"| {band.name} | {band.size} x")
        )
        (first, _), (second, _) = band.wavelengths.values()
        a, b = row.split("|")[6].split("/")
        assert (first * 1000, second * 1000) == pytest.approx((float(a), float(b)))
        assert row.split("|")[7].split()[0] == band.common_name
        assert f"| {band.name} | {band.published_mean} | {band.published_std} |" in facts
        assert min(first, second) <= band.center_wavelength <= max(first, second)
        assert 0.015 < band.full_width_half_max < 0.25


def test_tiles_are_those_of_the_facts_and_follow_the_grid_rule(facts: str) -> None:
    countries = {name: code for code, name in c.COUNTRIES.items()}
    for tile in c.TILES.values():
        codes = "/".join(countries[name] for name in tile.countries)
        assert f"| {tile.name} | {tile.epsg} | {tile.ulx} | {tile.uly} | {codes} |" in facts
        assert tile.epsg == 32600 + int(tile.name[:2])
        # South-west corner (E, N) of the 100 km square: both are multiples of 100 km.
        east = -(-tile.ulx // 100_000) * 100_000 if tile.ulx % 100_000 else tile.ulx
        north = (tile.uly - 60) // 100_000 * 100_000
        north = north if tile.uly % 100_000 else tile.uly - 100_000
        assert tile.ulx == 60 * (east // 60)
        assert tile.uly == 60 * -(-(north + 100_000) // 60)
    assert len(c.TILES) == 56


def test_products_and_prefixes_explain_every_patch(
    real: Path, patch_products: list[tuple[str, str]]
) -> None:
    with (real / "index/bigearthnet_s2_tile_ids.csv").open(newline="") as file:
        ids = {row["tile"].removesuffix(".SAFE"): row["id"] for row in csv.DictReader(file)}
    assert {name: product.cdse_id for name, product in c.PRODUCTS.items()} == ids
    assert len(patch_products) == c.PATCHES
    counts = Counter(product for _, product in patch_products)
    assert {name: product.patches for name, product in c.PRODUCTS.items()} == counts
    pairs = {
        (patch.rsplit("_", 2)[0], product[39:44], product) for patch, product in patch_products
    }
    assert len(pairs) == 159
    for prefix, tile, product in pairs:
        assert c.PREFIX_PRODUCT[prefix, tile].name == product
        assert c.PRODUCTS[product].tile == tile
        assert tile in c.TILES
    assert len(c.PREFIX_PRODUCT) == 159


def test_products_know_what_their_names_say(facts: str) -> None:
    product = c.PRODUCTS["S2A_MSIL1C_20171221T112501_N0206_R037_T29SND_20171221T114356"]
    assert product.platform == "sentinel-2a"
    assert product.datetime == "2017-12-21T11:25:01Z"
    assert product.relative_orbit == 37
    assert product.tile == "29SND"
    assert product.href.endswith(f"/Products({product.cdse_id})")
    orbits = {each.relative_orbit for each in c.PRODUCTS.values()}
    assert f"14 relative orbits: {' '.join(map(str, sorted(orbits)))})" in facts
    instants = sorted(each.datetime for each in c.PRODUCTS.values())
    assert instants[0] == c.START
    assert instants[-1] == c.END


def test_tiles_have_just_the_countries_of_their_patches(
    real: Path, patch_products: list[tuple[str, str]]
) -> None:
    tile_of = {patch: product[39:44] for patch, product in patch_products}
    text = bz2.decompress((real / "index/s1_s2_name_country_season.csv.bz2").read_bytes()).decode()
    found: dict[str, set[str]] = {tile: set() for tile in c.TILES}
    for row in csv.DictReader(io.StringIO(text)):
        found[tile_of[row["s2_name"]]].add(row["country"])
    assert {name: set(tile.countries) for name, tile in c.TILES.items()} == found


@pytest.mark.parametrize("epsg", [32631, 32632, 32636])
def test_tile_corners_put_published_footprints_where_they_are(
    real: Path, patch_products: list[tuple[str, str]], epsg: int
) -> None:
    path = real / f"geometry_v1/bigearthnet_v1_spatial_{epsg}.parquet"
    table = pq.read_table(path)
    crs = json.loads(table.schema.metadata[b"geo"])["columns"]["geom"].get("crs")
    rows = table.slice(0, 500).to_pylist() + table.slice(table.num_rows - 500).to_pylist()
    tile_of = dict(patch_products)
    project = Transformer.from_crs(4326, epsg, always_xy=True)
    for row in rows:
        tile = c.TILES[tile_of[row["patch_name"]][39:44]]
        *_, column, line = row["patch_name"].split("_")
        left, top = tile.ulx + 1200 * int(column), tile.uly - 1200 * int(line)
        geometry = shapely.from_wkb(row["geom"])
        corners = shapely.get_coordinates(geometry)
        if max(abs(corners[:, 0])) <= 180:
            corners = list(zip(*project.transform(corners[:, 0], corners[:, 1]), strict=True))
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        assert tile.epsg == epsg, crs
        assert (min(xs), max(xs)) == pytest.approx((left, left + 1200), abs=0.01)
        assert (min(ys), max(ys)) == pytest.approx((top - 1200, top), abs=0.01)
