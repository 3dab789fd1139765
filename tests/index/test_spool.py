from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from stacbuild.index import spool as module
from stacbuild.index.spool import Spool


@pytest.mark.parametrize("group", [1, 4_000, 10**9])
def test_rows_come_out_sorted_whatever_the_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(module, "GROUP_BYTES", group)
    rng = random.Random(group)
    rows = [{"k": n // 3, "id": f"i{n}", "v": [n] * (n % 4), "o": {"a": n}} for n in range(1000)]
    # A field that appears late, and one that is null at first.
    for n, row in enumerate(rows):
        row["late"] = None if n < 500 else f"t{n}"
    shuffled = rng.sample(rows, len(rows))
    schema = pa.schema([])
    with Spool(tmp_path) as spool:
        start = 0
        while start < len(rows):
            size = rng.randrange(1, 60)
            batch = pa.RecordBatch.from_pylist(shuffled[start : start + size])
            spool.add(batch, batch.select(["k", "id"]))
            start += size
        schema = spool.schema
        buckets = list(spool.buckets(schema, 300))
    assert [bucket.num_rows for bucket in buckets] == [300, 300, 300, 100]
    found = [row for bucket in buckets for row in bucket.to_pylist()]
    expected = sorted(rows, key=lambda row: (row["k"], row["id"]))
    assert found == [{name: row[name] for name in schema.names} for row in expected]
    assert not list(tmp_path.iterdir())


def test_nothing_in_nothing_out(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        assert list(spool.buckets(pa.schema([]), 10)) == []
