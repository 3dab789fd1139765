"""BigEarthNet-S2 v1.0 as a dataset: what the engine needs to know, and one patch's conversion."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from stacbuild.dataset import Dataset, InputSpec
from stacbuild.errors import SampleError
from stacbuild.raster.footprint import footprint
from stacbuild.raster.picture import thumbnail_jpeg, visual_rgb
from stacbuild.raster.stamp import ChipSpec, stamp
from stacbuild.raster.statistics import SUMS_TYPE, band_sums, to_facts
from stacbuild.stac.labels import VECTOR_KEY, feature_collection
from stactools.bigearthnet import assets, collection, items, second_reading, texts
from stactools.bigearthnet import constants as c
from stactools.bigearthnet import context as context_module
from stactools.bigearthnet import raw as raw_module
from stactools.bigearthnet import sample as sample_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pystac

    from stacbuild.dataset import Context, Facts, Files, Inputs, Item, Pixels, Place, SampleRef
    from stacbuild.summary import BandSums, Summary

FACTS_SCHEMA: Final = pa.schema(
    [
        pa.field("epsg", pa.int32(), nullable=False),
        pa.field("ulx", pa.int32(), nullable=False),
        pa.field("uly", pa.int32(), nullable=False),
        pa.field("ring", pa.list_(pa.list_(pa.float64())), nullable=False),
        pa.field("tile", pa.string(), nullable=False),
        pa.field("labels", pa.list_(pa.uint8()), nullable=False),
        pa.field("tile_source", pa.string(), nullable=False),
        pa.field("acquisition_date", pa.string(), nullable=False),
        pa.field("claimed_labels_19", pa.list_(pa.string())),
        pa.field("band_sums", SUMS_TYPE, nullable=False),
    ]
)
"""What `convert` returns: corner and ring of the patch, 43-class indices (ascending), the claims
of its JSON as found, and the sums of its bands in canonical order."""


class BigEarthNet(Dataset):
    """BigEarthNet-S2 v1.0 with the 19-class nomenclature: three COGs and two items a patch."""

    id = c.DATASET_ID
    title = "BigEarthNet-S2 v1.0"
    description = texts.dataset()
    homepage = c.HOMEPAGE
    inputs = (
        InputSpec(
            "patches", "folder of patch folders (BigEarthNet-S2-v1.0.tar.gz, unpacked)", True
        ),
        InputSpec("train", "official training split: train.csv"),
        InputSpec("val", "official validation split: val.csv"),
        InputSpec("test", "official test split: test.csv"),
        InputSpec("snow", "patches_with_seasonal_snow.csv"),
        InputSpec("cloud", "patches_with_cloud_and_shadow.csv"),
        InputSpec("no_19_class", "patches_with_no_19_class_targets.csv"),
        InputSpec("products", "true Sentinel-2 products: tile_names_and_links.csv"),
        InputSpec("countries", "countries and seasons: s1_s2_name_country_season.csv"),
    )
    collection_ids = (c.IMAGERY, c.LABELS)
    collection_titles = tuple(collection.TITLES[name] for name in collection_ids)
    facts_schema = FACTS_SCHEMA
    context_schema = context_module.CONTEXT_SCHEMA
    pixel_columns = ("conflict",)
    pixel_format = 1
    item_format = 1
    band_names = c.BAND_NAMES
    split_columns = (
        "ben:labels_19",
        "ben:labels_43",
        "ben:multi_hot_19",
        "ben:multi_hot_43",
        "ben:country",
        "grid:code",
    )

    summary_fields = (
        "ml-aoi:split",
        "platform",
        "proj:code",
        "gsd",
        "grid:code",
        "ben:country",
        "ben:season",
    )

    def discover(self, raw: Path) -> dict[str, Path]:
        """Return the inputs found in a download folder."""
        return raw_module.discover(raw)

    def scan(self, inputs: Inputs) -> Iterator[SampleRef]:
        """Yield a reference to every patch folder."""
        return raw_module.scan(inputs)

    def context(self, inputs: Inputs, ids: Sequence[str]) -> Context:
        """Return what the lists and side tables say about each patch."""
        return context_module.make_context(inputs, ids)

    def partition(self, sample_id: str) -> str:
        """Return the prefix of the name and the row: at most 91 patches."""
        prefix, _, row = sample_id.rsplit("_", 2)
        return f"{prefix}/row{row}"

    def partition_titles(self, key: str) -> tuple[str, ...]:
        """Return the mission, date and time in the names, and the row.

        The time is the one that the names have, which is not always a real one.
        """
        prefix, row = key.split("/")
        mission, _, instant = prefix.split("_")
        day, time = f"{instant[:4]}-{instant[4:6]}-{instant[6:8]}", instant[8:]
        return (
            f"Sentinel-2{mission[2:]} \u00b7 {day} \u00b7 names with {time}",
            f"Row {row.removeprefix('row')}",
        )

    def convert(self, ref: SampleRef, context: Mapping[str, Any], files: Files) -> Facts:
        """Write a patch's COGs, picture, thumbnail and label file; return its facts.

        A patch in more than one split list is rejected: no split would be right.
        """
        if context["conflict"] is not None:
            raise SampleError(
                "two-splits",
                f"the patch is in the lists of {context['conflict']}",
                file=ref.id,
                mend="Mend the lists",
            )
        return convert(ref.id, files)

    def describe(self, facts: Facts, context: Mapping[str, Any], place: Place) -> list[Item]:
        """Return the imagery item and the label item."""
        return items.describe(facts, context, place)

    def collections(self, summary: Summary) -> list[pystac.Collection]:
        """Return the imagery collection and the labels collection."""
        return collection.collections(summary)

    def pixels(self, ref: SampleRef, files: Files) -> Iterator[Pixels]:
        """Yield what the patch's stacks and picture must hold, read by GDAL."""
        return second_reading.pixels(ref.id, files)

    def sample(self, folder: Path, *, size: int, seed: int, faults: bool = False) -> None:
        """Write synthetic patches and lists in the exact layout of the release."""
        sample_module.write_sample(folder, size=size, seed=seed, faults=faults)


