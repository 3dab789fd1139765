"""Dry run: what a build would do and need, without touching the catalog."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stacbuild.dataset import load
from stacbuild.engine.items import Titles
from stacbuild.engine.layout import Layout
from stacbuild.engine.ledger import Ledger
from stacbuild.engine.scan import scan
from stacbuild.engine.tasks import Workplace
from stacbuild.engine.texts import Texts
from stacbuild.engine.work import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stacbuild.engine.build import BuildRequest
    from stacbuild.engine.scan import Scan
    from stacbuild.engine.tasks import Task

TRIAL_SAMPLES = 200
"""Samples that the trial converts at least, to estimate time and bytes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build would do and need.

    Parameters
    ----------
    dataset : str
        The dataset's id.
    found, samples : int
        Samples in the input, and those that the selection leaves.
    partitions, known : int
        Partitions in all, and those that the ledger holds already.
    missing : tuple of str
        Inputs that are not given, with what they are.
    notes : dict of str to int
        What the lists say that the input does not.
    trial : int
        Samples converted for the estimates below.
    rejected : int
        Samples that the trial rejected.
    objects, size : int
        Estimated objects of the whole selection, and their bytes.
    seconds : float
        Estimated time, with the jobs asked for.
    free_bytes, free_inodes : int
        What the catalog's file system has left; inodes are -1 where it does not count them.
    """

    dataset: str
    found: int
    samples: int
    partitions: int
    known: int
    missing: tuple[str, ...] = ()
    notes: dict[str, int] = field(default_factory=dict)
    trial: int = 0
    rejected: int = 0
    objects: int = 0
    size: int = 0
    seconds: float = 0.0
    free_bytes: int = 0
    free_inodes: int = -1

    @property
    def fits(self) -> bool:
        """Whether the catalog's file system has room."""
        return self.size <= self.free_bytes and (
            self.free_inodes < 0 or self.objects <= self.free_inodes
        )


def plan(request: BuildRequest) -> Plan:
    """Scan the input, convert a trial in a temporary folder, and estimate the rest.

    Raises
    ------
    UsageError
        If there is no input, or the selection leaves nothing.
    """
    dataset = load(request.dataset)
    found = scan(dataset, request.inputs, request.selection)
    ledger = Ledger.load(Layout(request.root, dataset.id))
    keys = {key for key, _, _ in found.partitions()}
    trial = _try(request, found)
    samples = len(found.refs)
    factor = samples / trial.samples if trial.samples else 0.0
    free_bytes, free_inodes = _room(request.root)
    return Plan(
        dataset=dataset.id,
        found=found.found,
        samples=samples,
        partitions=len(keys),
        known=len(keys & set(ledger.entries)),
        missing=tuple(
            f"{spec.name}: {spec.help}"
            for spec in dataset.inputs
            if spec.name not in request.inputs
        ),
        notes=dict(found.context.notes),
        trial=trial.samples,
        rejected=trial.rejected,
        objects=round(trial.objects * factor),
        size=round(trial.size * factor),
        seconds=trial.seconds * factor / request.jobs,
        free_bytes=free_bytes,
        free_inodes=free_inodes,
    )


@dataclass(slots=True)
class _Trial:
    samples: int = 0
    rejected: int = 0
    objects: int = 0
    size: int = 0
    seconds: float = 0.0


def _try(request: BuildRequest, found: Scan) -> _Trial:
    """Convert a few samples, spread evenly, into a folder that is thrown away."""
    trial = _Trial()
    # On the catalog's own disk, so that writing costs what it will cost.
    with tempfile.TemporaryDirectory(
        prefix=".stacbuild-trial-", dir=_existing(request.root)
    ) as name:
        root = Path(name)
        texts = request.texts or Texts()
        titles = Titles(texts.title, load(request.dataset).collection_titles)
        staging = root / "staging"
        place = Workplace(request.dataset, root, dict(request.inputs), titles, staging)
        worker = Worker(place)
        for task in _spread(found):
            begun = time.perf_counter()
            entry = worker.build(task).entry
            trial.seconds += time.perf_counter() - begun
            trial.samples += len(task.refs)
            trial.rejected += len(entry.rejects)
            trial.objects += entry.objects
            trial.size += entry.size
        shutil.rmtree(staging, ignore_errors=True)
    return trial


def _spread(found: Scan) -> Iterator[Task]:
    """Yield the tasks of whole partitions, spread over the input, with enough samples in all.

    Whole ones, because a partition has a price of its own that its samples share.
    """
    partitions = list(found.partitions())
    wanted = -(-TRIAL_SAMPLES * len(partitions) // len(found.refs))
    empty = Ledger(Layout(Path(), ""))
    for number in range(wanted):
        key, start, stop = partitions[(2 * number + 1) * len(partitions) // (2 * wanted)]
        yield found.task(key, (start, stop), empty)


def _existing(path: Path) -> Path:
    """Return the path or the nearest folder above it that exists."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path


def _room(root: Path) -> tuple[int, int]:
    status = os.statvfs(_existing(root))
    inodes = status.f_favail if status.f_files else -1
    return status.f_bavail * status.f_frsize, inodes
