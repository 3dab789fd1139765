"""Facts of a patch to its two items: imagery and labels. The hot path of `describe`.

Whatever is the same for all patches is built once, below, and shared by all items: the caller
may add keys to an item and links to its ``links``, and changes nothing else.

What the raw files claim and what is derived are kept apart: ``ben:tile_source``,
``ben:acquisition_date`` and ``ben:claimed_labels_19`` are as found; ``datetime``, ``ben:product``,
``grid:code`` and the 19-class fields are derived.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stacbuild.raster.footprint import bbox
from stacbuild.stac import extensions, media
from stacbuild.stac.bands import statistics, with_statistics
from stacbuild.stac.labels import VECTOR_KEY, label_properties, multi_hot, overview, source_link
from stactools.bigearthnet import assets
from stactools.bigearthnet import constants as c

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stacbuild.dataset import Facts, Item, Place

STAC_VERSION: Final = "1.1.0"
TITLE_LABELS: Final = 3
"""Labels that a title names before it says how many more there are."""

CLASSES: Final = {"labels_19": c.LABELS_19, "labels_43": c.LABELS_43}
"""Label property to class names."""
SHARED_LABELS: Final = label_properties(
    kind="vector",
    description=(
        "Land-cover classes that occur in the patch, from CORINE Land Cover 2018: the 43 level-3 "
        "classes as published, and the 19-class nomenclature derived from them."
    ),
    classes=CLASSES,
    tasks=["classification"],
    methods=["manual"],
)

_SHAPES: Final = {metres: [c.PATCH_METRES // metres] * 2 for metres in c.RESOLUTIONS}
_ROWS: Final = {
    metres: itemgetter(*(c.BAND_NAMES.index(name) for name in names))
    for metres, names in c.RESOLUTIONS.items()
}
_STACK_FIELDS: Final = {
    platform: {metres: assets.stack_fields(metres, platform) for metres in c.RESOLUTIONS}
    for platform in c.PLATFORMS.values()
}
_PLATFORM_PROPERTIES: Final = {
    platform: {
        "platform": platform,
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "gsd": 10,
    }
    for platform in c.PLATFORMS.values()
}
_IMAGERY_EXTENSIONS: Final = (
    extensions.EO,
    extensions.RASTER,
    extensions.PROJECTION,
    extensions.FILE,
    extensions.GRID,
)
_EXTENSIONS: Final = {
    (orbit, split): [
        *_IMAGERY_EXTENSIONS,
        *([extensions.SAT] if orbit else []),
        *([extensions.ML_AOI] if split else []),
    ]
    for orbit in (False, True)
    for split in (False, True)
}
_LABEL_EXTENSIONS: Final = {
    split: [extensions.LABEL, extensions.FILE, *([extensions.ML_AOI] if split else [])]
    for split in (False, True)
}
_SOURCE_ASSETS: Final = list(assets.STACKS)


_STATED: Final = (
    ("ml-aoi:split", "split"),
    ("ben:seasonal_snow", "seasonal_snow"),
    ("ben:cloud_or_shadow", "cloud_or_shadow"),
)
"""Item property and context column of what the publishers' lists say."""


class Origin(NamedTuple):
    """What the name of a Sentinel-2 L1C product says."""

    name: str
    """Without ``.SAFE``."""
    datetime: str
    """Start of the datatake, RFC 3339 in UTC."""
    tile: str
    """MGRS tile."""
    orbit: int
    """Relative orbit."""
    link: dict[str, str] | None
    """To the product; None unless it is one of the 125 whose address is known."""


class LabelSet(NamedTuple):
    """What follows from the labels of a patch. Shared by all patches with the same labels."""

    names_43: list[str]
    names_19: list[str]
    indices_19: list[int]
    multi_hot_43: list[int]
    multi_hot_19: list[int]
    overviews: list[dict[str, Any]]
    title: str


_PRODUCT = re.compile(
    r"S2[AB]_MSIL1C_(\d{4}\d\d\d\dT\d{6})_N\d{4}_R(\d{3})_T(\d\d[A-Z]{3})_\w+", re.ASCII
)