def convert(name: str, files: Files) -> Facts:
    """Convert the patch of that name: write its assets, return its facts."""
    patch = raw_module.read_patch(name, files)
    origin = (patch.ulx, patch.uly)
    stacks, picture = _specs(patch.epsg)
    sums: dict[str, BandSums] = {}
    for key, metres in assets.STACKS.items():
        pixels = patch.stacks[metres]
        files.write(c.IMAGERY, name + assets.SUFFIXES[key], stamp(stacks[metres], pixels, origin))
        sums.update(zip(c.RESOLUTIONS[metres], band_sums(pixels, c.NODATA), strict=True))
    red, green, blue = (patch.stacks[10][c.RESOLUTIONS[10].index(band)] for band in c.RGB)
    rgb = visual_rgb(red, green, blue, c.STRETCH)
    files.write(c.IMAGERY, name + assets.SUFFIXES[assets.VISUAL], stamp(picture, rgb, origin))
    files.write(c.IMAGERY, name + assets.SUFFIXES[assets.THUMBNAIL], thumbnail_jpeg(rgb))
    ring = footprint(
        f"EPSG:{patch.epsg}",
        patch.ulx,
        patch.uly - c.PATCH_METRES,
        patch.ulx + c.PATCH_METRES,
        patch.uly,
    )
    labels = sorted(c.INDEX_43[label] for label in patch.metadata.labels)
    files.write(c.LABELS, name + assets.SUFFIXES[VECTOR_KEY], label_file(name, ring, tuple(labels)))
    return {
        "epsg": patch.epsg,
        "ulx": int(patch.ulx),
        "uly": int(patch.uly),
        "ring": ring,
        "tile": patch.metadata.tile,
        "labels": labels,
        "tile_source": patch.metadata.tile_source,
        "acquisition_date": patch.metadata.acquisition_date,
        "claimed_labels_19": patch.metadata.labels_19,
        "band_sums": to_facts(sums[band] for band in c.BAND_NAMES),
    }


def label_file(name: str, ring: list[list[float]], indices: tuple[int, ...]) -> bytes:
    """Return the GeoJSON of a patch's labels: its footprint with names, indices and codes."""
    labels = items.label_set(indices)
    return feature_collection(
        name,
        ring,
        {
            "labels_19": labels.names_19,
            "labels_43": labels.names_43,
            "indices_19": labels.indices_19,
            "indices_43": list(indices),
            "clc_codes": [c.CLC_CODES[index] for index in indices],
        },
    )


@lru_cache(maxsize=64)
def _specs(epsg: int) -> tuple[dict[int, ChipSpec], ChipSpec]:
    """Return the chips of the stacks and of the picture in a UTM zone."""
    crs = f"EPSG:{epsg}"
    stacks = {
        metres: ChipSpec(
            height=c.PATCH_METRES // metres,
            width=c.PATCH_METRES // metres,
            bands=len(names),
            dtype="uint16",
            crs=crs,
            resolution=(metres, metres),
            nodata=c.NODATA,
            descriptions=names,
        )
        for metres, names in c.RESOLUTIONS.items()
    }
    side = c.PATCH_METRES // 10
    picture = ChipSpec(
        height=side,
        width=side,
        bands=len(c.RGB),
        dtype="uint8",
        crs=crs,
        resolution=(10, 10),
        nodata=0,
        photometric="rgb",
    )
    return stacks, picture


DATASET: Final = BigEarthNet()
"""What the entry point in the group ``stacbuild.datasets`` names."""
