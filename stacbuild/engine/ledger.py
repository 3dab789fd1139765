"""The ledger: what went into each partition and what came out of it.

``ledger.jsonl`` is sorted and is published. While a build runs, finished partitions are appended
to a journal in the local folder, so that a killed build goes on where it stopped. Stamps (sizes
and times of raw files) only spare hashing again; they are local too.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from stacbuild.engine import atomic
from stacbuild.errors import CatalogError
from stacbuild.stac.encode import dumps_item, loads

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO

    from stacbuild.engine.layout import Layout


@dataclass(frozen=True, slots=True)
class Entry:
    """One partition's line.

    Parameters
    ----------
    partition : str
        The partition's key.
    pixels, facts, items : str
        Fingerprints (hex): of what the pixels were made from, of the facts, of what the items
        were made from.
    digest : str
        SHA-256 (hex) of the partition's manifest: what came out.
    samples : int
        Samples converted.
    contents : dict of str to list of int
        Files of the partition and their bytes, by collection.
    rejects : tuple of dict
        ``id``, ``kind`` and ``reason`` of each rejected sample.
    join : str or None
        The item partition that this shard belongs to.
    """

    partition: str
    pixels: str
    facts: str
    items: str
    digest: str
    samples: int
    contents: dict[str, list[int]]
    rejects: tuple[dict[str, str], ...] = ()
    join: str | None = None

    @property
    def objects(self) -> int:
        """Files of the partition."""
        return sum(objects for objects, _ in self.contents.values())

    @property
    def size(self) -> int:
        """Bytes of the partition's files."""
        return sum(size for _, size in self.contents.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the line's JSON object."""
        return {
            "partition": self.partition,
            "pixels": self.pixels,
            "facts": self.facts,
            "items": self.items,
            "digest": self.digest,
            "samples": self.samples,
            "contents": self.contents,
            "rejects": list(self.rejects),
            **({"join": self.join} if self.join else {}),
        }

    @classmethod
    def from_dict(cls, line: dict[str, Any]) -> Self:
        """Return the entry of a line."""
        return cls(
            partition=line["partition"],
            pixels=line["pixels"],
            facts=line["facts"],
            items=line["items"],
            digest=line["digest"],
            samples=line["samples"],
            contents=line["contents"],
            rejects=tuple(line["rejects"]),
            join=line.get("join"),
        )


@dataclass(slots=True)
class Ledger:
    """All partitions of a dataset, and the journal of the build that runs."""

    layout: Layout
    entries: dict[str, Entry] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    _journal: FileIO | None = None

    @classmethod
    def load(cls, layout: Layout) -> Self:
        """Read the ledger, its stamps, and what an unfinished build left in its journal."""
        ledger = cls(layout)
        for line in _lines(layout.state / "ledger.jsonl"):
            entry = Entry.from_dict(line)
            ledger.entries[entry.partition] = entry
        for line in _lines(layout.local / "stamps.jsonl"):
            ledger.stamps[line["partition"]] = line["stamp"]
        # Of a journal the last line may be cut off: the kill came while it was written.
        for line in _lines(layout.local / "journal.jsonl", torn=True):
            stamp = line.pop("stamp")
            if line.get("gone"):
                ledger.entries.pop(line["partition"], None)
                ledger.stamps.pop(line["partition"], None)
                continue
            entry = Entry.from_dict(line)
            ledger.entries[entry.partition] = entry
            ledger.stamps[entry.partition] = stamp
        return ledger

    def __enter__(self) -> Self:
        """Return the ledger."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the journal; what is in it stays for the next run."""
        self.close()

    def record(self, entry: Entry, stamp: str) -> None:
        """Put a finished partition on record, at once on disk."""
        if self.entries.get(entry.partition) == entry and (
            self.stamps.get(entry.partition) == stamp
        ):
            return
        self.entries[entry.partition] = entry
        self.stamps[entry.partition] = stamp
        self._append({**entry.to_dict(), "stamp": stamp})

    def forget(self, key: str) -> None:
        """Take a partition off the record, before its files go."""
        self.entries.pop(key, None)
        self.stamps.pop(key, None)
        self._append({"partition": key, "gone": True, "stamp": ""})

    def _append(self, line: dict[str, Any]) -> None:
        if self._journal is None:
            path = self.layout.local / "journal.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            _mend_tail(path)
            self._journal = path.open("ab", buffering=0)
        self._journal.write(dumps_item(line) + b"\n")

    def text(self) -> bytes:
        """Return the content of the ledger's file: a line a partition, sorted."""
        return b"".join(
            dumps_item(self.entries[key].to_dict()) + b"\n" for key in sorted(self.entries)
        )

    def digest(self) -> str:
        """Return the SHA-256 (hex) of the ledger's file."""
        return hashlib.sha256(self.text()).hexdigest()

    def seal(self) -> None:
        """Write ledger and stamps, sorted; drop the journal."""
        stamps = b"".join(
            dumps_item({"partition": key, "stamp": self.stamps[key]}) + b"\n"
            for key in sorted(self.stamps)
        )
        scratch = self.layout.local
        # The ledger before the stamps: a stamp must never vouch for more than the ledger holds.
        atomic.write(self.layout.state / "ledger.jsonl", self.text(), scratch)
        atomic.write(self.layout.local / "stamps.jsonl", stamps, scratch)
        self.close()
        (self.layout.local / "journal.jsonl").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None


def _lines(path: os.PathLike[str], *, torn: bool = False) -> Iterable[dict[str, Any]]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - any path
            for number, line in enumerate(file, 1):
                if torn and not line.endswith(b"\n"):
                    return
                try:
                    yield loads(line)
                except ValueError as error:
                    if torn:
                        return
                    raise CatalogError(
                        f"line {number} is not JSON",
                        file=os.fspath(path),
                        mend="Remove the dataset's folder under .stacbuild and build again",
                    ) from error
    except FileNotFoundError:
        return


def _mend_tail(path: os.PathLike[str]) -> None:
    """Cut off a torn last line, so that the next one starts on a line of its own."""
    try:
        with open(path, "r+b") as file:  # noqa: PTH123 - any path
            data = file.read()
            file.truncate(data.rfind(b"\n") + 1)
    except FileNotFoundError:
        return
