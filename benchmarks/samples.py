"""Synthetic raw input as dense as the release: 63 patches a partition.

    python benchmarks/samples.py FOLDER --size 1000 [--seed 1] [--names]

``stacbuild sample`` spreads its patches thinly, so that a small sample has every quirk: a
thousand of them lie in about a hundred partitions. In the release 590,326 patches lie in 9,392.
What a partition costs once (facts, manifest, its part of the index) would weigh six times too
much. The patches themselves are those of ``stacbuild sample``: whole rows of real scenes.
``--names`` makes empty folders only, for planning.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from stactools.bigearthnet import constants
from stactools.bigearthnet.faults import listed_in
from stactools.bigearthnet.plan import Planned
from stactools.bigearthnet.raw import LISTS
from stactools.bigearthnet.sample import TOP, patch_files, write_files

if TYPE_CHECKING:
    from collections.abc import Iterator

A_ROW = 63
"""Patches in a row: 590,326 patches in 9,392 partitions are 62.9."""
USED = ("train", "val", "test", "snow", "cloud")
"""Lists that all sides of a comparison read."""


def patches(seed: int) -> Iterator[Planned]:
    """Yield patches row by row, one scene after another."""
    for row in range(constants.PATCHES_PER_SIDE):
        for prefix, tile in constants.PREFIX_PRODUCT:
            for column in range(A_ROW):
                yield Planned(prefix, constants.TILES[tile], column, row, seed)


def write(folder: Path, size: int, seed: int, *, names: bool) -> None:
    """Write the patches and the lists that name them.

    Raises
    ------
    SystemExit
        If there are not so many.
    """
    top = folder / TOP
    top.mkdir(parents=True)
    lists: dict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    # One prefix can belong to several tiles: names come again, and are taken once.
    fresh = (patch for patch in patches(seed) if patch.name not in seen)
    for patch in islice(fresh, size):
        seen.add(patch.name)
        if names:
            (top / patch.name).mkdir()
        else:
            write_files(f"{top}/{patch.name}", patch_files(patch))
        for which in listed_in(None, patch):
            lists[which].append(patch.name)
    if len(seen) < size:
        raise SystemExit(f"there are {len(seen):,} such patches, not {size:,}")
    for which in USED:
        text = "".join(f"{name}\r\n" for name in lists[which])
        (folder / LISTS[which]).write_text(text, newline="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, required=True, help="patches")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--names", action="store_true", help="empty folders, no pixels")
    options = parser.parse_args()
    write(options.folder, options.size, options.seed, names=options.names)


if __name__ == "__main__":
    main()
