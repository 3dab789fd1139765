"""Raw patches to a catalog, side by side: a naive loop, a careful one, stacbuild, and the floor.

    python benchmarks/build.py [--size 1000] [--rounds 3] [--tmpfs DIR] [--disk DIR] [--json FILE]

One run, the same raw input, the same set of objects on every side (checked first), rounds
interleaved, medians. Each side is a whole process on the clock: start-up and imports, scan,
pixels, items, index. A second build of one patch tells what of that is start-up; ``net`` leaves
it out on every side. ``--jobs 1``, so CPU time is time per core.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import harness
from harness import HERE, Run, median

Command = Callable[[Path, Path], list[str]]
SIDES: dict[str, Command] = {
    "naive": lambda raw, out: harness.python(HERE / "baseline_naive.py", raw, out),
    "careful": lambda raw, out: harness.python(HERE / "baseline_careful.py", raw, out),
    "stacbuild": lambda raw, out: harness.stacbuild(
        "build", "bigearthnet", raw, out, "--jobs", "1", "--quiet"
    ),
}
OURS = "stacbuild"
WANTED = {"naive": 20, "careful": 6}
"""How many times the CPU of ours each baseline is to need at least."""


@dataclass(slots=True)
class Series:
    """The runs of one side on one target: of all patches, and of one.

    Parameters
    ----------
    size : int
        Patches of a whole run.
    whole, start : list of Run
        Runs of all patches, and of one patch.
    """

    size: int
    whole: list[Run] = field(default_factory=list)
    start: list[Run] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return the medians, in milliseconds a patch; start-up in milliseconds."""
        figures = {}
        for clock in ("cpu", "wall"):
            whole = 1000 * median(getattr(run, clock) for run in self.whole)
            start = 1000 * median(getattr(run, clock) for run in self.start)
            figures[f"{clock}_ms"] = whole / self.size
            figures[f"{clock}_start_ms"] = start
            figures[f"{clock}_net_ms"] = (whole - start) / (self.size - 1)
        return figures


def measure(
    sides: list[str], raws: tuple[Path, Path], targets: dict[str, Path], options: argparse.Namespace
) -> dict[str, Any]:
    """Run all sides on all targets, interleaved; return the figures."""
    all_patches, one_patch = raws
    series = {(target, side): Series(options.size) for target in targets for side in sides}
    objects: dict[str, Any] = {}
    floors: dict[str, Any] = {}
    for turn in range(options.rounds):
        for target, folder in targets.items():
            order = sides[turn % len(sides) :] + sides[: turn % len(sides)]
            for side in order:
                print(f"round {turn + 1}/{options.rounds}: {side} on {target}", file=sys.stderr)
                # New places, emptied at the end: file systems are slow to hand out what was
                # just deleted.
                out = folder / f"{side}-{turn}"
                os.sync()
                series[target, side].start.append(
                    harness.run(SIDES[side](one_patch, folder / f"{side}-{turn}-one"))
                )
                series[target, side].whole.append(harness.run(SIDES[side](all_patches, out)))
            if turn == 0:
                made = [folder / f"{side}-0" for side in sides]
                checked = harness.run(harness.python(HERE / "compare.py", *made))
                objects = dict(zip(sides, json.loads(checked.stdout).values(), strict=True))
                run = harness.run(harness.python(HERE / "floor.py", made[-1], folder / "floor"))
                floors[target] = json.loads(run.stdout)
    return {
        "objects": objects,
        "floor": floors,
        "targets": {
            target: {side: series[target, side].figures() for side in sides} for target in targets
        },
        "parts_ms": {
            side: json.loads(series[next(iter(targets)), side].whole[-1].stdout)["parts_ms"]
            for side in sides
            if side != OURS
        },
    }


def print_report(report: dict[str, Any]) -> None:
    """Print the tables."""
    harness.print_machine(report["machine"])
    print(f"{report['size']} patches, {report['rounds']} rounds, medians")
    for target, figures in report["targets"].items():
        ours = figures.get(OURS)
        rows = []
        for side, one in figures.items():
            row = [side, *(f"{one[key]:.2f}" for key in ("cpu_ms", "cpu_net_ms"))]
            row.append(f"{one['cpu_start_ms']:.0f}")
            row += [f"{one[key]:.2f}" for key in ("wall_ms", "wall_net_ms")]
            for key in ("cpu_ms", "cpu_net_ms"):
                row.append(f"{one[key] / ours[key]:.1f}x" if ours else "")
            row.append(f">= {WANTED[side]}x" if side in WANTED else "")
            rows.append(row)
        floor = report["floor"][target]
        share = [
            f"{floor['cpu_ms'] / ours[key]:.0%}" if ours else "" for key in ("cpu_ms", "cpu_net_ms")
        ]
        rows.append(
            ["floor", f"{floor['cpu_ms']:.2f}", f"{floor['cpu_ms']:.2f}", "", "", "", *share, ""]
        )
        harness.print_table(
            [
                f"on {target}, ms a patch",
                "CPU whole",
                "CPU net",
                "start-up ms",
                "wall whole",
                "wall net",
                "x ours, whole",
                "x ours, net",
                "wanted",
            ],
            rows,
        )
        parts = ", ".join(f"{name} {spent:.2f}" for name, spent in floor["parts_ms"].items())
        print(f"floor: {parts}; its last columns: our share of the floor (floor / ours)")
    for side, parts in report["parts_ms"].items():
        harness.print_table(
            [f"{side}, CPU ms a patch", "ms"],
            [[name, f"{spent:.2f}"] for name, spent in sorted(parts.items(), key=lambda p: -p[1])],
        )
    harness.print_table(
        ["objects", "of patches", "others", "bytes"],
        [
            [
                side,
                str(sum(one["of_patches"].values())),
                str(sum(one["others"].values())),
                f"{one['bytes']:,}",
            ]
            for side, one in report["objects"].items()
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1000, help="patches")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--raw", type=Path, help="raw input to use in place of synthetic patches")
    parser.add_argument("--tmpfs", type=Path, default=harness.TMPFS, help="folder in memory")
    parser.add_argument("--disk", type=Path, help="folder on a disk, measured as well")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--json", metavar="FILE", help="write the report; - for standard output")
    options = parser.parse_args()
    if not harness.find_schemas():
        parser.error(
            "the naive loop validates against the official extension schemas: name their folder "
            "in STACBUILD_SCHEMAS, or run stacbuild demo once, which keeps them in its cache"
        )
    with ExitStack() as stack:
        work = stack.enter_context(harness.scratch(options.tmpfs))
        raw = (
            harness.first_patches(options.raw, work / "raw", options.size)
            if options.raw
            else (harness.make_samples(work / "raw", options.size))
        )
        options.size = len(harness.patch_folders(raw))
        one = harness.first_patches(raw, work / "one", 1)
        harness.warm(raw)
        targets = {"tmpfs": work}
        if options.disk:
            targets["disk"] = stack.enter_context(harness.scratch(options.disk))
        report = {
            "machine": harness.machine(),
            "size": options.size,
            "rounds": options.rounds,
            **measure(options.sides.split(","), (raw, one), targets, options),
        }
    print_report(report)
    harness.write_json(options.json, report)


if __name__ == "__main__":
    main()
