"""What is in a catalog, at a glance: a small tree, counts, a few items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from stacbuild import dataset
from stacbuild.cli import output
from stacbuild.engine.layout import CATALOG_FILE, Layout
from stacbuild.summary import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from stacbuild.engine.build import BuildResult

SHOWN = 3
"""Items that are shown of a dataset."""


def show(results: Sequence[BuildResult]) -> None:
    """Print where a catalog lies and what is in it.

    Parameters
    ----------
    results : sequence of BuildResult
        One of each dataset that was built into the catalog.
    """
    out = output.console()
    root = results[0].root
    out.print()
    out.print(f"{output.shown(root / CATALOG_FILE)}")
    for number, result in enumerate(results):
        _branch(out, result, last=number == len(results) - 1)
    out.print()
    output.table(
        out,
        ("collection", "items", *SPLITS, "no split", "files", "size"),
        [row for result in results for row in _counts(result)],
    )
    out.print()
    rows = [row for result in results for row in _items(result)]
    output.table(out, ("some items", "when", "split"), rows)
    out.print()


def _branch(out: Console, result: BuildResult, *, last: bool) -> None:
    known = dataset.load(result.dataset)
    out.print(f"{'└──' if last else '├──'} {known.id:<26} {known.title}")
    for number, (name, title) in enumerate(
        zip(known.collection_ids, known.collection_titles, strict=True), 1
    ):
        stem = "    " if last else "│   "
        corner = "└──" if number == len(known.collection_ids) else "├──"
        out.print(f"{stem}{corner} {name:<22} {title}")


def _counts(result: BuildResult) -> list[tuple[str | int, ...]]:
    collections = result.summary.collections if result.summary else {}
    return [
        (
            name,
            one.items,
            *(one.splits.get(split, 0) for split in SPLITS),
            one.splits.get("", 0),
            one.objects,
            output.size(one.bytes),
        )
        for name, one in collections.items()
    ]


def _items(result: BuildResult) -> list[tuple[str, str, str]]:
    """Return id, time and split of a few items, from the index of the imagery."""
    folder = Layout(result.root, result.dataset).collection(
        dataset.load(result.dataset).collection_ids[0]
    )
    return _read(folder / "items.parquet")


def _read(path: Path) -> list[tuple[str, str, str]]:
    with pq.ParquetFile(path) as file:
        columns = [
            name for name in ("id", "datetime", "ml-aoi:split") if name in file.schema_arrow.names
        ]
        batch = next(file.iter_batches(SHOWN, columns=columns), None)
    return [
        (row["id"], f"{row.get('datetime') or '':%Y-%m-%d}", row.get("ml-aoi:split") or "none")
        for row in (batch.to_pylist() if batch else [])
    ]
