"""A careful engineer's loop: rasterio's GTiff writer, dict items, no validation.

    python benchmarks/baseline_careful.py RAW CATALOG

It knows what costs: chips need no rio-cogeo, items no pystac, JSON comes from orjson, transformers
are kept, one GDAL environment is held open. It makes the same objects as
``stacbuild build bigearthnet RAW CATALOG``. Prints one line of JSON with the CPU time by part.
"""

from __future__ import annotations

import argparse
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import patches as ben
import rasterio
import stac_geoparquet.arrow
from PIL import Image
from pyproj import Transformer
from rasterio.transform import array_bounds
from stopwatch import Stopwatch

from stactools.bigearthnet import constants

if TYPE_CHECKING:
    import numpy.typing as npt
    from affine import Affine
    from rasterio.crs import CRS

    Grid = tuple[npt.NDArray[np.uint16], CRS, Affine]

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOJSON = "application/geo+json"
JSON = "application/json"


def extensions(**versions: str) -> list[str]:
    """Return the addresses of the schemas of some extensions."""
    return [
        f"{ben.EXTENSIONS}{name.replace('_', '-')}/v{version}/schema.json"
        for name, version in versions.items()
    ]


IMAGERY_EXTENSIONS = extensions(
    projection="2.0.0",
    grid="1.1.0",
    eo="2.0.0",
    raster="2.0.0",
    sat="1.2.0",
    ml_aoi="0.2.0",
    file="2.1.0",
)
LABEL_EXTENSIONS = extensions(ml_aoi="0.2.0", label="1.0.1", file="2.1.0")
SCIENTIFIC = {"sci:doi": ben.DOI, "sci:citation": ben.CITATION}
CITE_AS = {"rel": "cite-as", "href": f"https://doi.org/{ben.DOI}"}
CLASSES = {"ben:labels_43": constants.LABELS_43, "ben:labels_19": constants.LABELS_19}
TITLES = {constants.IMAGERY: "BigEarthNet-S2", constants.LABELS: "BigEarthNet-S2 labels"}


class CarefulBuild:
    """One build: the folder, the lists, the clock."""

    def __init__(self, raw: Path, root: Path, per_catalog: int) -> None:
        self.folder = root / "bigearthnet"
        self.root = root
        self.per_catalog = per_catalog
        self.patches = ben.find_patches(raw)
        self.lists = ben.read_lists(raw)
        self.clock = Stopwatch()
        self.items: dict[str, list[dict[str, Any]]] = {name: [] for name in TITLES}

    def run(self) -> None:
        """Make everything."""
        parts = []
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
            for start in range(0, len(self.patches), self.per_catalog):
                part = f"{start // self.per_catalog:05d}"
                parts.append(part)
                self._part(part, self.patches[start : start + self.per_catalog])
        with self.clock("catalogs"):
            self._catalogs(parts)
        with self.clock("items.parquet"):
            for name, items in self.items.items():
                table = stac_geoparquet.arrow.parse_stac_items_to_arrow(items)
                stac_geoparquet.arrow.to_parquet(table, self.folder / name / "items.parquet")

    def _part(self, part: str, patches: list[Path]) -> None:
        folders = {name: self.folder / name / part for name in TITLES}
        for folder in folders.values():
            folder.mkdir(parents=True)
        for patch in patches:
            self._patch(patch, part, folders)
        with self.clock("catalogs"):
            for name, folder in folders.items():
                items = self.items[name][-len(patches) :]
                links = [
                    link("root", "../../../catalog.json", "Catalog"),
                    link("parent", "../collection.json", TITLES[name]),
                    *(
                        link("item", f"./{item['id']}.json", item["properties"]["title"], GEOJSON)
                        for item in items
                    ),
                ]
                title = f"Part {part}"
                write_json(folder / "catalog.json", catalog(f"{name}-{part}", title, links))

    def _patch(self, patch: Path, part: str, folders: dict[str, Path]) -> None:
        name = patch.name
        clock = self.clock
        with clock("read"):
            facts = ben.read_labels(patch)
            grids = {gsd: read_grid(patch, bands) for gsd, bands in ben.GRIDS.items()}
        folder = folders[constants.IMAGERY]
        with clock("COGs"):
            for gsd, grid in grids.items():
                cog = folder / f"{name}_{gsd}m.tif"
                write_cog(cog, grid, ben.GRIDS[gsd], ben.BLOCKS[gsd])
        stack, crs, transform = grids[10]
        with clock("visual"):
            visual = ben.true_colour(stack)
            write_visual(folder / f"{name}_visual.tif", visual, crs, transform)
        with clock("thumbnail"):
            image = Image.fromarray(np.ascontiguousarray(visual.transpose(1, 2, 0)))
            image.save(folder / f"{name}_thumbnail.jpg", quality=85)
        with clock("statistics"):
            bands = {
                gsd: [
                    ben.band_facts(band, pixels)
                    for band, pixels in zip(ben.GRIDS[gsd], grid[0], strict=True)
                ]
                for gsd, grid in grids.items()
            }
        with clock("items"):
            geometry = footprint(crs, transform, stack.shape[1:])
            properties = ben.properties(name, facts, self.lists)
            properties["datetime"] = facts.datetime
        with clock("GeoJSON"):
            geojson = folders[constants.LABELS] / f"{name}_labels.geojson"
            chosen = {key: properties[key] for key in CLASSES}
            feature = {"type": "Feature", "geometry": geometry, "properties": chosen}
            write_json(geojson, {"type": "FeatureCollection", "features": [feature]})
        with clock("items"):
            item = make_item(name, part, geometry, properties, facts)
            item["properties"]["proj:code"] = f"EPSG:{crs.to_epsg()}"
            item["properties"]["proj:bbox"] = array_bounds(*stack.shape[1:], transform)
            item["assets"] = imagery_assets(folder, name, grids, bands)
            label_item = make_label_item(name, part, geometry, properties, facts)
            label_item["assets"] = {
                "vector_labels": asset(geojson, "Labels", GEOJSON, ["labels", "labels-vector"], {})
            }
            write_json(folder / f"{name}.json", item)
            write_json(folders[constants.LABELS] / f"{name}_labels.json", label_item)
        self.items[constants.IMAGERY].append(item)
        self.items[constants.LABELS].append(label_item)

    def _catalogs(self, parts: list[str]) -> None:
        for name, title in TITLES.items():
            items = self.items[name]
            times = sorted(item["properties"]["datetime"] for item in items)
            boxes = np.array([item["bbox"] for item in items])
            links = [
                link("root", "../../catalog.json", "Catalog"),
                link("parent", "../catalog.json", "BigEarthNet"),
                *(link("child", f"./{part}/catalog.json", f"Part {part}") for part in parts),
                CITE_AS,
            ]
            collection = {
                **catalog(name, title, links),
                "type": "Collection",
                "stac_extensions": extensions(scientific="1.0.0"),
                "license": "CDLA-Permissive-1.0",
                "extent": {
                    "spatial": {"bbox": [[*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]]},
                    "temporal": {"interval": [[times[0], times[-1]]]},
                },
                **SCIENTIFIC,
            }
            write_json(self.folder / name / "collection.json", collection)
        links = [
            link("root", "../catalog.json", "Catalog"),
            link("parent", "../catalog.json", "Catalog"),
            *(link("child", f"./{name}/collection.json", title) for name, title in TITLES.items()),
        ]
        write_json(self.folder / "catalog.json", catalog("bigearthnet", "BigEarthNet", links))
        links = [
            link("root", "./catalog.json", "Catalog"),
            link("child", "./bigearthnet/catalog.json", "BigEarthNet"),
        ]
        write_json(self.root / "catalog.json", catalog("root", "Catalog", links))


