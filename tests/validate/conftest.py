"""A small real catalog, written by hand: what validation has to find right, and to find wrong."""

from __future__ import annotations

import copy
import hashlib
import io
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.io import MemoryFile
from rasterio.warp import transform

from stacbuild.engine import tables
from stacbuild.index.items import IndexWriter
from stacbuild.stac import extensions, media
from stacbuild.stac.encode import dumps_item, dumps_pretty

SIDE, GSD = 32, 10
CODE = "EPSG:32635"
PIXELS = "demo/demo-images"
LABELS = "demo/demo-labels"
KEY = "north/row1"
NAMES = ("chip_1", "chip_2")
EXTENSIONS = [extensions.PROJECTION, extensions.EO, extensions.FILE, extensions.ML_AOI]
Json = dict[str, Any]


def chip(number: int, bands: int = 3) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.integers(1, 4000, (bands, SIDE, SIDE)).astype("uint16")


def origin(number: int) -> tuple[float, float]:
    return 622800.0 + number * SIDE * GSD, 7196820.0


def cog(array: np.ndarray, left: float, top: float, **changes: object) -> bytes:
    """Return a COG as GDAL writes it."""
    profile = {
        "driver": "COG",
        "width": array.shape[2],
        "height": array.shape[1],
        "count": array.shape[0],
        "dtype": array.dtype.name,
        "crs": CODE,
        "transform": Affine(GSD, 0, left, 0, -GSD, top),
        "nodata": 0,
        "compress": "DEFLATE",
        "blocksize": 128,
        **changes,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(array)
            for band in range(array.shape[0]):
                file.set_band_description(band + 1, f"B{band + 2:02}")
        return memory.read()


@cache
def chip_bytes(number: int) -> bytes:
    return cog(chip(number), *origin(number))


def jpeg() -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, "uint8")).save(target, "jpeg")
    return target.getvalue()


def described(name: str, data: bytes, **fields: object) -> Json:
    """Return an asset of a file."""
    return {
        "href": f"./{name}",
        "file:size": len(data),
        "file:checksum": "1220" + hashlib.sha256(data).hexdigest(),
        **fields,
    }


def link(rel: str, href: str, title: str) -> Json:
    kind = media.GEOJSON if rel in ("item", "source", "related") else media.JSON
    return {"rel": rel, "href": href, "type": kind, "title": title}


def ring(number: int) -> list[list[float]]:
    left, top = origin(number)
    size = SIDE * GSD
    xs = [left, left, left + size, left + size, left]
    ys = [top, top - size, top - size, top, top]
    lon, lat = transform(CODE, "OGC:CRS84", xs, ys)
    return [[round(x, 7), round(y, 7)] for x, y in zip(lon, lat, strict=True)]


def placed(number: int) -> Json:
    corners = ring(number)
    xs, ys = [p[0] for p in corners], [p[1] for p in corners]
    return {
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "bbox": [min(xs), min(ys), max(xs), max(ys)],
    }


def structure(collection_title: str) -> list[Json]:
    return [
        link("root", "../../../../catalog.json", "Catalog of tests"),
        link("parent", "./catalog.json", "Row 1"),
        link("collection", "../../collection.json", collection_title),
    ]


def image_item(number: int, files: dict[str, bytes]) -> Json:
    name = NAMES[number]
    left, top = origin(number)
    tif, jpg = chip_bytes(number), jpeg()
    files[f"{PIXELS}/{KEY}/{name}.tif"] = tif
    files[f"{PIXELS}/{KEY}/{name}.jpg"] = jpg
    bands = [
        {"name": band, "eo:common_name": common}
        for band, common in (("B02", "blue"), ("B03", "green"), ("B04", "red"))
    ]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": EXTENSIONS,
        "id": name,
        **placed(number),
        "properties": {
            "title": f"Chip {number + 1}",
            "datetime": "2017-06-13T10:10:31Z",
            "proj:code": CODE,
            "ml-aoi:split": "train",
        },
        "links": [
            *structure("Images of tests"),
            link(
                "related", f"../../../demo-labels/{KEY}/{name}_labels.json", f"Labels {number + 1}"
            ),
        ],
        "assets": {
            "image": described(
                f"{name}.tif",
                tif,
                type=media.COG,
                title="Image",
                roles=["data"],
                data_type="uint16",
                nodata=0,
                **{
                    "proj:shape": [SIDE, SIDE],
                    "proj:transform": [GSD, 0, left, 0, -GSD, top],
                },
                bands=bands,
            ),
            "thumbnail": described(
                f"{name}.jpg", jpg, type=media.JPEG, title="Thumbnail", roles=["thumbnail"]
            ),
        },
        "collection": "demo-images",
    }


