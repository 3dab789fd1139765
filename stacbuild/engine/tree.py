"""The catalogs above the partitions: collections, the dataset's catalog, the root."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from stacbuild.engine import atomic
from stacbuild.engine.items import STAC_VERSION
from stacbuild.engine.layout import CATALOG_FILE, COLLECTION_FILE, STATE, catalog_id
from stacbuild.stac import media
from stacbuild.stac.encode import dumps_pretty, loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pystac

    from stacbuild.dataset import Dataset
    from stacbuild.engine.layout import Layout
    from stacbuild.engine.texts import Texts
    from stacbuild.summary import Summary

Json = dict[str, Any]

STRUCTURAL = frozenset({"self", "root", "parent", "child", "item", "collection", "items"})


def link(rel: str, href: str, title: str) -> dict[str, str]:
    """Return a link to a catalog or a collection."""
    return {"rel": rel, "href": href, "type": media.JSON, "title": title}


def collection_core(collection: pystac.Collection, summary: Summary, texts: Texts) -> Json:
    """Return a collection as JSON values, without structural links and engine assets.

    This is what the index of its items carries, and what the collection's file starts with.
    """
    core: Json = collection.to_dict(include_self_link=False, transform_hrefs=False)
    core["links"] = [one for one in core["links"] if one["rel"] not in STRUCTURAL]
    if texts.contact is not None:
        host = {"name": texts.contact, "roles": ["host"]}
        if texts.public_url is not None:
            host["url"] = texts.public_url
        core["providers"] = [*core.get("providers", []), host]
    if summary.partial is not None:
        core["description"] = (
            f"**This is a part of the dataset: {summary.partial}.**\n\n{core['description']}"
        )
    return core


def collection_file(
    dataset: Dataset, core: Json, texts: Texts, assets: Mapping[str, Json], keys: Sequence[str]
) -> Json:
    """Return the whole content of a collection's file.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    core : dict
        See `collection_core`.
    texts : Texts
        Title of the root.
    assets : mapping of str to dict
        The engine's assets: index, split tables, lists, statistics.
    keys : sequence of str
        All partitions, sorted.
    """
    children = [
        link("child", f"./{name}/{CATALOG_FILE}", title)
        for name, title in _children(dataset, "", keys)
    ]
    whole = dict(core)
    whole["links"] = [
        link("root", f"../../{CATALOG_FILE}", texts.title),
        link("parent", f"../{CATALOG_FILE}", dataset.title),
        *children,
        *core["links"],
    ]
    whole["assets"] = {**core.get("assets", {}), **assets}
    return whole


def catalogs_between(
    dataset: Dataset, collection: str, title: str, texts: Texts, keys: Sequence[str]
) -> Iterator[tuple[str, Json]]:
    """Yield path below the collection and content of each catalog above the partitions."""
    prefixes = sorted(
        {
            "/".join(segments[:count])
            for key in keys
            for segments in (key.split("/"),)
            for count in range(1, len(segments))
        }
    )
    for prefix in prefixes:
        below = [key for key in keys if key.startswith(f"{prefix}/")]
        titles = dataset.partition_titles(below[0])
        level = prefix.count("/")
        parent = title if level == 0 else titles[level - 1]
        parent_file = COLLECTION_FILE if level == 0 else CATALOG_FILE
        yield (
            f"{prefix}/{CATALOG_FILE}",
            {
                "type": "Catalog",
                "stac_version": STAC_VERSION,
                "id": catalog_id(collection, prefix),
                "title": titles[level],
                "description": f"{title}: {', '.join(titles[: level + 1])}.",
                "links": [
                    link("root", f"{'../' * (level + 3)}{CATALOG_FILE}", texts.title),
                    link("parent", f"../{parent_file}", parent),
                    *(
                        link("child", f"./{name}/{CATALOG_FILE}", child)
                        for name, child in _children(dataset, prefix, below)
                    ),
                ],
            },
        )


def _children(dataset: Dataset, prefix: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield folder name and title of each folder right below a prefix."""
    level = prefix.count("/") + 1 if prefix else 0
    for name, group in groupby(keys, key=lambda key: key.split("/")[level]):
        yield name, dataset.partition_titles(next(group))[level]


def dataset_catalog(dataset: Dataset, cores: Sequence[Json], texts: Texts) -> Json:
    """Return the content of a dataset's catalog."""
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": dataset.id,
        "title": dataset.title,
        "description": dataset.description,
        "links": [
            link("root", f"../{CATALOG_FILE}", texts.title),
            link("parent", f"../{CATALOG_FILE}", texts.title),
            *(link("child", f"./{core['id']}/{COLLECTION_FILE}", core["title"]) for core in cores),
            {
                "rel": "via",
                "href": dataset.homepage,
                "type": "text/html",
                "title": f"Where {dataset.title} comes from",
            },
        ],
    }


def datasets_in(root: Path) -> list[str]:
    """Return the ids of the datasets that a catalog holds, sorted."""
    return sorted(path.parent.name for path in (root / STATE).glob("*/build.json"))


def root_catalog(root: Path, texts: Texts) -> Json:
    """Return the content of the root, with all datasets that are there."""
    links = [link("root", f"./{CATALOG_FILE}", texts.title)]
    if texts.public_url is not None:
        links.insert(0, link("self", f"{texts.public_url}/{CATALOG_FILE}", texts.title))
    for name in datasets_in(root):
        child = loads((root / name / CATALOG_FILE).read_bytes())
        links.append(link("child", f"./{name}/{CATALOG_FILE}", child["title"]))
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": texts.id,
        "title": texts.title,
        "description": texts.description,
        "links": links,
    }


def write_json(path: Path, value: Json, layout: Layout) -> bool:
    """Write a catalog or collection, unless it is there already."""
    return atomic.write(path, dumps_pretty(value), layout.local)
