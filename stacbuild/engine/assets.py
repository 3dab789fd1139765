"""Files of a collection that the engine makes: index, split tables, lists, statistics, leakage."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from stacbuild.engine import atomic
from stacbuild.engine.layout import COLLECTION_FILE
from stacbuild.errors import UsageError
from stacbuild.index.leakage import write_leakage
from stacbuild.index.splits import FOLDER
from stacbuild.stac import media
from stacbuild.stac.encode import dumps_pretty, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from stacbuild.dataset import Dataset
    from stacbuild.engine.gather import Tables
    from stacbuild.engine.layout import Layout
    from stacbuild.summary import BandSums, Summary

Json = dict[str, Any]

LIST = "list-"
"""What the keys of list assets start with."""

# A list of samples is megabytes at most; what is larger is not copied into a catalog.
LARGEST_LIST = 1 << 30


def file_asset(folder: Path, name: str, **fields: Any) -> Json:  # noqa: ANN401 - JSON values
    """Return an asset of a collection for a file in its folder, with size and checksum."""
    path = folder / name
    return {
        "href": f"./{name}",
        "type": media.BY_SUFFIX[path.suffix],
        **fields,
        "file:size": path.stat().st_size,
        "file:checksum": f"1220{_sha256(path)}",
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_tables(
    layout: Layout, dataset: Dataset, made: Tables, cores: Sequence[Json]
) -> dict[str, dict[str, Json]]:
    """Write index, split tables and leakage report; return them as assets, by collection."""
    found: dict[str, dict[str, Json]] = {}
    for core in cores:
        folder = layout.collection(core["id"])
        table = made.index[core["id"]].finish(folder / "items.parquet", core)
        found[core["id"]] = {
            "items": file_asset(
                folder,
                "items.parquet",
                title="All items as one table (stac-geoparquet)",
                roles=["collection-mirror"],
                **table.fields(),
            )
        }
    first = dataset.collection_ids[0]
    folder = layout.collection(first)
    stale = set((folder / FOLDER).glob("*.parquet"))
    for split, table in made.splits.finish(folder).items():
        stale.discard(folder / FOLDER / f"{split}.parquet")
        found[first][f"split-{split}"] = file_asset(
            folder,
            f"{FOLDER}/{split}.parquet",
            title=f"Samples of the split {split}",
            roles=["metadata"],
            **table.fields(),
        )
    if made.leakage is None:
        stale.add(folder / "leakage.parquet")
    else:
        table = write_leakage(made.leakage, folder / "leakage.parquet")
        found[first]["leakage"] = file_asset(
            folder,
            "leakage.parquet",
            title="Leakage: footprints of different splits that overlap, by pair",
            roles=["metadata"],
            **table.fields(),
        )
    for path in stale:
        path.unlink(missing_ok=True)
    return found


def copy_lists(layout: Layout, collection: str, sources: Mapping[str, Path]) -> dict[str, Json]:
    """Copy the publishers' lists unchanged into the collection; return them as assets.

    Raises
    ------
    UsageError
        If a list is too large to be one.
    """
    folder = layout.collection(collection)
    assets = {}
    for name, source in sorted(sources.items()):
        if source.stat().st_size > LARGEST_LIST:
            raise UsageError("this is too large for a list of samples", file=source)
        target = folder / "lists" / source.name
        if source != target:
            atomic.write(target, source.read_bytes(), layout.local)
        assets[f"{LIST}{name}"] = file_asset(
            folder,
            f"lists/{source.name}",
            title=f"List as published: {name}",
            roles=["metadata"],
        )
    wanted = {source.name for source in sources.values()}
    if (folder / "lists").is_dir():
        for path in (folder / "lists").iterdir():
            if path.name not in wanted:
                path.unlink()
    return assets


def lists_on_record(layout: Layout, collection: str) -> dict[str, Path]:
    """Return the lists that a collection's file names, by name."""
    path = layout.collection(collection) / COLLECTION_FILE
    if not path.exists():
        return {}
    found = loads(path.read_bytes())["assets"]
    return {
        key.removeprefix(LIST): path.parent / asset["href"]
        for key, asset in found.items()
        if key.startswith(LIST)
    }


def objects(root: Path, files: Iterable[Path]) -> dict[str, list[Any]]:
    """Return size in bytes and SHA-256 (hex) of files, by path below the root, sorted."""
    return {
        path.relative_to(root).as_posix(): [path.stat().st_size, _sha256(path)]
        for path in sorted(set(files))
    }


def write_statistics(layout: Layout, dataset: Dataset, summary: Summary) -> Json:
    """Write the counts and band statistics of the dataset; return the asset.

    The file gives counts of items by collection and split, counts of classes by split, and count,
    nodata, minimum, maximum, mean and standard deviation of each band, in the units of the files,
    by split and over all.
    """
    folder = layout.collection(dataset.collection_ids[0])
    value = {
        "samples": summary.samples,
        "partial": summary.partial,
        "items": {
            name: {"all": one.items, **_named(one.splits)}
            for name, one in summary.collections.items()
        },
        "classes": {
            label: {split or "none": counts for split, counts in found.items()}
            for one in summary.collections.values()
            for label, found in one.classes.items()
        },
        "bands": _bands(dataset, summary),
        "leakage": summary.leakage,
    }
    atomic.write(folder / "statistics.json", dumps_pretty(value), layout.local)
    return file_asset(
        folder,
        "statistics.json",
        title="Counts and band statistics, by split",
        roles=["metadata"],
    )


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    return {split or "none": count for split, count in counts.items()}


def _bands(dataset: Dataset, summary: Summary) -> Json:
    found = summary.bands
    if not found:
        return {}
    whole = type(summary)()
    for bands in found.values():
        whole.add(type(summary)(bands={"all": bands}))
    return {
        name: {
            "all": _statistics(whole.bands["all"][place]),
            **{split or "none": _statistics(bands[place]) for split, bands in found.items()},
        }
        for place, name in enumerate(dataset.band_names)
    }


def _statistics(sums: BandSums) -> dict[str, float]:
    return {
        "count": sums.count,
        "nodata": sums.nodata,
        "minimum": sums.minimum,
        "maximum": sums.maximum,
        "mean": round(sums.mean, 6),
        "stddev": round(sums.stddev, 6),
    }