def read_grid(patch: Path, bands: tuple[str, ...]) -> Grid:
    """Return the stacked bands of one grid, (bands, rows, columns), CRS and transform."""
    arrays = []
    for band in bands:
        with rasterio.open(patch / f"{patch.name}_{band}.tif", driver="GTiff") as source:
            arrays.append(source.read(1))
            crs, transform = source.crs, source.transform
    return np.stack(arrays), crs, transform


def write_cog(path: Path, grid: Grid, names: tuple[str, ...], block: int) -> None:
    """Write a stack as one tile a band: at this size that is a valid COG."""
    stack, crs, transform = grid
    count, height, width = stack.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=count,
        height=height,
        width=width,
        dtype=stack.dtype,
        crs=crs,
        transform=transform,
        nodata=constants.NODATA,
        tiled=True,
        blockxsize=block,
        blockysize=block,
        compress="deflate",
        predictor=2,
        interleave="band",
    ) as target:
        target.write(stack)
        target.descriptions = names


def write_visual(path: Path, visual: npt.NDArray[np.uint8], crs: CRS, transform: Affine) -> None:
    """Write the true-colour picture as a COG."""
    count, height, width = visual.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=count,
        height=height,
        width=width,
        dtype="uint8",
        crs=crs,
        transform=transform,
        tiled=True,
        blockxsize=128,
        blockysize=128,
        compress="deflate",
        predictor=2,
        interleave="pixel",
        photometric="RGB",
    ) as target:
        target.write(visual)


@cache
def to_degrees(epsg: int) -> Transformer:
    """Return the transformer of a zone to longitude and latitude, made once."""
    return Transformer.from_crs(epsg, 4326, always_xy=True)


