"""The two collections: texts from ``data/``, tables from the constants, counts from the build."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pystac

from stacbuild.stac import extensions
from stacbuild.stac.bands import statistics
from stacbuild.stac.labels import VECTOR_KEY, classification_classes
from stacbuild.summary import SPLITS, CollectionSummary
from stactools.bigearthnet import assets, texts
from stactools.bigearthnet import constants as c
from stactools.bigearthnet.items import SHARED_LABELS

if TYPE_CHECKING:
    from stacbuild.summary import Summary

TITLES: Final = {
    c.IMAGERY: "BigEarthNet-S2 v1.0: Sentinel-2 patches",
    c.LABELS: "BigEarthNet-S2 v1.0: land-cover labels",
}
LICENSE: Final = "CDLA-Permissive-1.0"
DOI: Final = "10.14279/depositonce-10149"
KEYWORDS: Final = [
    "BigEarthNet",
    "Sentinel-2",
    "CORINE Land Cover",
    "land cover",
    "multi-label classification",
    "training data",
    "machine learning",
    "Europe",
]
CITATION: Final = (
    "Sumbul, G., Charfuelan, M., Demir, B., Markl, V.: BigEarthNet-S2, version 1.0. "
    "Technische Universit\u00e4t Berlin, DepositOnce, 2019."
)
PUBLICATIONS: Final = [
    {
        "doi": "10.1109/IGARSS.2019.8900532",
        "citation": (
            "Sumbul, G., Charfuelan, M., Demir, B., Markl, V.: BigEarthNet: A Large-Scale "
            "Benchmark Archive for Remote Sensing Image Understanding. IEEE International "
            "Geoscience and Remote Sensing Symposium, 2019, pp. 5901-5904."
        ),
    },
    {
        "doi": "10.1109/MGRS.2021.3089174",
        "citation": (
            "Sumbul, G., de Wall, A., Kreuziger, T., Marcelino, F., Costa, H., Benevides, P., "
            "Caetano, M., Demir, B., Markl, V.: BigEarthNet-MM: A Large-Scale, Multimodal, "
            "Multilabel Benchmark Archive for Remote Sensing Image Classification and "
            "Retrieval. IEEE Geoscience and Remote Sensing Magazine, 2021."
        ),
    },
]

_TU_BERLIN = pystac.Provider(
    "Technische Universit\u00e4t Berlin, RSiM and DIMA groups",
    description="Made the archive: atmospheric correction, patches, labels, splits.",
    roles=[
        pystac.ProviderRole.PRODUCER,
        pystac.ProviderRole.PROCESSOR,
        pystac.ProviderRole.LICENSOR,
    ],
    url=c.HOMEPAGE,
)
_COPERNICUS = pystac.Provider(
    "European Union, Copernicus (ESA)",
    description="Sentinel-2 L1C products.",
    roles=[pystac.ProviderRole.PRODUCER],
    url="https://dataspace.copernicus.eu",
)
_CLC = pystac.Provider(
    "European Environment Agency, Copernicus Land Monitoring Service",
    description="CORINE Land Cover 2018, from which the labels come.",
    roles=[pystac.ProviderRole.PRODUCER],
    url="https://land.copernicus.eu",
)
_DGT = pystac.Provider(
    "Dire\u00e7\u00e3o-Geral do Territ\u00f3rio, Portugal",
    description="The 19-class nomenclature, with TU Berlin.",
    roles=[pystac.ProviderRole.PRODUCER],
    url="https://www.dgterritorio.gov.pt",
)


def collections(summary: Summary) -> list[pystac.Collection]:
    """Return the imagery and the labels collection (see `Dataset.collections`)."""
    return [_imagery(summary), _labels(summary)]


def _imagery(summary: Summary) -> pystac.Collection:
    counted = summary.collections.get(c.IMAGERY) or CollectionSummary()
    made = _collection(
        c.IMAGERY,
        counted,
        texts.imagery(summary, counted),
        [_TU_BERLIN, _COPERNICUS, _processor("imagery")],
    )
    _declare(made, extensions.EO, extensions.RASTER, extensions.PROJECTION)
    made.item_assets = {
        **{key: _definition(assets.stack_fields(metres)) for key, metres in assets.STACKS.items()},
        assets.VISUAL: _definition(assets.VISUAL_FIELDS),
        assets.THUMBNAIL: _definition(assets.THUMBNAIL_FIELDS),
    }
    values = counted.values
    made.summaries = pystac.Summaries(
        {
            "platform": values.get("platform") or sorted(c.PLATFORMS.values()),
            "constellation": ["sentinel-2"],
            "instruments": ["msi"],
            "gsd": list(c.RESOLUTIONS),
            "proj:code": values.get("proj:code")
            or sorted({f"EPSG:{tile.epsg}" for tile in c.TILES.values()}),
            **{
                key: values[key]
                for key in ("grid:code", "ben:country", "ben:season")
                if values.get(key)
            },
            "processing:level": ["L2A"],
            "bands": _bands(summary),
            **_splits(made, counted),
        },
        maxcount=1000,
    )
    return made


def _labels(summary: Summary) -> pystac.Collection:
    counted = summary.collections.get(c.LABELS) or CollectionSummary()
    made = _collection(
        c.LABELS,
        counted,
        texts.labels(summary, counted),
        [_TU_BERLIN, _DGT, _CLC, _processor("labels")],
    )
    _declare(made, extensions.LABEL, extensions.CLASSIFICATION)
    classes = classification_classes(
        c.LABELS_43,
        colors=c.COLORS_43,
        descriptions=[
            f"CORINE Land Cover {code}; {_goes_to(i)}" for i, code in enumerate(c.CLC_CODES)
        ],
    )
    made.item_assets = {
        VECTOR_KEY: _definition({**assets.LABEL_FIELDS, "classification:classes": classes})
    }
    made.summaries = pystac.Summaries(
        {
            "label:type": [SHARED_LABELS["label:type"]],
            "label:tasks": SHARED_LABELS["label:tasks"],
            "label:methods": SHARED_LABELS["label:methods"],
            "label:properties": SHARED_LABELS["label:properties"],
            "label:classes": SHARED_LABELS["label:classes"],
            "ben:classes_19": _classes_19(counted),
            "ben:classes_43": _classes_43(counted),
            **_splits(made, counted),
        },
        maxcount=1000,
    )
    return made


def _collection(
    name: str,
    counted: CollectionSummary,
    description: str,
    providers: list[pystac.Provider],
) -> pystac.Collection:
    box = list(counted.bbox or c.BBOX)
    interval = [counted.start or c.START, counted.end or c.END]
    made = pystac.Collection(
        id=name,
        title=TITLES[name],
        description=description,
        license=LICENSE,
        keywords=list(KEYWORDS),
        providers=providers,
        extent=pystac.Extent(
            pystac.SpatialExtent([box]),
            pystac.TemporalExtent([[datetime.fromisoformat(instant) for instant in interval]]),
        ),
        stac_extensions=[extensions.SCIENTIFIC, extensions.PROCESSING, extensions.VERSION],
        extra_fields={
            "version": "1.0",
            "sci:doi": DOI,
            "sci:citation": CITATION,
            "sci:publications": PUBLICATIONS,
        },
    )
    html = "text/html"
    made.add_links(
        [
            pystac.Link("license", c.LICENSE_URL, html, "CDLA Permissive 1.0"),
            pystac.Link("cite-as", f"https://doi.org/{DOI}", html, "BigEarthNet-S2 v1.0"),
            *(
                pystac.Link("cite-as", f"https://doi.org/{each['doi']}", html, each["citation"])
                for each in PUBLICATIONS
            ),
            pystac.Link("about", c.HOMEPAGE, html, "BigEarthNet"),
            pystac.Link("via", c.DOWNLOAD, html, "BigEarthNet-S2 v1.0, original download"),
        ]
    )
    return made


def _declare(made: pystac.Collection, *urls: str) -> None:
    made.stac_extensions += urls


def _definition(fields: dict[str, Any]) -> pystac.ItemAssetDefinition:
    return pystac.ItemAssetDefinition(dict(fields))


def _processor(kind: str) -> pystac.Provider:
    return pystac.Provider(
        "stacbuild",
        description="Re-encoding as Cloud Optimized GeoTIFF, STAC metadata.",
        roles=[pystac.ProviderRole.PROCESSOR],
        extra_fields={
            "processing:software": {"stacbuild": texts.software_version()},
            "processing:lineage": texts.LINEAGE[kind],
        },
    )


def _splits(made: pystac.Collection, counted: CollectionSummary) -> dict[str, Any]:
    """Return the summaries of the splits; declare their extension where there are any."""
    present = [split for split in SPLITS if counted.splits.get(split) or not counted.items]
    if not present:
        return {}
    _declare(made, extensions.ML_AOI)
    table = []
    for split in SPLITS:
        here = {"patches": counted.splits.get(split, 0)} if counted.items else {}
        table.append({"split": split, **here, "published": c.SPLIT_COUNTS[split]})
    return {"ml-aoi:split": present, "ben:splits": table}


def _bands(summary: Summary) -> list[dict[str, Any]]:
    """Return all twelve bands, with the statistics of all the patches built."""
    sums = texts.total_sums(summary)
    made = []
    for each, total in zip(c.BAND_NAMES, sums, strict=True):
        fields = assets.band_fields(each)
        if total.count:
            fields["statistics"] = statistics(asdict(total))
        made.append(fields)
    return made


def _goes_to(index: int) -> str:
    target = c.TO_19[index]
    return "in none of the 19 classes" if target is None else f"19-class: {c.LABELS_19[target]}"


def _here(counted: CollectionSummary, nomenclature: str, name: str) -> dict[str, Any]:
    """Return the patches of a class by split, where something was built."""
    return {"patches": texts.patches(counted, nomenclature, name)} if counted.items else {}


def _classes_19(counted: CollectionSummary) -> list[dict[str, Any]]:
    made = []
    listed = classification_classes(c.LABELS_19, colors=c.COLORS_19)
    for index, fields in enumerate(listed):
        published = {split: c.PUBLISHED_19[split][index] for split in SPLITS}
        made.append(
            {
                **fields,
                "members": list(c.FROM_19[index]),
                **_here(counted, "labels_19", c.LABELS_19[index]),
                "published": published,
            }
        )
    return made


def _classes_43(counted: CollectionSummary) -> list[dict[str, Any]]:
    made = []
    listed = classification_classes(c.LABELS_43, colors=c.COLORS_43)
    for index, fields in enumerate(listed):
        every, clean = c.PUBLISHED_43[index]
        made.append(
            {
                **fields,
                "clc_code": c.CLC_CODES[index],
                "index_19": c.TO_19[index],
                **_here(counted, "labels_43", c.LABELS_43[index]),
                "published": {"all": every, "without snow and cloud": clean},
            }
        )
    return made
