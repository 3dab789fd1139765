from __future__ import annotations

import copy
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import shapely
import shapely.geometry

from stacbuild.errors import CatalogError, StacbuildError
from stacbuild.index import items as module
from stacbuild.index.geoparquet import Writer
from stacbuild.index.items import IndexWriter, encode_items, read_items
from stacbuild.index.schema import SchemaError
from stacbuild.index.transpose import without_nulls

Item = dict[str, Any]
MakeItems = Callable[..., list[Item]]
COLLECTION = {"type": "Collection", "id": "chips", "stac_version": "1.1.0", "links": []}
URL = "https://data.example/catalog/bigearthnet/chips"


def write(path: Path, *parts: tuple[str, list[Item]], base: str | None = None) -> Path:
    with IndexWriter(path.parent, base) as writer:
        for folder, items in parts:
            writer.add(items, folder)
        writer.finish(path, COLLECTION)
    return path


def resolved(item: Item, url: str) -> Item:
    """The item with hrefs made absolute from where it lies."""
    item = copy.deepcopy(item)
    for linked in (*item["links"], *item["assets"].values()):
        linked["href"] = urljoin(url, linked["href"])
    clean: Item = without_nulls(item)
    return clean


def seconds(item: Item) -> Item:
    """The item with its instants as pandas reads them: readers spell fractions differently."""
    properties = {**item["properties"]}
    for name in ("datetime", "created"):
        if properties.get(name):
            properties[name] = pd.Timestamp(properties[name]).isoformat()
    return {**item, "properties": properties}


@pytest.fixture
def parts(make_items: MakeItems) -> list[tuple[str, list[Item]]]:
    items = make_items(40)
    items[3]["properties"]["created"] = "2020-01-01T00:00:00.024Z"
    items[7]["properties"]["late"] = {"only": ["here"]}
    items[9]["assets"].pop("60m")
    return [("p/row1", items[:11]), ("p/row2", items[11:35]), ("q/row1", items[35:])]


def expected(parts: list[tuple[str, list[Item]]]) -> dict[str, Item]:
    return {
        item["id"]: resolved(item, f"{URL}/{folder}/{item['id']}.json")
        for folder, items in parts
        for item in items
    }


@pytest.mark.parametrize("base", [None, URL])
def test_items_come_back(
    tmp_path: Path, parts: list[tuple[str, list[Item]]], base: str | None
) -> None:
    before = copy.deepcopy(parts)
    path = write(tmp_path / "items.parquet", *parts, base=base)
    assert parts == before, "items are not changed"
    found = {item["id"]: resolved(item, f"{URL}/items.parquet") for item in read_items(path)}
    assert found == expected(parts)
    if base:
        hrefs = [a["href"] for item in read_items(path) for a in item["assets"].values()]
        assert all(href.startswith(f"{URL}/") for href in hrefs)


def test_stac_geoparquet_reads_the_same_items(
    tmp_path: Path, parts: list[tuple[str, list[Item]]]
) -> None:
    arrow = pytest.importorskip("stac_geoparquet.arrow")
    path = write(tmp_path / "items.parquet", *parts)
    rows = [without_nulls(item) for item in arrow.stac_table_to_items(pq.read_table(path))]
    found = {row["id"]: seconds(resolved(row, f"{URL}/items.parquet")) for row in rows}
    assert found == {name: seconds(item) for name, item in expected(parts).items()}


def test_rustac_reads_the_same_items(tmp_path: Path, parts: list[tuple[str, list[Item]]]) -> None:
    rustac = pytest.importorskip("rustac")
    path = write(tmp_path / "items.parquet", *parts)
    rows = [without_nulls(item) for item in rustac.read_sync(str(path))["features"]]
    found = {row["id"]: seconds(resolved(row, f"{URL}/items.parquet")) for row in rows}
    assert found == {name: seconds(item) for name, item in expected(parts).items()}


