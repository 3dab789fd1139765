from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.errors import SampleError, UsageError
from stactools.bigearthnet import constants as c
from stactools.bigearthnet.metadata import METADATA_LIMIT, parse_metadata
from stactools.bigearthnet.plan import plan
from stactools.bigearthnet.raw import (
    JSON_SUFFIX,
    LISTS,
    discover,
    parse_name,
    patch_folder,
    read_patch,
    scan,
)
from stactools.bigearthnet.rawtiff import raw_tiff
from stactools.bigearthnet.sample import metadata, patch_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATCH = next(plan(1, 7))
NAME = PATCH.name
EPSG, CORNER = PATCH.tile.epsg, PATCH.corner


class Held:
    """A patch's raw files, in memory: `stacbuild.dataset.Files` without outputs."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.names = sorted(files)

    def read(self, name: str) -> bytes:
        return self.files[name]

    def where(self, name: str) -> str:
        return f"raw/{NAME}/{name}"

    def write(self, collection: str, name: str, data: bytes) -> None:
        raise AssertionError((collection, name, data))


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return patch_files(PATCH)


@pytest.fixture
def files(whole: dict[str, bytes]) -> dict[str, bytes]:
    return dict(whole)


def rejected(files: dict[str, bytes], name: str = NAME) -> SampleError:
    with pytest.raises(SampleError) as caught:
        read_patch(name, Held(files))
    assert caught.value.reason
    return caught.value


def change_json(files: dict[str, bytes], change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(files[NAME + JSON_SUFFIX])
    change(content)
    files[NAME + JSON_SUFFIX] = json.dumps(content).encode()


# Names


@pytest.mark.parametrize(
    ("text", "time", "h", "v"),
    [
        ("S2A_MSIL2A_20170613T101031_0_45", "101031", 0, 45),
        ("S2B_MSIL2A_20170924T93020_69_24", "93020", 69, 24),
        ("S2B_MSIL2A_20180204T94161_90_90", "94161", 90, 90),
    ],
)
def test_names_are_taken_apart_as_found(text: str, time: str, h: int, v: int) -> None:
    name = parse_name(text)
    assert name is not None
    assert (name.time, name.h, name.v) == (time, h, v)
    assert (name.mission, name.date) == (text[:3], text[11:19])
    assert str(name) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "S2C_MSIL2A_20170613T101031_0_45",
        "S2A_MSIL1C_20170613T101031_0_45",
        "S2A_MSIL2A_20170613T101031_0_91",
        "S2A_MSIL2A_20170613T101031_00_45",
        "S2A_MSIL2A_20170613T1031_0_45",
        "S2A_MSIL2A_20170613T101031_0_45\n",
        "S2A_MSIL2A_20170613T101031_0_4\u0665",
        "../S2A_MSIL2A_20170613T101031_0_45",
        "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57",
    ],
)
def test_what_is_no_name_is_none(text: str) -> None:
    assert parse_name(text) is None


def test_every_official_name_is_one(shared: Path) -> None:
    lines = (shared / "datasets/bigearthnet/exclusions/patches_with_seasonal_snow.csv").read_text()
    assert all(map(parse_name, lines.split()))


# JSON


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_any_other_json_is_rejected(data: bytes) -> None:
    with pytest.raises(SampleError) as caught:
        parse_metadata(data, "x.json")
    assert caught.value.kind in {"zero-byte", "json-unparsable", "json-keys"}
    assert caught.value.file == "x.json"


odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["ulx", "uly", "lrx", "lry"]), st.floats() | st.booleans()),
)  # fmt: skip


@given(key=st.sampled_from(["labels", "coordinates", "projection", "tile_source",
                            "acquisition_date", "BigEarthNet_19_labels"]), value=odd)  # fmt: skip
def test_any_other_value_is_rejected(key: str, value: object) -> None:
    content = json.loads(metadata(PATCH))
    content[key] = value
    with pytest.raises(SampleError) as caught:
        parse_metadata(json.dumps(content).encode(), "x.json")
    # NaN and Infinity are Python's, not JSON's.
    kinds = {"json-keys", "unknown-label", "json-unparsable", "json-disagrees"}
    assert caught.value.kind in kinds


def test_json_of_five_keys_is_kept_as_found() -> None:
    found = parse_metadata(metadata(PATCH), "x.json")
    assert found.labels == [c.LABELS_43[index] for index in sorted(PATCH.labels)]
    assert found.labels_19 is None
    assert (found.ulx, found.uly) == CORNER
    assert (found.lrx, found.lry) == (CORNER[0] + 1200, CORNER[1] - 1200)
    assert found.epsg == EPSG
    assert (found.tile, found.mission, found.date) == (PATCH.tile.name, NAME[:3], NAME[11:19])
    assert found.tile_source == PATCH.tile_source
    assert found.acquisition_date == PATCH.acquisition_date


def test_json_of_six_keys_agrees_with_what_is_derived(files: dict[str, bytes]) -> None:
    labels = {label for index in PATCH.labels if (label := c.TO_19[index]) is not None}
    names = [c.LABELS_19[index] for index in sorted(labels)]
    change_json(files, lambda found: found.update(BigEarthNet_19_labels=names))
    assert read_patch(NAME, Held(files)).metadata.labels_19 == names
    other = next(name for name in c.LABELS_19 if name not in names)
    change_json(files, lambda found: found["BigEarthNet_19_labels"].append(other))
    assert rejected(files).kind == "json-disagrees"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda found: found.pop("projection"), "json-keys"),
        (lambda found: found.update(country="Finland"), "json-keys"),
        (lambda found: found["labels"].append("Glaciers and perpetual snow"), "unknown-label"),
        (lambda found: found["labels"].append("Transitional woodland, shrub"), "unknown-label"),
        (lambda found: found["labels"].append(found["labels"][0]), "json-keys"),
        (lambda found: found["labels"].clear(), "json-keys"),
        (lambda found: found["coordinates"].update(ulx=float(CORNER[0])), "json-keys"),
        (lambda found: found["coordinates"].update(ulx=True), "json-keys"),
        (lambda found: found["coordinates"].pop("lrx"), "json-keys"),
        (lambda found: found["coordinates"].update(lrx=CORNER[0] + 600), "json-disagrees"),
        (lambda found: found["coordinates"].update(uly=CORNER[1] + 1200), "json-disagrees"),
        (lambda found: found.update(projection="PROJCS[]"), "json-keys"),
        (lambda found: found.update(acquisition_date="2017-08-18"), "json-keys"),
        (lambda found: found.update(acquisition_date="2017-08-19 11:21:09"), "json-disagrees"),
        (lambda found: found.update(tile_source="../../etc/passwd"), "json-keys"),
    ],
)
def test_a_wrong_json_is_rejected(
    files: dict[str, bytes], change: Callable[[dict[str, Any]], object], kind: str
) -> None:
    change_json(files, change)
    error = rejected(files)
    assert error.kind == kind
    assert error.file == f"raw/{NAME}/{NAME}{JSON_SUFFIX}"


def test_a_json_of_another_satellite_is_rejected(files: dict[str, bytes]) -> None:
    change_json(files, lambda found: found.update(tile_source="S2A" + PATCH.tile_source[3:]))
    assert rejected(files).kind == "json-disagrees"


def test_a_json_of_another_zone_is_rejected(files: dict[str, bytes]) -> None:
    files[NAME + JSON_SUFFIX] = files[NAME + JSON_SUFFIX].replace(
        f'"EPSG\\",\\"{EPSG}'.encode(), b'"EPSG\\",\\"32601'
    )
    assert rejected(files).kind == "json-disagrees"


def test_a_json_is_bounded(files: dict[str, bytes]) -> None:
    files[NAME + JSON_SUFFIX] += b" " * METADATA_LIMIT
    assert rejected(files).kind == "json-unparsable"
    files[NAME + JSON_SUFFIX] = b"[" * 60_000
    assert rejected(files).kind == "json-unparsable"


# Patches


def test_a_patch_is_three_stacks_with_their_place(whole: dict[str, bytes]) -> None:
    patch = read_patch(NAME, Held(whole))
    assert (patch.epsg, patch.ulx, patch.uly) == (EPSG, *CORNER)
    assert [stack.shape for stack in patch.stacks.values()] == [
        (4, 120, 120), (6, 60, 60), (2, 20, 20),
    ]  # fmt: skip
    assert list(patch.stacks) == list(c.RESOLUTIONS)
    for metres, names in c.RESOLUTIONS.items():
        assert patch.stacks[metres].dtype == np.uint16
        for row, band in enumerate(names):
            with rasterio.MemoryFile(whole[f"{NAME}_{band}.tif"]) as held, held.open() as raw:
                assert np.array_equal(patch.stacks[metres][row], raw.read(1))


def test_the_real_patches_are_read(real_patches: Path) -> None:
    refs = sorted(scan({"patches": real_patches.parent}), key=lambda ref: ref.id)
    assert len(refs) == 6
    assert refs[0].where == f"{real_patches.name}/{refs[0].id}"
    for ref in refs:
        folder = real_patches / ref.id
        raw = {path.name: path.read_bytes() for path in folder.iterdir()}
        patch = read_patch(ref.id, Held(raw))
        for metres, names in c.RESOLUTIONS.items():
            for row, band in enumerate(names):
                with rasterio.open(folder / f"{ref.id}_{band}.tif") as source:
                    assert np.array_equal(patch.stacks[metres][row], source.read(1))
                    assert source.crs.to_epsg() == patch.epsg
                    assert (source.transform.c, source.transform.f) == (patch.ulx, patch.uly)


def test_a_patch_of_the_next_release_is_no_patch(shared: Path) -> None:
    folder = shared / "datasets/bigearthnet/samples/v2/BigEarthNet-S2"
    with pytest.raises(UsageError, match="BigEarthNet v2"):
        list(scan({"patches": folder}))


def band(name: str) -> str:
    return f"{NAME}_{name}.tif"


def pixels(name: str, dtype: str = "<u2") -> np.ndarray[Any, Any]:
    return np.ones((c.BAND[name].size,) * 2, dtype)


def tiff(name: str, array: np.ndarray[Any, Any]) -> bytes:
    return raw_tiff(array, EPSG, CORNER, c.BAND[name].resolution)


@pytest.mark.parametrize("name", c.BAND_NAMES)
def test_each_missing_band_is_named(files: dict[str, bytes], name: str) -> None:
    del files[band(name)]
    error = rejected(files)
    assert error.kind == "missing-band"
    assert error.file == f"raw/{NAME}/{band(name)}"


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        (f"{NAME}_B10.tif", "extra-band"),
        (f"{NAME}_B02.TIF", "extra-band"),
        (f"{NAME}_B02.tif.aux.xml", "stray-file"),
        ("Thumbs.db", "stray-file"),
        ("S2A_MSIL2A_20170613T101031_0_45_B02.tif", "stray-file"),
    ],
)
def test_each_extra_file_is_named(files: dict[str, bytes], extra: str, kind: str) -> None:
    files[extra] = b""
    error = rejected(files)
    assert error.kind == kind
    assert error.file == f"raw/{NAME}/{extra}"


def test_a_missing_json_is_named(files: dict[str, bytes]) -> None:
    del files[NAME + JSON_SUFFIX]
    assert rejected(files).kind == "json-missing"


@pytest.mark.parametrize("name", ["B01", "B05", "B02"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lambda name: tiff(name, pixels(name)[1:]), "wrong-shape"),
        (lambda name: raw_tiff(pixels(name), EPSG, CORNER, 30), "wrong-shape"),
        (lambda name: tiff(name, pixels(name, "<i2")), "wrong-dtype"),
        (lambda name: tiff(name, pixels(name, "<f4")), "wrong-dtype"),
        (lambda _: b"", "zero-byte"),
        (lambda _: b"<html>", "not-a-tiff"),
    ],
)  # fmt: skip
def test_each_wrong_band_is_named(
    files: dict[str, bytes], name: str, fault: Callable[[str], bytes], kind: str
) -> None:
    files[band(name)] = fault(name)
    error = rejected(files)
    assert error.kind == kind
    assert error.file == f"raw/{NAME}/{band(name)}"


@pytest.mark.parametrize("name", ["B03", "B11", "B09"])
def test_bands_elsewhere_are_named(files: dict[str, bytes], name: str) -> None:
    metres = c.BAND[name].resolution
    files[band(name)] = raw_tiff(pixels(name), EPSG + 1, CORNER, metres)
    assert rejected(files).kind == "crs-differs"
    files[band(name)] = raw_tiff(pixels(name), EPSG, (CORNER[0], CORNER[1] - 60), metres)
    error = rejected(files)
    assert error.kind == "corners-differ"
    assert error.file == f"raw/{NAME}/{band(name)}"


def moved(files: dict[str, bytes], right: int, down: int) -> None:
    corner = CORNER[0] + right, CORNER[1] - down
    for one in c.BANDS:
        files[band(one.name)] = raw_tiff(pixels(one.name), EPSG, corner, one.resolution)
    sides = {"ulx": corner[0], "uly": corner[1], "lrx": corner[0] + 1200, "lry": corner[1] - 1200}
    change_json(files, lambda found: found.update(coordinates=sides))


@pytest.mark.parametrize("shift", [(10, 0), (0, 10), (1200, 0), (0, -1200), (60, 60)])
def test_corners_off_the_lattice_are_rejected(
    files: dict[str, bytes], shift: tuple[int, int]
) -> None:
    moved(files, *shift)
    assert rejected(files).kind == "off-lattice"


def test_where_the_tile_is_unknown_any_corner_of_60_m_will_do(files: dict[str, bytes]) -> None:
    source = PATCH.tile_source.replace(PATCH.tile.name, "29TNE")
    assert "29TNE" not in c.TILES
    moved(files, 60, 120)
    change_json(files, lambda found: found.update(tile_source=source))
    assert read_patch(NAME, Held(files)).ulx == CORNER[0] + 60
    moved(files, 30, 0)
    change_json(files, lambda found: found.update(tile_source=source))
    assert rejected(files).kind == "off-lattice"


def test_a_corner_that_only_the_json_moves_is_no_lattice_fault(files: dict[str, bytes]) -> None:
    change_json(files, lambda found: found["coordinates"].update(ulx=CORNER[0] + 10))
    assert rejected(files).kind == "json-disagrees"


def test_nodata_may_be_declared_as_0_only(files: dict[str, bytes]) -> None:
    for value, kind in ((0, None), (7, "wrong-nodata")):
        with rasterio.MemoryFile() as held:
            with held.open(
                driver="GTiff", width=20, height=20, count=1, dtype="uint16", nodata=value,
                crs=f"EPSG:{EPSG}", transform=rasterio.Affine(60, 0, CORNER[0], 0, -60, CORNER[1]),
            ) as target:  # fmt: skip
                target.write(pixels("B01"), 1)
            files[band("B01")] = held.read()
        if kind:
            assert rejected(files).kind == kind
        else:
            assert read_patch(NAME, Held(files)).stacks[60][0].min() == 1


@given(data=st.data())
def test_flipped_bytes_never_raise_anything_else(
    whole: dict[str, bytes], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(400, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    files = {**whole, name: bytes(content[: data.draw(st.integers(0, len(content)))])}
    try:
        patch = read_patch(NAME, Held(files))
    except SampleError as error:
        assert error.kind  # noqa: PT017 - one of two outcomes
    else:
        assert patch.stacks[10].shape == (4, 120, 120)


def test_a_name_that_is_none_is_rejected(files: dict[str, bytes]) -> None:
    assert rejected(files, "thumbs").kind == "patch-name"


def test_the_names_corner_counts_not_a_twins(files: dict[str, bytes]) -> None:
    other = NAME.rsplit("_", 1)[0] + "_9"
    renamed = {name.replace(NAME, other): data for name, data in files.items()}
    assert rejected(renamed, other).kind == "off-lattice"


# Folders


def folders(top: Path, *names: str) -> None:
    for name in names:
        (top / name).mkdir(parents=True)


NAMES = [f"S2A_MSIL2A_20170613T101031_{h}_45" for h in range(3)]


@pytest.mark.parametrize("above", ["", "BigEarthNet-v1.0/", "a/b/"])
def test_patches_are_found_under_any_folder(tmp_path: Path, above: str) -> None:
    folders(tmp_path, *(above + name for name in NAMES), "splits")
    refs = sorted(scan({"patches": tmp_path}), key=lambda ref: ref.id)
    assert [(ref.id, ref.where) for ref in refs] == [(name, above + name) for name in NAMES]
    assert {ref.input for ref in refs} == {"patches"}


def test_patches_too_deep_are_not_found(tmp_path: Path) -> None:
    folders(tmp_path, f"a/b/c/{NAMES[0]}")
    assert patch_folder(tmp_path) is None
    with pytest.raises(UsageError, match="no patch folder") as error:
        list(scan({"patches": tmp_path}))
    assert error.value.mend


def test_two_folders_of_patches_are_one_too_many(tmp_path: Path) -> None:
    folders(tmp_path, f"a/{NAMES[0]}", f"b/{NAMES[1]}")
    with pytest.raises(UsageError, match="several folders hold patches"):
        discover(tmp_path)


def test_an_archive_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "BigEarthNet-S2-v1.0.tar.gz"
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="Unpack it"):
        discover(path)
    with pytest.raises(UsageError, match="No such file"):
        discover(tmp_path / "absent")


def test_what_is_no_patch_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folders(tmp_path, *NAMES, "S2A_MSIL2A_20170613T101031_99_45", "splits")
    for name in (".DS_Store", "train.csv", "val.csv.gz", "S2A_MSIL2A_20170613T101031_7_45"):
        (tmp_path / name).write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert sorted(ref.id for ref in scan({"patches": tmp_path})) == NAMES
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: 3 entries are no patches, such as '.DS_Store'"
    ]


@pytest.mark.parametrize("end", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("where", ["", "splits/", "exclusions/", "lists/", "index/"])
def test_lists_are_discovered_by_their_published_names(
    tmp_path: Path, where: str, end: str
) -> None:
    folders(tmp_path, f"top/{NAMES[0]}")
    (tmp_path / where).mkdir(exist_ok=True)
    lists = {key: tmp_path / f"{where}{name}{end}" for key, name in LISTS.items()}
    for path in lists.values():
        path.write_bytes(b"")
    expected = {"patches": tmp_path / "top", **lists}
    assert discover(tmp_path) == expected
    # The same beside the folder of the patches.
    assert discover(tmp_path / "top") == expected


def test_lists_elsewhere_are_not_discovered(tmp_path: Path) -> None:
    folders(tmp_path, f"top/middle/{NAMES[0]}", "other")
    (tmp_path / "other/train.csv").write_bytes(b"")
    assert discover(tmp_path / "top") == {"patches": tmp_path / "top/middle"}
