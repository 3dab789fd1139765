"""Checks that several catalogs of the same patches hold the same set of objects.

    python benchmarks/compare.py CATALOG CATALOG…

By name, kind and count; and for some patches by every pixel of every band, with CRS, transform,
nodata and band names, read back with rasterio. Ends with a message and code 1 where they differ.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image

PATCH = re.compile(r"(S2[AB]_MSIL2A_\d{8}T\d{5,6}_\d{1,2}_\d{1,2})(.*)")
GRIDS = ("_10m.tif", "_20m.tif", "_60m.tif")
OF_A_PATCH = (
    *GRIDS,
    "_visual.tif",
    "_thumbnail.jpg",
    ".json",
    "_labels.geojson",
    "_labels.json",
)
CHECKED = 5


class Catalog:
    """The files of a catalog, by patch and kind.

    Parameters
    ----------
    root : Path
        Its folder; what lies below ``.stacbuild`` belongs to the builder and is left out.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.of_patches: dict[tuple[str, str], Path] = {}
        self.others: Counter[str] = Counter()
        self.bytes = 0
        for path in root.rglob("*"):
            if not path.is_file() or ".stacbuild" in path.relative_to(root).parts:
                continue
            self.bytes += path.stat().st_size
            match = PATCH.fullmatch(path.name)
            if match is None:
                self.others[path.name] += 1
            else:
                self.of_patches[match[1], match[2]] = path

    @property
    def patches(self) -> list[str]:
        """Names of its patches, sorted."""
        return sorted({name for name, _ in self.of_patches})

    def kinds(self) -> dict[str, int]:
        """Return how many objects there are of each kind that belongs to a patch."""
        return dict(sorted(Counter(kind for _, kind in self.of_patches).items()))


def check(roots: dict[str, Path]) -> dict[str, Any]:
    """Return what the catalogs hold.

    Raises
    ------
    SystemExit
        If they do not hold the same set of objects, or not the same pixels.
    """
    catalogs = {side: Catalog(root) for side, root in roots.items()}
    first, *rest = catalogs
    one = catalogs[first]
    wanted = {(name, kind) for name in one.patches for kind in OF_A_PATCH}
    for side, catalog in catalogs.items():
        found = set(catalog.of_patches)
        if found != wanted:
            some = sorted("".join(pair) for pair in found ^ wanted)[:5]
            sys.exit(f"{side} does not hold the same set of objects as {first}: {', '.join(some)}")
        if catalog.others["items.parquet"] != 2 or catalog.others["collection.json"] != 2:  # noqa: PLR2004 - imagery and labels
            sys.exit(f"{side} does not hold two collections with their items.parquet")
    step = max(1, len(one.patches) // CHECKED)
    for name in one.patches[::step]:
        for side in rest:
            _same_patch(name, one, catalogs[side], f"{first} and {side}")
    return {
        side: {
            "patches": len(catalog.patches),
            "of_patches": catalog.kinds(),
            "others": dict(sorted(catalog.others.items())),
            "bytes": catalog.bytes,
        }
        for side, catalog in catalogs.items()
    }


def _same_patch(name: str, one: Catalog, other: Catalog, sides: str) -> None:
    for kind in (*GRIDS, "_visual.tif"):
        with (
            rasterio.open(one.of_patches[name, kind]) as left,
            rasterio.open(other.of_patches[name, kind]) as right,
        ):
            same = (
                left.crs == right.crs
                and left.transform == right.transform
                and left.shape == right.shape
                and left.dtypes == right.dtypes
            )
            if same and kind in GRIDS:
                same = left.descriptions == right.descriptions and bool(
                    np.array_equal(left.read(), right.read())
                )
            if not same:
                sys.exit(f"{sides} differ in {name}{kind}")
    with (
        Image.open(one.of_patches[name, "_thumbnail.jpg"]) as left_image,
        Image.open(other.of_patches[name, "_thumbnail.jpg"]) as right_image,
    ):
        if left_image.size != right_image.size or left_image.mode != right_image.mode:
            sys.exit(f"{sides} differ in the size of {name}_thumbnail.jpg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogs", type=Path, nargs="+")
    options = parser.parse_args()
    found = check({str(path): path for path in options.catalogs})
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