def test_bytes_do_not_depend_on_the_order_of_arrival(
    tmp_path: Path, make_items: MakeItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROW_GROUP", 100)
    items = make_items(350)
    items[300]["properties"]["late"] = 1.5
    items[20]["properties"]["late"] = 2
    digests = set()
    for seed in range(4):
        rng = random.Random(seed)
        size = rng.randrange(5, 80)
        chunks = [items[at : at + size] for at in range(0, len(items), size)]
        rng.shuffle(chunks)
        path = tmp_path / f"{seed}.parquet"
        with IndexWriter(tmp_path) as writer:
            for chunk in chunks:
                for item in chunk:
                    item["properties"] = dict(
                        rng.sample(list(item["properties"].items()), len(item["properties"]))
                    )
                if seed % 2:
                    writer.add(chunk, "p/row")
                else:
                    writer.add_batch(encode_items(chunk, "p/row"))
            writer.finish(path, COLLECTION)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert pq.ParquetFile(path).num_row_groups == 4
    assert len(digests) == 1


def test_rows_are_in_hilbert_order_and_row_groups_can_be_skipped(
    tmp_path: Path, make_items: MakeItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROW_GROUP", 50)
    path = write(tmp_path / "items.parquet", ("p", make_items(1000)))
    meta = pq.ParquetFile(path).metadata
    assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == [50] * 20
    columns = {meta.row_group(0).column(n).path_in_schema: n for n in range(meta.num_columns)}
    for name in ("id", "ml-aoi:split", "bbox.xmin", "datetime", "ben:labels_19.list.element"):
        assert meta.row_group(0).column(columns[name]).is_stats_set, name
    assert not meta.row_group(0).column(columns["assets.10m.href"]).is_stats_set
    touched = 0
    for number in range(meta.num_row_groups):
        group = meta.row_group(number)
        west = group.column(columns["bbox.xmin"]).statistics.min
        east = group.column(columns["bbox.xmax"]).statistics.max
        south = group.column(columns["bbox.ymin"]).statistics.min
        north = group.column(columns["bbox.ymax"]).statistics.max
        touched += west < 12 and east > 10 and south < 52 and north > 50
    assert 0 < touched <= 4, "a small box needs few of the twenty row groups"


def test_labels_and_splits_filter(tmp_path: Path, make_items: MakeItems) -> None:
    items = make_items(60)
    path = write(tmp_path / "items.parquet", ("p", items))
    wanted = {i["id"] for i in items if i["properties"].get("ml-aoi:split") == "train"}
    table = ds.dataset(path).to_table(
        columns=["id", "ben:labels_19"], filter=pc.field("ml-aoi:split") == "train"
    )
    assert set(table["id"].to_pylist()) == wanted
    frame = pd.read_parquet(path, columns=["id", "ben:labels_19", "ml-aoi:split"])
    has = frame["ben:labels_19"].map(lambda labels: "Pastures" in labels)
    found = set(frame["id"][has & (frame["ml-aoi:split"] == "test")])
    assert found == {
        i["id"]
        for i in items
        if "Pastures" in i["properties"]["ben:labels_19"]
        and i["properties"].get("ml-aoi:split") == "test"
    }
    assert found


def test_metadata_says_what_is_inside(tmp_path: Path, make_items: MakeItems) -> None:
    geopandas = pytest.importorskip("geopandas")
    items = make_items(20)
    path = write(tmp_path / "items.parquet", ("p", items))
    meta = pq.ParquetFile(path).metadata.metadata
    assert json.loads(meta[b"stac-geoparquet"]) == {
        "version": "1.1.0",
        "collections": {"chips": COLLECTION},
    }
    geo = json.loads(meta[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], column["geometry_types"]) == ("1.1.0", ["Polygon"])
    boxes = [item["bbox"] for item in items]
    assert column["bbox"] == [
        *(min(b[side] for b in boxes) for side in (0, 1)),
        *(max(b[side] for b in boxes) for side in (2, 3)),
    ]
    frame = geopandas.read_parquet(path).set_index("id")
    assert frame.crs == "OGC:CRS84"
    for item in items:
        assert frame.geometry[item["id"]].equals(shapely.geometry.shape(item["geometry"]))
    assert frame.crs.equals("OGC:CRS84")
    schema = pq.read_schema(path)
    assert schema.field("datetime").type == pa.timestamp("us", tz="UTC")
    assert [f.name for f in schema.field("bbox").type] == ["xmin", "ymin", "xmax", "ymax"]


def test_all_kinds_of_geometry_and_none(tmp_path: Path, make_items: MakeItems) -> None:
    items = make_items(6)
    ring = items[0]["geometry"]["coordinates"][0]
    inner = [[x * 0.5 + ring[0][0] * 0.5, y * 0.5 + ring[0][1] * 0.5] for x, y in ring]
    items[0]["geometry"]["coordinates"].append(inner)
    items[1]["geometry"] = {"type": "MultiPolygon", "coordinates": [[ring]]}
    items[2]["geometry"] = {"type": "Point", "coordinates": [1.5, 50.5, 120.0]}
    items[2]["bbox"] = [1.5, 50.5, 120.0, 1.5, 50.5, 120.0]
    items[3].update(geometry=None)
    del items[3]["bbox"]
    items[3]["properties"].update(
        datetime=None, start_datetime="2017-01-01T00:00:00Z", end_datetime="2018-01-01T00:00:00Z"
    )
    path = write(tmp_path / "items.parquet", ("p", items))
    found = list(read_items(path))
    assert found[-1]["id"] == items[3]["id"], "what has no location is last"
    assert found[-1]["geometry"] is None
    assert found[-1]["properties"]["datetime"] is None
    by_id = {item["id"]: item for item in found}
    for item in items:
        assert by_id[item["id"]]["geometry"] == item["geometry"]
        assert by_id[item["id"]].get("bbox") == item.get("bbox")
    geo = json.loads(pq.ParquetFile(path).metadata.metadata[b"geo"])
    kinds = geo["columns"]["geometry"]["geometry_types"]
    assert kinds == ["MultiPolygon", "Point Z", "Polygon"]


def test_a_box_over_the_antimeridian(tmp_path: Path, make_items: MakeItems) -> None:
    items = make_items(2)
    items[0]["bbox"] = [179.5, 0.0, -179.5, 1.0]
    path = write(tmp_path / "items.parquet", ("p", items))
    geo = json.loads(pq.ParquetFile(path).metadata.metadata[b"geo"])
    assert geo["columns"]["geometry"]["bbox"][::2] == [-180.0, 180.0]


def test_nothing_to_index_is_a_table_still(tmp_path: Path) -> None:
    path = write(tmp_path / "items.parquet")
    assert list(read_items(path)) == []
    assert "ml-aoi:split" not in pq.read_schema(path).names


def test_items_without_assets_and_links(tmp_path: Path, make_items: MakeItems) -> None:
    items = make_items(3)
    for item in items:
        item.update(assets={}, links=[], stac_extensions=[])
    path = write(tmp_path / "items.parquet", ("p", items))
    found = {item["id"]: item for item in read_items(path)}
    assert found == {item["id"]: item for item in items}


def test_two_items_of_one_id_are_refused_and_nothing_is_left(
    tmp_path: Path, make_items: MakeItems
) -> None:
    path = tmp_path / "items.parquet"
    path.write_bytes(b"what was there before")
    with pytest.raises(CatalogError, match="chip_00002"):
        write(path, ("p", make_items(5)), ("q", make_items(1, start=2)))
    assert path.read_bytes() == b"what was there before"
    assert [p.name for p in tmp_path.iterdir()] == ["items.parquet"]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path, make_items: MakeItems) -> None:
    path = write(tmp_path / "items.parquet", ("p", make_items(5)))
    before = path.read_bytes()
    batch = pa.RecordBatch.from_pylist([{"a": 1}])

    def fail_half_way() -> None:
        with Writer(path, batch.schema, {}) as writer:
            writer.write(batch)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_half_way()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["items.parquet"]


MEASURE = """
import sys
from pathlib import Path
import pyarrow as pa
from stacbuild.index import items, spool

folder, count = Path(sys.argv[1]), int(sys.argv[2])
items.ROW_GROUP, spool.GROUP_BYTES = 400, 200_000
with items.IndexWriter(folder) as writer:
    for start in range(0, count, 100):
        batch = items.encode_items([
            {
                "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [],
                "id": f"chip_{n * 7919 % count:06d}",
                "geometry": {"type": "Point", "coordinates": [n * 31 % 360 - 180, n * 7 % 90]},
                "bbox": [n * 31 % 360 - 180, n * 7 % 90] * 2,
                "properties": {
                    "datetime": "2017-06-13T10:10:31Z", "values": list(range(n, n + 99)),
                },
                "links": [],
                "assets": {"data": {"href": f"{n}.tif", "values": list(range(n, n + 99))}},
                "collection": "chips",
            }
            for n in range(start, start + 100)
        ], "p")
        # As from another process: one buffer holds the whole batch.
        writer.add_batch(pa.ipc.read_record_batch(batch.serialize(), batch.schema))
    writer.finish(folder / "items.parquet", {"id": "chips"})
print(pa.default_memory_pool().max_memory())
"""


def test_memory_does_not_grow_with_the_items(tmp_path: Path) -> None:
    small, large = (
        int(subprocess.check_output([sys.executable, "-c", MEASURE, str(tmp_path), count]))
        for count in ("1000", "6000")
    )
    assert large < 1.3 * small


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"foreign": 1}, "foreign"),
        ({"properties": {"datetime": None, "id": "x"}}, "property 'id'"),
        ({"properties": {"datetime": "2017-06-13T10:10:31.5Z"}}, "datetime"),
        ({"bbox": None}, "no bbox"),
        ({"bbox": [1, 2, 3]}, "four or six"),
        ({"geometry": {"type": "Polygon"}}, "geometry"),
        ({"assets": {"a": {"href": "a", "proj:geometry": None}}}, "proj:geometry"),
        ({"assets": {"a": {}}}, "href"),
        ({"id": None}, "no id"),
    ],
)
def test_items_that_do_not_fit_are_refused(
    make_items: MakeItems, change: Item, message: str
) -> None:
    items = make_items(3)
    items[1].update(change)
    with pytest.raises(SchemaError, match=message):
        encode_items(items, "p")


def test_a_file_that_is_no_index(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    with pytest.raises(StacbuildError, match="cannot be read"):
        list(read_items(path))
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(StacbuildError, match="cannot be read"):
        list(read_items(path))
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(CatalogError, match="no column 'bbox'"):
        list(read_items(path))


def test_table_fields_describe_the_asset(tmp_path: Path, make_items: MakeItems) -> None:
    with IndexWriter(tmp_path) as writer:
        writer.add(make_items(7), "p")
        fields = writer.finish(tmp_path / "items.parquet", COLLECTION).fields()
    assert fields["table:row_count"] == 7
    assert fields["table:primary_geometry"] == "geometry"
    kinds = {column["name"]: column["type"] for column in fields["table:columns"]}
    assert kinds["ben:labels_19"] == "list<string>"
    assert kinds["datetime"] == "timestamp"
