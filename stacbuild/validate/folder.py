"""The catalog's folder as a validation sees it: names inside it, bounded reads, no way out.

Names are relative to the root, with ``/``; the root's own files have no folder part.
"""

from __future__ import annotations

import mmap
import os
import posixpath
import re
import stat
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from stacbuild.stac.encode import loads

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_JSON = 32 << 20
"""Bytes of a JSON file that are read; conventions want it below 1 MB."""
_MAPPED = 16 << 20
"""Files above this are mapped, so that one large table does not fill the memory."""
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

Content = bytes | mmap.mmap


class Unreadable(Exception):  # noqa: N818 - a fact about a file
    """A file cannot be read; ``kind`` is the slug of the finding, the text says why."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def is_remote(href: str) -> bool:
    """Tell whether an href has a scheme, and so does not depend on where it stands."""
    return _REMOTE.match(href) is not None


class Folder:
    """Reads files of a catalog, and nothing outside it.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self._safe: dict[str, bool] = {}

    def resolve(self, name: str, href: str) -> str:
        """Return the name of what a relative href in a file leads to.

        Parameters
        ----------
        name : str
            The file that holds the href.
        href : str
            As it stands there.

        Raises
        ------
        Unreadable
            If it leads out of the catalog.
        """
        parts = urlsplit(href)
        target = posixpath.normpath(
            posixpath.join(posixpath.dirname(name), unquote(parts.path, errors="strict"))
        )
        if (
            is_remote(href)
            or target.startswith(("/", "../"))
            or target in ("..", ".")
            or ("\0" in target or "\\" in target)
        ):
            raise Unreadable("link-outside", f"{href} leads out of the catalog")
        return target

    def path(self, name: str) -> str:
        """Return the full path of a file, after a check that no symbolic link leads out.

        Raises
        ------
        Unreadable
            If one does.
        """
        folder = posixpath.dirname(name)
        if folder not in self._safe:
            self._safe[folder] = self._inside(folder)
        if not self._safe[folder]:
            raise Unreadable("link-outside", "a symbolic link leads out of the catalog")
        return f"{self.root}/{name}"

    def _inside(self, name: str) -> bool:
        real = os.path.realpath(f"{self.root}/{name}")
        return real == self.root or real.startswith(self.root + os.sep)

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, or None if there is no such regular file.

        Raises
        ------
        Unreadable
            If a symbolic link leads out of the catalog.
        """
        path = self.path(name)
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                if not self._inside(name):
                    raise Unreadable("link-outside", "a symbolic link leads out of the catalog")
                status = os.stat(path)  # noqa: PTH116 - the hot path, as all of these
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def content(self, name: str) -> Content:
        """Return the content of a file; a large one is mapped.

        Raises
        ------
        Unreadable
            If there is no such file in the catalog, or it cannot be read.
        """
        size = self.size(name)
        if size is None:
            raise Unreadable("missing", "the file does not exist")
        try:
            with open(self.path(name), "rb") as file:  # noqa: PTH123 - the hot path
                if size > _MAPPED:
                    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                return file.read(size + 1)
        except (OSError, ValueError) as error:
            raise Unreadable("missing", f"the file cannot be read ({error})") from error

    def json(self, name: str) -> tuple[dict[str, Any], bytes]:
        """Return a JSON object and its bytes.

        Raises
        ------
        Unreadable
            If there is no such file in the catalog, or it is not a JSON object of bounded size.
        """
        size = self.size(name)
        if size is not None and size > LARGEST_JSON:
            raise Unreadable("json", f"{size:,} bytes are too many for a JSON file")
        data = bytes(self.content(name))
        try:
            value = loads(data)
        except ValueError as error:
            raise Unreadable("json", f"it is not JSON ({error})") from error
        if not isinstance(value, dict):
            raise Unreadable("json", "it is not a JSON object")
        return value, data

    def listing(self, folder: str) -> tuple[set[str], list[str]]:
        """Return the files in a folder, and the folders; both as names relative to the root."""
        prefix = f"{folder}/" if folder else ""
        files: set[str] = set()
        folders: list[str] = []
        try:
            with os.scandir(f"{self.root}/{folder}") as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(prefix + entry.name)
                    else:
                        files.add(prefix + entry.name)
        except OSError:
            return set(), []
        return files, sorted(folders)
