"""Whoever changes what a build writes from the same input has to raise a format number.

Fingerprints hold the format numbers and not the release: without a new number, catalogs that are
there already would keep what the old code wrote.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from stacbuild.dataset import load
from stacbuild.engine.build import BuildRequest, build
from stacbuild.engine.items import ITEM_FORMAT
from stacbuild.raster.stamp import PIXEL_FORMAT

PIXEL_DIGEST = "7dcaeedbf27b9ab02d471cecc130aa74bfa533f3fa83be5fa6587347ce20f9ec"
ITEM_DIGEST = "389f843906bda4e227f9fecbebf0eb4b7b7d5f9fb8aa3bd5f92cc70c58482dd2"

PIXELS = (".tif", ".jpg", ".geojson")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = tmp_path_factory.mktemp("raw")
    load("bigearthnet").sample(raw, size=20, seed=7)
    root = tmp_path_factory.mktemp("catalog")
    build(BuildRequest(root, "bigearthnet", load("bigearthnet").discover(raw)))
    return root


def digest(root: Path, suffixes: tuple[str, ...]) -> str:
    """Return the digest of a catalog's partitions: files with some suffixes."""
    state = hashlib.sha256()
    for path in sorted(root.glob("bigearthnet/*/*/row*/*")):
        if path.suffix in suffixes:
            state.update(path.name.encode())
            state.update(path.read_bytes())
    return state.hexdigest()


# Made with the versions of requirements.txt; other versions of GDAL, ISA-L, libjpeg or PROJ may
# write other bytes, which is no change of format.
def test_pixels(root: Path) -> None:
    assert (PIXEL_FORMAT, load("bigearthnet").pixel_format) == (1, 1)
    assert digest(root, PIXELS) == PIXEL_DIGEST, "raise PIXEL_FORMAT or the dataset's pixel_format"


def test_items(root: Path) -> None:
    assert (ITEM_FORMAT, load("bigearthnet").item_format) == (1, 1)
    assert digest(root, (".json",)) == ITEM_DIGEST, "raise ITEM_FORMAT or the dataset's item_format"
