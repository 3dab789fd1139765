from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from stacbuild.engine.progress import Silent
from stacbuild.errors import CatalogError
from stacbuild.stac.encode import dumps_pretty, loads
from stacbuild.validate.catalog import validate_catalog
from stacbuild.validate.options import ValidateOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGES, LABELS = "demo/demo-images", "demo/demo-labels"
PART = f"{IMAGES}/north/row1"
ITEM = f"{PART}/chip_1.json"
LABEL = f"{LABELS}/north/row1/chip_1_labels.json"
STATE = ".stacbuild/demo"


def kinds(root: Path, **options: int) -> set[tuple[str, str]]:
    report = validate_catalog(root, options=ValidateOptions(**options))
    return {(one.kind, one.file) for one in report.findings.kept}


def test_a_good_catalog_is_valid_and_counted_and_stamped(catalog: Path) -> None:
    report = validate_catalog(catalog, options=ValidateOptions(deep=1))

    assert report.findings.kept == []
    assert report.exit_code == 0
    seen = report.counters
    assert (seen.catalogs, seen.collections, seen.items, seen.assets) == (6, 2, 4, 10)
    assert (seen.cogs, seen.decoded, seen.rows) == (2, 2, 4)
    assert seen.bytes == sum(
        path.stat().st_size
        for path in catalog.rglob("*")
        if path.is_file() and path.suffix not in (".json", "") and ".stacbuild" not in path.parts
    )
    stamp = loads((catalog / STATE / "validated.json").read_bytes())
    assert stamp["items"] == 4
    assert stamp["assets"] == 10
    assert stamp["checks"] == report.checks
    assert "decoded 1 in 1" in stamp["checks"]
    assert report.stamped == ["demo"]


def test_two_processes_find_the_same_as_one(catalog: Path) -> None:
    (catalog / f"{PART}/chip_2.tif").unlink()
    one, two = (validate_catalog(catalog, jobs=jobs).to_dict() for jobs in (1, 2))

    assert one == two
    assert one["valid"] is False


# A change of a document, made before tables and record are written: all agree on it.
Draft = Any


def _title(draft: Draft) -> None:
    draft.docs[f"{IMAGES}/north/catalog.json"]["links"][-1]["title"] = "Row 2"


def _missing_link(draft: Draft) -> None:
    draft.docs[ITEM]["links"].append(
        {"rel": "related", "href": "./other.json", "title": "Other", "type": "application/json"}
    )


def _escaping_link(draft: Draft) -> None:
    draft.docs[ITEM]["links"].append(
        {"rel": "related", "href": "../../../../../elsewhere.json", "title": "Elsewhere"}
    )


def _escaping_asset(draft: Draft) -> None:
    draft.docs[ITEM]["assets"]["image"]["href"] = "../../../../../chip.tif"


def _encoded_escape(draft: Draft) -> None:
    draft.docs[ITEM]["assets"]["image"]["href"] = "./%2e%2e/" * 5 + "chip.tif"


def _wrong_parent(draft: Draft) -> None:
    draft.docs[ITEM]["links"][1].update(href="../catalog.json", title="North")


def _wrong_root(draft: Draft) -> None:
    draft.docs[ITEM]["links"][0].update(href="../../../catalog.json", title="Demo")


def _no_parent(draft: Draft) -> None:
    links = draft.docs[f"{IMAGES}/north/catalog.json"]["links"]
    links[:] = [one for one in links if one["rel"] != "parent"]


def _link_type(draft: Draft) -> None:
    draft.docs[ITEM]["links"][-1]["type"] = "application/json"


def _self_without_root(draft: Draft) -> None:
    draft.docs[ITEM]["links"].append({"rel": "self", "href": "https://example.com/x.json"})


def _cycle(draft: Draft) -> None:
    draft.docs[f"{IMAGES}/north/catalog.json"]["links"].append(
        {
            "rel": "child",
            "href": "../collection.json",
            "type": "application/json",
            "title": "Images of tests",
        }
    )


