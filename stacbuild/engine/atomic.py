"""Files appear whole under their final name, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, data: bytes, scratch: Path) -> bool:
    """Write a file by renaming it into place, unless it already holds just that.

    Parameters
    ----------
    path : Path
        The final name; its folder is made where it is missing.
    data : bytes
        The content.
    scratch : Path
        A folder on the same file system for the file while it is written.

    Returns
    -------
    bool
        Whether the file was written.
    """
    try:
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.mkdir(parents=True, exist_ok=True)
    replace(path, data, scratch)
    return True


def replace(path: Path | str, data: bytes, scratch: Path) -> None:
    """Write a file by renaming it into place; both folders exist."""
    # One name a process is enough: what a killed one left under it is written over.
    name = f"{scratch}/.{os.getpid()}.new"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        written = os.write(handle, data)
        while written < len(data):
            written += os.write(handle, memoryview(data)[written:])
    finally:
        os.close(handle)
    os.replace(name, path)  # noqa: PTH105 - a name, not a Path
