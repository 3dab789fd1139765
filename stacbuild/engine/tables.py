"""Facts shards and manifests: one small Parquet file each per partition."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from stacbuild.engine import atomic
from stacbuild.stac.encode import dumps_canonical

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_TYPE = pa.struct(
    [
        pa.field("collection", pa.string()),
        pa.field("name", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("sha256", pa.binary(32)),
    ]
)
"""An asset that a sample wrote."""

MANIFEST_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("sha256", pa.binary(32), nullable=False),
    ]
)
"""An object of a partition: its path below the catalog's root."""


def facts_schema(dataset_columns: pa.Schema, context_columns: pa.Schema) -> pa.Schema:
    """Return the schema of a facts shard: the engine's columns, the dataset's, the context's."""
    columns = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("raw_sha256", pa.binary(32)),
        pa.field("files", pa.list_(FILE_TYPE)),
        pa.field("facts", pa.struct(list(dataset_columns))),
    ]
    if len(context_columns):  # Parquet has no struct without fields.
        columns.append(pa.field("context", pa.struct(list(context_columns))))
    return pa.schema(columns)


def write_rows(path: Path, rows: list[dict[str, Any]], schema: pa.Schema, scratch: Path) -> None:
    """Write the rows of a facts shard."""
    write_table(path, pa.Table.from_pylist(rows, schema=schema), scratch)


def write_table(path: Path, table: pa.Table, scratch: Path) -> bool:
    """Write a small table as Parquet, atomically, unless it is there already."""
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        write_statistics=False,
        use_dictionary=False,
        store_schema=True,
    )
    return atomic.write(path, buffer.getvalue(), scratch)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a facts shard."""
    rows: list[dict[str, Any]] = pq.read_table(path, use_threads=False).to_pylist()
    for row in rows:
        row.setdefault("context", None)
        row["facts"]["id"] = row["id"]
    return rows


def read_ids(path: Path) -> list[str]:
    """Return the ids of a facts shard's samples."""
    ids: list[str] = pq.read_table(path, columns=["id"], use_threads=False)["id"].to_pylist()
    return ids


def facts_digest(rows: Iterable[dict[str, Any]]) -> str:
    """Return the SHA-256 (hex) of the facts of a partition; its context does not enter."""
    state = hashlib.sha256()
    for row in rows:
        state.update(row["id"].encode())
        state.update(row["raw_sha256"] or b"")
        for file in row["files"]:
            state.update(file["sha256"])
        state.update(dumps_canonical(row["facts"]))
    return state.hexdigest()


Object = tuple[str, int, bytes]
"""Path below the catalog's root, size in bytes, SHA-256."""

Objects = dict[str, tuple[int, bytes]]
"""Size in bytes and SHA-256 by path below the catalog's root."""


def manifest_digest(objects: Objects) -> str:
    """Return the SHA-256 (hex) of a manifest's content."""
    state = hashlib.sha256()
    for name, (size, sha256) in sorted(objects.items()):
        state.update(f"{name}\0{size}\0".encode())
        state.update(sha256)
    return state.hexdigest()


def write_manifest(path: Path, objects: Objects, scratch: Path) -> str:
    """Write a partition's manifest, sorted by path; return its digest (hex)."""
    ordered = sorted(objects.items())
    table = pa.table(
        {
            "path": [name for name, _ in ordered],
            "size": [size for _, (size, _) in ordered],
            "sha256": [sha256 for _, (_, sha256) in ordered],
        },
        schema=MANIFEST_SCHEMA,
    )
    write_table(path, table, scratch)
    return manifest_digest(objects)


def read_manifest(path: Path) -> Objects:
    """Return size and SHA-256 of each object of a partition, by path below the root."""
    table = pq.read_table(path, use_threads=False)
    return {
        name: (size, digest)
        for name, size, digest in zip(
            table["path"].to_pylist(),
            table["size"].to_pylist(),
            table["sha256"].to_pylist(),
            strict=True,
        )
    }
