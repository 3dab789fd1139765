"""The floor under a build: the same bytes compressed, and written as the same files.

    python benchmarks/floor.py CATALOG TARGET

Takes the tiles of every COG of a patch, decoded and with their predictor applied, and times two
things only: deflating them with ISA-L at level 2, and writing files of the same names and bytes
as the catalog's (items, labels and thumbnails included). No reading, no prediction, no header, no
picture, no statistics, no checksum, no item. Prints one line of JSON, milliseconds of CPU a patch.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from isal import isal_zlib

LEVEL = 2
ROUNDS = 3


def tiles(path: Path) -> list[bytes]:
    """Return the padded tiles of a COG as they go into the compressor."""
    with rasterio.open(path) as source:
        pixels = source.read()
        rows, columns = source.block_shapes[0]
        together = source.profile.get("interleave") == "pixel"
    count, height, width = pixels.shape
    padded = np.zeros(
        (count, -(-height // rows) * rows, -(-width // columns) * columns), pixels.dtype
    )
    padded[:, :height, :width] = pixels
    found = []
    for top in range(0, padded.shape[1], rows):
        for left in range(0, padded.shape[2], columns):
            tile = padded[:, top : top + rows, left : left + columns].copy()
            tile[:, :, 1:] -= tile[:, :, :-1].copy()
            if together:
                found.append(tile.transpose(1, 2, 0).tobytes())
            else:
                found += [band.tobytes() for band in tile]
    return found


def measure(catalog: Path, target: Path) -> dict[str, Any]:
    """Return the floor of a catalog, written below a target folder."""
    paths = sorted(
        path
        for path in catalog.rglob("S2?_MSIL2A_*")
        if path.is_file() and ".stacbuild" not in path.relative_to(catalog).parts
    )
    patches = sum(path.name.endswith("_10m.tif") for path in paths)
    stacks = [tile for path in paths if path.suffix == ".tif" for tile in tiles(path)]
    files = [(path.relative_to(catalog), path.read_bytes()) for path in paths]
    folders = sorted({name.parent for name, _ in files})
    compress, write = [], []
    for turn in range(ROUNDS):
        # A new place each time: file systems are slow to hand out what was just deleted.
        root = target / str(turn)
        names = [(f"{root}/{name}", data) for name, data in files]
        start = time.process_time()
        for tile in stacks:
            isal_zlib.compress(tile, LEVEL)
        compress.append(time.process_time() - start)
        start = time.process_time()
        for folder in folders:
            (root / folder).mkdir(parents=True, exist_ok=True)
        for name, data in names:
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.write(handle, data)
            os.close(handle)
        write.append(time.process_time() - start)
    a_patch = 1000 / patches
    parts = {
        "compress": statistics.median(compress) * a_patch,
        "write": statistics.median(write) * a_patch,
    }
    return {"patches": patches, "cpu_ms": sum(parts.values()), "parts_ms": parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    print(json.dumps(measure(options.catalog, options.target)))


if __name__ == "__main__":
    main()
