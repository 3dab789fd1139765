"""What all items together make: index, split tables, leakage, summary.

Workers send what a partition adds, as columns and counts, when they make its items; partitions
whose items did not change are described again from their facts (microseconds each). This process
puts it together. Nothing depends on the order in which partitions come back.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from stacbuild.dataset import load
from stacbuild.engine import pool, tables
from stacbuild.engine.describe import Describer
from stacbuild.engine.layout import Layout
from stacbuild.engine.tally import empty, tally, tally_bands
from stacbuild.index.items import IndexWriter, encode_folders
from stacbuild.index.leakage import COLUMNS, leakage
from stacbuild.index.splits import SPLIT, Sample, SplitWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stacbuild.dataset import Dataset, Item
    from stacbuild.engine.ledger import Ledger
    from stacbuild.engine.progress import Progress
    from stacbuild.engine.tasks import Row, Workplace
    from stacbuild.index.leakage import LeakageReport
    from stacbuild.summary import Summary

CHUNK = 500
"""Samples that a worker describes at a time: enough to make columns worth their while."""

ALONE = 5_000
"""Samples that this process describes sooner than workers would have started."""

_KINDS = (pa.string(), pa.string(), pa.string(), *[pa.float64()] * 4)
"""Types of the columns of the leakage report."""


@dataclass(slots=True)
class Gathered:
    """What some partitions add.

    Parameters
    ----------
    keys : tuple of str
        The partitions.
    summary : Summary
        Counts over their items.
    columns : dict of str to pyarrow.RecordBatch
        Their items for the index, by collection.
    splits : list of Sample
        Their samples for the split tables.
    places : pyarrow.RecordBatch or None
        The same samples for the leakage report.
    """

    keys: tuple[str, ...]
    summary: Summary
    columns: dict[str, pa.RecordBatch] = field(default_factory=dict)
    splits: list[Sample] = field(default_factory=list)
    places: pa.RecordBatch | None = None


Described = tuple[str, "list[tuple[Row, list[Item]]]"]
"""A partition's key, and its samples: row of facts and items of each."""


def collect(dataset: Dataset, work: Workplace, partitions: Sequence[Described]) -> Gathered:
    """Return what the items of some partitions add."""
    gathered = Gathered(tuple(key for key, _ in partitions), empty(dataset))
    folders: dict[str, list[tuple[list[Item], str]]] = {name: [] for name in dataset.collection_ids}
    places: list[tuple[Any, ...]] = []
    for key, samples in partitions:
        of: dict[str, list[Item]] = {name: [] for name in dataset.collection_ids}
        tally_bands(samples, gathered.summary)
        for _, items in samples:
            tally(dataset, items, gathered.summary)
            for item in items:
                of[item["collection"]].append(item)
            if items[0]["properties"].get(SPLIT) is not None:
                gathered.splits.append(_sample(dataset, items, key))
                places.append(_place(items[0]))
        for name, found in of.items():
            folders[name].append((found, key))
    for name, pairs in folders.items():
        gathered.columns[name] = encode_folders(pairs, work.base(name))
    if places:
        # As columns: the whole dataset's stay in memory until the tables are written.
        columns = zip(zip(*places, strict=True), _KINDS, strict=True)
        gathered.places = pa.RecordBatch.from_arrays(
            [pa.array(column, kind) for column, kind in columns], names=list(COLUMNS)
        )
    return gathered


def _sample(dataset: Dataset, items: list[Item], key: str) -> Sample:
    """Return what the split tables carry of a sample."""
    imagery = items[0]
    properties = imagery["properties"]
    # What crosses to the other process is only what the tables carry.
    wanted = (SPLIT, *dataset.split_columns)
    slim = {
        "id": imagery["id"],
        "geometry": imagery["geometry"],
        "bbox": imagery.get("bbox"),
        "properties": {name: properties[name] for name in wanted if name in properties},
    }
    href = f"{key}/{imagery['id']}.json"
    if len(items) == 1:
        return Sample(slim, href)
    label = items[1]
    return Sample(slim, href, label["id"], f"../{label['collection']}/{key}/{label['id']}.json")