def label_item(number: int, files: dict[str, bytes]) -> Json:
    name = NAMES[number]
    place = placed(number)
    feature = {
        "type": "Feature",
        "geometry": place["geometry"],
        "properties": {"classes": ["Pastures"]},
    }
    data = dumps_item({"type": "FeatureCollection", "features": [feature]})
    files[f"{LABELS}/{KEY}/{name}_labels.geojson"] = data
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [extensions.LABEL, extensions.FILE, extensions.ML_AOI],
        "id": f"{name}_labels",
        **place,
        "properties": {
            "title": f"Labels {number + 1}",
            "datetime": "2017-06-13T10:10:31Z",
            "ml-aoi:split": "train",
            "label:type": "vector",
            "label:description": "Land cover of the chip",
            "label:properties": ["classes"],
            "label:tasks": ["classification"],
            "label:methods": ["manual"],
            "label:classes": [{"name": "classes", "classes": ["Pastures", "Peatbogs"]}],
            "label:overviews": [
                {"property_key": "classes", "counts": [{"name": "Pastures", "count": 1}]}
            ],
        },
        "links": [
            *structure("Labels of tests"),
            {
                **link("source", f"../../../demo-images/{KEY}/{name}.json", f"Chip {number + 1}"),
                "label:assets": ["image"],
            },
        ],
        "assets": {
            "vector_labels": described(
                f"{name}_labels.geojson",
                data,
                type=media.GEOJSON,
                title="Labels",
                roles=["labels", "labels-vector"],
            )
        },
        "collection": "demo-labels",
    }


def catalog_doc(name: str, title: str, links: list[Json]) -> Json:
    return {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": name,
        "title": title,
        "description": f"{title}.",
        "links": links,
    }


def collection_doc(name: str, title: str, assets: Json) -> Json:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [extensions.FILE],
        "id": name,
        "title": title,
        "description": f"{title}.",
        "license": "CC-BY-4.0",
        "providers": [{"name": "Makers", "roles": ["producer"]}],
        "extent": {
            "spatial": {"bbox": [[20, 60, 30, 70]]},
            "temporal": {"interval": [["2017-06-13T10:10:31Z", "2017-06-13T10:10:31Z"]]},
        },
        "item_assets": {"image": {"title": "Image", "type": media.COG, "roles": ["data"]}},
        "links": [
            link("root", "../../catalog.json", "Catalog of tests"),
            link("parent", "../catalog.json", "Demo"),
            link("child", "./north/catalog.json", "North"),
        ],
        "assets": assets,
    }


@dataclass
class Draft:
    """A catalog in memory: documents and files by name, to be spoilt and written."""

    docs: dict[str, Json] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    folder: Path = Path()

    def write(self, root: Path, *, record: bool = True) -> Path:
        """Write it, with tables and record that agree with what is written."""
        for collection in (PIXELS, LABELS):
            self._table(root, collection)
        for name, data in self.files.items():
            put(root / name, data)
        for name, doc in self.docs.items():
            put(root / name, encoded(doc))
        if record:
            self.record(root)
        return root

    def _table(self, root: Path, collection: str) -> None:
        items = [
            doc
            for name, doc in sorted(self.docs.items())
            if name.startswith(f"{collection}/{KEY}/") and doc["type"] == "Feature"
        ]
        doc = self.docs[f"{collection}/collection.json"]
        path = root / collection / "items.parquet"
        with IndexWriter(self.folder) as writer:
            writer.add(items, KEY)
            writer.finish(path, {key: value for key, value in doc.items() if key != "assets"})
        doc["assets"]["items"] = described(
            "items.parquet",
            path.read_bytes(),
            type=media.PARQUET,
            title="All items",
            roles=["collection-mirror"],
        )

    def record(self, root: Path) -> None:
        """Write ledger, manifest and build record of what lies there."""
        state = root / ".stacbuild/demo"
        inside = [
            path
            for collection in (PIXELS, LABELS)
            for path in (root / collection / KEY).rglob("*")
            if path.is_file()
        ]
        objects = {
            path.relative_to(root).as_posix(): (len(data), hashlib.sha256(data).digest())
            for path in inside
            for data in (path.read_bytes(),)
        }
        digest = tables.write_manifest(state / f"manifests/{KEY}.parquet", objects, state / "local")
        line = {"partition": KEY, "samples": 2, "digest": digest, "rejects": []}
        put(state / "ledger.jsonl", dumps_item(line) + b"\n")
        above = [
            path for path in (root / "demo").rglob("*") if path.is_file() and path not in inside
        ]
        build = {
            "partial": None,
            "summary": {"collections": {"demo-images": {"items": 2}, "demo-labels": {"items": 2}}},
            "objects": {
                path.relative_to(root).as_posix(): [
                    len(data),
                    hashlib.sha256(data).hexdigest(),
                ]
                for path in above
                for data in (path.read_bytes(),)
            },
        }
        put(state / "build.json", dumps_pretty(build))


