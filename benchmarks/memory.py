"""Peak memory of a build at two sizes, and of scanning and planning the whole dataset's names.

    python benchmarks/memory.py [--sizes 2000,20000] [--jobs 2] [--names 590326] [--folder DIR]

A build's peak is sampled over the process and all its workers together, in two ways: the sum of
their resident sets, which counts pages that they share once for each (an upper bound), and the sum
of their proportional sets, which counts them once. Beside it the kernel's own peak of the largest
single process. Planning is ``build --dry-run`` over folders that hold names and no pixels.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import harness
import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = 1 << 20
EVERY = 0.05
"""Seconds between two looks."""
LIMIT = 600 * 1_000_000
RATIO = 1.3


@dataclass(frozen=True, slots=True)
class Peaks:
    """Largest memory of one command, in bytes, and its time in seconds.

    Parameters
    ----------
    resident, proportional : int
        Largest sum of resident and of proportional sets over all its processes.
    single : int
        The kernel's peak resident set of the largest process.
    processes : int
        Most processes at a time.
    cpu, wall : float
        Its time.
    """

    resident: int
    proportional: int
    single: int
    processes: int
    cpu: float
    wall: float


def _sizes(process: psutil.Process) -> tuple[int, int]:
    """Return resident and proportional set of a process; nothing where it has just ended."""
    try:
        facts = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0, 0
    return facts.rss, getattr(facts, "pss", facts.rss)


def watch(command: Sequence[str], *, accept: tuple[int, ...] = (0,)) -> Peaks:
    """Run a command to its end, and return its peaks of memory."""
    harness.adopt_orphans()
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        child = Popen(
            command,
            stdout=errors,
            stderr=errors,
            env=harness.environment(),
        )
        root = psutil.Process(child.pid)
        resident = proportional = most = 0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            try:
                family = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            found = [_sizes(process) for process in family]
            resident = max(resident, sum(one for one, _ in found))
            proportional = max(proportional, sum(one for _, one in found))
            most = max(most, sum(one > 0 for one, _ in found))
            time.sleep(EVERY)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if child.returncode not in accept:
            errors.seek(0)
            sys.exit(f"{' '.join(command)}\n{errors.read()}")
        cpu = usage.ru_utime + usage.ru_stime + harness.orphans()
        return Peaks(resident, proportional, usage.ru_maxrss * 1024, most, cpu, wall)


def build_peaks(size: int, jobs: int, folder: Path) -> Peaks:
    """Return the peaks of a build of so many synthetic patches."""
    with harness.scratch(folder) as work:
        raw = harness.make_samples(work / "raw", size)
        command = ("build", "bigearthnet", raw, work / "catalog", "--jobs", jobs, "--quiet")
        return watch(harness.stacbuild(*command))


def plan_peaks(names: int, folder: Path) -> Peaks:
    """Return the peaks of planning so many patches, of which only the names exist."""
    with harness.scratch(folder) as work:
        raw = harness.make_samples(work / "raw", names, names=True)
        command = ("build", "bigearthnet", raw, work / "catalog", "--dry-run", "--quiet")
        return watch(harness.stacbuild(*command))


def print_report(report: dict[str, Any]) -> None:
    """Print the table and whether the limits hold."""
    harness.print_machine(report["machine"])
    rows = []
    for name, peaks in report["peaks"].items():
        sizes = [f"{peaks[key] / MIB:,.0f}" for key in ("resident", "proportional", "single")]
        times = [f"{peaks[key]:,.1f}" for key in ("cpu", "wall")]
        rows.append([name, *sizes, str(peaks["processes"]), *times])
    harness.print_table(
        [
            "peak, MiB",
            "sum of RSS",
            "sum of PSS",
            "largest process",
            "processes",
            "CPU s",
            "wall s",
        ],
        rows,
    )
    for key, name in (("resident", "RSS"), ("proportional", "PSS")):
        if key in report["ratio"]:
            ratio = report["ratio"][key]
            print(f"sum of {name}, largest over smallest build: {ratio:.2f} (wanted: <= {RATIO})")
        worst = max(peaks[key] for peaks in report["peaks"].values())
        print(f"largest sum of {name}: {worst / 1e6:,.0f} MB (wanted: below {LIMIT / 1e6:,.0f} MB)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="2000,20000", help="patches of the builds")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--names", type=int, default=590_326, help="names to plan; 0 leaves it out")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", metavar="FILE", help="write the report; - for standard output")
    options = parser.parse_args()
    peaks: dict[str, Any] = {}
    builds: list[Peaks] = []
    for size in map(int, filter(None, options.sizes.split(","))):
        builds.append(build_peaks(size, options.jobs, options.folder))
        peaks[f"build of {size:,}"] = asdict(builds[-1])
    if options.names:
        peaks[f"plan of {options.names:,}"] = asdict(plan_peaks(options.names, options.folder))
    report = {"machine": harness.machine(), "jobs": options.jobs, "peaks": peaks, "ratio": {}}
    if len(builds) > 1:
        report["ratio"] = {
            key: getattr(builds[-1], key) / getattr(builds[0], key)
            for key in ("resident", "proportional")
        }
    print_report(report)
    harness.write_json(options.json, report)


if __name__ == "__main__":
    main()