@lru_cache(maxsize=1024)
def origin(product: str) -> Origin | None:
    """Return what the name of a Sentinel-2 L1C product says; None if it is no such name.

    Parameters
    ----------
    product : str
        With or without ``.SAFE``.
    """
    name = product.removesuffix(".SAFE")
    parts = _PRODUCT.fullmatch(name)
    if parts is None:
        return None
    stamp, orbit, tile = parts.groups()
    try:
        instant = datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # A claimed name, with 61 seconds.
        return None
    link = None
    if known := c.PRODUCTS.get(name):
        link = {"rel": "derived_from", "href": known.href, "type": media.JSON, "title": name}
    return Origin(name, f"{instant:%Y-%m-%dT%H:%M:%SZ}", tile, int(orbit), link)


@lru_cache(maxsize=8192)
def label_set(indices: tuple[int, ...]) -> LabelSet:
    """Return both nomenclatures of a patch.

    Parameters
    ----------
    indices : tuple of int
        43-class indices, ascending.
    """
    names_43 = [c.LABELS_43[index] for index in indices]
    indices_19 = sorted({target for index in indices if (target := c.TO_19[index]) is not None})
    names_19 = [c.LABELS_19[index] for index in indices_19]
    more = len(names_43) - TITLE_LABELS
    return LabelSet(
        names_43,
        names_19,
        indices_19,
        multi_hot(indices, len(c.LABELS_43)),
        multi_hot(indices_19, len(c.LABELS_19)),
        [overview("labels_19", names_19), overview("labels_43", names_43)],
        (", ".join(names_43[:TITLE_LABELS]) or "No label")
        + (f" and {more} more" if more > 0 else ""),
    )


