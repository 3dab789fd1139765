"""A small synthetic BigEarthNet, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stacbuild.dataset import load


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic raw input; not to be changed."""
    folder = tmp_path_factory.mktemp("sample")
    load("bigearthnet").sample(folder, size=60, seed=1)
    return folder


@pytest.fixture
def raw(sample: Path, tmp_path: Path) -> Path:
    """Synthetic raw input of the test's own, times kept."""
    folder = tmp_path / "raw"
    shutil.copytree(sample, folder)
    return folder
