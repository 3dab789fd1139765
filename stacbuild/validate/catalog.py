"""Validation of a whole catalog: from the root through links, and through nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from stacbuild.engine import pool
from stacbuild.engine.progress import Silent
from stacbuild.errors import CatalogError
from stacbuild.validate.findings import error
from stacbuild.validate.folder import Unreadable
from stacbuild.validate.item import ItemValidator
from stacbuild.validate.links import ROOT_FILE
from stacbuild.validate.options import ValidateOptions
from stacbuild.validate.partition import (
    ID_HASH,
    PartitionChecker,
    PartitionTask,
    Visit,
    id_hash,
    widened,
)
from stacbuild.validate.report import Report
from stacbuild.validate.state import (
    DatasetSeen,
    datasets_on_record,
    ledger_digest,
    ledger_faults,
    record_faults,
    remove_stamp,
    write_stamp,
)
from stacbuild.validate.tables import TableChecker, TableTask
from stacbuild.validate.walk import CollectionSeen, Walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stacbuild.engine.progress import Progress

Task = PartitionTask | TableTask


def validate_catalog(
    root: Path,
    *,
    jobs: int = 1,
    options: ValidateOptions | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge a catalog: every object, link, asset and table that its root leads to.

    Parameters
    ----------
    root : Path
        The catalog's folder; ``catalog.json`` lies in it.
    jobs : int
        Worker processes; memory is the same for catalogs of any size.
    options : ValidateOptions, optional
        What is looked at.
    progress : Progress, optional
        Is told of every catalog whose items are judged.

    Returns
    -------
    Report
        Its ``exit_code`` is 1 if there is an error. Where there is none, and nothing was left
        out, each dataset is stamped.

    Raises
    ------
    CatalogError
        If there is no catalog.
    """
    options = options or ValidateOptions()
    if not (root / ROOT_FILE).is_file():
        raise CatalogError(
            "there is no catalog here",
            file=root / ROOT_FILE,
            mend="Name the folder that holds catalog.json",
        )
    before = {name: ledger_digest(root, name) for name in datasets_on_record(root)}
    run = _Run(root, options, progress or Silent())
    run.walk(jobs)
    run.conclude()
    report = run.report
    for name, digest in before.items():
        if ledger_digest(root, name) != digest:
            text = "the catalog was changed while it was validated"
            report.findings.add([error("changed", f".stacbuild/{name}/ledger.jsonl", text)])
    if options.stamp:
        run.stamp(list(before))
    return report


class _Run:
    """One validation: puts together what the walk and the workers find."""

    def __init__(self, root: Path, options: ValidateOptions, progress: Progress) -> None:
        self.root, self.options, self.progress = root, options, progress
        self.validator = ItemValidator(exact=True)
        self.walker = Walk(root, options, self.validator)
        self.report = Report(self.walker.findings, self.walker.counters, options.checks)
        self.datasets: dict[str, DatasetSeen] = {}
        self.tallies: dict[str, _Tally] = {}
        self.unvisited: dict[str, set[str]] = {}
        self.elsewhere: set[str] = set()

    def walk(self, jobs: int) -> None:
        """Judge everything that the root leads to."""
        self.progress.start("validate", None)
        make = partial(_worker, self.root, self.options)
        for visit in pool.run(make, self.walker.tasks(), jobs):
            self._take(visit)
            self.progress.advance(visit.counters.items)
        self.progress.finish()
        self.report.unchecked |= self.validator.reasons()

    def _take(self, visit: Visit) -> None:
        self.report.findings.add(visit.findings)
        self.report.counters.add(visit.counters)
        self.report.unchecked |= visit.unchecked
        if visit.partition is None:
            tally = self._tally(visit.collection)
            tally.rows += visit.counters.rows
            return
        tally = self._tally(visit.collection)
        tally.items += visit.counters.items
        tally.hashes.append((visit.partition, visit.hashes))
        if visit.extent is not None:
            tally.extent = widened(tally.extent, visit.extent)
        for folder, names in visit.unvisited.items():
            known = self.unvisited.get(folder)
            # Two catalogs may share a folder: an orphan is what neither leads to.
            self.unvisited[folder] = names if known is None else known & names
        self.elsewhere |= visit.elsewhere
        self._count(visit, visit.partition)

    def _tally(self, collection: str | None) -> _Tally:
        return self.tallies.setdefault(collection or "", _Tally([]))

    def _count(self, visit: Visit, partition: str) -> None:
        """Count for the dataset, which is the first folder."""
        parts = partition.split("/")
        seen = self.datasets.setdefault(parts[0], DatasetSeen())
        seen.items += visit.counters.items
        seen.assets += visit.counters.assets
        known = self.walker.collections.get(visit.collection or "")
        name = known.id if known else ""
        seen.by_collection[name] = seen.by_collection.get(name, 0) + visit.counters.items
        key = "/".join(parts[2:-1])
        if key:
            seen.partitions[key] = visit.digest or seen.partitions.get(key)

    def conclude(self) -> None:
        """Judge what only the whole shows: counts, twins, extents, orphans, the record."""
        findings, walker = self.report.findings, self.walker
        for file, tally in self.tallies.items():
            known = walker.collections.get(file)
            findings.add(_twins(walker, tally))
            if known is not None:
                findings.add(_collection_faults(known, tally, tables=self.options.tables))
        for name in walker.orphans(self.unvisited, self.elsewhere):
            findings.add([error("orphan", name, "no link and no asset leads to it")])
        for dataset, count in walker.assets_of.items():
            self.datasets.setdefault(dataset, DatasetSeen()).assets += count
        for dataset in datasets_on_record(self.root):
            seen = self.datasets.get(dataset, DatasetSeen())
            findings.add(ledger_faults(self.root, dataset, seen, manifests=self.options.checksums))
            findings.add(record_faults(self.root, dataset, seen, walker.hashed, walker.claimed))

    def stamp(self, datasets: list[str]) -> None:
        """Stamp what is right; what is wrong loses its stamp."""
        whole = self.options.checksums and self.options.cogs and self.options.tables
        for name in datasets:
            if self.report.errors:
                remove_stamp(self.root, name)
            elif whole:
                seen = self.datasets.get(name, DatasetSeen())
                write_stamp(
                    self.root, name, seen, self.report.checks, sorted(self.report.unchecked)
                )
                self.report.stamped.append(name)


