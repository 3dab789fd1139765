from __future__ import annotations

import bz2
import gzip
from typing import TYPE_CHECKING

import pytest

from stacbuild.errors import UsageError
from stacbuild.lists import read_ids, read_table
from stactools.bigearthnet import constants as c
from stactools.bigearthnet.context import CONTEXT_SCHEMA, make_context
from stactools.bigearthnet.raw import NAME

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.dataset import Context

DAY = "20170613"
IDS = [f"S2A_MSIL2A_{DAY}T101031_{h}_45" for h in range(8)]
PRODUCT = f"S2A_MSIL1C_{DAY}T101031_N0205_R022_T33UUP_20170613T101608"
UNKNOWN = f"S2A_MSIL2A_{DAY}T101031_90_90"


def given(tmp_path: Path, **lists: list[str]) -> dict[str, Path]:
    inputs = {}
    for name, lines in lists.items():
        inputs[name] = tmp_path / f"{name}.csv"
        inputs[name].write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return inputs


def column(context: Context, name: str) -> list[object]:
    return [row[name] for row in context.rows.to_pylist()]


def test_without_lists_nothing_is_known() -> None:
    context = make_context({}, IDS)
    assert context.rows.schema == CONTEXT_SCHEMA
    assert context.rows.to_pylist() == [dict.fromkeys(CONTEXT_SCHEMA.names)] * len(IDS)
    assert context.notes == {}
    assert context.sources == {}


def test_without_patches_there_are_no_rows(tmp_path: Path) -> None:
    context = make_context(given(tmp_path, train=IDS[:1]), [])
    assert context.rows.schema == CONTEXT_SCHEMA
    assert len(context.rows) == 0
    assert context.notes == {"train: listed but not in the input": 1}


def test_lists_say_split_and_exclusions(tmp_path: Path) -> None:
    inputs = given(tmp_path, train=IDS[:2], val=IDS[2:3], test=IDS[3:4], snow=IDS[4:5], cloud=[])
    context = make_context(inputs, IDS)
    assert column(context, "split") == ["train", "train", "validate", "test"] + [None] * 4
    assert column(context, "seasonal_snow") == [False] * 4 + [True] + [False] * 3
    assert column(context, "cloud_or_shadow") == [False] * 8
    assert column(context, "no_19_class") == [None] * 8
    assert column(context, "conflict") == [None] * 8
    assert context.notes == {"in no list: no split": 3}
    assert context.sources == inputs


def test_rows_follow_the_order_of_the_patches(tmp_path: Path) -> None:
    inputs = given(tmp_path, train=IDS[:2], test=IDS[2:])
    back = make_context(inputs, IDS[::-1])
    assert column(back, "split") == ["test"] * 6 + ["train"] * 2


def test_a_patch_in_two_splits_is_in_conflict_and_the_rest_is_not(tmp_path: Path) -> None:
    inputs = given(tmp_path, train=IDS[:4], val=IDS[3:5], test=[IDS[3], IDS[4], *IDS[5:]])
    context = make_context(inputs, IDS)
    assert column(context, "conflict")[3:5] == ["train and val and test", "val and test"]
    assert column(context, "split") == ["train"] * 3 + [None, None] + ["test"] * 3
    assert context.notes == {"in more than one split list": 2}


def test_an_excluded_patch_has_no_split(tmp_path: Path) -> None:
    inputs = given(tmp_path, train=IDS, snow=IDS[:1], cloud=IDS[1:2], no_19_class=IDS[2:3])
    context = make_context(inputs, IDS)
    assert column(context, "split") == [None] * 3 + ["train"] * 5
    assert column(context, "conflict") == [None] * 8
    assert context.notes == {"in a split list and excluded: no split": 3}


def test_what_is_listed_twice_or_not_there_is_counted(tmp_path: Path) -> None:
    inputs = given(tmp_path, train=[*IDS, IDS[0], IDS[1], UNKNOWN, UNKNOWN])
    context = make_context(inputs, IDS)
    assert column(context, "split") == ["train"] * 8
    assert context.notes == {
        "train: listed more than once": 3,
        "train: listed but not in the input": 1,
    }


def test_products_come_without_safe_and_in_order(tmp_path: Path) -> None:
    other = PRODUCT.replace("33UUP", "34VER")
    rows = [f"{IDS[1]},{other}.SAFE,link", f"{IDS[0]},{PRODUCT}.SAFE,link"]
    context = make_context(given(tmp_path, products=rows), IDS[:3])
    assert column(context, "product") == [PRODUCT, other, None]
    assert context.notes == {"products: patches that are not in the table": 1}
    assert "products" not in context.sources


def test_countries_and_seasons_are_as_found(tmp_path: Path) -> None:
    rows = [
        "s1_name,s2_name,country,season",
        f"S1A_IW_GRDH_1SDV_20170613T050000_33UUP_1_45,{IDS[1]},Austria,Summer",
        f"S1A_IW_GRDH_1SDV_20170613T050000_33UUP_0_45,{IDS[0]},Finland,Winter",
    ]
    context = make_context(given(tmp_path, countries=rows), IDS[:2])
    assert column(context, "country") == ["Finland", "Austria"]
    assert column(context, "season") == ["Winter", "Summer"]
    assert context.notes == {}


