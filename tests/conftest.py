"""Fixtures that every test may use: real files where they are to be had, and no network."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

# Schemas come from STACBUILD_SCHEMAS or from a cache; what is in neither is not checked.
os.environ["STACBUILD_OFFLINE"] = "1"

ROOT = Path(__file__).resolve().parent.parent


def pytest_runtest_setup() -> None:
    """Allow connections to this machine only."""
    import pytest_socket  # noqa: PLC0415 - imported late, so that collection works without it

    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real files; tests that need them skip where it is absent."""
    folder = Path(os.environ.get("STACBUILD_SHARED", ROOT.parent / "shared"))
    if not (folder / "datasets").is_dir():
        pytest.skip(f"the real files are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def real_patches(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the six real BigEarthNet patches, unpacked."""
    target = tmp_path_factory.mktemp("bigearthnet")
    archive = shared / "datasets/bigearthnet/samples/BigEarthNet-S2-Example.tar.bz2"
    with tarfile.open(archive) as tar:
        # Python 3.11.4 brought filters, and 3.14 asks for one.
        if hasattr(tarfile, "data_filter"):
            tar.extractall(target, filter="data")
        else:
            tar.extractall(target)  # noqa: S202 - our own archive, pinned by the tests
    (top,) = target.iterdir()
    return top
