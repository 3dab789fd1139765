"""One pass over the facts of all partitions: index, split tables, leakage, summary.

Workers describe the samples again (microseconds each) and send columns and counts; this process
puts them together. Nothing depends on the order in which partitions come back.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stacbuild.dataset import load
from stacbuild.engine import pool, tables
from stacbuild.engine.describe import Describer
from stacbuild.engine.layout import Layout
from stacbuild.engine.tally import empty, tally
from stacbuild.index.items import IndexWriter, encode_folders
from stacbuild.index.leakage import COLUMNS, leakage
from stacbuild.index.splits import SPLIT, Sample, SplitWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from stacbuild.dataset import Dataset, Item
    from stacbuild.engine.items import Titles
    from stacbuild.engine.ledger import Ledger
    from stacbuild.engine.progress import Progress
    from stacbuild.index.leakage import LeakageReport
    from stacbuild.summary import Summary

CHUNK = 500
"""Samples that a worker describes at a time: enough to make columns worth their while."""

ALONE = 5_000
"""Samples that this process describes sooner than workers would have started."""

_KINDS = (pa.string(), pa.string(), pa.string(), *[pa.float64()] * 4)
"""Types of the columns of the leakage report."""


@dataclass(frozen=True, slots=True)
class GatherPlace:
    """What all chunks of a pass share; sent to each worker once.

    Parameters
    ----------
    dataset : str
        The dataset's id.
    root : Path
        The catalog's folder.
    titles : Titles
        Titles that structural links carry.
    public_url : str or None
        Makes hrefs absolute.
    """

    dataset: str
    root: Path
    titles: Titles
    public_url: str | None

    def base(self, collection: str) -> str | None:
        """Return the URL of a collection's folder, if the catalog's is known."""
        return self.public_url and f"{self.public_url}/{self.dataset}/{collection}"


@dataclass(slots=True)
class Gathered:
    """What a chunk of partitions adds."""

    summary: Summary
    columns: dict[str, pa.RecordBatch] = field(default_factory=dict)
    splits: list[Sample] = field(default_factory=list)
    places: pa.RecordBatch | None = None


def chunks(ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """Yield keys of partitions that hold items, about `CHUNK` samples at a time, in order."""
    waiting: list[str] = []
    samples = 0
    for key in sorted(ledger.entries):
        entry = ledger.entries[key]
        if entry.samples == 0 or entry.join:
            continue
        if waiting and samples + entry.samples > CHUNK:
            yield tuple(waiting)
            waiting, samples = [], 0
        waiting.append(key)
        samples += entry.samples
    if waiting:
        yield tuple(waiting)


@dataclass(slots=True)
class Gatherer:
    """Describes chunks of partitions, in one process."""

    place: GatherPlace
    dataset: Dataset = field(init=False)
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        """Load the dataset package."""
        self.dataset = load(self.place.dataset)
        self.layout = Layout(self.place.root, self.dataset.id)

    def gather(self, keys: Sequence[str]) -> Gathered:
        """Describe all samples of some partitions."""
        gathered = Gathered(empty(self.dataset))
        folders: dict[str, list[tuple[list[Item], str]]] = {
            name: [] for name in self.dataset.collection_ids
        }
        places: list[tuple[Any, ...]] = []
        for key in keys:
            describer = Describer(self.dataset, key, self.place.titles, validator=None)
            of: dict[str, list[Item]] = {name: [] for name in self.dataset.collection_ids}
            for row in tables.read_rows(self.layout.facts(key)):
                items = describer.items(row)
                tally(self.dataset, row, items, gathered.summary)
                for item in items:
                    of[item["collection"]].append(item)
                sample = self._split(items, key)
                if sample is not None:
                    gathered.splits.append(sample)
                    places.append(_place(items[0]))
            for name, items in of.items():
                folders[name].append((items, key))
        for name, found in folders.items():
            gathered.columns[name] = encode_folders(found, self.place.base(name))
        if places:
            # As columns: the whole dataset's stay in memory until the pass is over.
            gathered.places = pa.RecordBatch.from_arrays(
                [
                    pa.array(column, kind)
                    for column, kind in zip(zip(*places, strict=True), _KINDS, strict=True)
                ],
                names=list(COLUMNS),
            )
        return gathered

    def _split(self, items: list[Item], key: str) -> Sample | None:
        """Return what the split tables carry of a sample, if it has a split."""
        imagery = items[0]
        properties = imagery["properties"]
        if properties.get(SPLIT) is None:
            return None
        # What crosses to the other process is only what the tables carry.
        wanted = (SPLIT, *self.dataset.split_columns)
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


@dataclass(slots=True)
class Tables:
    """What a pass made: the summary, and the tables that are to be written.

    Parameters
    ----------
    summary : Summary
        Counts over all items.
    index : dict of str to IndexWriter
        By collection.
    splits : SplitWriter
        Split tables of the imagery collection.
    leakage : LeakageReport or None
        Samples of different splits that share ground; None where there are no splits.
    """

    summary: Summary
    index: dict[str, IndexWriter]
    splits: SplitWriter
    leakage: LeakageReport | None = None


@contextmanager
def gather(
    place: GatherPlace, ledger: Ledger, scratch: Path, *, jobs: int, progress: Progress
) -> Iterator[Tables]:
    """Make one pass over the facts of all partitions; scratch files go with the context."""
    dataset = load(place.dataset)
    first = dataset.collection_ids[0]
    with ExitStack() as stack:
        index = {
            name: stack.enter_context(IndexWriter(scratch, place.base(name)))
            for name in dataset.collection_ids
        }
        splits = stack.enter_context(
            SplitWriter(
                scratch,
                dataset.split_columns,
                base=place.base(first),
                labels=len(dataset.collection_ids) > 1,
            )
        )
        tables_ = Tables(empty(dataset), index, splits)
        places: list[pa.RecordBatch] = []
        items = sum(entry.samples for entry in ledger.entries.values() if not entry.join)
        progress.start("index", items)
        jobs = jobs if items > ALONE else 1
        for part in pool.run(partial(_gatherer, place), chunks(ledger), jobs):
            tables_.summary.add(part.summary)
            for name, batch in part.columns.items():
                index[name].add_batch(batch)
            splits.add(part.splits)
            if part.places is not None:
                places.append(part.places)
            progress.advance(part.summary.samples)
            del part  # before the next one comes: items as columns are the most that is held
            pa.default_memory_pool().release_unused()
        progress.finish()
        for entry in ledger.entries.values():
            for name, (objects, size) in entry.contents.items():
                tables_.summary.collections[name].objects += objects
                tables_.summary.collections[name].bytes += size
        if places:
            tables_.leakage = leakage(pa.Table.from_batches(places).to_pandas())
            tables_.summary.leakage = tables_.leakage.summary
        yield tables_


def _gatherer(place: GatherPlace) -> Callable[[Sequence[str]], Gathered]:
    return Gatherer(place).gather
