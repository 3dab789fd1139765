"""The walk from the root through links: catalogs and collections here, items in workers."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from stacbuild.stac import media
from stacbuild.validate.assets import Assets, claimed
from stacbuild.validate.findings import Counters, Findings, error, warning
from stacbuild.validate.folder import Folder, Unreadable
from stacbuild.validate.links import ROOT_FILE, Links, Place, base_of
from stacbuild.validate.partition import LARGE_JSON, PartitionTask
from stacbuild.validate.tables import TableTask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stacbuild.validate.item import ItemValidator
    from stacbuild.validate.options import ValidateOptions
    from stacbuild.validate.schemas import Kind

MIRROR = "collection-mirror"
"""Role of the asset that is the index of a collection's items."""
_STRUCTURE = ("Catalog", "Collection")


@dataclass(slots=True)
class CollectionSeen:
    """What the walk keeps of a collection.

    Parameters
    ----------
    file, id : str
        Its file and id.
    extent : dict
        As the collection states it.
    mirrors : list of str
        Its tables of items.
    """

    file: str
    id: str
    extent: dict[str, Any]
    mirrors: list[str] = field(default_factory=list)


class Walk:
    """Goes from the root to every catalog, and yields the work that is for others.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    options : ValidateOptions
        What is looked at.
    validator : ItemValidator
        Runs the schemas.
    """

    def __init__(self, root: Path, options: ValidateOptions, validator: ItemValidator) -> None:
        self.folder = Folder(root)
        self.findings = Findings()
        self.counters = Counters()
        self.collections: dict[str, CollectionSeen] = {}
        self.assets_of: dict[str, int] = {}
        """Assets of catalogs and collections, by dataset (the first folder)."""
        self.reached: set[str] = set()
        """Files that catalogs, collections and their assets are."""
        self.hashed: dict[str, tuple[int, bytes]] = {}
        """Size and SHA-256 of the files above the partitions."""
        self.claimed: set[str] = set()
        """Files that are assets of objects which their schemas do not accept: not looked at."""
        self._visited: set[str] = set()
        self._options = options
        self._validator = validator
        self._links = Links(self.folder, self.counters)
        self._assets = Assets(
            self.folder, self.counters, checksums=options.checksums, cogs=options.cogs
        )

    def tasks(self) -> Iterator[PartitionTask | TableTask]:
        """Yield partitions and tables, as they are come by."""
        waiting = [Place(ROOT_FILE)]
        while waiting:
            place = waiting.pop()
            if place.file in self._visited:
                text = f"{place.parent} links to it, and it was reached before"
                self.findings.add([error("link-cycle", place.file, text)])
                continue
            self._visited.add(place.file)
            self.reached.add(place.file)
            try:
                value, data = self.folder.json(place.file)
            except Unreadable as reason:
                self.findings.add([error(reason.kind, place.file, str(reason))])
                continue
            if place.parent is None:
                place = Place(ROOT_FILE, base=base_of(value))
            yield from self._visit(value, data, place, waiting)

    def _visit(
        self, value: dict[str, Any], data: bytes, place: Place, waiting: list[Place]
    ) -> Iterator[PartitionTask | TableTask]:
        """Judge a catalog or collection; put its children on the list."""
        kind = value.get("type")
        if kind not in _STRUCTURE:
            text = f"it is a {kind}, where a catalog or collection should be"
            self.findings.add([error("type", place.file, text)])
            return
        faults = self._validator.schemas(value, cast("Kind", kind), place.file)
        self.findings.add(faults)
        if len(data) > LARGE_JSON:
            text = f"{len(data):,} bytes are many for one JSON file"
            self.findings.add([warning("large-json", place.file, text)])
        if faults:
            self.claimed |= claimed(self.folder, value, place.file)
        links = value.get("links")
        if not _usable(links):
            return
        self._links.remember(place.file, value)
        inner = Place(place.file, place.parent, place.collection, place.base)
        if kind == "Collection":
            yield from self._collection(value, inner, broken=bool(faults))
            inner = Place(place.file, place.parent, place.file, place.base)
        yield from self._below(links, inner, waiting)
        if any(link["rel"] == "item" for link in links):
            # Catalog links are judged where its items are, whose titles they carry.
            return
        if self._options.checksums:
            self.hashed[place.file] = (len(data), hashlib.sha256(data).digest())
        if kind == "Catalog":
            self.counters.catalogs += 1
        found, documents = self._links.check(value, inner)
        self.findings.add(found)
        self.reached.update(documents)
        if kind == "Catalog" and not faults:
            self._own_assets(value, place.file)

    def _below(
        self, links: list[dict[str, Any]], place: Place, waiting: list[Place]
    ) -> Iterator[PartitionTask]:
        children = []
        for link in links:
            if link["rel"] == "child":
                try:
                    file = self.folder.resolve(place.file, link["href"])
                    if self.folder.size(file) is not None:
                        children.append(Place(file, place.file, place.collection, place.base))
                except (Unreadable, ValueError):
                    continue  # said where the links are checked
        waiting += reversed(children)
        if any(link["rel"] == "item" for link in links):
            known = self.collections.get(place.collection or "")
            if known is None:
                text = "it has items, and lies in no collection"
                self.findings.add([error("collection", place.file, text)])
            yield PartitionTask(place, known.id if known else "")

    def _collection(
        self, value: dict[str, Any], place: Place, *, broken: bool
    ) -> Iterator[TableTask]:
        self.counters.collections += 1
        # What its schemas do not accept is not believed any further.
        extent = {} if broken else value["extent"]
        seen = CollectionSeen(place.file, str(value.get("id")), extent)
        for other in self.collections.values():
            if other.id == seen.id:
                text = f"{other.file} has the id {seen.id} too"
                self.findings.add([error("duplicate-id", place.file, text)])
        self.collections[place.file] = seen
        if broken:
            return
        self._own_assets(value, place.file)
        for asset in value.get("assets", {}).values():
            if MIRROR in asset["roles"] and asset["type"] == media.PARQUET:
                try:
                    file = self.folder.resolve(place.file, asset["href"])
                    here = self.folder.size(file) is not None
                except (Unreadable, ValueError):
                    continue
                if here:
                    seen.mirrors.append(file)
                    if self._options.tables:
                        yield TableTask(file, place.file, place.base)

    def _own_assets(self, value: dict[str, Any], file: str) -> None:
        found, names = self._assets.check(value, file, self.hashed)
        self.findings.add(found)
        self.reached.update(names)
        dataset = file.split("/", maxsplit=1)[0]
        self.assets_of[dataset] = self.assets_of.get(dataset, 0) + len(names)

    def orphans(self, unvisited: dict[str, set[str]], elsewhere: set[str]) -> Iterator[str]:
        """Yield the files that nothing leads to.

        Parameters
        ----------
        unvisited : dict of str to set of str
            By folder that workers looked into: the files that they did not come by.
        elsewhere : set of str
            Files in other folders that they came by.
        """
        waiting = [""]
        while waiting:
            here = waiting.pop()
            files, folders = self.folder.listing(here)
            waiting += [one for one in folders if posixpath.basename(one) != ".stacbuild"]
            suspects = unvisited.get(here, files)
            yield from sorted(suspects - self.reached - self.claimed - elsewhere)


def _usable(links: object) -> TypeGuard[list[dict[str, Any]]]:
    """Tell whether links can be followed although the object's schemas do not accept it."""
    return isinstance(links, list) and all(
        isinstance(link, dict)
        and isinstance(link.get("rel"), str)
        and isinstance(link.get("href"), str)
        for link in links
    )
