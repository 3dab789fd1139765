"""Hrefs of a table: absolute where the URL is known, else relative to the table's own folder."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import urlsplit, urlunsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def is_absolute(href: str) -> bool:
    """Tell whether an href stands by itself: a URL, or a path from the root."""
    return href.startswith("/") or _SCHEME.match(href) is not None


def _climb(path: str) -> str:
    return path if path.startswith("../") or path == ".." else f"./{path}"


class Hrefs:
    """Turn hrefs that are relative to an item's folder into those of a table.

    Parameters
    ----------
    folder : str
        The item's folder, relative to the table's folder: ``"S2A_…/row45"``, or ``".."`` and so
        on; as it stands in URLs.
    base : str, optional
        The URL of the table's folder; without it the hrefs become relative to that folder.
    """

    __slots__ = ("_base", "_folder", "_known", "_root")

    def __init__(self, folder: str, base: str | None = None) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}
        self._root: tuple[str, str] | None = None
        if base is not None:
            parts = urlsplit(base)
            self._root = urlunsplit((parts.scheme, parts.netloc, "", "", "")), parts.path or "/"

    def __call__(self, href: str) -> str:
        """Return one href, as seen from the table; absolute ones stay as they are."""
        head, slash, name = href.rpartition("/")
        start = self._known.get(head)
        if start is None:
            if is_absolute(href):
                return href
            start = self._known[head] = self._start(head)
        elif not head and (slash or _SCHEME.match(name)):
            return href
        return start + name

    def _start(self, head: str) -> str:
        path = posixpath.normpath(posixpath.join(self._folder, head))
        if self._root is not None:
            origin, root = self._root
            whole = posixpath.normpath(posixpath.join(root, path))
            return f"{origin}{whole.rstrip('/')}/"
        return "./" if path == "." else f"{_climb(path)}/"
