"""The engine's own record against what the walk found; and the stamp that publishing asks for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stacbuild.engine import atomic
from stacbuild.engine.layout import STATE, Layout
from stacbuild.stac.encode import dumps_pretty, loads
from stacbuild.validate.findings import Finding, error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

STAMP = "validated.json"


@dataclass(slots=True)
class DatasetSeen:
    """What the walk found of one dataset: the first folder below the root.

    Parameters
    ----------
    items, assets : int
        Reached from the root.
    by_collection : dict of str to int
        Items by collection id.
    partitions : dict of str to (str or None)
        Keys of the partitions that were reached, with the digest of their manifests.
    """

    items: int = 0
    assets: int = 0
    by_collection: dict[str, int] = field(default_factory=dict)
    partitions: dict[str, str | None] = field(default_factory=dict)


def datasets_on_record(root: Path) -> list[str]:
    """Return the ids of the datasets that have a ledger in this catalog, sorted."""
    return sorted(path.parent.name for path in (root / STATE).glob("*/ledger.jsonl"))


def ledger_digest(root: Path, dataset: str) -> str | None:
    """Return the SHA-256 (hex) of a dataset's ledger, or None where there is none."""
    try:
        data = (Layout(root, dataset).state / "ledger.jsonl").read_bytes()
    except OSError:
        return None
    return hashlib.sha256(data).hexdigest()


def ledger_faults(root: Path, dataset: str, seen: DatasetSeen, *, manifests: bool) -> list[Finding]:
    """Return where ledger and catalog disagree.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    dataset : str
        The dataset's id.
    seen : DatasetSeen
        What the walk found of it.
    manifests : bool
        Whether the manifests were read, so that their digests can be compared.
    """
    file = f"{STATE}/{dataset}/ledger.jsonl"
    try:
        entries = list(_entries(root, dataset))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as reason:
        return [error("ledger", file, f"it cannot be read ({type(reason).__name__}: {reason})")]
    keys = {entry["partition"] for entry in entries}
    faults = [
        f"partition {key} is in the catalog and not on the ledger"
        for key in sorted(seen.partitions.keys() - keys)
        # Where shards are joined, the folder is that of the joined item.
        if not any(entry.get("join") == key for entry in entries)
    ]
    for entry in entries:
        key = entry["partition"]
        if not entry["samples"] or entry.get("join"):
            continue
        if key not in seen.partitions:
            faults.append(f"partition {key} is on the ledger and not in the catalog")
        elif manifests and seen.partitions[key] != entry["digest"]:
            faults.append(f"the manifest of partition {key} is not the one on the ledger")
    return [error("ledger", file, text) for text in faults]


def _entries(root: Path, dataset: str) -> Iterator[dict[str, Any]]:
    with (Layout(root, dataset).state / "ledger.jsonl").open("rb") as lines:
        for line in lines:
            entry = loads(line)
            yield {
                "partition": _text(entry["partition"]),
                "samples": int(entry["samples"]),
                "digest": _text(entry["digest"]),
                "join": None if entry.get("join") is None else _text(entry["join"]),
                "rejects": [_text(one["id"]) for one in entry["rejects"]],
            }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _record(root: Path, dataset: str) -> dict[str, Any]:
    """Return the record of the build, or nothing where there is none."""
    try:
        record = loads((Layout(root, dataset).state / "build.json").read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(record, dict):
        raise TypeError("it is not a JSON object")
    return record


def record_faults(
    root: Path,
    dataset: str,
    seen: DatasetSeen,
    hashed: dict[str, tuple[int, bytes]],
    claimed: set[str],
) -> list[Finding]:
    """Return where the record of the build and the catalog disagree.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    dataset : str
        The dataset's id.
    seen : DatasetSeen
        What the walk found of it.
    hashed : dict of str to (int, bytes)
        Size and SHA-256 of the files above the partitions; empty if nothing was hashed.
    claimed : set of str
        Files that were not looked at, because something else is wrong with what they belong to.
    """
    file = f"{STATE}/{dataset}/build.json"
    try:
        record = _record(root, dataset)
        collections = record.get("summary", {}).get("collections", {})
        counts = {name: int(one["items"]) for name, one in collections.items()}
        stated = {
            name: (size, bytes.fromhex(digest))
            for name, (size, digest) in record.get("objects", {}).items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
        return [error("ledger", file, f"it cannot be read ({type(reason).__name__}: {reason})")]
    faults = [
        error("count", file, f"{name} has {count:,} items there and {found:,} in the catalog")
        for name, count in counts.items()
        if (found := seen.by_collection.get(name, 0)) != count
    ]
    if not hashed or not stated:
        return faults
    mine = {name for name in hashed if name.startswith(f"{dataset}/")}
    for name in sorted((mine | stated.keys()) - claimed):
        if name not in stated or name not in mine:
            where = "catalog" if name in mine else "record"
            faults.append(error("manifest", file, f"{name} is in the {where} only"))
        elif stated[name] != hashed[name]:
            text = f"{name} has another size or checksum than the record says"
            faults.append(error("manifest", file, text))
    return faults


def is_partial(root: Path, dataset: str) -> bool:
    """Tell whether a catalog holds a part of a dataset on purpose."""
    try:
        return _record(root, dataset).get("partial") is not None
    except (OSError, ValueError, TypeError):
        return False


def rejects_on_record(root: Path, dataset: str) -> set[str]:
    """Return the ids of the samples that the ledger lists as rejected."""
    try:
        return {name for entry in _entries(root, dataset) for name in entry["rejects"]}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return set()  # validating the catalog says what is wrong with it


def write_stamp(
    root: Path, dataset: str, seen: DatasetSeen, checks: Sequence[str], unchecked: Sequence[str]
) -> None:
    """Write the stamp of a dataset that was found right."""
    layout = Layout(root, dataset)
    stamp = {
        "ledger": ledger_digest(root, dataset),
        "items": seen.items,
        "assets": seen.assets,
        "checks": list(checks),
        "unchecked": list(unchecked),
    }
    atomic.write(layout.state / STAMP, dumps_pretty(stamp), layout.local)


def remove_stamp(root: Path, dataset: str) -> None:
    """Remove the stamp of a dataset that was found wrong: it vouched for other files."""
    (Layout(root, dataset).state / STAMP).unlink(missing_ok=True)
