"""The record of a build: what the catalog of a dataset was made from, and its upper files.

``.stacbuild/<dataset>/build.json``; published with the ledger. No hosts, paths or times in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from stacbuild.engine import atomic
from stacbuild.errors import CatalogError
from stacbuild.stac.encode import dumps_pretty, loads

if TYPE_CHECKING:
    from stacbuild.engine.layout import Layout

NAME = "build.json"


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What a dataset's catalog was made from.

    Parameters
    ----------
    dataset : str
        Its id.
    root_title : str
        The root catalog's title, which links carry.
    ledger, tables : str
        Fingerprints (hex): of the ledger's file, and of what the tables were made from.
    partial : str or None
        Why the catalog is a part of the dataset.
    summary : dict
        What the catalog holds (see `Summary.to_dict`).
    assets : dict of str to dict
        The tables' assets, by collection.
    objects : dict of str to list
        Size in bytes and SHA-256 (hex) of every file above the partitions, the root apart, by
        path below the root.
    """

    dataset: str
    root_title: str
    ledger: str
    tables: str
    partial: str | None
    summary: dict[str, Any]
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, layout: Layout) -> Self | None:
        """Read the record; None if there is none.

        Raises
        ------
        CatalogError
            If it is damaged.
        """
        path = layout.state / NAME
        try:
            return cls(**loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise CatalogError(
                "this is not the record of a build", file=path, mend="Remove it and build again"
            ) from error

    def save(self, layout: Layout) -> None:
        """Write the record."""
        atomic.write(layout.state / NAME, dumps_pretty(asdict(self)), layout.local)

    def in_place(self, layout: Layout) -> bool:
        """Return whether every file above the partitions is there in its full size."""
        try:
            return all(
                (layout.root / path).stat().st_size == size
                for path, (size, _) in self.objects.items()
            )
        except FileNotFoundError:
            return False
