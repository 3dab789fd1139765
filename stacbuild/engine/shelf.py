"""Finished partitions are put in place: facts, manifest, then the folders by renaming."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stacbuild.engine import fingerprint, tables
from stacbuild.engine.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stacbuild.dataset import Dataset
    from stacbuild.engine.describe import Describer
    from stacbuild.engine.samples import Sink
    from stacbuild.engine.tasks import Row, Workplace


class Shelf:
    """Where the partitions of a dataset stand.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    work : Workplace
        The catalog's folder, and where to make things.
    """

    def __init__(self, dataset: Dataset, work: Workplace) -> None:
        self._dataset = dataset
        self._work = work
        self._layout = Layout(work.root, dataset.id)
        self.schema = tables.facts_schema(dataset.facts_schema, dataset.context_schema)

    def path(self, collection: str, key: str, name: str) -> str:
        """Return the path of a partition's file below the catalog's root."""
        return f"{self._dataset.id}/{collection}/{key}/{name}"

    @contextmanager
    def staging(self, key: str) -> Iterator[Path]:
        """Give an empty folder to make a partition in, and take away what is left of it."""
        folder = self._work.staging / key.replace("/", "@")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def put(
        self, key: str, staging: Path, sink: Sink, rows: list[Row], describer: Describer | None
    ) -> dict[str, Any]:
        """Write facts and manifest, then rename the finished partition into place.

        In this order, so that a kill in between is seen: the manifest no longer has the digest
        that the ledger knows, and the partition is made again.
        """
        if describer is None:
            record = self._record(key, rows, [], shard=True)
            self._swap(staging, self._layout.shards(key), keep=bool(rows))
            return record
        if rows:
            for collection, name, data in describer.catalogs():
                sink.write(collection, name, data)
        sink.keep()
        objects = [
            (self.path(collection, key, name), size, digest)
            for collection, name, size, digest in sink.kept
        ]
        record = self._record(key, rows, objects)
        for collection in self._dataset.collection_ids:
            target = self._layout.partition(collection, key)
            self._swap(staging / collection, target, keep=bool(rows))
        return record

    def _swap(self, made: Path, target: Path, *, keep: bool) -> None:
        """Put a folder in the place of the one before; without ``keep`` only take that away."""
        if target.exists():
            aside = self._work.staging / f"old-{os.getpid()}"
            target.rename(aside)
            if keep:
                made.rename(target)
            shutil.rmtree(aside)
        elif keep:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.rename(target)

    def _record(
        self, key: str, rows: list[Row], objects: list[tables.Object], *, shard: bool = False
    ) -> dict[str, Any]:
        """Write facts and manifest; return the fields of the ledger's line that follow."""
        schema = self.schema
        if shard and self._dataset.shard_schema is not None:
            schema = tables.facts_schema(self._dataset.shard_schema, self._dataset.context_schema)
        facts = tables.facts_digest(rows)
        digest = ""
        if rows:
            tables.write_rows(self._layout.facts(key), rows, schema, self._work.staging)
        else:
            self._layout.facts(key).unlink(missing_ok=True)
        if objects and rows:
            known = {path: (size, sha256) for path, size, sha256 in objects}
            digest = tables.write_manifest(self._layout.manifest(key), known, self._work.staging)
        else:
            self._layout.manifest(key).unlink(missing_ok=True)
        context = [row["context"] or {} for row in rows]
        return {
            "partition": key,
            "facts": facts,
            "items": fingerprint.items(self._dataset, self._work.titles, facts, context),
            "digest": digest,
            "samples": len(rows),
            "contents": contents_of(objects),
        }


def contents_of(objects: list[tables.Object]) -> dict[str, list[int]]:
    """Return number and bytes of a partition's files, by collection."""
    found: dict[str, list[int]] = {}
    for path, size, _ in objects:
        counts = found.setdefault(path.split("/", 2)[1], [0, 0])
        counts[0] += 1
        counts[1] += size
    return dict(sorted(found.items()))