def _twice(draft: Draft) -> None:
    links = draft.docs[f"{PART}/catalog.json"]["links"]
    links.append(dict(links[-1]))


def _unknown_split(draft: Draft) -> None:
    draft.docs[ITEM]["properties"]["ml-aoi:split"] = "val"


def _bbox(draft: Draft) -> None:
    draft.docs[ITEM]["bbox"][0] -= 0.5


def _other_collection(draft: Draft) -> None:
    draft.docs[ITEM]["collection"] = "demo-labels"


def _extent(draft: Draft) -> None:
    draft.docs[f"{IMAGES}/collection.json"]["extent"]["spatial"]["bbox"] = [[20, 60, 21, 61]]


def _interval(draft: Draft) -> None:
    draft.docs[f"{IMAGES}/collection.json"]["extent"]["temporal"]["interval"] = [
        ["2017-06-13T10:10:32Z", None]
    ]


def _collection_id(draft: Draft) -> None:
    for name, doc in draft.docs.items():
        if doc["type"] == "Feature" and name.startswith(LABELS):
            doc["collection"] = "demo-images"
    draft.docs[f"{LABELS}/collection.json"]["id"] = "demo-images"


def _size(draft: Draft) -> None:
    draft.docs[ITEM]["assets"]["image"]["file:size"] += 1


def _checksum(draft: Draft) -> None:
    draft.docs[ITEM]["assets"]["thumbnail"]["file:checksum"] = "1220" + "0" * 64


def _media_type(draft: Draft) -> None:
    draft.docs[ITEM]["assets"]["thumbnail"]["type"] = "image/png"


def _missing_asset(draft: Draft) -> None:
    del draft.files[f"{PART}/chip_1.jpg"]


def _bands(draft: Draft) -> None:
    draft.docs[ITEM]["assets"]["image"]["bands"].pop()


def _orphan(draft: Draft) -> None:
    draft.files[f"{PART}/forgotten.tif"] = b"x"


def _orphan_elsewhere(draft: Draft) -> None:
    draft.files["notes/readme.txt"] = b"x"


def _not_json(draft: Draft) -> None:
    draft.files["demo/demo-images/lists/train.csv"] += b""
    draft.docs[LABEL]["assets"]["vector_labels"] = {
        **draft.docs[LABEL]["assets"]["vector_labels"],
        **_as_asset(b"{", draft, f"{LABELS}/north/row1/chip_1_labels.geojson"),
    }


