"""From partitions on record to a whole catalog: tables, collections, catalogs, the root last.

Everything is written only where it differs. The pass over all facts is spared where neither the
ledger nor what the tables carry has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stacbuild.engine import assets, fingerprint, tree
from stacbuild.engine.layout import CATALOG_FILE, COLLECTION_FILE
from stacbuild.engine.record import BuildRecord
from stacbuild.stac import extensions
from stacbuild.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stacbuild.dataset import Dataset
    from stacbuild.engine.gather import Tables
    from stacbuild.engine.layout import Layout
    from stacbuild.engine.ledger import Ledger
    from stacbuild.engine.progress import Progress
    from stacbuild.engine.texts import Texts

Json = dict[str, Any]

TABLES_FORMAT = 1
"""Raised by hand when the index, the split tables or the summary change their form."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What a catalog is assembled from.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    layout : Layout
        Where it lies.
    ledger : Ledger
        All its partitions.
    texts : Texts
        What the catalog says of itself.
    sources : mapping of str to Path
        The publishers' lists, by name.
    partial : str or None
        Why the catalog is a part of the dataset.
    """

    dataset: Dataset
    layout: Layout
    ledger: Ledger
    texts: Texts
    sources: Mapping[str, Path]
    partial: str | None

    def keys(self) -> list[str]:
        """Return the partitions that hold items, sorted."""
        entries = self.ledger.entries
        return sorted(key for key, one in entries.items() if one.samples and not one.join)

    def cores(self, summary: Summary) -> list[Json]:
        """Return the collections without structural links and engine assets."""
        collections = self.dataset.collections(summary)
        return [tree.collection_core(one, summary, self.texts) for one in collections]

    def complete(self, summary: Summary) -> None:
        """Add to a summary of items what only the ledger knows."""
        entries = self.ledger.entries.values()
        joined = any(entry.join for entry in entries)
        summary.samples = sum(entry.samples for entry in entries if bool(entry.join) == joined)
        summary.rejected = sum(len(entry.rejects) for entry in entries)
        summary.partial = self.partial


def assemble(assembly: Assembly, tables: Tables, *, jobs: int, progress: Progress) -> Summary:
    """Write everything above the partitions; return what the catalog holds.

    ``tables`` holds what the partitions added whose items were made in this run.
    """
    dataset, layout = assembly.dataset, assembly.layout
    ledger = assembly.ledger.digest()
    before = BuildRecord.load(layout)
    summary, made, cores = _spared(assembly, before, ledger)
    if summary is None:
        tables.complete(assembly.ledger, jobs=jobs, progress=progress)
        summary = tables.summary
        assembly.complete(summary)
        cores = assembly.cores(summary)
        made = assets.write_tables(layout, dataset, tables, cores)
    files = _write_collections(assembly, summary, cores, made)
    files += _write_catalogs(assembly, cores)
    assembly.ledger.seal()
    BuildRecord(
        dataset=dataset.id,
        root_title=assembly.texts.title,
        ledger=ledger,
        tables=_fingerprint(assembly, ledger, cores),
        partial=assembly.partial,
        summary=summary.to_dict(),
        assets=made,
        objects=assets.objects(layout.root, files),
    ).save(layout)
    assembly.texts.save(layout.root, layout.local)
    tree.write_json(
        layout.root / CATALOG_FILE, tree.root_catalog(layout.root, assembly.texts), layout
    )
    return summary


def _spared(
    assembly: Assembly, before: BuildRecord | None, ledger: str
) -> tuple[Summary | None, dict[str, dict[str, Json]], list[Json]]:
    """Return what the last build gathered, if it holds still; else nothing."""
    if before is None or before.ledger != ledger:
        return None, {}, []
    summary = Summary.from_dict(before.summary)
    assembly.complete(summary)
    cores = assembly.cores(summary)
    holds = before.tables == _fingerprint(assembly, ledger, cores)
    if holds and before.in_place(assembly.layout):
        return summary, before.assets, cores
    return None, {}, []


def _fingerprint(assembly: Assembly, ledger: str, cores: list[Json]) -> str:
    """Return the fingerprint of what the tables are made from."""
    dataset = assembly.dataset
    return fingerprint.digest(
        [
            TABLES_FORMAT,
            ledger,
            assembly.texts.public_url,
            [assembly.texts.title, list(dataset.collection_titles)],
            list(dataset.summary_fields),
            list(dataset.split_columns),
            cores,
        ]
    )


def _write_collections(
    assembly: Assembly, summary: Summary, cores: list[Json], made: Mapping[str, Mapping[str, Json]]
) -> list[Path]:
    """Write collections with the files beside them; return the files."""
    dataset, layout = assembly.dataset, assembly.layout
    keys = assembly.keys()
    files = []
    for core in cores:
        name = core["id"]
        folder = layout.collection(name)
        found = dict(made.get(name, {}))
        if name == dataset.collection_ids[0]:
            found |= assets.copy_lists(layout, name, assembly.sources)
            found["statistics"] = assets.write_statistics(layout, dataset, summary)
        whole = tree.collection_file(dataset, core, assembly.texts, found, keys)
        used = {*whole.get("stac_extensions", []), extensions.FILE, extensions.TABLE}
        whole["stac_extensions"] = sorted(used)
        tree.write_json(folder / COLLECTION_FILE, whole, layout)
        files += [folder / asset["href"].removeprefix("./") for asset in found.values()]
        files.append(folder / COLLECTION_FILE)
    return files


def _write_catalogs(assembly: Assembly, cores: list[Json]) -> list[Path]:
    """Write the catalogs between partitions and collections, and the dataset's."""
    dataset, layout, texts = assembly.dataset, assembly.layout, assembly.texts
    keys = assembly.keys()
    files = []
    for core in cores:
        for name, value in tree.catalogs_between(dataset, core["id"], core["title"], texts, keys):
            path = layout.collection(core["id"]) / name
            tree.write_json(path, value, layout)
            files.append(path)
    path = layout.folder / CATALOG_FILE
    tree.write_json(path, tree.dataset_catalog(dataset, cores, texts), layout)
    return [*files, path]
