"""Compare whole catalogs by their bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digests(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that would be published, by path below the root."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        for name in (path.relative_to(root).as_posix(),)
        if path.is_file() and not name.startswith(".stacbuild/local/")
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return the paths that were added, removed or changed."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def stamps(root: Path) -> dict[str, int]:
    """Return the inode of every file, by path below the root: whether it was written again."""
    return {
        path.relative_to(root).as_posix(): path.stat().st_ino
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
