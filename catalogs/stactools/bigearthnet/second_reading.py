"""A second reading of the raw patches, by GDAL: what ``stacbuild validate --pixels`` holds against.

It shares nothing with `raw` but the tables: neither the short way of reading TIFFs nor the stacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rasterio.io import MemoryFile

from stacbuild.dataset import Pixels
from stactools.bigearthnet import assets
from stactools.bigearthnet import constants as c

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from stacbuild.dataset import Files


def pixels(name: str, files: Files) -> Iterator[Pixels]:
    """Yield the stacks and the picture that a patch must have been made into."""
    bands: dict[str, NDArray[np.uint16]] = {}
    places: dict[str, tuple[str, tuple[float, ...]]] = {}
    for band in c.BAND_NAMES:
        with MemoryFile(files.read(f"{name}_{band}.tif")) as memory, memory.open() as raw:
            bands[band] = raw.read(1)
            places[band] = str(raw.crs), tuple(raw.transform)[:6]
    for key, metres in assets.STACKS.items():
        names = c.RESOLUTIONS[metres]
        stack = np.stack([bands[band] for band in names])
        yield Pixels(c.IMAGERY, name, key, stack, *places[names[0]])
    picture = np.stack([_stretched(bands[band]) for band in c.RGB])
    yield Pixels(c.IMAGERY, name, assets.VISUAL, picture, *places[c.RGB[0]])


def _stretched(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return the picture's values by the published formula (`c.STRETCH_TEXT`)."""
    share = np.clip(values / c.STRETCH.high, 0, 1) ** (1 / c.STRETCH.gamma)
    return np.where(values == c.NODATA, 0, 1 + np.round(254 * share)).astype(np.uint8)
