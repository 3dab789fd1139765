"""Fingerprints: of what a partition's pixels and its items are made from.

They are of content. Size and time of raw files only spare hashing again (`stamp`). Format
numbers are raised by hand; the release number of stacbuild is not among them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from stacbuild.engine.items import ITEM_FORMAT
from stacbuild.raster.stamp import PIXEL_FORMAT
from stacbuild.stac.encode import dumps_canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stacbuild.dataset import Dataset, SampleRef
    from stacbuild.engine.items import Titles
    from stacbuild.engine.ledger import Entry
    from stacbuild.engine.tasks import Row, Task


def digest(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the SHA-256 (hex) of a JSON value."""
    return hashlib.sha256(dumps_canonical(value)).hexdigest()


def pixel_row(dataset: Dataset, context: Row) -> Row:
    """Return the columns of a sample's context that `convert` may see."""
    return {name: context[name] for name in dataset.pixel_columns}


def pixels(dataset: Dataset, task: Task, raw: Mapping[str, str]) -> str:
    """Return the fingerprint of what a partition's pixels are made from.

    Parameters
    ----------
    dataset : Dataset
        Gives its format number and the context columns that matter.
    task : Task
        The partition.
    raw : mapping of str to str
        Digest (hex) of each sample's raw files; empty where they cannot be read.
    """
    context = task.context or []
    return digest(
        [
            PIXEL_FORMAT,
            dataset.pixel_format,
            [
                [ref.id, raw.get(ref.id, ""), pixel_row(dataset, row)]
                for ref, row in zip(task.refs, context, strict=True)
            ],
            [[reject["id"], reject["kind"]] for reject in task.rejected],
        ]
    )


def joined(dataset: Dataset, shards: Sequence[Entry]) -> str:
    """Return the fingerprint of what a join partition's files are made from."""
    return digest(
        [
            PIXEL_FORMAT,
            dataset.pixel_format,
            [[shard.partition, shard.pixels, shard.facts] for shard in shards],
        ]
    )


def items(dataset: Dataset, titles: Titles, facts: str, context: Sequence[Row]) -> str:
    """Return the fingerprint of what a partition's items are made from."""
    return digest(
        [
            ITEM_FORMAT,
            dataset.item_format,
            facts,
            list(context),
            [titles.root, list(titles.collections)],
        ]
    )


def stamp(refs: Sequence[SampleRef], stamps: Iterable[str]) -> str:
    """Return the digest of the stamps of a partition's samples (see `samples.stamp`)."""
    state = hashlib.sha256()
    for ref, text in zip(refs, stamps, strict=True):
        state.update(f"{ref.id}\0{text}\n".encode())
    return state.hexdigest()
