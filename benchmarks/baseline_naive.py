"""The loop that a user would write: rio-cogeo, pystac with its extensions, validate, save.

    python benchmarks/baseline_naive.py RAW CATALOG

Clean and fair, by the books of the packages it uses: nothing in it is slow on purpose. It makes
the same objects as ``stacbuild build bigearthnet RAW CATALOG``. Prints one line of JSON with the
CPU time by part. Extension schemas are read from the folder that ``STACBUILD_SCHEMAS`` names.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import patches as ben
import pystac
import rasterio
import stac_geoparquet.arrow
from PIL import Image
from pystac.extensions.file import FileExtension
from pystac.extensions.grid import GridExtension
from pystac.extensions.label import (
    LabelClasses,
    LabelCount,
    LabelExtension,
    LabelOverview,
    LabelType,
)
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.scientific import ScientificExtension
from pystac.stac_io import DefaultStacIO
from rasterio.errors import RasterioDeprecationWarning
from rasterio.io import MemoryFile
from rasterio.transform import array_bounds
from rasterio.warp import transform_geom
from rio_cogeo.cogeo import cog_translate
from rio_cogeo.profiles import cog_profiles
from stopwatch import Stopwatch

from stactools.bigearthnet import constants

if TYPE_CHECKING:
    import numpy.typing as npt

# pystac writes eo and raster in version 1.1; bands of STAC 1.1 take the second versions, which
# it has no classes for, nor for ml-aoi and the current sat.
BY_HAND = [
    f"{ben.EXTENSIONS}eo/v2.0.0/schema.json",
    f"{ben.EXTENSIONS}raster/v2.0.0/schema.json",
    f"{ben.EXTENSIONS}sat/v1.2.0/schema.json",
    f"{ben.EXTENSIONS}ml-aoi/v0.2.0/schema.json",
]


class SchemaFolder(DefaultStacIO):
    """Reads extension schemas from a folder; pystac keeps each after the first time."""

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - pystac's
        """Return the text of a file, or of a schema."""
        href = str(source)
        if href.startswith(ben.EXTENSIONS):
            folder = Path(os.environ["STACBUILD_SCHEMAS"])
            return (folder / href.removeprefix(ben.EXTENSIONS)).read_text()
        return super().read_text(source, *args, **kwargs)


class NaiveBuild:
    """One build: the folder, the lists, the clock."""

    def __init__(self, raw: Path, root: Path, per_catalog: int) -> None:
        self.root = root
        self.per_catalog = per_catalog
        self.patches = ben.find_patches(raw)
        self.lists = ben.read_lists(raw)
        self.clock = Stopwatch()

    def run(self) -> None:
        """Make everything."""
        pystac.StacIO.set_default(SchemaFolder)
        catalog = pystac.Catalog("root", "A catalog with BigEarthNet", title="Catalog")
        dataset = pystac.Catalog("bigearthnet", "BigEarthNet-S2 v1.0", title="BigEarthNet")
        catalog.add_child(dataset)
        imagery, labels = self._collections()
        dataset.add_children([imagery, labels])
        for start in range(0, len(self.patches), self.per_catalog):
            part = f"{start // self.per_catalog:05d}"
            self._part(part, self.patches[start : start + self.per_catalog], imagery, labels)
        with self.clock("save"):
            imagery.update_extent_from_items()
            labels.update_extent_from_items()
            catalog.normalize_hrefs(f"{self.root}/")
            catalog.make_all_asset_hrefs_relative()
        with self.clock("validate"):
            for item in catalog.get_items(recursive=True):
                item.validate()
        with self.clock("save"):
            catalog.save(catalog_type=pystac.CatalogType.SELF_CONTAINED)
        with self.clock("items.parquet"):
            for collection in (imagery, labels):
                folder = self.root / "bigearthnet" / collection.id
                items = collection.get_items(recursive=True)
                table = stac_geoparquet.arrow.parse_stac_items_to_arrow(items)
                stac_geoparquet.arrow.to_parquet(table, folder / "items.parquet")

    def _collections(self) -> list[pystac.Collection]:
        everywhere = pystac.Extent(
            pystac.SpatialExtent([-180.0, -90.0, 180.0, 90.0]),
            pystac.TemporalExtent([[datetime(2017, 6, 13, tzinfo=UTC), None]]),
        )
        collections = []
        for name, title in (
            (constants.IMAGERY, "BigEarthNet-S2"),
            (constants.LABELS, "BigEarthNet-S2 labels"),
        ):
            collection = pystac.Collection(
                name, title, everywhere, title=title, license="CDLA-Permissive-1.0"
            )
            ScientificExtension.ext(collection, add_if_missing=True).apply(
                doi=ben.DOI, citation=ben.CITATION
            )
            collections.append(collection)
        return collections

    def _part(
        self,
        part: str,
        patches: list[Path],
        imagery: pystac.Collection,
        labels: pystac.Collection,
    ) -> None:
        catalogs = []
        for collection in (imagery, labels):
            title = f"Part {part}"
            catalog = pystac.Catalog(f"{collection.id}-{part}", title, title=title)
            collection.add_child(catalog)
            catalogs.append(catalog)
        for patch in patches:
            item, label_item = self._patch(patch, catalogs[0].id, catalogs[1].id)
            with self.clock("items"):
                catalogs[0].add_item(item)
                item.set_collection(imagery)
                catalogs[1].add_item(label_item)
                label_item.set_collection(labels)

    def _patch(
        self, patch: Path, imagery_part: str, labels_part: str
    ) -> tuple[pystac.Item, pystac.Item]:
        name = patch.name
        with self.clock("read"):
            facts = ben.read_labels(patch)
            grids = {gsd: read_grid(patch, bands) for gsd, bands in ben.GRIDS.items()}
        folder = self.root / "bigearthnet" / constants.IMAGERY / imagery_part / name
        folder.mkdir(parents=True)
        with self.clock("COGs"):
            for gsd, (stack, profile) in grids.items():
                cog = folder / f"{name}_{gsd}m.tif"
                write_cog(cog, stack, profile, ben.GRIDS[gsd], ben.BLOCKS[gsd])
        with self.clock("visual"):
            stack, profile = grids[10]
            visual = ben.true_colour(stack)
            picture = {**profile, "dtype": "uint8", "nodata": None}
            write_cog(folder / f"{name}_visual.tif", visual, picture, ("R", "G", "B"), 128)
        with self.clock("thumbnail"):
            image = Image.fromarray(np.ascontiguousarray(visual.transpose(1, 2, 0)))
            image.save(folder / f"{name}_thumbnail.jpg", quality=85)
        with self.clock("items"):
            geometry = footprint(profile)
            properties = ben.properties(name, facts, self.lists)
        with self.clock("GeoJSON"):
            geojson_folder = self.root / "bigearthnet" / constants.LABELS / labels_part
            geojson = geojson_folder / f"{name}_labels" / f"{name}_labels.geojson"
            geojson.parent.mkdir(parents=True)
            write_geojson(geojson, geometry, properties)
        with self.clock("items"):
            item = make_item(name, geometry, facts, properties, profile)
        for gsd, (stack, profile) in grids.items():
            with self.clock("statistics"):
                bands = [
                    ben.band_facts(band, pixels)
                    for band, pixels in zip(ben.GRIDS[gsd], stack, strict=True)
                ]
            with self.clock("items"):
                add_cog(item, f"{gsd}m", folder / f"{name}_{gsd}m.tif", profile, bands)
        with self.clock("items"):
            add_pictures(item, folder, profile)
            label_item = make_label_item(item, geometry, facts, properties, geojson)
        return item, label_item


def read_grid(patch: Path, bands: tuple[str, ...]) -> tuple[npt.NDArray[np.uint16], dict[str, Any]]:
    """Return the stacked bands of one grid, (bands, rows, columns), and their profile."""
    arrays = []
    for band in bands:
        with rasterio.open(patch / f"{patch.name}_{band}.tif") as source:
            arrays.append(source.read(1))
            profile = {
                "crs": source.crs,
                "transform": source.transform,
                "width": source.width,
                "height": source.height,
                "dtype": "uint16",
                "nodata": constants.NODATA,
            }
    return np.stack(arrays), profile


def write_cog(
    path: Path,
    stack: npt.NDArray[Any],
    profile: dict[str, Any],
    names: tuple[str, ...],
    block: int,
) -> None:
    """Write a stack as a COG, one block of deflate with predictor, bands described.

    The recipe of rio-cogeo's documentation. rasterio would rather have the dataset closed and
    opened again, which costs a fifth more: the loop is given the cheaper way.
    """
    options = cog_profiles.get("deflate")
    options.update(
        blockxsize=block, blockysize=block, predictor=2, interleave="band", nodata=profile["nodata"]
    )
    if profile["dtype"] == "uint8":
        options.update(interleave="pixel", photometric="RGB")
    with (
        MemoryFile() as memory,
        memory.open(driver="GTiff", count=len(stack), **profile) as dataset,
    ):
        dataset.write(stack)
        dataset.descriptions = names
        cog_translate(dataset, path, options, overview_level=0, in_memory=True, quiet=True)


def footprint(profile: dict[str, Any]) -> dict[str, Any]:
    """Return the outline of a raster in longitude and latitude."""
    height, width, transform = profile["height"], profile["width"], profile["transform"]
    corners = [(0, height), (width, height), (width, 0), (0, 0), (0, height)]
    outline = {"type": "Polygon", "coordinates": [[transform * corner for corner in corners]]}
    found: dict[str, Any] = transform_geom(profile["crs"], "EPSG:4326", outline, precision=7)
    return found


def bounds(geometry: dict[str, Any]) -> list[float]:
    """Return the bounding box of a polygon without holes."""
    longitudes, latitudes = zip(*geometry["coordinates"][0], strict=True)
    return [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]


def place_on_grid(asset: pystac.Asset, profile: dict[str, Any]) -> None:
    """Add shape and transform."""
    projection = ProjectionExtension.ext(asset)
    projection.shape = [profile["height"], profile["width"]]
    projection.transform = list(profile["transform"])[:6]


def file_facts(asset: pystac.Asset, path: Path) -> None:
    """Add size and checksum."""
    data = path.read_bytes()
    checksum = "1220" + hashlib.sha256(data).hexdigest()
    FileExtension.ext(asset, add_if_missing=True).apply(size=len(data), checksum=checksum)


def write_geojson(path: Path, geometry: dict[str, Any], properties: dict[str, Any]) -> None:
    """Write the labels of a patch."""
    chosen = {key: value for key, value in properties.items() if key.startswith("ben:labels")}
    feature = {"type": "Feature", "geometry": geometry, "properties": chosen}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))


def make_item(
    name: str,
    geometry: dict[str, Any],
    facts: ben.Labels,
    properties: dict[str, Any],
    profile: dict[str, Any],
) -> pystac.Item:
    """Return the imagery item, without assets."""
    when = datetime.fromisoformat(facts.datetime)
    own = ben.imagery_properties(name, facts)
    item = pystac.Item(name, geometry, bounds(geometry), when, {**properties, **own})
    height, width, transform = profile["height"], profile["width"], profile["transform"]
    projection = ProjectionExtension.ext(item, add_if_missing=True)
    projection.code = profile["crs"].to_string()
    projection.bbox = list(array_bounds(height, width, transform))
    GridExtension.ext(item, add_if_missing=True).code = f"MGRS-{facts.tile}"
    item.stac_extensions += BY_HAND
    return item


def add_cog(
    item: pystac.Item,
    key: str,
    path: Path,
    profile: dict[str, Any],
    bands: list[dict[str, Any]],
) -> None:
    """Add the COG of one grid."""
    extra = {
        "bands": bands,
        "data_type": "uint16",
        "nodata": constants.NODATA,
        "raster:scale": constants.SCALE,
        "raster:offset": 0,
        "raster:spatial_resolution": profile["transform"].a,
    }
    asset = pystac.Asset(
        str(path), f"{key} bands", None, pystac.MediaType.COG, ["data", "reflectance"], extra
    )
    item.add_asset(key, asset)
    place_on_grid(asset, profile)
    file_facts(asset, path)


def add_pictures(item: pystac.Item, folder: Path, profile: dict[str, Any]) -> None:
    """Add the visual COG and the thumbnail."""
    visual = folder / f"{item.id}_visual.tif"
    asset = pystac.Asset(str(visual), "True colour", None, pystac.MediaType.COG, ["visual"])
    item.add_asset("visual", asset)
    asset.extra_fields["bands"] = [
        {"name": band, "eo:common_name": band} for band in ("red", "green", "blue")
    ]
    asset.extra_fields["data_type"] = "uint8"
    place_on_grid(asset, profile)
    file_facts(asset, visual)
    thumbnail = folder / f"{item.id}_thumbnail.jpg"
    asset = pystac.Asset(str(thumbnail), "Thumbnail", None, pystac.MediaType.JPEG, ["thumbnail"])
    item.add_asset("thumbnail", asset)
    file_facts(asset, thumbnail)


def make_label_item(
    item: pystac.Item,
    geometry: dict[str, Any],
    facts: ben.Labels,
    properties: dict[str, Any],
    geojson: Path,
) -> pystac.Item:
    """Return the label item of an imagery item, both linked."""
    label_item = pystac.Item(
        f"{item.id}_labels", geometry, item.bbox, item.datetime, dict(properties)
    )
    label_item.properties["title"] = f"Labels: {properties['title']}"
    label_item.stac_extensions.append(BY_HAND[-1])
    label = LabelExtension.ext(label_item, add_if_missing=True)
    both = {
        "ben:labels_43": (constants.LABELS_43, facts.names43),
        "ben:labels_19": (constants.LABELS_19, facts.names19),
    }
    label.apply(
        label_description="CORINE Land Cover classes of the patch",
        label_type=LabelType.VECTOR,
        label_properties=list(both),
        label_classes=[LabelClasses.create(list(known), key) for key, (known, _) in both.items()],
        label_tasks=["classification"],
        label_methods=["automated"],
        label_overviews=[
            LabelOverview.create(key, [LabelCount.create(name, 1) for name in present])
            for key, (_, present) in both.items()
        ],
    )
    label.add_source(item, title=item.id, assets=["10m", "20m", "60m"])
    item.add_link(pystac.Link("related", label_item, pystac.MediaType.GEOJSON, label_item.id))
    asset = pystac.Asset(
        str(geojson), "Labels", None, pystac.MediaType.GEOJSON, ["labels", "labels-vector"]
    )
    label_item.add_asset("vector_labels", asset)
    file_facts(asset, geojson)
    return label_item


def main() -> None:
    warnings.filterwarnings("ignore", category=RasterioDeprecationWarning)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--per-catalog", type=int, default=100)
    options = parser.parse_args()
    build = NaiveBuild(options.raw, options.catalog, options.per_catalog)
    build.run()
    print(build.clock.report(len(build.patches)))


if __name__ == "__main__":
    main()