def _as_asset(data: bytes, draft: Draft, name: str) -> dict[str, Any]:
    draft.files[name] = data
    return {"file:size": len(data), "file:checksum": "1220" + hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (_title, {("link-title", f"{IMAGES}/north/catalog.json")}),
        (_missing_link, {("link-missing", ITEM)}),
        (_escaping_link, {("link-outside", ITEM)}),
        (_wrong_parent, {("link-target", ITEM)}),
        (_wrong_root, {("link-target", ITEM)}),
        (_link_type, {("link-type", ITEM)}),
        (_self_without_root, {("link-self", ITEM)}),
        (_cycle, {("link-cycle", f"{IMAGES}/collection.json")}),
        (_twice, {("duplicate-link", f"{PART}/chip_2.json")}),
        (_unknown_split, {("schema", ITEM)}),
        (_bbox, {("geometry", ITEM)}),
        (_other_collection, {("collection", ITEM)}),
        (_extent, {("extent", f"{IMAGES}/collection.json")}),
        (_interval, {("extent", f"{IMAGES}/collection.json")}),
        (_size, {("asset-size", f"{PART}/chip_1.tif")}),
        (_checksum, {("asset-checksum", f"{PART}/chip_1.jpg")}),
        (_missing_asset, {("asset-missing", f"{PART}/chip_1.jpg")}),
        (_bands, {("cog-asset", f"{PART}/chip_1.tif")}),
        (_orphan, {("orphan", f"{PART}/forgotten.tif")}),
        (_orphan_elsewhere, {("orphan", "notes/readme.txt")}),
        (_not_json, {("asset-content", f"{LABELS}/north/row1/chip_1_labels.geojson")}),
        (
            _media_type,
            {("asset-type", f"{PART}/chip_1.jpg"), ("asset-content", f"{PART}/chip_1.jpg")},
        ),
        (
            _escaping_asset,
            # What the asset should be is an orphan then.
            {("link-outside", ITEM), ("orphan", f"{PART}/chip_1.tif")},
        ),
        (_encoded_escape, {("link-outside", ITEM), ("orphan", f"{PART}/chip_1.tif")}),
        (_no_parent, {("link-target", f"{IMAGES}/north/catalog.json")}),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_one_defect_gives_its_finding_and_no_other(
    draft: Draft,
    tmp_path: Path,
    spoil: Callable[[Draft], None],
    found: set[tuple[str, str]],
) -> None:
    spoil(draft)
    root = draft.write(tmp_path / "catalog", record=False)

    # Tables have no hrefs that lead out: they are made before, and compared in tests of their own.
    assert kinds(root, tables=False) == found


def test_what_schemas_do_not_accept_is_said_once(draft: Draft, tmp_path: Path) -> None:
    _unknown_split(draft)
    del draft.docs[f"{LABELS}/collection.json"]["item_assets"]
    found = kinds(draft.write(tmp_path / "catalog"))

    assert found == {("schema", ITEM), ("schema", f"{LABELS}/collection.json")}


def test_two_collections_with_one_id(draft: Draft, tmp_path: Path) -> None:
    _collection_id(draft)
    found = kinds(draft.write(tmp_path / "catalog", record=False))

    assert found == {("duplicate-id", f"{LABELS}/collection.json")}


def test_two_items_with_one_id(draft: Draft, tmp_path: Path) -> None:
    other = f"{IMAGES}/north/row2"
    docs = draft.docs
    docs[f"{other}/catalog.json"] = {
        **docs[f"{PART}/catalog.json"],
        "title": "Row 2",
        "links": docs[f"{PART}/catalog.json"]["links"][:3],
    }
    twin = {**docs[ITEM], "assets": {}, "links": [dict(one) for one in docs[ITEM]["links"]]}
    twin["assets"] = {"image": {**docs[ITEM]["assets"]["image"], "href": "../row1/chip_1.tif"}}
    twin["links"][1]["title"] = "Row 2"
    draft.docs[f"{IMAGES}/north/catalog.json"]["links"].append(
        {
            "rel": "child",
            "href": "./row2/catalog.json",
            "type": "application/json",
            "title": "Row 2",
        }
    )
    root = draft.write(tmp_path / "catalog", record=False)
    (root / other).mkdir(exist_ok=True)
    (root / f"{other}/chip_1.json").write_bytes(dumps_pretty(twin))

    assert kinds(root, tables=False) == {
        ("duplicate-id", f"{other}/chip_1.json"),
        ("duplicate-id", ITEM),
    }


def _change(path: Path, change: Callable[[Any], None]) -> None:
    value = loads(path.read_bytes())
    change(value)
    path.write_bytes(dumps_pretty(value))


def test_an_item_that_is_not_its_row(catalog: Path) -> None:
    _change(catalog / ITEM, lambda item: item["properties"].update(gsd=10))

    # The table, and the manifest that publishing goes by, both speak of the item as it was.
    assert kinds(catalog) == {
        ("table", f"{IMAGES}/items.parquet"),
        ("manifest", f"{STATE}/manifests/north/row1.parquet"),
    }


def test_an_item_that_the_table_does_not_have(draft: Draft, tmp_path: Path) -> None:
    root = draft.write(tmp_path / "catalog", record=False)
    for folder, name in ((IMAGES, "chip_1"), (LABELS, "chip_1_labels")):
        part = f"{folder}/north/row1"
        _change(
            root / f"{part}/catalog.json",
            lambda doc, name=name: doc.update(
                links=[one for one in doc["links"] if one["href"] != f"./{name}.json"]
            ),
        )
        for path in (root / part).glob("chip_1*"):
            path.unlink()
    found = kinds(root)

    # Its row leads nowhere, and the numbers differ.
    assert found == {
        (kind, f"{folder}/{file}")
        for folder in (IMAGES, LABELS)
        for kind, file in (("table", "items.parquet"), ("count", "collection.json"))
    }


def test_a_table_that_is_none(draft: Draft, tmp_path: Path) -> None:
    root = draft.write(tmp_path / "catalog", record=False)
    data = b"PAR1 and nothing else PAR1"
    (root / f"{IMAGES}/items.parquet").write_bytes(data)
    _change(
        root / f"{IMAGES}/collection.json",
        lambda doc: doc["assets"]["items"].update(_as_asset(data, draft, "unused")),
    )

    assert kinds(root) == {
        ("table", f"{IMAGES}/items.parquet"),
        ("count", f"{IMAGES}/collection.json"),
    }


def test_a_partition_that_the_ledger_does_not_know(catalog: Path) -> None:
    (catalog / f"{STATE}/ledger.jsonl").write_bytes(b"")

    assert kinds(catalog) == {("ledger", f"{STATE}/ledger.jsonl")}


def test_a_partition_that_only_the_ledger_knows(catalog: Path) -> None:
    path = catalog / f"{STATE}/ledger.jsonl"
    line = loads(path.read_bytes())
    path.write_bytes(path.read_bytes() + dumps_line({**line, "partition": "south/row9"}))
    report = validate_catalog(catalog)

    (found,) = report.findings.kept
    assert found.kind == "ledger"
    assert "south/row9" in found.message


def dumps_line(value: dict[str, Any]) -> bytes:
    return dumps_pretty(value).replace(b"\n", b"") + b"\n"


def test_a_manifest_that_the_ledger_does_not_vouch_for(catalog: Path) -> None:
    path = catalog / f"{STATE}/ledger.jsonl"
    path.write_bytes(dumps_line({**loads(path.read_bytes()), "digest": "0" * 64}))

    assert kinds(catalog) == {("ledger", f"{STATE}/ledger.jsonl")}


def test_a_count_that_the_build_states_otherwise(catalog: Path) -> None:
    _change(
        catalog / f"{STATE}/build.json",
        lambda build: build["summary"]["collections"]["demo-images"].update(items=3),
    )

    assert kinds(catalog) == {("count", f"{STATE}/build.json")}


def test_a_file_above_the_partitions_that_the_record_does_not_know(catalog: Path) -> None:
    _change(
        catalog / f"{STATE}/build.json",
        lambda build: build["objects"].pop(f"{IMAGES}/collection.json"),
    )

    assert kinds(catalog) == {("manifest", f"{STATE}/build.json")}


def test_a_damaged_catalog_loses_its_stamp(catalog: Path) -> None:
    validate_catalog(catalog)
    stamp = catalog / f"{STATE}/validated.json"
    assert stamp.exists()
    (catalog / f"{PART}/chip_1.jpg").unlink()
    report = validate_catalog(catalog)

    assert report.exit_code == 1
    assert not stamp.exists()


def test_the_stamp_is_the_same_every_time_and_names_no_machine(catalog: Path) -> None:
    validate_catalog(catalog)
    first = (catalog / f"{STATE}/validated.json").read_bytes()
    validate_catalog(catalog, jobs=2)

    assert (catalog / f"{STATE}/validated.json").read_bytes() == first
    assert os.fsencode(str(catalog)) not in first


def test_a_look_that_leaves_things_out_does_not_stamp(catalog: Path) -> None:
    report = validate_catalog(catalog, options=ValidateOptions(checksums=False))

    assert report.exit_code == 0
    assert report.counters.files == 0
    assert report.stamped == []
    assert not (catalog / f"{STATE}/validated.json").exists()


def test_a_catalog_that_changes_meanwhile(catalog: Path) -> None:
    class Meddler(Silent):
        def finish(self) -> None:
            path = catalog / f"{STATE}/ledger.jsonl"
            path.write_bytes(path.read_bytes() + b"\n")

    report = validate_catalog(catalog, progress=Meddler())

    assert ("error", "changed") in report.findings.counts


def test_a_symbolic_link_out_of_the_catalog(catalog: Path, tmp_path: Path) -> None:
    image = catalog / f"{PART}/chip_1.tif"
    outside = tmp_path / "outside.tif"
    outside.write_bytes(image.read_bytes())
    image.unlink()
    image.symlink_to(outside)

    assert ("link-outside", f"{PART}/chip_1.tif") in kinds(catalog)


def test_a_folder_that_is_a_symbolic_link_out_of_the_catalog(catalog: Path, tmp_path: Path) -> None:
    part = catalog / PART
    part.rename(tmp_path / "elsewhere")
    part.symlink_to(tmp_path / "elsewhere")

    assert ("link-outside", f"{IMAGES}/north/catalog.json") in kinds(catalog)


def test_a_pipe_is_not_waited_for(catalog: Path) -> None:
    image = catalog / f"{PART}/chip_1.tif"
    image.unlink()
    os.mkfifo(image)

    assert ("asset-missing", f"{PART}/chip_1.tif") in kinds(catalog)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000],
    ids=["empty", "list", "cut", "binary", "deep-list", "deep-object"],
)
def test_what_is_no_json_object_is_a_finding(catalog: Path, data: bytes) -> None:
    (catalog / ITEM).write_bytes(data)
    (catalog / f"{LABELS}/north/catalog.json").write_bytes(data)
    found = kinds(catalog)

    assert ("json", ITEM) in found
    assert ("json", f"{LABELS}/north/catalog.json") in found


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"type": "Feature"},
        {"type": "Feature", "links": [{}], "assets": []},
        {"type": "Feature", "stac_extensions": [1], "links": {}, "properties": None},
        {"type": "Feature", "stac_extensions": "x", "assets": {"a": {"href": 3}}},
        {"type": "Catalog", "links": [{"rel": "item", "href": 3}]},
        {"type": ["Catalog"], "links": 7},
    ],
)
def test_json_that_is_no_stac_is_a_finding_wherever_it_lies(
    catalog: Path, value: dict[str, Any]
) -> None:
    for name in (ITEM, f"{LABELS}/north/catalog.json", f"{LABELS}/collection.json"):
        (catalog / name).write_bytes(dumps_pretty(value))
    found = kinds(catalog)

    assert {name for _, name in found} >= {ITEM, f"{LABELS}/collection.json"}


def test_a_root_that_is_no_catalog(catalog: Path) -> None:
    (catalog / "catalog.json").write_bytes(b"{}")

    assert ("type", "catalog.json") in kinds(catalog)


def test_a_folder_without_a_catalog(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"catalog\.json"):
        validate_catalog(tmp_path)


def test_addresses_of_a_catalog_that_knows_its_own(draft: Draft, tmp_path: Path) -> None:
    root_link = {"rel": "self", "href": "https://data.example.com/eo/catalog.json"}
    draft.docs["catalog.json"]["links"].insert(0, root_link)
    draft.docs["demo/catalog.json"]["links"].append(
        {"rel": "self", "href": "https://data.example.com/eo/demo/catalog.json"}
    )
    root = draft.write(tmp_path / "catalog")
    assert kinds(root) == set()

    _change(
        root / "demo/catalog.json",
        lambda doc: doc["links"][-1].update(href="https://data.example.com/demo/catalog.json"),
    )
    assert ("link-self", "demo/catalog.json") in kinds(root)
