"""Where everything of a catalog lies, as paths and as relative hrefs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STATE = ".stacbuild"
CATALOG_FILE = "catalog.json"
COLLECTION_FILE = "collection.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one dataset in one catalog.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    dataset : str
        The dataset's id: its folder below the root.
    """

    root: Path
    dataset: str

    @property
    def folder(self) -> Path:
        """The dataset's folder."""
        return self.root / self.dataset

    @property
    def state(self) -> Path:
        """Ledger, facts and manifests; published with the catalog."""
        return self.root / STATE / self.dataset

    @property
    def local(self) -> Path:
        """What belongs to this machine: journal, stamps, staging, reports. Never published."""
        return self.root / STATE / "local" / self.dataset

    @property
    def staging(self) -> Path:
        """Where partitions are made before they are renamed into place."""
        return self.local / "staging"

    def collection(self, collection: str) -> Path:
        """Return a collection's folder."""
        return self.folder / collection

    def partition(self, collection: str, key: str) -> Path:
        """Return the folder of a partition in a collection."""
        return self.folder / collection / key

    def facts(self, key: str) -> Path:
        """Return the facts shard of a partition."""
        return self.state / "facts" / f"{key}.parquet"

    def manifest(self, key: str) -> Path:
        """Return the object manifest of a partition."""
        return self.state / "manifests" / f"{key}.parquet"

    def shards(self, key: str) -> Path:
        """Return the folder of a partition's shard files, where a join makes the items."""
        return self.local / "shards" / key


def depth(key: str) -> int:
    """Return how many folders a partition's folder lies below the catalog's root."""
    return key.count("/") + 3


def catalog_id(collection: str, key: str) -> str:
    """Return the id of the catalog of a partition, or of a folder above partitions."""
    return f"{collection}-{key.replace('/', '-')}"
