"""What the measurements share: clean environment, child processes on the clock, tables.

Everything is measured in child processes, by the kernel's count of their CPU time (user and
system, their own children included) and by the wall. This process stays small: a child's peak of
memory starts from that of the process it was forked from.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HERE = Path(__file__).resolve().parent
TMPFS = Path("/dev/shm")  # noqa: S108 - the point is that it is memory
PACKAGES = (
    "stacbuild",
    "rasterio",
    "rio-cogeo",
    "pystac",
    "stac-geoparquet",
    "numpy",
    "pyarrow",
    "isal",
    "orjson",
    "jsonschema-rs",
    "pillow",
)
# Credentials make each rasterio.open build a session, several times slower than the work.
CREDENTIALS = ("AWS_", "AZURE_", "GOOGLE_", "GS_", "OSS_", "SWIFT_")


PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Run:
    """One child process, measured.

    Parameters
    ----------
    cpu, wall : float
        Seconds; CPU is user and system time with all children that it waited for.
    peak : int
        Largest resident set of one of these processes, in bytes.
    stdout : str
        What it printed.
    """

    cpu: float
    wall: float
    peak: int
    stdout: str


def environment() -> dict[str, str]:
    """Return the environment without credentials and without what changes GDAL's ways."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith((*CREDENTIALS, "GDAL_", "CPL_"))
    }


def clean_own_environment() -> None:
    """Make this process's environment that of `environment`."""
    for key in os.environ.keys() - environment().keys():
        del os.environ[key]


def find_schemas() -> bool:
    """Name stacbuild's cache in ``STACBUILD_SCHEMAS`` if nothing is named; False if it is empty."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folder = Path(os.environ.setdefault("STACBUILD_SCHEMAS", str(caches / "stacbuild/schemas")))
    return folder.is_dir()


def run(command: Sequence[str], *, accept: tuple[int, ...] = (0,)) -> Run:
    """Run a command to its end, and measure it.

    Raises
    ------
    SystemExit
        If it ends with another code than the accepted ones.
    """
    adopt_orphans()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment())
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        cpu = usage.ru_utime + usage.ru_stime + orphans()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode not in accept:
            sys.exit(f"{' '.join(command)}\nended with code {process.returncode}\n{errors.read()}")
        return Run(cpu, wall, usage.ru_maxrss * 1024, out.read())


@cache
def adopt_orphans() -> None:
    """Become the parent of what our children leave behind (Linux): workers of a fork server.

    Their CPU time reaches nobody otherwise: the server waits for them, and nobody for the server.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def orphans() -> float:
    """Wait for all that was left behind; return its CPU time in seconds."""
    spent = 0.0
    with suppress(ChildProcessError):
        while True:
            _, _, usage = os.wait4(-1, 0)
            spent += usage.ru_utime + usage.ru_stime
    return spent


def python(*arguments: object) -> list[str]:
    """Return a command of this Python."""
    return [sys.executable, *map(str, arguments)]


def stacbuild(*arguments: object) -> list[str]:
    """Return a command of stacbuild."""
    return python("-m", "stacbuild", *arguments)


def make_samples(folder: Path, size: int, *, names: bool = False) -> Path:
    """Write synthetic raw input as dense as the release and return its folder."""
    only = ["--names"] if names else []
    run(python(HERE / "samples.py", folder, "--size", size, *only))
    return folder


def patch_folders(raw: Path) -> list[Path]:
    """Return the folders of all patches below a download folder, sorted by name."""
    return sorted(path for path in raw.rglob("S2?_MSIL2A_*") if path.is_dir())


def first_patches(raw: Path, target: Path, count: int) -> Path:
    """Copy a download folder with its lists, but only its first patches."""
    kept = {path.name for path in patch_folders(raw)[:count]}

    def others(folder: str, names: list[str]) -> list[str]:
        return [
            name
            for name in names
            if name.startswith(("S2A_MSIL2A_", "S2B_MSIL2A_"))
            and name not in kept
            and Path(folder, name).is_dir()
        ]

    shutil.copytree(raw, target, ignore=others)
    return target


def warm(folder: Path) -> None:
    """Read every file once, so that all sides find them in the page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.read_bytes()


@contextmanager
def scratch(parent: Path, *, keep: bool = False) -> Iterator[Path]:
    """Give a folder of one's own below another, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="stacbuild-benchmark-", dir=parent))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, memory, versions."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "versions": versions,
    }


def print_machine(facts: dict[str, Any]) -> None:
    """Print the machine in two lines."""
    print(
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, "
        f"{facts['system']}, Python {facts['python']}, load {facts['load']}"
    )
    print(", ".join(f"{name} {number}" for name, number in facts["versions"].items()))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown, columns aligned: text left, figures right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def draw(line: Sequence[str]) -> str:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        return f"| {' | '.join(cells)} |"

    print()
    print(draw(lines[0]))
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print(f"| {' | '.join(rule)} |")
    for line in lines[1:]:
        print(draw(line))


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def write_json(target: str | None, report: dict[str, Any]) -> None:
    """Write a report to a file, to the standard output for ``-``, or nowhere."""
    if target is None:
        return
    text = json.dumps(report, indent=2) + "\n"
    if target == "-":
        print(text, end="")
    else:
        Path(target).write_text(text)
