"""What the engine adds to the items of a partition: structural links, and its catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stacbuild.engine.layout import CATALOG_FILE, COLLECTION_FILE, catalog_id, depth
from stacbuild.stac import media

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stacbuild.dataset import Dataset

STAC_VERSION = "1.1.0"
ITEM_FORMAT = 1
"""Raised by hand when the engine's part of an item or a partition's catalog changes."""


@dataclass(frozen=True, slots=True)
class Titles:
    """Titles that links of items carry.

    Parameters
    ----------
    root : str
        The root catalog's.
    collections : tuple of str
        The collections', in the dataset's order.
    """

    root: str
    collections: tuple[str, ...]


class PartitionPlace:
    """Where the items of one partition lie, and what was written for each (see `Place`)."""

    __slots__ = ("_assets", "_key", "_up")

    def __init__(self, key: str) -> None:
        self._key = key
        # From a partition's folder up to the dataset's.
        self._up = "../" * (depth(key) - 1)
        self._assets: dict[tuple[str, str], dict[str, Any]] = {}

    def load(self, files: Iterable[Mapping[str, Any]]) -> None:
        """Take the files of the sample that is described next."""
        self._assets = {
            (file["collection"], file["name"]): {
                "href": f"./{file['name']}",
                "file:size": file["size"],
                "file:checksum": "1220" + file["sha256"].hex(),
            }
            for file in files
        }

    def asset(self, collection: str, name: str) -> dict[str, Any]:
        """Return ``href``, ``file:size`` and ``file:checksum`` of an asset just written."""
        return self._assets[collection, name]

    def item(self, collection: str, item_id: str, *, seen_from: str) -> str:
        """Return the relative href of an item of this partition, seen from another collection."""
        if collection == seen_from:
            return f"./{item_id}.json"
        return f"{self._up}{collection}/{self._key}/{item_id}.json"


def structural_links(dataset: Dataset, key: str, titles: Titles) -> dict[str, list[dict[str, str]]]:
    """Return the links that every item of a partition starts with, by collection."""
    up = "../" * depth(key)
    partition_title = dataset.partition_titles(key)[-1]
    links = {}
    for collection, title in zip(dataset.collection_ids, titles.collections, strict=True):
        links[collection] = [
            _link("root", f"{up}{CATALOG_FILE}", titles.root),
            _link("parent", f"./{CATALOG_FILE}", partition_title),
            _link("collection", f"{'../' * (key.count('/') + 1)}{COLLECTION_FILE}", title),
        ]
    return links


def partition_catalog(
    dataset: Dataset, collection: str, key: str, titles: Titles, items: list[tuple[str, str]]
) -> dict[str, Any]:
    """Return the catalog of a partition.

    Parameters
    ----------
    dataset : Dataset
        Gives the titles.
    collection, key : str
        The collection, and the partition's key.
    titles : Titles
        Of the catalogs above.
    items : list of (str, str)
        Id and title of each item, in order of id.
    """
    segments = dataset.partition_titles(key)
    position = dataset.collection_ids.index(collection)
    above = segments[-2] if len(segments) > 1 else titles.collections[position]
    parent = CATALOG_FILE if len(segments) > 1 else COLLECTION_FILE
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": catalog_id(collection, key),
        "title": segments[-1],
        "description": f"{len(items):,} item{'s' if len(items) != 1 else ''} of "
        f"{titles.collections[position]}: {', '.join(segments)}.",
        "links": [
            _link("root", f"{'../' * depth(key)}{CATALOG_FILE}", titles.root),
            _link("parent", f"../{parent}", above),
            *(
                {"rel": "item", "href": f"./{name}.json", "type": media.GEOJSON, "title": title}
                for name, title in items
            ),
        ],
    }


def _link(rel: str, href: str, title: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": media.JSON, "title": title}