def encoded(doc: Json) -> bytes:
    return dumps_item(doc) if doc.get("type") == "Feature" else dumps_pretty(doc)


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def fresh() -> Draft:
    draft = Draft()
    docs = draft.docs
    titles = {PIXELS: "Images of tests", LABELS: "Labels of tests"}
    docs["catalog.json"] = catalog_doc(
        "tests",
        "Catalog of tests",
        [
            link("root", "./catalog.json", "Catalog of tests"),
            link("child", "./demo/catalog.json", "Demo"),
        ],
    )
    docs["demo/catalog.json"] = catalog_doc(
        "demo",
        "Demo",
        [
            link("root", "../catalog.json", "Catalog of tests"),
            link("parent", "../catalog.json", "Catalog of tests"),
            *(
                link("child", f"./{name.split('/')[1]}/collection.json", title)
                for name, title in titles.items()
            ),
        ],
    )
    for folder, title in titles.items():
        name = folder.split("/")[1]
        lists = b"chip_1\nchip_2\n"
        draft.files[f"{folder}/lists/train.csv"] = lists
        docs[f"{folder}/collection.json"] = collection_doc(
            name,
            title,
            {
                "list": described(
                    "lists/train.csv", lists, type=media.CSV, title="List", roles=["metadata"]
                )
            },
        )
        docs[f"{folder}/north/catalog.json"] = catalog_doc(
            f"{name}-north",
            "North",
            [
                link("root", "../../../catalog.json", "Catalog of tests"),
                link("parent", "../collection.json", title),
                link("child", "./row1/catalog.json", "Row 1"),
            ],
        )
        items = [
            image_item(number, draft.files) if folder == PIXELS else label_item(number, draft.files)
            for number in range(len(NAMES))
        ]
        for item in items:
            docs[f"{folder}/{KEY}/{item['id']}.json"] = item
        docs[f"{folder}/{KEY}/catalog.json"] = catalog_doc(
            f"{name}-north-row1",
            "Row 1",
            [
                link("root", "../../../../catalog.json", "Catalog of tests"),
                link("parent", "../catalog.json", "North"),
                *(
                    link("item", f"./{item['id']}.json", item["properties"]["title"])
                    for item in items
                ),
            ],
        )
    return draft


@pytest.fixture(scope="session")
def template() -> Draft:
    with rasterio.Env():
        return fresh()


@pytest.fixture
def draft(template: Draft, tmp_path: Path) -> Draft:
    """A good catalog in memory, to be spoilt."""
    mine = copy.deepcopy(template)
    mine.folder = tmp_path / "scratch"
    mine.folder.mkdir()
    return mine


@pytest.fixture
def item(draft: Draft) -> Json:
    """A good imagery item."""
    return draft.docs[f"{PIXELS}/{KEY}/chip_1.json"]


@pytest.fixture
def labels(draft: Draft) -> Json:
    """A good label item."""
    return draft.docs[f"{LABELS}/{KEY}/chip_1_labels.json"]


@pytest.fixture
def catalog(draft: Draft, tmp_path: Path) -> Path:
    """A good catalog on disk."""
    return draft.write(tmp_path / "catalog")


@pytest.fixture(autouse=True)
def schemas(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Official schemas where they are to be had; nothing is fetched, and no cache is read."""
    root = Path(__file__).resolve().parents[2]
    shared = Path(os.environ.get("STACBUILD_SHARED", root.parent / "shared"))
    if (shared / "schemas").is_dir():
        monkeypatch.setenv("STACBUILD_SCHEMAS", str(shared / "schemas"))
    monkeypatch.setenv("STACBUILD_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
