"""What one worker does with one partition: convert its samples, describe and write its items.

A partition is made in a staging folder, renamed into place, and only then put on record. Whoever
kills the process at any instant leaves either the partition before or the partition after.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stacbuild.dataset import Shard, load
from stacbuild.engine import atomic, fingerprint, samples, tables
from stacbuild.engine.describe import Describer
from stacbuild.engine.gather import collect
from stacbuild.engine.layout import Layout
from stacbuild.engine.ledger import Entry
from stacbuild.engine.samples import JoinFiles, SampleFiles, Sink
from stacbuild.engine.shelf import Shelf, contents_of
from stacbuild.engine.tasks import Result
from stacbuild.errors import CatalogError, SampleError
from stacbuild.validate.item import ItemValidator

if TYPE_CHECKING:
    from stacbuild.dataset import Dataset, Item, SampleRef
    from stacbuild.engine.gather import Gathered
    from stacbuild.engine.samples import Written
    from stacbuild.engine.tasks import Row, Task, Workplace

Reject = dict[str, str]


@dataclass(slots=True)
class Worker:
    """Does partitions, one after another, in one process."""

    place: Workplace
    dataset: Dataset = field(init=False)
    layout: Layout = field(init=False)
    validator: ItemValidator = field(init=False)
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        """Load the dataset package and compile the schemas."""
        self.dataset = load(self.place.dataset)
        self.layout = Layout(self.place.root, self.dataset.id)
        self.validator = ItemValidator()
        self.shelf = Shelf(self.dataset, self.place)

    # -- the three kinds of work ----------------------------------------------------------

    def build(self, task: Task) -> Result:
        """Bring a partition up to date with its raw files and its context."""
        if task.known is not None:
            now = self._stamp(task)
            if self._pixels_hold(task, now):
                return self.describe(task, now)
        with self.shelf.staging(task.key) as staging:
            sink = Sink(staging, self.dataset.collection_ids)
            is_shard = self.dataset.join_key(task.key) is not None
            describer = None if is_shard else self._describer(task.key)
            rows, rejects, raw, now = self._convert(task, sink)
            gathered = None
            if describer is not None:
                samples = self._describe(rows, sink, describer, rejects)
                rows = [row for row, _ in samples]
                gathered = collect(self.dataset, self.place, [(task.key, samples)])
            entry = self.shelf.put(task.key, staging, sink, rows, describer)
        made = Entry(
            **{
                **entry,
                "pixels": fingerprint.pixels(self.dataset, task, raw),
                "rejects": tuple(rejects),
                "join": self.dataset.join_key(task.key),
            }
        )
        done = self._result(made, now, gathered)
        return replace(done, converted=len(rows), described=len(rows))

    def join(self, task: Task) -> Result:
        """Make the item of a join partition from its shards."""
        pixels = fingerprint.joined(self.dataset, task.shards)
        if task.known is not None and task.known.pixels == pixels and self._in_place(task.known):
            return self.describe(task, "")
        shards = [self._shard(entry) for entry in task.shards if entry.samples]
        with self.shelf.staging(task.key) as staging:
            sink = Sink(staging, self.dataset.collection_ids)
            describer = self._describer(task.key)
            facts = self.dataset.join(task.key, shards, JoinFiles(sink))
            row = _row(task.key.rpartition("/")[2], None, sink.keep(), facts, None)
            items = describer.items(row)
            for collection, name, data in describer.documents(items):
                sink.write(collection, name, data)
            entry = self.shelf.put(task.key, staging, sink, [row], describer)
        gathered = collect(self.dataset, self.place, [(task.key, [(row, items)])])
        done = self._result(Entry(**{**entry, "pixels": pixels}), "", gathered)
        return replace(done, converted=1, described=1)

    def describe(self, task: Task, now: str | None = None) -> Result:
        """Make the items of a partition again from its facts, where they would differ."""
        entry = task.known
        stamp = task.stamp if now is None else now
        if entry is None:
            raise CatalogError(f"partition {task.key} is not in the ledger", file=self.layout.state)
        if entry.samples == 0 or entry.join:
            return self._result(entry, stamp)
        rows: list[Row] | None = None
        if task.context is None:
            rows = tables.read_rows(self.layout.facts(task.key))
            context = [row.get("context") or {} for row in rows]
        else:
            context = _accepted(task, entry)
        items = fingerprint.items(self.dataset, self.place.titles, entry.facts, context)
        objects = tables.read_manifest(self.layout.manifest(task.key))
        # Another digest than the ledger's: the last rewrite was killed on its way.
        whole = tables.manifest_digest(objects) == entry.digest
        if items == entry.items and whole:
            return self._result(entry, stamp)
        rows = rows or tables.read_rows(self.layout.facts(task.key))
        same = all(row["context"] == fresh for row, fresh in zip(rows, context, strict=True))
        for row, fresh in zip(rows, context, strict=True):
            self._same_pixels(row, fresh)
            row["context"] = fresh
        describer = self._describer(task.key)
        samples = [(row, describer.items(row)) for row in rows]
        changed = self._changed(describer, samples, objects if whole else {})
        for path, data in changed.items():
            objects[path] = (len(data), hashlib.sha256(data).digest())
        if not same:
            tables.write_rows(
                self.layout.facts(task.key), rows, self.shelf.schema, self.place.staging
            )
        digest = tables.write_manifest(self.layout.manifest(task.key), objects, self.place.staging)
        root = os.fspath(self.layout.root)
        for path, data in changed.items():
            atomic.replace(f"{root}/{path}", data, self.place.staging)
        contents = contents_of([(path, *what) for path, what in objects.items()])
        made = replace(entry, items=items, digest=digest, contents=contents)
        gathered = collect(self.dataset, self.place, [(task.key, samples)])
        return replace(self._result(made, stamp, gathered), described=len(changed))

    def _same_pixels(self, row: Row, context: Row) -> None:
        """Refuse a context under which the sample would have to be converted again."""
        old = row["context"] or {}
        for name in self.dataset.pixel_columns:
            if context.get(name) != old.get(name):
                raise CatalogError(
                    f"{row['id']} has to be converted again: {name} was {old.get(name)!r} "
                    f"and is {context.get(name)!r}",
                    mend="Build from the raw input",
                )

    # -- whether there is anything to do --------------------------------------------------

    def _stamp(self, task: Task) -> str:
        inputs = self.place.inputs
        return fingerprint.stamp(
            task.refs, (samples.stamp(ref, inputs[ref.input]) for ref in task.refs)
        )

    def _pixels_hold(self, task: Task, now: str) -> bool:
        """Return whether the pixels on record were made from just this input."""
        entry = task.known
        if entry is None or not self._in_place(entry):
            return False
        if task.stamp == now and not task.rehash:
            raw = self._raw_on_record(entry)
        else:
            raw = {ref.id: self._raw_digest(ref) for ref in task.refs}
        return fingerprint.pixels(self.dataset, task, raw) == entry.pixels

    def _in_place(self, entry: Entry) -> bool:
        """Return whether every object of the partition is there in its full size."""
        if entry.samples == 0:
            return True
        root = os.fspath(self.layout.root)
        try:
            if entry.join:
                return self.layout.shards(entry.partition).is_dir()
            manifest = tables.read_manifest(self.layout.manifest(entry.partition))
            return (
                tables.manifest_digest(manifest) == entry.digest
                and self.layout.facts(entry.partition).is_file()
                and all(
                    os.stat(f"{root}/{name}").st_size == size  # noqa: PTH116 - the hot path
                    for name, (size, _) in manifest.items()
                )
            )
        except (OSError, pa.ArrowException):
            return False

    def _raw_on_record(self, entry: Entry) -> dict[str, str]:
        raw = {reject["id"]: reject["raw"] for reject in entry.rejects}  # of samples not on record
        if entry.samples:
            for row in tables.read_rows(self.layout.facts(entry.partition)):
                raw[row["id"]] = row["raw_sha256"].hex()
        return raw

    def _raw_digest(self, ref: SampleRef) -> str:
        try:
            return SampleFiles(ref, self.place.inputs[ref.input], None).digest().hex()
        except SampleError:
            return ""

    # -- convert --------------------------------------------------------------------------

    def _convert(
        self, task: Task, sink: Sink
    ) -> tuple[list[Row], list[Reject], dict[str, str], str]:
        """Convert the samples of a partition.

        Returns rows of facts, rejects, digests of raw files by id, and the partition's stamp.
        """
        rows: list[Row] = []
        stamps: list[str] = []
        rejects = list(task.rejected)
        raw: dict[str, str] = {}
        for ref, context in zip(task.refs, task.context or [], strict=True):
            content: bytes | None = None
            # Of the very files that are read: whatever changes later has another stamp.
            seen_at = ""
            try:
                files = SampleFiles(ref, self.place.inputs[ref.input], sink)
                content, seen_at = files.digest(), files.stamp
                seen = fingerprint.pixel_row(self.dataset, context)
                facts = self.dataset.convert(ref, seen, files)
            except SampleError as error:
                sink.drop()
                rejects.append(_reject(ref.id, error, content))
            else:
                rows.append(_row(ref.id, content, sink.keep(), facts, context))
            raw[ref.id] = content.hex() if content else ""
            stamps.append(seen_at)
        return rows, rejects, raw, fingerprint.stamp(task.refs, stamps)

    def _describe(
        self, rows: list[Row], sink: Sink, describer: Describer, rejects: list[Reject]
    ) -> list[tuple[Row, list[Item]]]:
        """Write the items of converted samples; return those that have them, with their items.

        After all of the partition's pixels: compression and validation would each throw the
        other out of the processor's caches, sample by sample.
        """
        good = []
        for row in rows:
            try:
                items = describer.items(row)
            except SampleError as error:
                files = [
                    (file["collection"], file["name"], file["size"], file["sha256"])
                    for file in row["files"]
                ]
                sink.drop(files)
                rejects.append(_reject(row["id"], error, row["raw_sha256"]))
                continue
            for collection, name, data in describer.documents(items):
                sink.write(collection, name, data)
            sink.keep()
            good.append((row, items))
        return good

    def _shard(self, entry: Entry) -> Shard:
        folder = self.layout.shards(entry.partition)
        files = {path.name: path for path in sorted(folder.glob("*/*"))}
        rows = tables.read_rows(self.layout.facts(entry.partition))
        return Shard(entry.partition, [row["facts"] for row in rows], files)

    def _changed(
        self,
        describer: Describer,
        samples: list[tuple[Row, list[Item]]],
        known: dict[str, tuple[int, bytes]],
    ) -> dict[str, bytes]:
        """Return the documents of a partition that differ from the known ones, by path."""
        documents = [document for _, items in samples for document in describer.documents(items)]
        documents.extend(describer.catalogs())
        return {
            path: data
            for collection, name, data in documents
            for path in (self.shelf.path(collection, describer.key, name),)
            if known.get(path) != (len(data), hashlib.sha256(data).digest())
        }

    def _describer(self, key: str) -> Describer:
        return Describer(self.dataset, key, self.place.titles, self.validator)

    def _result(self, entry: Entry, stamp: str, gathered: Gathered | None = None) -> Result:
        unchecked = frozenset(self.validator.unchecked)
        return Result(entry, stamp, unchecked=unchecked, gathered=gathered)


def _row(
    sample: str,
    raw: bytes | None,
    written: list[Written],
    facts: dict[str, Any],
    context: Row | None,
) -> Row:
    files = [
        {"collection": collection, "name": name, "size": size, "sha256": digest}
        for collection, name, size, digest in written
    ]
    return {
        "id": sample,
        "raw_sha256": raw,
        "files": files,
        "facts": {**facts, "id": sample},
        "context": context,
    }


def _reject(sample: str, error: SampleError, raw: bytes | None) -> Reject:
    return {
        "id": sample,
        "kind": error.kind,
        "reason": error.reason,
        # The name alone: where the input lies is this machine's business.
        "file": PurePath(error.file).name if error.file else "",
        "raw": raw.hex() if raw else "",
    }


def _accepted(task: Task, entry: Entry) -> list[Row]:
    if not task.refs:  # made for the samples on record
        return task.context or []
    # A name that came twice is on the list of rejects, and yet its first sample is there.
    rejected = {reject["id"] for reject in entry.rejects if reject["kind"] != "duplicate"}
    return [
        row
        for ref, row in zip(task.refs, task.context or [], strict=True)
        if ref.id not in rejected
    ]
