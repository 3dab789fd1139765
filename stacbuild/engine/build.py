"""Build: from the raw input to the whole catalog, doing only what is not done yet."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from stacbuild.dataset import load
from stacbuild.engine import pool, report
from stacbuild.engine.assemble import Assembly, assemble
from stacbuild.engine.gather import Tables
from stacbuild.engine.items import Titles
from stacbuild.engine.layout import Layout
from stacbuild.engine.ledger import Ledger
from stacbuild.engine.lock import locked, scratch
from stacbuild.engine.progress import Silent
from stacbuild.engine.rebuild import describe_others
from stacbuild.engine.removal import remove_partition
from stacbuild.engine.scan import Selection, check_inputs, scan
from stacbuild.engine.tasks import Task, Workplace
from stacbuild.engine.texts import Texts
from stacbuild.engine.work import Worker
from stacbuild.errors import EXIT_DONE, EXIT_REJECTS, StacbuildError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from stacbuild.dataset import Dataset
    from stacbuild.engine.progress import Progress
    from stacbuild.engine.scan import Scan
    from stacbuild.engine.tasks import Result
    from stacbuild.summary import Summary


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build, from what, where.

    Parameters
    ----------
    root : Path
        The catalog's folder; made where it is missing.
    dataset : str
        The dataset's id.
    inputs : mapping of str to Path
        Its named inputs.
    texts : Texts or None
        What the catalog says of itself; None keeps what it said, or takes the defaults.
    selection : Selection
        Which samples; all of them by default.
    jobs : int
        Worker processes.
    rehash : bool
        Whether contents of raw files are compared even where sizes and times are the same.
    strict : bool
        Whether the first new reject ends the build.
    known_rejects : frozenset of str
        Ids of samples known to be bad.
    """

    root: Path
    dataset: str
    inputs: Mapping[str, Path]
    texts: Texts | None = None
    selection: Selection = field(default_factory=Selection)
    jobs: int = 1
    rehash: bool = False
    strict: bool = False
    known_rejects: frozenset[str] = frozenset()


