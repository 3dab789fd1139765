"""One build at a time in one catalog."""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stacbuild.engine.layout import STATE
from stacbuild.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stacbuild.engine.layout import Layout


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the catalog for this process; the system lets go of it however the process ends.

    Raises
    ------
    CatalogError
        If another process holds it, or the folder cannot be written to.
    """
    folder = root / STATE / "local"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("ab")
    except OSError as error:
        raise CatalogError(
            f"the catalog cannot be written to ({error.strerror})",
            file=root,
            mend="Choose a folder that is yours to write",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CatalogError(
                "another build works in this catalog", file=root, mend="Wait for it to end"
            ) from error
        yield


@contextmanager
def scratch(layout: Layout) -> Iterator[Path]:
    """Give an empty folder on the catalog's file system, and take it away again."""
    # What a killed run left goes first: the lock says that nobody works in it any more.
    shutil.rmtree(layout.staging, ignore_errors=True)
    layout.staging.mkdir(parents=True)
    try:
        yield layout.staging
    finally:
        shutil.rmtree(layout.staging, ignore_errors=True)
