"""From the inputs to partitions: what there is to do, without a pixel."""

from __future__ import annotations

import fnmatch
import sys
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from stacbuild.engine.tasks import Task
from stacbuild.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from stacbuild.dataset import Context, Dataset, SampleRef
    from stacbuild.engine.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Selection:
    """Which samples of the input are built.

    Parameters
    ----------
    limit : int or None
        At most so many samples, the first in order of partition and id.
    only : str or None
        Samples whose id matches this shell pattern.
    """

    limit: int | None = None
    only: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the catalog will be a part of the dataset; None where it is not."""
        parts = []
        if self.only is not None:
            parts.append(f"samples matching {self.only}")
        if self.limit is not None:
            parts.append(f"at most {self.limit:,} samples")
        return ", ".join(parts) or None


@dataclass(frozen=True, slots=True)
class Scan:
    """All samples to build, in order of partition and id, with their context.

    Parameters
    ----------
    keys : list of str
        The partition's key of each sample.
    refs : list of SampleRef
        The samples.
    duplicates : dict of str to int
        How often a name came again, by id.
    context : Context
        Its rows are aligned with ``refs``.
    found : int
        Samples in the input, selected or not.
    """

    keys: list[str]
    refs: list[SampleRef]
    duplicates: dict[str, int]
    context: Context
    found: int

    def partitions(self) -> Iterator[tuple[str, int, int]]:
        """Yield key, start and stop of each partition."""
        start = 0
        for key, group in groupby(self.keys):
            stop = start + sum(1 for _ in group)
            yield key, start, stop
            start = stop

    def tasks(self, ledger: Ledger, *, rehash: bool) -> Iterator[Task]:
        """Yield a task for each partition."""
        for key, start, stop in self.partitions():
            yield self.task(key, (start, stop), ledger, rehash=rehash)

    def task(
        self, key: str, span: tuple[int, int], ledger: Ledger, *, rehash: bool = False
    ) -> Task:
        """Return the task of the partition whose samples are those from ``span[0]`` on."""
        start, stop = span
        refs = tuple(self.refs[start:stop])
        return Task(
            key=key,
            refs=refs,
            context=self.context.rows.slice(start, stop - start).to_pylist(),
            rejected=tuple(self._duplicates(refs)),
            known=ledger.entries.get(key),
            stamp=ledger.stamps.get(key, ""),
            rehash=rehash,
        )

    def _duplicates(self, refs: tuple[SampleRef, ...]) -> Iterator[dict[str, str]]:
        for ref in refs:
            if ref.id in self.duplicates:
                yield {
                    "id": ref.id,
                    "kind": "duplicate",
                    "reason": f"the name comes {self.duplicates[ref.id] + 1} times; "
                    "the first one was taken",
                    "file": "",
                    "raw": "",
                }


def scan(dataset: Dataset, inputs: Mapping[str, Path], selection: Selection) -> Scan:
    """Find all samples and what is known about them.

    Raises
    ------
    UsageError
        If there is no input, or nothing in it, or nothing that the selection leaves.
    """
    check_inputs(dataset, inputs)
    # The names of partitions come again and again: one string each is enough.
    found = sorted(
        ((sys.intern(dataset.partition(ref.id)), ref) for ref in dataset.scan(inputs)),
        key=lambda pair: (pair[0], pair[1].id, pair[1].where),
    )
    if not found:
        raise UsageError(
            f"no sample of {dataset.title} was found",
            file=inputs[dataset.inputs[0].name],
            mend=f"Is this the unpacked download? See {dataset.homepage}",
        )
    chosen = found
    if selection.only is not None:
        chosen = [pair for pair in chosen if fnmatch.fnmatchcase(pair[1].id, selection.only)]
    if selection.limit is not None:
        chosen = chosen[: selection.limit]
    if not chosen:
        raise UsageError(
            f"the selection ({selection.reason}) leaves none of {len(found):,} samples",
            mend=f"Sample names look like {found[0][1].id}",
        )
    keys: list[str] = []
    refs: list[SampleRef] = []
    duplicates: dict[str, int] = {}
    for key, ref in chosen:
        if refs and refs[-1].id == ref.id:
            duplicates[ref.id] = duplicates.get(ref.id, 0) + 1
            continue
        keys.append(key)
        refs.append(ref)
    context = dataset.context(inputs, list(map(attrgetter("id"), refs)))
    return Scan(keys, refs, duplicates, context, len(found))


def check_inputs(dataset: Dataset, inputs: Mapping[str, Path]) -> None:
    """Check that required inputs are named, and that every named one exists.

    Raises
    ------
    UsageError
        If one is missing.
    """
    for spec in dataset.inputs:
        if spec.required and spec.name not in inputs:
            raise UsageError(
                f"the input {spec.name!r} is missing: {spec.help}",
                mend=f"Give it as --input {spec.name}=PATH or under inputs in the configuration",
            )
    for name, path in inputs.items():
        if not path.exists():
            raise UsageError(f"the input {name!r} does not exist", file=path, mend="Check the path")
