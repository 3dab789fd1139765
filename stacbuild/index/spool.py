"""Sort more rows than memory holds: record batches on disk, keys in memory.

Batches arrive in any order and are put on disk. At the end the keys say which rank each row
has; every row goes to its bucket (a future row group), again on disk, and the buckets are read
one by one. Memory holds the keys and about two buckets, however many rows there are.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stacbuild.index.schema import conform, unify_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

GROUP_BYTES = 4 << 20
"""Batches are gathered up to this size before they go to disk."""


class Segments:
    """Record batches in one scratch file without a name, compressed, read back by number."""

    def __init__(self, scratch: Path) -> None:
        # Unlinked at once: nothing is left behind, whatever happens to the process.
        self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - lives as long as this
        self._codec = pa.Codec("lz4")
        self._places: list[tuple[int, int, int, pa.Schema]] = []
        self._end = 0

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._places)

    def append(self, batch: pa.RecordBatch) -> int:
        """Write a batch, return its number."""
        plain = batch.serialize()
        packed = self._codec.compress(plain)
        self._file.seek(self._end)
        self._file.write(packed)
        self._places.append((self._end, packed.size, plain.size, batch.schema))
        self._end += packed.size
        return len(self._places) - 1

    def read(self, number: int) -> pa.RecordBatch:
        """Read a batch back."""
        start, packed, plain, schema = self._places[number]
        self._file.seek(start)
        data = self._codec.decompress(self._file.read(packed), plain)
        return pa.ipc.read_record_batch(data, schema)

    def close(self) -> None:
        """Drop the file."""
        self._file.close()


class Spool:
    """An external sort of record batches whose schemas may grow from one to the next.

    Parameters
    ----------
    scratch : Path
        An existing folder on the disk where scratch files may lie.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.schema: pa.Schema = pa.schema([])
        self.rows = 0
        self._segments = Segments(scratch)
        self._waiting: list[pa.RecordBatch] = []
        self._bytes = 0
        self._keys: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        """Return the spool; leaving drops its scratch file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the scratch file."""
        self.close()

    def close(self) -> None:
        """Drop the scratch file."""
        self._segments.close()

    def add(self, batch: pa.RecordBatch, keys: pa.RecordBatch) -> None:
        """Add rows.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
        keys : pyarrow.RecordBatch
            As many rows: what they are sorted by, first column first; all different.

        Raises
        ------
        SchemaError
            If a field's type cannot be united with what it was before.
        """
        self.schema = unify_schemas(self.schema, batch.schema)
        self._waiting.append(batch)
        # Copied: a column that came from another process would keep its whole batch alive.
        self._keys.append(keys.take(pa.array(np.arange(keys.num_rows))))
        self.rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            fitted = [conform(batch, self.schema) for batch in self._waiting]
            self._segments.append(pa.concat_batches(fitted))
            self._waiting, self._bytes = [], 0

    def _key_table(self) -> pa.Table:
        table = pa.Table.from_batches(self._keys).combine_chunks()
        self._keys = table.to_batches()
        return table

    def repeated(self, key: str) -> str | None:
        """Return the first value that stands twice in a key column of text, if any."""
        if self.rows < 2:  # noqa: PLR2004 - it takes two
            return None
        column = self._key_table().column(key)
        # Sorted, not hashed: a hash table of all ids would be the largest thing in memory.
        values = column.take(pc.sort_indices(column)).combine_chunks()
        twins = values.slice(1).filter(pc.equal(values.slice(1), values.slice(0, len(values) - 1)))
        return str(twins[0].as_py()) if len(twins) else None

    def buckets(self, schema: pa.Schema, size: int) -> Iterator[pa.RecordBatch]:
        """Yield all rows in order of their keys, ``size`` of them at a time.

        Parameters
        ----------
        schema : pyarrow.Schema
            Of the batches yielded: `schema` or a wider one.
        size : int
            Rows a batch; the last one may have fewer.
        """
        if not self.rows:
            return
        self._flush()
        ranks = self._ranks()
        with _Buckets(self.scratch, schema, size) as buckets:
            start = 0
            for number in range(len(self._segments)):
                batch = conform(self._segments.read(number), schema)
                buckets.add(batch, ranks[start : start + batch.num_rows])
                start += batch.num_rows
            yield from buckets.sorted()

    def _ranks(self) -> NDArray[np.int64]:
        table = self._key_table()
        keys: Any = [(name, "ascending") for name in table.column_names]
        places = pc.sort_indices(table, sort_keys=keys).to_numpy()
        ranks = np.empty(self.rows, np.int64)
        ranks[places] = np.arange(self.rows)
        return ranks


class _Buckets:
    """Rows on disk by the bucket that their rank falls into; the widest column lies apart.

    A bucket is put together part by part, so that only one part is in memory twice.
    """

    def __init__(self, scratch: Path, schema: pa.Schema, size: int) -> None:
        self._scratch = scratch
        self._schema = schema
        self._size = size
        self._parts: list[tuple[list[str], Segments]] = []
        self._ranks: dict[int, list[tuple[int, NDArray[np.int64]]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for part in self._parts:
            part[1].close()

    def _split(self, batch: pa.RecordBatch) -> None:
        names = batch.schema.names
        widest = max(names, key=lambda name: batch.column(name).nbytes)
        parts = [[widest], [name for name in names if name != widest]]
        self._parts = [(part, Segments(self._scratch)) for part in parts if part]

    def add(self, batch: pa.RecordBatch, ranks: NDArray[np.int64]) -> None:
        places = np.argsort(ranks)
        ranks = ranks[places]
        batch = batch.take(pa.array(places))
        if not self._parts:
            self._split(batch)
        numbers, starts = np.unique(ranks // self._size, return_index=True)
        ends = [*starts[1:].tolist(), len(ranks)]
        for number, start, end in zip(numbers.tolist(), starts.tolist(), ends, strict=True):
            piece = batch.slice(start, end - start)
            for names, segments in self._parts:
                place = segments.append(piece.select(names))
            self._ranks.setdefault(number, []).append((place, ranks[start:end]))

    def sorted(self) -> Iterator[pa.RecordBatch]:
        for number in sorted(self._ranks):
            batch = self._bucket(self._ranks.pop(number))
            yield batch
            del batch  # before the next one is read
            pa.default_memory_pool().release_unused()

    def _bucket(self, pieces: list[tuple[int, NDArray[np.int64]]]) -> pa.RecordBatch:
        places = pa.array(np.argsort(np.concatenate([ranks for _, ranks in pieces])))
        columns: dict[str, pa.Array] = {}
        for names, segments in self._parts:
            part = pa.concat_batches([segments.read(piece) for piece, _ in pieces])
            part = part.take(places)
            columns.update(zip(names, part.columns, strict=True))
            del part  # before the next one is read
        ordered = [columns[name] for name in self._schema.names]
        return pa.RecordBatch.from_arrays(ordered, schema=self._schema)
