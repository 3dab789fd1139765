"""One GeoParquet table per split: which samples it holds, where they lie, what they are.

A training script reads one small file: ids, hrefs of the items, the dataset's label columns
and footprints, sorted by id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from stacbuild.errors import CatalogError
from stacbuild.index.geoparquet import ROW_GROUP, Extent, TableFile, Writer, boxes, wkb
from stacbuild.index.hrefs import Hrefs
from stacbuild.index.schema import SchemaError, settle, unify_schemas
from stacbuild.index.spool import Spool
from stacbuild.index.times import TIMES, to_instants
from stacbuild.index.transpose import column
from stacbuild.summary import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    from stacbuild.dataset import Item

SPLIT = "ml-aoi:split"
FOLDER = "splits"
"""The tables' folder, in the collection's folder."""

_GATHER = 2_000
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_FIRST = ("item_id", "href", "label_item_id", "label_href", "split")
_LAST = ("geometry", "bbox")


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a split table.

    Parameters
    ----------
    item : dict
        Its imagery item.
    href : str
        Of the item, relative to the collection's folder.
    label_id, label_href : str, optional
        Of its label item, in the same way; None if the dataset has no labels collection.
    """

    item: Item
    href: str
    label_id: str | None = None
    label_href: str | None = None


class SplitWriter:
    """Write the split tables of a collection from samples that arrive in any order.

    Samples without split are passed over. Memory holds the ids and about two row groups.

    Parameters
    ----------
    scratch : Path
        An existing folder for scratch files.
    columns : sequence of str
        Item properties to carry, in this order: `Dataset.split_columns`.
    base : str, optional
        URL of the collection's folder; makes hrefs absolute. Without it they are relative to
        the tables' folder, ``splits/``.
    labels : bool
        Whether there is a labels collection: adds ``label_item_id`` and ``label_href``.
    """

    def __init__(
        self, scratch: Path, columns: Sequence[str], *, base: str | None = None, labels: bool
    ) -> None:
        if taken := {*_FIRST, *_LAST} & set(columns):
            raise SchemaError(f"split column {min(taken)!r} is there already")
        self._scratch = scratch
        self._columns = tuple(name for name in columns if name != SPLIT)
        self._first = _FIRST if labels else ("item_id", "href", "split")
        self._labels = labels
        # Relative hrefs start in the tables' folder, one below the collection's.
        self._seen = Hrefs("." if base else "..", base)
        self._spools: dict[str, Spool] = {}
        self._extents: dict[str, Extent] = {}
        self._waiting: dict[str, list[Sample]] = {}

    def __enter__(self) -> Self:
        """Return the writer; leaving drops its scratch files."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the scratch files."""
        for spool in self._spools.values():
            spool.close()

    def add(self, samples: Iterable[Sample]) -> None:
        """Add samples.

        Raises
        ------
        SchemaError
            If a split's name cannot be a file's, or a property does not fit a table.
        """
        for sample in samples:
            split = sample.item["properties"].get(SPLIT)
            if split is None:
                continue
            waiting = self._waiting.get(split)
            if waiting is None:
                if not isinstance(split, str) or not _NAME.fullmatch(split):
                    raise SchemaError(f"{SPLIT} is {split!r}, which cannot name a table")
                waiting = self._waiting[split] = []
            waiting.append(sample)
            if len(waiting) == _GATHER:
                self._drain(split)

    def _drain(self, split: str) -> None:
        samples, self._waiting[split] = self._waiting[split], []
        if not samples:
            return
        batch = self._batch(samples)
        if split not in self._spools:
            self._spools[split] = Spool(self._scratch)
            self._extents[split] = Extent()
        keys = pa.RecordBatch.from_arrays([batch.column("item_id")], names=["item_id"])
        self._spools[split].add(batch, keys)
        self._extents[split].add(batch)

    def _batch(self, samples: Sequence[Sample]) -> pa.RecordBatch:
        items = [sample.item for sample in samples]
        properties = [item["properties"] for item in items]
        seen = self._seen
        plain: dict[str, list[Any]] = {
            "item_id": [item["id"] for item in items],
            "href": [seen(sample.href) for sample in samples],
            "split": [inner[SPLIT] for inner in properties],
        }
        if self._labels:
            hrefs = [sample.label_href for sample in samples]
            plain["label_item_id"] = [sample.label_id for sample in samples]
            plain["label_href"] = [None if href is None else seen(href) for href in hrefs]
        found = {name: column(values, name) for name, values in plain.items()}
        for name in self._columns:
            array = column([inner.get(name) for inner in properties], name)
            found[name] = to_instants(array, name) if name in TIMES else array
        found["geometry"] = pa.array([wkb(item["geometry"]) for item in items], pa.binary())
        found["bbox"] = boxes([item.get("bbox") for item in items])
        names = sorted(found)
        return pa.RecordBatch.from_arrays([found[name] for name in names], names=names)

    def finish(self, folder: Path) -> dict[str, TableFile]:
        """Sort and write ``splits/<name>.parquet`` for every split that has samples.

        Parameters
        ----------
        folder : Path
            The collection's folder.

        Returns
        -------
        dict of str to TableFile
            By split: train, validate, test, then others by name.

        Raises
        ------
        SchemaError
            If a column has types that cannot be united over the splits.
        CatalogError
            If an id stands twice in a split.
        """
        for split in self._waiting:
            self._drain(split)
        if not self._spools:
            return {}
        united = reduce(unify_schemas, (spool.schema for spool in self._spools.values()))
        names = (*self._first, *self._columns, *_LAST)
        schema = pa.schema([pa.field(n, settle(united.field(n).type, n)) for n in names])
        rank = {name: place for place, name in enumerate(SPLITS)}
        splits = sorted(self._spools, key=lambda name: (rank.get(name, len(rank)), name))
        return {split: self._write(folder, split, schema) for split in splits}

    def _write(self, folder: Path, split: str, schema: pa.Schema) -> TableFile:
        path = folder / FOLDER / f"{split}.parquet"
        spool = self._spools[split]
        if (twin := spool.repeated("item_id")) is not None:
            raise CatalogError(f"item {twin!r} stands twice in the split", file=path)
        with Writer(path, schema, {"geo": self._extents[split].metadata()}) as writer:
            for bucket in spool.buckets(schema, ROW_GROUP):
                writer.write(bucket)
                del bucket  # or it stays in memory while the next one is made
        return writer.done()