def instant_of(name: str, claimed: str | None) -> str:
    """Return the datetime of a patch whose product is not known, RFC 3339 in UTC.

    The ``acquisition_date`` of its JSON if that is a valid time; else the time in its name, whose
    leading zero may be lost and whose seconds may be 60 or 61 (they become 59).
    """
    try:
        instant = datetime.strptime(claimed or "", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        day, _, time = name.split("_")[2].partition("T")
        time = f"{int(time) // 100:04d}{min(int(time) % 100, 59):02d}"
        instant = datetime.strptime(f"{day}{time}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def describe(facts: Facts, context: Mapping[str, Any], place: Place) -> list[Item]:
    """Return the imagery item and the label item of a patch (see `Dataset.describe`).

    Parameters
    ----------
    facts : dict
        A row of `FACTS_SCHEMA` with its ``id``.
    context : mapping
        A row of `CONTEXT_SCHEMA`.
    place : Place
        Knows the assets and where the items lie.
    """
    name: str = facts["id"]
    known = _origin_of(name, facts["tile"], context["product"])
    if known:
        instant, tile = known.datetime, known.tile
    else:
        instant, tile = instant_of(name, facts["acquisition_date"]), facts["tile"]
    labels = label_set(tuple(facts["labels"]))
    title = f"{labels.title} \u00b7 {tile} \u00b7 {instant[:10]}"
    ring = facts["ring"]
    common = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": (),
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": bbox(ring),
    }
    shared = {
        "title": title,
        "datetime": instant,
        **_statements(context),
        "ben:labels_19": labels.names_19,
        "ben:labels_43": labels.names_43,
        "ben:multi_hot_19": labels.multi_hot_19,
        "ben:multi_hot_43": labels.multi_hot_43,
        "ben:no_19_class": not labels.names_19,
    }
    imagery = _imagery(facts, common, shared, place)
    properties = imagery["properties"]
    properties["grid:code"] = f"MGRS-{tile}"
    _add_country(properties, context, tile)
    if known:
        properties["sat:relative_orbit"] = known.orbit
        properties["ben:product"] = known.name
        if known.link:
            imagery["links"].append(known.link)
    imagery["stac_extensions"] = _EXTENSIONS[known is not None, "ml-aoi:split" in shared]
    return [imagery, _labels(labels, common, shared, place)]


def _origin_of(name: str, tile: str, product: str | None) -> Origin | None:
    """Return the origin of a patch: what the side table says, else by its prefix and tile."""
    if product is not None:
        return origin(product)
    found = c.PREFIX_PRODUCT.get((name.rsplit("_", 2)[0], tile))
    return origin(found.name) if found else None


def _imagery(facts: Facts, common: Item, shared: dict[str, Any], place: Place) -> Item:
    name: str = facts["id"]
    prefix, column, row = name.rsplit("_", 2)
    platform = c.PLATFORMS[prefix[:3]]
    left, top = facts["ulx"], facts["uly"]
    properties = {
        **shared,
        **_PLATFORM_PROPERTIES[platform],
        "proj:code": f"EPSG:{facts['epsg']}",
        "proj:bbox": [left, top - c.PATCH_METRES, left + c.PATCH_METRES, top],
        "ben:h": int(column),
        "ben:v": int(row),
        "ben:tile_source": facts["tile_source"],
        "ben:acquisition_date": facts["acquisition_date"],
    }
    if facts["claimed_labels_19"] is not None:
        properties["ben:claimed_labels_19"] = facts["claimed_labels_19"]
    return {
        **common,
        "properties": properties,
        "links": [
            {
                "rel": "related",
                "href": place.item(c.LABELS, f"{name}_labels", seen_from=c.IMAGERY),
                "type": media.GEOJSON,
                "title": f"Labels: {shared['title']}",
            }
        ],
        "assets": _imagery_assets(facts, platform, place),
        "collection": c.IMAGERY,
    }


def _imagery_assets(facts: Facts, platform: str, place: Place) -> dict[str, Any]:
    name: str = facts["id"]
    left, top = facts["ulx"], facts["uly"]
    measured = list(map(statistics, facts["band_sums"]))
    made = {}
    for key, metres in assets.STACKS.items():
        fields = _STACK_FIELDS[platform][metres]
        made[key] = {
            **place.asset(c.IMAGERY, name + assets.SUFFIXES[key]),
            **fields,
            "proj:shape": _SHAPES[metres],
            "proj:transform": [metres, 0, left, 0, -metres, top],
            "bands": with_statistics(fields["bands"], _ROWS[metres](measured)),
        }
    made[assets.VISUAL] = {
        **place.asset(c.IMAGERY, name + assets.SUFFIXES[assets.VISUAL]),
        **assets.VISUAL_FIELDS,
        "proj:shape": _SHAPES[10],
        "proj:transform": [10, 0, left, 0, -10, top],
    }
    made[assets.THUMBNAIL] = {
        **place.asset(c.IMAGERY, name + assets.SUFFIXES[assets.THUMBNAIL]),
        **assets.THUMBNAIL_FIELDS,
        "proj:shape": _SHAPES[10],
    }
    return made


def _labels(labels: LabelSet, common: Item, shared: dict[str, Any], place: Place) -> Item:
    name: str = common["id"]
    title: str = shared["title"]
    return {
        **common,
        "stac_extensions": _LABEL_EXTENSIONS["ml-aoi:split" in shared],
        "id": f"{name}_labels",
        "properties": {
            **shared,
            "title": f"Labels: {title}",
            **SHARED_LABELS,
            "label:overviews": labels.overviews,
        },
        "links": [
            source_link(place.item(c.IMAGERY, name, seen_from=c.LABELS), title, _SOURCE_ASSETS)
        ],
        "assets": {
            VECTOR_KEY: {
                **place.asset(c.LABELS, name + assets.SUFFIXES[VECTOR_KEY]),
                **assets.LABEL_FIELDS,
            }
        },
        "collection": c.LABELS,
    }


def _statements(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the publishers' lists say about a patch, leaving out what none says."""
    return {key: value for key, column in _STATED if (value := context[column]) is not None}


def _add_country(properties: dict[str, Any], context: Mapping[str, Any], tile: str) -> None:
    """Add country and season: from the side table, else the country where a tile has just one."""
    country, season = context["country"], context["season"]
    if country is None and tile in c.TILES and len(c.TILES[tile].countries) == 1:
        (country,) = c.TILES[tile].countries
    if country is not None:
        properties["ben:country"] = country
    if season is not None:
        properties["ben:season"] = season
