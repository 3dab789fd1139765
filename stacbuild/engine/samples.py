"""A sample's raw files as the dataset package sees them, and where its outputs go."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from stacbuild.errors import SampleError, StacbuildError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stacbuild.dataset import SampleRef

Written = tuple[str, str, int, bytes]
"""Collection, name, size and SHA-256 of a file."""

# A raw file above this is no chip; nothing is read into memory on the word of a file name.
LARGEST_FILE = 1 << 30


class SampleFiles:
    """The raw files of one sample, read from a folder or a single file, and its outputs.

    Parameters
    ----------
    ref : SampleRef
        The sample.
    source : Path
        The input that holds it.
    sink : Sink
        Takes what the sample writes.
    """

    __slots__ = ("_folder", "_raw", "_sink", "names", "ref", "stamp")

    def __init__(self, ref: SampleRef, source: Path, sink: Sink | None) -> None:
        self.ref = ref
        self._sink = sink
        path = os.path.join(source, ref.where) if ref.where else os.fspath(source)  # noqa: PTH118 - the hot path
        self._folder, self._raw, self.stamp = _read_all(path)
        self.names: Sequence[str] = sorted(self._raw)

    def read(self, name: str) -> bytes:
        """Return the content of one raw file."""
        try:
            return self._raw[name]
        except KeyError:
            raise SampleError(
                "missing-file", "the file is missing", file=self.where(name)
            ) from None

    def where(self, name: str) -> str:
        """Return a raw file's full name, for messages."""
        return f"{self._folder}/{name}"

    def digest(self) -> bytes:
        """Return the SHA-256 over names and contents of all raw files."""
        state = hashlib.sha256()
        for name in self.names:
            data = self._raw[name]
            state.update(f"{name}\0{len(data)}\0".encode())
            state.update(data)
        return state.digest()

    def write(self, collection: str, name: str, data: bytes) -> None:
        """Write one asset beside the items of the sample's partition in a collection."""
        if self._sink is None:
            raise StacbuildError("outputs are written while a sample is converted, not after")
        self._sink.write(collection, name, data)


class Sink:
    """Writes the assets of one sample after another into a staging folder.

    Parameters
    ----------
    staging : Path
        Holds one folder per collection.
    collections : sequence of str
        The collections that may be written to.
    """

    __slots__ = ("_folders", "kept", "pending")

    def __init__(self, staging: Path, collections: Sequence[str]) -> None:
        self._folders = {name: os.fspath(staging / name) for name in collections}
        for folder in self._folders.values():
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - a name, not a Path
        self.pending: list[Written] = []
        """What the current sample wrote."""
        self.kept: list[Written] = []
        """The same of all samples that were kept."""

    def write(self, collection: str, name: str, data: bytes) -> None:
        """Write a new file, and remember its size and SHA-256."""
        if "/" in name or name.startswith("."):
            raise StacbuildError(f"{name!r} is not the name of an asset")
        handle = os.open(
            f"{self._folders[collection]}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644
        )
        # On the list before the first byte: whatever fails now, a drop takes it away.
        self.pending.append((collection, name, len(data), hashlib.sha256(data).digest()))
        try:
            write_whole(handle, data)
        finally:
            os.close(handle)

    def keep(self) -> list[Written]:
        """Keep what the current sample wrote, return it, and begin the next sample."""
        written, self.pending = self.pending, []
        self.kept += written
        return written

    def drop(self, kept: list[Written] | None = None) -> None:
        """Remove what the current sample wrote, and what it kept before: it is rejected."""
        for collection, name, _, _ in (*self.pending, *(kept or ())):
            os.unlink(f"{self._folders[collection]}/{name}")  # noqa: PTH108 - a name, not a Path
        if kept:
            gone = set(kept)
            self.kept = [one for one in self.kept if one not in gone]
        self.pending = []


class JoinFiles:
    """Outputs of a join; its raw files are the shards, which it is given."""

    __slots__ = ("_sink", "names")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.names: Sequence[str] = ()

    def read(self, name: str) -> bytes:
        """Refuse: a join reads its shards."""
        raise StacbuildError("a join has no raw files of its own", file=name)

    def where(self, name: str) -> str:
        """Return the name itself."""
        return name

    def write(self, collection: str, name: str, data: bytes) -> None:
        """Write one asset beside the item."""
        self._sink.write(collection, name, data)


def write_whole(handle: int, data: bytes) -> None:
    """Write all of the data to a file descriptor, however little each call takes."""
    written = os.write(handle, data)
    while written < len(data):
        written += os.write(handle, memoryview(data)[written:])


def stamp(ref: SampleRef, source: Path) -> str:
    """Return names, sizes and times of a sample's raw files, as text; no content is read.

    `SampleFiles` has the same of the files that it read.
    """
    path = os.path.join(source, ref.where) if ref.where else os.fspath(source)  # noqa: PTH118 - the hot path
    try:
        try:
            with os.scandir(path) as entries:
                rows = [_row(entry.name, entry.stat()) for entry in entries if entry.is_file()]
        except NotADirectoryError:
            rows = [_row(os.path.basename(path), os.stat(path))]  # noqa: PTH116, PTH119 - the same
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return ",".join(sorted(rows))


def _row(name: str, status: os.stat_result) -> str:
    return f"{name}:{status.st_size}:{status.st_mtime_ns}"


def _read_all(path: str) -> tuple[str, dict[str, bytes], str]:
    """Return folder, contents by name, and stamp of a folder or a file."""
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
        folder = path
    except NotADirectoryError:
        folder, name = os.path.split(path)
        names = [name]
    except OSError as error:
        raise SampleError(
            "unreadable", error.strerror or "cannot be read", file=path, mend="Is it still there?"
        ) from error
    found = {}
    rows = []
    for name in names:
        found[name], status = _read(f"{folder}/{name}")
        rows.append(_row(name, status))
    return folder, found, ",".join(sorted(rows))


def _read(path: str) -> tuple[bytes, os.stat_result]:
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            status = os.fstat(handle)
            size = status.st_size
            if size > LARGEST_FILE:
                raise SampleError(
                    "too-large", f"{size:,} bytes are too large for one file", file=path
                )
            # One byte more than promised: a file that grows meanwhile is noticed.
            data = os.read(handle, size + 1)
            while len(data) < size:
                more = os.read(handle, size + 1 - len(data))
                if not more:
                    break
                data += more
        finally:
            os.close(handle)
    except OSError as error:
        raise SampleError("unreadable", error.strerror or "cannot be read", file=path) from error
    if len(data) != size:
        raise SampleError(
            "unstable", "the file changes while it is read", file=path, mend="Build again later"
        )
    return data, status