@dataclass(slots=True)
class BuildResult:
    """What a build did, and what there is now.

    Parameters
    ----------
    dataset : str
        The dataset's id.
    root : Path
        The catalog's folder.
    found : int
        Samples in the input.
    partitions, converted, described, removed : int
        Partitions in all; samples converted, documents of items written, and partitions removed
        in this run.
    rejects : list of dict
        ``id``, ``kind``, ``reason``, ``file`` of every rejected sample, and whether it is
        ``known``.
    notes : dict of str to int
        What the lists say that the input does not.
    unchecked : list of str
        Schemas that items declare and that could not be had.
    summary : Summary or None
        What the catalog holds.
    seconds : float
        How long it took.
    """

    dataset: str
    root: Path
    found: int = 0
    partitions: int = 0
    converted: int = 0
    described: int = 0
    removed: int = 0
    rejects: list[dict[str, str | bool]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    summary: Summary | None = None
    seconds: float = 0.0

    @property
    def new_rejects(self) -> int:
        """Rejected samples that are not known to be bad."""
        return sum(not reject["known"] for reject in self.rejects)

    @property
    def exit_code(self) -> int:
        """Exit code for the command line."""
        return EXIT_REJECTS if self.new_rejects else EXIT_DONE


def build(request: BuildRequest, progress: Progress | None = None) -> BuildResult:
    """Bring a catalog up to date with the raw input of one dataset.

    Raises
    ------
    UsageError
        If there is no input, or the selection does not fit the catalog.
    CatalogError
        If the catalog is in use, cannot be written to, or is damaged.
    StacbuildError
        If a sample is rejected under ``strict``, or a worker dies.
    """
    begun = time.monotonic()
    dataset = load(request.dataset)
    layout = Layout(request.root, dataset.id)
    check_inputs(dataset, request.inputs)  # before anything is made
    with locked(request.root), scratch(layout) as staging:
        texts = request.texts or Texts.load(request.root) or Texts()
        place = Workplace(
            dataset=dataset.id,
            root=request.root,
            inputs=dict(request.inputs),
            titles=Titles(texts.title, dataset.collection_titles),
            staging=staging,
            public_url=texts.public_url,
        )
        with Tables(place) as tables, Ledger.load(layout) as ledger:
            run = _Run(request, place, ledger, tables, progress or Silent())
            found = run.scan(dataset)
            run.make_partitions(found)
            run.remove(dataset, _gone(dataset, found, ledger, request.selection))
            partial_ = _partial(request.selection, found)
            sources = found.context.sources
            assembly = Assembly(dataset, layout, ledger, texts, sources, partial_)
            summary = assemble(assembly, tables, jobs=request.jobs, progress=run.progress)
        describe_others(request.root, dataset.id, texts, jobs=request.jobs, progress=run.progress)
        run.result.summary = summary
        run.result.partitions = len(run.ledger.entries)
        run.result.rejects = report.rejects(run.ledger, request.known_rejects)
        run.result.seconds = time.monotonic() - begun
        report.write(layout, run.result)
    return run.result


@dataclass(slots=True)
class _Run:
    """One build while it goes on."""

    request: BuildRequest
    place: Workplace
    ledger: Ledger
    tables: Tables
    progress: Progress
    result: BuildResult = field(init=False)
    unchecked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.result = BuildResult(self.request.dataset, self.request.root)

    def scan(self, dataset: Dataset) -> Scan:
        self.progress.start("scan", None)
        found = scan(dataset, self.request.inputs, self.request.selection)
        self.progress.finish()
        self.result.found = found.found
        self.result.notes = dict(found.context.notes)
        # Refuse before anything is touched.
        _gone(dataset, found, self.ledger, self.request.selection)
        return found

    def make_partitions(self, found: Scan) -> None:
        self.progress.start("convert", len(found.refs))
        tasks = found.tasks(self.ledger, rehash=self.request.rehash)
        self._do(_builder, tasks)
        joins = list(_joins(self.ledger))
        if joins:
            self.progress.start("join", sum(len(task.shards) for task in joins))
            self._do(_joiner, joins)
        self.result.unchecked = sorted(self.unchecked)

    def _do(
        self, make: Callable[[Workplace], Callable[[Task], Result]], tasks: Iterable[Task]
    ) -> None:
        for done in pool.run(partial(make, self.place), tasks, self.request.jobs):
            self._take(done)
        self.progress.finish()

    def _take(self, done: Result) -> None:
        """Put a finished partition on record."""
        self.ledger.record(done.entry, done.stamp)
        if done.gathered is not None:
            self.tables.add(done.gathered)
        self.result.converted += done.converted
        self.result.described += done.described
        self.unchecked |= done.unchecked
        self.progress.advance(done.entry.samples + len(done.entry.rejects))
        for reject in done.entry.rejects:
            if reject["id"] in self.request.known_rejects:
                continue
            self.progress.reject(reject["id"], reject["kind"], reject["reason"])
            if self.request.strict:
                raise StacbuildError(
                    f"{reject['id']} is rejected ({reject['kind']}): {reject['reason']}",
                    file=reject["file"] or None,
                    mend="Leave out --strict to build the rest, or list it as known",
                )

    def remove(self, dataset: Dataset, gone: list[str]) -> None:
        """Take partitions off the record, then their files."""
        layout = self.ledger.layout
        for key in gone:
            self.ledger.forget(key)
            remove_partition(layout, dataset, key)
        self.result.removed = len(gone)


def _builder(place: Workplace) -> Callable[[Task], Result]:
    return Worker(place).build


def _joiner(place: Workplace) -> Callable[[Task], Result]:
    return Worker(place).join


def _joins(ledger: Ledger) -> Iterator[Task]:
    """Yield a task for each item partition that shards belong to."""
    shards = sorted(
        (entry for entry in ledger.entries.values() if entry.join and entry.samples),
        key=lambda entry: (entry.join or "", entry.partition),
    )
    for key, group in groupby(shards, key=lambda entry: entry.join or ""):
        yield Task(key=key, known=ledger.entries.get(key), shards=tuple(group))


def _gone(dataset: Dataset, found: Scan, ledger: Ledger, selection: Selection) -> list[str]:
    """Return the partitions on record that the input no longer has."""
    counts = Counter(found.keys)
    keep = set(counts)
    keep |= {join for key in keep if (join := dataset.join_key(key)) is not None}
    gone = sorted(set(ledger.entries) - keep)
    if selection.reason is not None:
        # A trial beside a larger build would throw that away.
        less = [
            key
            for key, entry in ledger.entries.items()
            if entry.samples + len(entry.rejects) > counts.get(key, 0) and key in counts
        ]
        if gone or less:
            raise UsageError(
                f"the catalog holds samples outside of this selection ({selection.reason})",
                mend="Build the trial into another folder",
            )
    return gone


def _partial(selection: Selection, found: Scan) -> str | None:
    if selection.reason is None or len(found.refs) == found.found:
        return None
    return f"{len(found.refs):,} of {found.found:,} samples ({selection.reason})"
