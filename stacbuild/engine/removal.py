"""Partitions whose samples are gone from the input go from the catalog too."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from stacbuild.engine.layout import CATALOG_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.dataset import Dataset
    from stacbuild.engine.layout import Layout


def remove_partition(layout: Layout, dataset: Dataset, key: str) -> None:
    """Remove a partition's files, facts and manifest, and the folders that become empty."""
    for collection in dataset.collection_ids:
        folder = layout.partition(collection, key)
        shutil.rmtree(folder, ignore_errors=True)
        _prune(folder.parent, layout.collection(collection))
    shutil.rmtree(layout.shards(key), ignore_errors=True)
    for file, top in (
        (layout.facts(key), layout.state / "facts"),
        (layout.manifest(key), layout.state / "manifests"),
    ):
        file.unlink(missing_ok=True)
        _prune(file.parent, top)


def _prune(folder: Path, top: Path) -> None:
    """Remove folders that hold nothing any more, or only a catalog of nothing, up to the top."""
    while folder != top and folder.is_dir():
        if any(path.is_dir() or path.name != CATALOG_FILE for path in folder.iterdir()):
            return
        shutil.rmtree(folder)
        folder = folder.parent