def footprint(crs: CRS, transform: Affine, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the outline of a raster in longitude and latitude."""
    height, width = shape
    corners = [(0, height), (width, height), (width, 0), (0, 0), (0, height)]
    xs, ys = zip(*(transform * corner for corner in corners), strict=True)
    longitudes, latitudes = to_degrees(crs.to_epsg()).transform(xs, ys)
    ring = [[round(x, 7), round(y, 7)] for x, y in zip(longitudes, latitudes, strict=True)]
    return {"type": "Polygon", "coordinates": [ring]}


def bounds(geometry: dict[str, Any]) -> list[float]:
    """Return the bounding box of a polygon without holes."""
    longitudes, latitudes = zip(*geometry["coordinates"][0], strict=True)
    return [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]


def link(rel: str, href: str, title: str, media_type: str = JSON) -> dict[str, str]:
    """Return a link."""
    return {"rel": rel, "href": href, "type": media_type, "title": title}


def catalog(name: str, title: str, links: list[dict[str, str]]) -> dict[str, Any]:
    """Return a catalog."""
    return {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": name,
        "title": title,
        "description": title,
        "links": links,
    }


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write JSON."""
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))


def asset(
    path: Path, title: str, media_type: str, roles: list[str], extra: dict[str, Any]
) -> dict[str, Any]:
    """Return the asset of a file just written, with its size and checksum."""
    data = path.read_bytes()
    return {
        "href": f"./{path.name}",
        "title": title,
        "type": media_type,
        "roles": roles,
        "file:size": len(data),
        "file:checksum": "1220" + hashlib.sha256(data).hexdigest(),
        **extra,
    }


def imagery_assets(
    folder: Path,
    name: str,
    grids: dict[int, Grid],
    bands: dict[int, list[dict[str, Any]]],
) -> dict[str, Any]:
    """Return the assets of an imagery item."""
    assets = {}
    for gsd, (stack, _, transform) in grids.items():
        extra = {
            "bands": bands[gsd],
            "data_type": "uint16",
            "nodata": constants.NODATA,
            "raster:scale": constants.SCALE,
            "raster:offset": 0,
            "raster:spatial_resolution": gsd,
            "proj:shape": list(stack.shape[1:]),
            "proj:transform": list(transform)[:6],
        }
        cog = folder / f"{name}_{gsd}m.tif"
        assets[f"{gsd}m"] = asset(cog, f"{gsd}m bands", COG, ["data", "reflectance"], extra)
    stack, _, transform = grids[10]
    extra = {
        "bands": [{"name": band, "eo:common_name": band} for band in ("red", "green", "blue")],
        "data_type": "uint8",
        "proj:shape": list(stack.shape[1:]),
        "proj:transform": list(transform)[:6],
    }
    visual = folder / f"{name}_visual.tif"
    assets["visual"] = asset(visual, "True colour", COG, ["visual"], extra)
    thumbnail = folder / f"{name}_thumbnail.jpg"
    assets["thumbnail"] = asset(thumbnail, "Thumbnail", "image/jpeg", ["thumbnail"], {})
    return assets


def _item(
    name: str, collection: str, geometry: dict[str, Any], properties: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "collection": collection,
        "geometry": geometry,
        "bbox": bounds(geometry),
        "properties": properties,
        "links": [
            link("root", "../../../catalog.json", "Catalog"),
            link("parent", "./catalog.json", f"Part of {TITLES[collection]}"),
            link("collection", "../collection.json", TITLES[collection]),
        ],
    }


def make_item(
    name: str,
    part: str,
    geometry: dict[str, Any],
    properties: dict[str, Any],
    facts: ben.Labels,
) -> dict[str, Any]:
    """Return the imagery item, without assets."""
    item = _item(
        name, constants.IMAGERY, geometry, {**properties, **ben.imagery_properties(name, facts)}
    )
    item["stac_extensions"] = IMAGERY_EXTENSIONS
    item["properties"]["grid:code"] = f"MGRS-{facts.tile}"
    href = f"../../{constants.LABELS}/{part}/{name}_labels.json"
    item["links"].append(link("related", href, f"{name} labels", GEOJSON))
    return item


def make_label_item(
    name: str,
    part: str,
    geometry: dict[str, Any],
    properties: dict[str, Any],
    facts: ben.Labels,
) -> dict[str, Any]:
    """Return the label item, without assets."""
    item = _item(f"{name}_labels", constants.LABELS, geometry, dict(properties))
    item["stac_extensions"] = LABEL_EXTENSIONS
    present = {"ben:labels_43": facts.names43, "ben:labels_19": facts.names19}
    item["properties"].update(
        {
            "title": f"Labels: {properties['title']}",
            "label:description": "CORINE Land Cover classes of the patch",
            "label:type": "vector",
            "label:properties": list(CLASSES),
            "label:classes": [{"name": key, "classes": known} for key, known in CLASSES.items()],
            "label:tasks": ["classification"],
            "label:methods": ["automated"],
            "label:overviews": [
                {
                    "property_key": key,
                    "counts": [{"name": label, "count": 1} for label in found],
                }
                for key, found in present.items()
            ],
        }
    )
    source = link("source", f"../../{constants.IMAGERY}/{part}/{name}.json", name, GEOJSON)
    item["links"].append({**source, "label:assets": ["10m", "20m", "60m"]})
    return item


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--per-catalog", type=int, default=100)
    options = parser.parse_args()
    build = CarefulBuild(options.raw, options.catalog, options.per_catalog)
    build.run()
    print(build.clock.report(len(build.patches)))


if __name__ == "__main__":
    main()
