"""Describe: all JSON and the index again from the facts, without a raw file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stacbuild.dataset import load
from stacbuild.engine import pool, tables
from stacbuild.engine.assemble import Assembly, assemble
from stacbuild.engine.assets import lists_on_record
from stacbuild.engine.gather import Tables
from stacbuild.engine.items import Titles
from stacbuild.engine.layout import Layout
from stacbuild.engine.ledger import Ledger
from stacbuild.engine.lock import locked, scratch
from stacbuild.engine.progress import Silent
from stacbuild.engine.record import BuildRecord
from stacbuild.engine.tasks import Task, Workplace
from stacbuild.engine.texts import Texts
from stacbuild.engine.tree import datasets_in
from stacbuild.engine.work import Worker
from stacbuild.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from stacbuild.dataset import Context
    from stacbuild.engine.progress import Progress
    from stacbuild.engine.tasks import Result


def describe_catalog(
    root: Path,
    *,
    texts: Texts | None = None,
    lists: Mapping[str, Mapping[str, Path]] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Describe every dataset of a catalog again.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    texts : Texts or None
        What the catalog says of itself from now on; None keeps what it said.
    lists : mapping of str to mapping of str to Path, optional
        By dataset: new lists and side tables. A dataset that is not named keeps the context
        that it was built with.
    jobs : int
        Worker processes.
    progress : Progress, optional
        Is told how far it has come.

    Returns
    -------
    dict of str to int
        Documents of items that were written again, by dataset.

    Raises
    ------
    CatalogError
        If there is no catalog, or it is in use.
    """
    progress = progress or Silent()
    names = datasets_in(root)
    if not names:
        raise CatalogError(
            "there is no catalog of stacbuild here", file=root, mend="Build one: stacbuild build"
        )
    texts = texts or Texts.load(root) or Texts()
    with locked(root):
        return {
            name: _describe(
                root, name, texts, (lists or {}).get(name), jobs=jobs, progress=progress
            )
            for name in names
        }


def describe_others(root: Path, built: str, texts: Texts, *, jobs: int, progress: Progress) -> None:
    """Describe the other datasets again where the root's title changed; the lock is held."""
    for name in datasets_in(root):
        if name != built and _record(Layout(root, name)).root_title != texts.title:
            _describe(root, name, texts, None, jobs=jobs, progress=progress)


def _describe(  # noqa: PLR0913 - three of them are one dataset's, three the run's
    root: Path,
    name: str,
    texts: Texts,
    lists: Mapping[str, Path] | None,
    *,
    jobs: int,
    progress: Progress,
) -> int:
    dataset = load(name)
    layout = Layout(root, name)
    ledger = Ledger.load(layout)
    context = None
    if lists:
        context = dataset.context(lists, _ids(layout, ledger))
    written = 0
    with scratch(layout) as staging:
        place = Workplace(
            dataset=name,
            root=root,
            inputs={},
            titles=Titles(texts.title, dataset.collection_titles),
            staging=staging,
            public_url=texts.public_url,
        )
        progress.start("describe", sum(entry.samples for entry in ledger.entries.values()))
        with Tables(place) as tables_, ledger:
            for done in pool.run(partial(_describer, place), _tasks(ledger, context), jobs):
                ledger.record(done.entry, done.stamp)
                if done.gathered is not None:
                    tables_.add(done.gathered)
                written += done.described
                progress.advance(done.entry.samples)
            progress.finish()
            sources = lists_on_record(layout, dataset.collection_ids[0])
            if context is not None:
                sources |= context.sources
            assembly = Assembly(dataset, layout, ledger, texts, sources, _record(layout).partial)
            assemble(assembly, tables_, jobs=jobs, progress=progress)
    return written


def _describer(place: Workplace) -> Callable[[Task], Result]:
    return Worker(place).describe


def _record(layout: Layout) -> BuildRecord:
    record = BuildRecord.load(layout)
    if record is None:
        raise CatalogError(
            "the build of this dataset was never finished",
            file=layout.folder,
            mend="Build it from the raw input",
        )
    return record


def _ids(layout: Layout, ledger: Ledger) -> list[str]:
    """Return the ids of all samples on record, in order of partition and id."""
    return [
        sample
        for key in sorted(ledger.entries)
        if ledger.entries[key].samples
        for sample in tables.read_ids(layout.facts(key))
    ]


def _tasks(ledger: Ledger, context: Context | None) -> Iterator[Task]:
    start = 0
    for key in sorted(ledger.entries):
        entry = ledger.entries[key]
        rows = None
        if context is not None:
            rows = context.rows.slice(start, entry.samples).to_pylist()
            start += entry.samples
        yield Task(key=key, context=rows, known=entry, stamp=ledger.stamps.get(key, ""))
