"""Files appear whole under their final name, or not at all."""

from __future__ import annotations

import os
import tempfile
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


def replace(path: Path, data: bytes, scratch: Path) -> None:
    """Write a file by renaming it into place; both folders exist."""
    handle, name = tempfile.mkstemp(dir=scratch)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files private; a catalog is for reading.
        os.chmod(name, 0o644)  # noqa: PTH101 - a name, not a Path
        os.replace(name, path)  # noqa: PTH105 - the same
    except BaseException:
        os.unlink(name)  # noqa: PTH108 - the same
        raise