@dataclass(slots=True)
class _Tally:
    """Of one collection: hashed ids by partition, counts, the extent of its items."""

    hashes: list[tuple[str, bytes]]
    items: int = 0
    rows: int = 0
    extent: list[Any] | None = None


def _worker(root: Path, options: ValidateOptions) -> Callable[[Task], Visit]:
    """Make the function that does a task; once per process."""
    partitions = PartitionChecker(root, options, ItemValidator(exact=True))
    indexes = TableChecker(root)

    def work(task: Task) -> Visit:
        if isinstance(task, PartitionTask):
            return partitions.check(task)
        return indexes.check(task)

    return work


def _twins(walker: Walk, tally: _Tally) -> list[Any]:
    """Return a finding for each id that two items of one collection have."""
    ids = np.frombuffer(b"".join(one for _, one in tally.hashes), dtype="<u8")
    values, counts = np.unique(ids, return_counts=True)
    twice = {int(value).to_bytes(ID_HASH, "little") for value in values[counts > 1]}
    if not twice:
        return []
    found = []
    for partition, hashes in tally.hashes:
        here = {hashes[at : at + ID_HASH] for at in range(0, len(hashes), ID_HASH)}
        if here & twice:
            found += [
                error("duplicate-id", file, f"another item of its collection is {name} too")
                for file, name in _items_of(walker, partition)
                if id_hash(name) in twice
            ]
    return found


def _items_of(walker: Walk, partition: str) -> list[tuple[str, str]]:
    """Return file and id of each item of a partition."""
    found = []
    try:
        catalog, _ = walker.folder.json(partition)
        for link in catalog["links"]:
            if link["rel"] == "item":
                file = walker.folder.resolve(partition, link["href"])
                item, _ = walker.folder.json(file)
                found.append((file, str(item.get("id"))))
    except (Unreadable, ValueError, KeyError):
        return found
    return found


def _collection_faults(known: CollectionSeen, tally: _Tally, *, tables: bool) -> list[Any]:
    found = []
    if tables and known.mirrors and tally.rows != tally.items:
        text = f"{tally.items:,} items are in the catalog, {tally.rows:,} in its table of items"
        found.append(error("count", known.file, text))
    if tally.extent is None:
        return found
    try:
        box = known.extent["spatial"]["bbox"][0]
        start, end = known.extent["temporal"]["interval"][0]
    except (KeyError, IndexError, TypeError, ValueError):
        return found  # its schema says so
    west, south, east, north, first, last = tally.extent
    if west is not None and not (
        box[0] <= west and box[1] <= south and box[2] >= east and box[3] >= north
    ):
        text = f"its bbox {box} does not hold its items, {[west, south, east, north]}"
        found.append(error("extent", known.file, text))
    if (start is not None and start[:-1] > first[:-1]) or (
        end is not None and end[:-1] < last[:-1]
    ):
        text = f"its interval {start} to {end} does not hold its items, {first} to {last}"
        found.append(error("extent", known.file, text))
    return found
