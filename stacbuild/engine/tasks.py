"""What travels between the driving process and its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.dataset import SampleRef
    from stacbuild.engine.gather import Gathered
    from stacbuild.engine.items import Titles
    from stacbuild.engine.ledger import Entry

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all partitions of a run share; sent to each worker once.

    Parameters
    ----------
    dataset : str
        The dataset's id.
    root : Path
        The catalog's folder.
    inputs : dict of str to Path
        Named inputs; empty where nothing raw is at hand.
    titles : Titles
        Titles of the catalogs above the partitions.
    staging : Path
        A folder of this run alone, on the catalog's file system.
    public_url : str or None
        Where the catalog will be published: makes the hrefs of tables absolute.
    """

    dataset: str
    root: Path
    inputs: dict[str, Path]
    titles: Titles
    staging: Path
    public_url: str | None = None

    def base(self, collection: str) -> str | None:
        """Return the URL of a collection's folder, if the catalog's is known."""
        return self.public_url and f"{self.public_url}/{self.dataset}/{collection}"


@dataclass(frozen=True, slots=True)
class Task:
    """One partition's work.

    Parameters
    ----------
    key : str
        The partition's key.
    refs : tuple of SampleRef
        Its samples, in order of id; empty where it is only described again.
    context : list of dict or None
        A row per sample; None: the rows on record are used again.
    rejected : tuple of dict
        Samples that the scan already rejected.
    known : Entry or None
        Its line in the ledger.
    stamp : str
        Its stamp on this machine; empty where there is none.
    rehash : bool
        Whether contents are compared even where sizes and times are the same.
    shards : tuple of Entry
        Of a join partition: its shards' lines.
    """

    key: str
    refs: tuple[SampleRef, ...] = ()
    context: list[Row] | None = None
    rejected: tuple[dict[str, str], ...] = ()
    known: Entry | None = None
    stamp: str = ""
    rehash: bool = False
    shards: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a partition.

    Parameters
    ----------
    entry : Entry
        Its line for the ledger.
    stamp : str
        Its stamp on this machine.
    converted, described : int
        Samples converted, and items written, in this run.
    unchecked : frozenset of str
        Schemas that items declare and that could not be had.
    gathered : Gathered or None
        What the partition adds to the tables, if its items were made in this run.
    """

    entry: Entry
    stamp: str
    converted: int = 0
    described: int = 0
    unchecked: frozenset[str] = frozenset()
    gathered: Gathered | None = None
