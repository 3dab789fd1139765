"""The items of one catalog, judged in a worker process: everything that lies beside them too."""

from __future__ import annotations

import hashlib
import posixpath
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stacbuild.engine import tables
from stacbuild.engine.layout import STATE, Layout
from stacbuild.stac import media
from stacbuild.validate.assets import Assets, claimed
from stacbuild.validate.findings import Counters, Finding, error, warning
from stacbuild.validate.folder import Folder, Unreadable
from stacbuild.validate.links import Links, Place

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.validate.item import ItemValidator
    from stacbuild.validate.options import ValidateOptions

MOST_ITEMS = 1_000
"""Items that one catalog should hold at most: its page must load."""
LARGE_JSON = 1_000_000
"""Bytes above which a JSON file is a burden for those who browse."""
ID_HASH = 8
"""Bytes of an item id's hash: a million ids collide with probability 3e-8."""


@dataclass(frozen=True, slots=True)
class PartitionTask:
    """A catalog that holds items.

    Parameters
    ----------
    place : Place
        Where the catalog stands, and in which collection.
    collection_id : str
        That collection's id.
    """

    place: Place
    collection_id: str


@dataclass(slots=True)
class Visit:
    """What a task found.

    Parameters
    ----------
    collection : str or None
        File of the collection that the task was about.
    partition : str or None
        File of the catalog that was judged, if the task was a partition.
    findings : list of Finding
        What is wrong.
    counters : Counters
        What was looked at.
    hashes : bytes
        `ID_HASH` bytes per item id.
    unvisited : dict of str to set of str
        By folder: files that neither catalog, items nor assets of this task are.
    elsewhere : set of str
        Files in other folders that they are.
    extent : list or None
        West, south, east, north, first and last instant of the items.
    unchecked : dict of str to str
        Extension schemas that could not be had, and why.
    digest : str or None
        Digest of the partition's manifest, as the ledger states it.
    """

    collection: str | None = None
    partition: str | None = None
    findings: list[Finding] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    hashes: bytes = b""
    unvisited: dict[str, set[str]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    extent: list[Any] | None = None
    unchecked: dict[str, str] = field(default_factory=dict)
    digest: str | None = None


def id_hash(item_id: str) -> bytes:
    """Return a short hash of an item's id."""
    return hashlib.blake2b(item_id.encode(), digest_size=ID_HASH).digest()


class PartitionChecker:
    """Judges partitions, one after another.

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
        self._folder = Folder(root)
        self._root = root
        self._options = options
        self._validator = validator

    def check(self, task: PartitionTask) -> Visit:
        """Judge one catalog's items."""
        visit = Visit(task.place.collection, task.place.file)
        run = _Run(self, task, visit)
        run.items()
        visit.unchecked = self._validator.reasons()
        return visit


class _Run:
    """One partition's judgement: what it needs on the way."""

    def __init__(self, checker: PartitionChecker, task: PartitionTask, visit: Visit) -> None:
        self.task, self.visit = task, visit
        self.folder, self.options = checker._folder, checker._options  # noqa: SLF001 - its own run
        self.validator, self.root = checker._validator, checker._root  # noqa: SLF001 - the same
        self.links = Links(self.folder, visit.counters)
        self.assets = Assets(
            self.folder,
            visit.counters,
            checksums=self.options.checksums,
            cogs=self.options.cogs,
        )
        self.reached: set[str] = {task.place.file}
        self.hashed: dict[str, tuple[int, bytes]] = {}
        self.claimed: set[str] = set()

    def items(self) -> None:
        """Judge catalog, items, and the folder that they lie in."""
        file = self.task.place.file
        try:
            catalog, data = self.folder.json(file)
        except Unreadable as reason:
            self.visit.findings.append(error(reason.kind, file, str(reason)))
            return
        self._hash(file, data)
        self.visit.counters.catalogs += catalog["type"] == "Catalog"
        linked = [link["href"] for link in catalog["links"] if link["rel"] == "item"]
        if len(linked) > MOST_ITEMS:
            text = f"{len(linked):,} items in one catalog are more than {MOST_ITEMS:,}"
            self.visit.findings.append(warning("large-catalog", file, text))
        for href in linked:
            try:
                self._item(self.folder.resolve(file, href))
            except (Unreadable, ValueError):
                continue  # the links of the catalog are checked below, and say so
        found, documents = self.links.check(catalog, self.task.place)
        self.visit.findings += found
        self.reached.update(documents)
        self._manifest()
        self._neighbours()

    def _hash(self, name: str, data: bytes) -> None:
        if self.options.checksums:
            self.hashed[name] = (len(data), hashlib.sha256(data).digest())

    def _item(self, file: str) -> None:
        """Judge one item; raise Unreadable if it is not there."""
        if self.folder.size(file) is None:
            raise Unreadable("missing", "the file does not exist")
        found = self.visit.findings
        if file in self.reached:
            found.append(error("duplicate-link", file, "two links lead to it"))
            return
        self.reached.add(file)
        try:
            item, data = self.folder.json(file)
        except Unreadable as reason:
            found.append(error(reason.kind, file, str(reason)))
            return
        self._hash(file, data)
        self.visit.counters.items += 1
        if len(data) > LARGE_JSON:
            found.append(warning("large-json", file, f"{len(data):,} bytes are many for an item"))
        self.links.remember(file, item)
        faults = self.validator.validate(item, file)
        found += faults
        self.visit.hashes += id_hash(str(item.get("id")))
        if any(fault.kind == "schema" for fault in faults):
            # What follows takes its form for granted; its files are its own all the same.
            self.claimed |= claimed(self.folder, item, file)
            return
        self._contents(item, file)

    def _contents(self, item: dict[str, Any], file: str) -> None:
        task, visit = self.task, self.visit
        place = Place(file, task.place.file, task.place.collection, task.place.base)
        links, documents = self.links.check(item, place)
        visit.findings += links
        if item["collection"] != task.collection_id:
            text = f"its collection is {item['collection']}, it lies in {task.collection_id}"
            visit.findings.append(error("collection", file, text))
        assets, names = self.assets.check(item, file, self.hashed)
        visit.findings += assets
        self.reached.update(names)
        self.reached.update(name for name in documents if self._is_beside(name))
        self._widen(item)
        if self.options.deep and not zlib.crc32(item["id"].encode()) % self.options.deep:
            self._deep(item, file)

    def _is_beside(self, name: str) -> bool:
        return posixpath.dirname(name) == posixpath.dirname(self.task.place.file)

    def _deep(self, item: dict[str, Any], file: str) -> None:
        """Have GDAL open and decode the COGs."""
        from stacbuild.validate.decode import (  # noqa: PLC0415 - rasterio, only when asked for
            check_decoded,
            footprint_faults,
        )

        bounds = []

        for asset in item["assets"].values():
            if asset["type"] != media.COG:
                continue
            try:
                name = self.folder.resolve(file, asset["href"])
                path = self.folder.path(name)
            except (Unreadable, ValueError):
                continue
            self.visit.counters.decoded += 1
            found, where = check_decoded(path, asset, item, name)
            self.visit.findings += found
            bounds += [] if where is None else [where]
        self.visit.findings += footprint_faults(bounds, item, file)

    def _widen(self, item: dict[str, Any]) -> None:
        """Take an item into the extent."""
        properties = item["properties"]
        start = properties.get("start_datetime") or properties["datetime"]
        end = properties.get("end_datetime") or properties["datetime"]
        box = item.get("bbox")
        self.visit.extent = widened(self.visit.extent, [*(box or [None] * 4), start, end])

    def _manifest(self) -> None:
        """Compare what lies here with the manifest that publishing goes by."""
        parts = posixpath.dirname(self.task.place.file).split("/")
        if not self.options.checksums or len(parts) < 3:  # noqa: PLR2004 - dataset/collection/key
            return
        key = "/".join(parts[2:])
        path = Layout(self.root, parts[0]).manifest(key)
        name = f"{STATE}/{parts[0]}/manifests/{key}.parquet"
        if not path.is_file():
            return
        try:
            stated = tables.read_manifest(path)
        except (OSError, ValueError, KeyError) as reason:
            self.visit.findings.append(error("manifest", name, f"it cannot be read ({reason})"))
            return
        self.visit.digest = tables.manifest_digest(stated)
        prefix = "/".join(parts) + "/"
        listed = {one: what for one, what in stated.items() if one.startswith(prefix)}
        for one in sorted((listed.keys() ^ self.hashed.keys()) - self.claimed):
            if one.startswith(prefix):
                where = "not in the manifest" if one in self.hashed else "in the manifest only"
                self.visit.findings.append(error("manifest", name, f"{one} is {where}"))
        for one in sorted(listed.keys() & self.hashed.keys()):
            if listed[one] != self.hashed[one]:
                text = f"{one} has another size or checksum than the manifest says"
                self.visit.findings.append(error("manifest", name, text))

    def _neighbours(self) -> None:
        """Note the files beside the reached ones that nothing here leads to."""
        self.reached |= self.claimed
        home = posixpath.dirname(self.task.place.file)
        below = f"{home}/" if home else ""
        folders = {posixpath.dirname(name) for name in self.reached if name.startswith(below)}
        for one in folders | {home}:
            self.visit.unvisited[one] = self.folder.listing(one)[0] - self.reached
        self.visit.elsewhere = {
            name for name in self.reached if posixpath.dirname(name) not in self.visit.unvisited
        }


def widened(extent: list[Any] | None, other: list[Any]) -> list[Any]:
    """Return the union of two extents: west, south, east, north, first and last instant."""
    if extent is None:
        return list(other)
    pick = (min, min, max, max, min, max)
    return [
        two if one is None else one if two is None else choose(one, two)
        for choose, one, two in zip(pick, extent, other, strict=True)
    ]
