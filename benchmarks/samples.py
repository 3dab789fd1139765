"""Synthetic raw input for the benchmarks: ``stacbuild sample``, or its names alone.

    python benchmarks/samples.py FOLDER --size 1000 [--seed 1] [--names]

The patches lie as densely as in the release, 63 in a row: what a partition costs once (facts,
manifest, its part of the index) weighs what it would weigh there. ``--names`` makes empty folders
only, for planning.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stactools.bigearthnet import plan
from stactools.bigearthnet.sample import TOP, write_sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, required=True, help="patches")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--names", action="store_true", help="empty folders, no pixels")
    options = parser.parse_args()
    if options.names:
        for name in plan.names(options.size):
            (options.folder / TOP / name).mkdir(parents=True)
    else:
        write_sample(options.folder, size=options.size, seed=options.seed)


if __name__ == "__main__":
    main()