def _place(item: Item) -> tuple[Any, ...]:
    """Return a row of what the leakage report looks at: id, split, CRS and sides of the footprint.

    In its own CRS where the item gives ``proj:code`` and ``proj:bbox``, else in degrees; without
    either, nothing but id and split.
    """
    properties = item["properties"]
    code, box = properties.get("proj:code"), properties.get("proj:bbox")
    if code is None or box is None:
        code, box = "OGC:CRS84", item.get("bbox")
    if box is None:
        return item["id"], properties[SPLIT], None, None, None, None, None
    return item["id"], properties[SPLIT], code, *box


class Tables:
    """The tables of a dataset while partitions add to them; scratch files go at the end.

    Parameters
    ----------
    work : Workplace
        The dataset, and where it will be published.
    """

    def __init__(self, work: Workplace) -> None:
        self._work = work
        self.dataset = load(work.dataset)
        names = self.dataset.collection_ids
        self._stack = ExitStack()
        self.index = {
            name: self._stack.enter_context(IndexWriter(work.staging, work.base(name)))
            for name in names
        }
        self.splits = self._stack.enter_context(
            SplitWriter(
                work.staging,
                self.dataset.split_columns,
                base=work.base(names[0]),
                labels=len(names) > 1,
            )
        )
        self.summary = empty(self.dataset)
        self.leakage: LeakageReport | None = None
        self._places: list[pa.RecordBatch] = []
        self._taken: set[str] = set()

    def __enter__(self) -> Self:
        """Return the tables."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the scratch files."""
        self._stack.close()

    def add(self, part: Gathered) -> None:
        """Add what some partitions add."""
        self._taken.update(part.keys)
        self.summary.add(part.summary)
        for name, batch in part.columns.items():
            self.index[name].add_batch(batch)
        self.splits.add(part.splits)
        if part.places is not None:
            self._places.append(part.places)

    def complete(self, ledger: Ledger, *, jobs: int, progress: Progress) -> None:
        """Add the partitions on record that did not come yet, and look for leakage."""
        missing = {
            key: entry.samples
            for key, entry in ledger.entries.items()
            if entry.samples and not entry.join and key not in self._taken
        }
        progress.start("index", sum(missing.values()))
        jobs = jobs if sum(missing.values()) > ALONE else 1
        for part in pool.run(partial(_gatherer, self._work), _chunks(missing), jobs):
            self.add(part)
            progress.advance(part.summary.samples)
            del part  # before the next one comes: items as columns are the most that is held
            pa.default_memory_pool().release_unused()
        progress.finish()
        for entry in ledger.entries.values():
            for name, (objects, size) in entry.contents.items():
                self.summary.collections[name].objects += objects
                self.summary.collections[name].bytes += size
        self.summary.settle()
        if self._places:
            self.leakage = leakage(pa.Table.from_batches(self._places).to_pandas())
            self.summary.leakage = self.leakage.summary
            self._places = []


def _chunks(samples: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """Yield partitions, about `CHUNK` samples at a time, in order."""
    waiting: list[str] = []
    count = 0
    for key in sorted(samples):
        if waiting and count + samples[key] > CHUNK:
            yield tuple(waiting)
            waiting, count = [], 0
        waiting.append(key)
        count += samples[key]
    if waiting:
        yield tuple(waiting)


def _gatherer(work: Workplace) -> Callable[[Sequence[str]], Gathered]:
    return partial(gather, load(work.dataset), work)


def gather(dataset: Dataset, work: Workplace, keys: Sequence[str]) -> Gathered:
    """Describe the samples of some partitions again; return what they add."""
    layout = Layout(work.root, dataset.id)
    described = []
    for key in keys:
        describer = Describer(dataset, key, work.titles, validator=None)
        rows = tables.read_rows(layout.facts(key))
        described.append((key, [(row, describer.items(row)) for row in rows]))
    return collect(dataset, work, described)