def test_tables_that_disagree_are_counted(tmp_path: Path) -> None:
    products = [
        f"{IDS[0]},{PRODUCT}.SAFE,link",
        f"{IDS[1]},{PRODUCT.replace(DAY, '20170614', 1)}.SAFE,link",
        f"{IDS[1]},{PRODUCT}.SAFE,link",
    ]
    countries = [
        f"S1A_IW_GRDH_1SDV_20170613T050000_34VER_0_45,{IDS[0]},Austria,Summer",
        f"S1A_IW_GRDH_1SDV_20170613T050000_33UUP_1_45,{IDS[1]},Austria,Summer",
    ]
    inputs = given(tmp_path, products=products, countries=countries)
    context = make_context(inputs, IDS[:2])
    assert context.notes == {
        "products: rows that come again": 1,
        "products: another day than the patch's": 1,
        "countries: tile in the Sentinel-1 name is not the product's": 1,
    }
    assert column(context, "product")[1] != PRODUCT  # the first row stays


def test_what_is_no_product_is_a_usage_error(tmp_path: Path) -> None:
    inputs = given(tmp_path, products=[f"{IDS[0]},../../etc,link"])
    with pytest.raises(UsageError, match="is not the name of a Sentinel-2 product") as error:
        make_context(inputs, IDS)
    assert error.value.file == str(inputs["products"])


def test_a_list_of_something_else_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2: 'LC08_1' is not the id"):
        make_context(given(tmp_path, train=["name", "LC08_1"]), IDS)


def test_empty_tables_say_nothing(tmp_path: Path) -> None:
    context = make_context(given(tmp_path, products=[], countries=[], train=[]), IDS[:1])
    assert context.rows.to_pylist() == [dict.fromkeys(CONTEXT_SCHEMA.names)]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_lists_of_two_columns_are_read(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "train.csv.gz"
    path.write_bytes(pack("".join(f"{name},S1A_x\r\n" for name in IDS).encode()))  # type: ignore[operator]
    assert column(make_context({"train": path}, IDS), "split") == ["train"] * 8


@pytest.fixture(scope="module")
def official(shared: Path) -> tuple[Context, list[str]]:
    folder = shared / "datasets/bigearthnet"
    inputs = {
        **{name: folder / f"splits/{name}.csv.bz2" for name in ("train", "val", "test")},
        "snow": folder / "exclusions/patches_with_seasonal_snow.csv",
        "cloud": folder / "exclusions/patches_with_cloud_and_shadow.csv",
        "no_19_class": folder / "exclusions/patches_with_no_19_class_targets.csv.bz2",
        "products": folder / "index/tile_names_and_links.csv.bz2",
        "countries": folder / "index/s1_s2_name_country_season.csv.bz2",
    }
    ids = sorted(read_ids(inputs["products"], NAME))
    return make_context(inputs, ids), ids


def test_the_official_lists_have_the_published_counts(official: tuple[Context, list[str]]) -> None:
    context, ids = official
    assert len(ids) == len(set(ids)) == c.PATCHES
    frame = context.rows.to_pandas()
    assert frame["split"].value_counts().to_dict() == c.SPLIT_COUNTS
    assert frame["seasonal_snow"].sum() == c.SNOW_COUNT
    assert frame["cloud_or_shadow"].sum() == c.CLOUD_COUNT
    assert frame["no_19_class"].sum() == c.NO_19_CLASS_COUNT
    assert not (frame["seasonal_snow"] & frame["cloud_or_shadow"]).any()
    assert frame["conflict"].isna().all()
    # Every patch is in exactly one list, and the side tables agree with each other and the names.
    assert context.notes == {}
    assert len(context.rows) == c.PATCHES


def test_the_official_tables_have_the_published_counts(
    official: tuple[Context, list[str]],
) -> None:
    context, ids = official
    frame = context.rows.to_pandas()
    assert frame["product"].value_counts().to_dict() == {
        name: product.patches for name, product in c.PRODUCTS.items()
    }
    # Finland and Winter, facts of the community table.
    assert (frame["country"] == "Finland").sum() == 233_030
    assert (frame["season"] == "Winter").sum() == 116_833
    tiles = frame["product"].astype(str).str[39:44]
    prefixes = [name.rsplit("_", 2)[0] for name in ids]
    pairs = set(zip(prefixes, tiles, frame["product"], strict=True))
    assert {(prefix, tile): product for prefix, tile, product in pairs} == {
        pair: product.name for pair, product in c.PREFIX_PRODUCT.items()
    }
    assert len(pairs) == len(c.PREFIX_PRODUCT)


def test_a_row_of_the_official_lists_is_what_the_files_say(
    official: tuple[Context, list[str]], shared: Path
) -> None:
    context, ids = official
    name = "S2B_MSIL2A_20180204T94161_57_38"
    (row,) = context.rows.slice(ids.index(name), 1).to_pylist()
    # The name says 09:41:61; the true product is of 09:41:59.
    assert row["product"].startswith("S2B_MSIL1C_20180204T094159_N0206_R036_T35VPK_")
    assert (row["country"], row["season"]) == ("Finland", "Winter")
    table = read_table(
        shared / "datasets/bigearthnet/index/s1_s2_name_country_season.csv.bz2",
        ("s2_name", "country"),
        key=("s2_name", NAME),
    )
    assert table.loc[table["s2_name"] == name, "country"].tolist() == ["Finland"]
