"""Items a second of ``stacbuild describe``: every JSON and the index again, from the facts alone.

    python benchmarks/describe.py [--size 10000] [--rounds 3] [--jobs 1,2] [--tmpfs DIR]

Builds a catalog once, then changes the root's title in the configuration, which stands in a link
of every item, and describes: every item is made, validated and written anew (checked), with the
partition catalogs, collections and items.parquet. The raw input is removed before. ``net`` leaves
out what describing a catalog of one patch takes, which is start-up.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import harness
from harness import Run, median

PARTS = ("cpu", "wall")
WANTED = 10_000


def configuration(file: Path, title: str) -> Path:
    """Write a configuration whose root has this title."""
    file.write_text(f'[catalog]\nid = "benchmark"\ntitle = "{title}"\ndescription = "{title}"\n')
    return file


def items_with(catalog: Path, title: str) -> tuple[int, int]:
    """Return how many items there are, and how many carry the root's title."""
    wanted = title.encode()
    found = [
        wanted in path.read_bytes()
        for path in catalog.rglob("S2?_MSIL2A_*.json")
        if ".stacbuild" not in path.relative_to(catalog).parts
    ]
    return len(found), sum(found)


def describe(catalog: Path, config: Path, jobs: int) -> Run:
    """Describe a catalog anew."""
    return harness.run(
        harness.stacbuild("describe", catalog, "-c", config, "--jobs", jobs, "--quiet")
    )


def measure(work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the rates by number of jobs."""
    raw = harness.make_samples(work / "raw", options.size)
    one_raw = harness.first_patches(raw, work / "one-raw", 1)
    catalogs = {"whole": work / "whole", "one": work / "one"}
    for name, source in (("whole", raw), ("one", one_raw)):
        harness.run(harness.stacbuild("build", "bigearthnet", source, catalogs[name], "--quiet"))
        shutil.rmtree(source)
    runs: dict[int, dict[str, list[Run]]] = {
        jobs: {"whole": [], "one": []} for jobs in map(int, options.jobs.split(","))
    }
    items = turn = 0
    for _ in range(options.rounds):
        for jobs, series in runs.items():
            turn += 1
            title = f"Benchmark, title {turn}"
            config = configuration(work / "catalog.toml", title)
            for name, catalog in catalogs.items():
                series[name].append(describe(catalog, config, jobs))
            items, changed = items_with(catalogs["whole"], title)
            if changed != items:
                sys.exit(f"only {changed} of {items} items were described anew")
    rates: dict[str, dict[str, float]] = {}
    for jobs, series in runs.items():
        rates[str(jobs)] = {}
        for part in PARTS:
            whole, one = (median(getattr(run, part) for run in series[name]) for name in catalogs)
            rates[str(jobs)][part] = items / whole
            rates[str(jobs)][f"{part}_net"] = (items - 2) / (whole - one)
    return {"items": items, "rates": rates}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000, help="patches; two items each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", default=f"1,{os.cpu_count()}")
    parser.add_argument("--tmpfs", type=Path, default=harness.TMPFS, help="folder in memory")
    parser.add_argument("--json", metavar="FILE", help="write the report; - for standard output")
    options = parser.parse_args()
    with harness.scratch(options.tmpfs) as work:
        report = {"machine": harness.machine(), **measure(work, options)}
    harness.print_machine(report["machine"])
    harness.print_table(
        [f"{report['items']:,} items", "items/CPU s", "net", "items/s wall", "net", "wanted"],
        [
            [
                f"--jobs {jobs}",
                *(f"{rate[key]:,.0f}" for key in ("cpu", "cpu_net", "wall", "wall_net")),
                f">= {WANTED:,}",
            ]
            for jobs, rate in report["rates"].items()
        ],
    )
    harness.write_json(options.json, report)


if __name__ == "__main__":
    main()
