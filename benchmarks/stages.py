"""Where the time of a build goes: CPU by stage, in this process, a patch at a time.

    python benchmarks/stages.py [--size 500] [--rounds 3] [--raw DIR] [--target DIR]

Runs whole builds (``--jobs 1``) with a clock around the functions that the stages are made of.
Time is exclusive: what a stage spends in another one counts there, and each clock's own cost of
about a microsecond stays with the caller. Start-up and imports are not in it, and a first build
warms up what is made once (headers, schemas, tables).
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import time
from functools import wraps
from inspect import isgeneratorfunction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import harness
from harness import median

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAGES: tuple[tuple[str, str, str], ...] = (
    ("scan", "stacbuild.engine.scan", "scan"),
    ("read", "stacbuild.engine.samples", "SampleFiles.__init__"),
    ("read", "stacbuild.engine.samples", "stamp"),
    ("read", "stacbuild.raster.read", "read_chip"),
    ("hash", "stacbuild.engine.samples", "SampleFiles.digest"),
    ("hash", "stacbuild.engine.samples", "hashlib.sha256"),
    ("predict", "stacbuild.raster.predict", "integer_tiles"),
    ("predict", "stacbuild.raster.predict", "picture_tiles"),
    ("deflate", "stacbuild.raster.stamp", "isal_zlib.compress"),
    ("stamp", "stacbuild.raster.stamp", "stamp"),
    ("visual", "stacbuild.raster.picture", "visual_rgb"),
    ("thumbnail", "stacbuild.raster.picture", "thumbnail_jpeg"),
    ("statistics", "stacbuild.raster.statistics", "band_sums"),
    ("statistics", "stacbuild.raster.statistics", "to_facts"),
    ("footprint", "stacbuild.raster.footprint", "footprint"),
    ("convert, the rest", "stactools.bigearthnet", "DATASET.convert"),
    ("describe", "stactools.bigearthnet", "DATASET.describe"),
    ("describe", "stacbuild.engine.describe", "Describer.items"),
    ("validate", "stacbuild.validate.item", "ItemValidator.validate"),
    ("encode", "stacbuild.stac.encode", "dumps_item"),
    ("write", "stacbuild.engine.samples", "Sink.write"),
    ("partition: facts, manifest, rename", "stacbuild.engine.work", "Worker._put"),
    ("partition: fingerprints", "stacbuild.engine.fingerprint", "pixels"),
    ("ledger", "stacbuild.engine.ledger", "Ledger.record"),
    ("index, collections", "stacbuild.engine.assemble", "assemble"),
)
"""Stage, module and function; whatever is imported from there elsewhere is replaced as well."""


class Clock:
    """Exclusive CPU time by stage: a stack of who is running."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._running: list[str] = []
        self._since = 0.0

    def reset(self) -> None:
        """Forget what was measured."""
        self.seconds.clear()
        self.calls.clear()
        self._since = time.process_time()

    def enter(self, stage: str) -> None:
        """Begin a stage."""
        self._switch()
        self._running.append(stage)
        self.calls[stage] = self.calls.get(stage, 0) + 1

    def leave(self) -> None:
        """End the stage begun last."""
        self._switch()
        self._running.pop()

    def _switch(self) -> None:
        now = time.process_time()
        stage = self._running[-1] if self._running else ""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function with the clock around it."""
        if isgeneratorfunction(function):

            @wraps(function)
            def stepped(*args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401 - any function
                steps = function(*args, **kwargs)
                while True:
                    self.enter(stage)
                    try:
                        value = next(steps, self)
                    finally:
                        self.leave()
                    if value is self:
                        return
                    yield value

            return stepped

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function
            self.enter(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self.leave()

        return timed


def instrument(clock: Clock) -> None:
    """Put the clock around every stage."""
    for stage, module, path in STAGES:
        owner: Any = importlib.import_module(module)
        *parts, name = path.split(".")
        home = owner
        for part in parts:
            home = getattr(home, part)
        if parts and parts[0] == "DATASET":
            home = type(home)
        function = getattr(home, name)
        made = clock.around(stage, function)
        if isinstance(home, ModuleType) and home is not owner:
            # A library's function: only our module's view of the library is changed.
            setattr(owner, parts[0], SimpleNamespace(**{**vars(home), name: made}))
        elif parts:
            setattr(home, name, made)
        else:
            _replace(function, made)


def _replace(function: Callable[..., Any], made: Callable[..., Any]) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith(("stacbuild", "stactools.bigearthnet")):
            for key, value in list(vars(module).items()):
                if value is function:
                    setattr(module, key, made)


def measure(raw: Path, target: Path, rounds: int, clock: Clock) -> dict[str, float]:
    """Return the median CPU seconds of each stage over some builds."""
    from stacbuild.dataset import load  # noqa: PLC0415 - after the modules are instrumented
    from stacbuild.engine.build import BuildRequest, build  # noqa: PLC0415 - the same

    inputs = load("bigearthnet").discover(raw)
    found: list[dict[str, float]] = []
    for turn in range(rounds + 1):
        shutil.rmtree(target, ignore_errors=True)
        clock.reset()
        clock.enter("engine, the rest")
        build(BuildRequest(target, "bigearthnet", inputs))
        clock.leave()
        if turn:
            found.append(dict(clock.seconds))
    shutil.rmtree(target, ignore_errors=True)
    return {stage: median(one.get(stage, 0.0) for one in found) for stage in found[0] if stage}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=500, help="patches")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--raw", type=Path, help="raw input to use in place of synthetic patches")
    parser.add_argument("--target", type=Path, default=harness.TMPFS, help="where to write")
    parser.add_argument("--json", metavar="FILE", help="write the report; - for standard output")
    options = parser.parse_args()
    harness.clean_own_environment()
    clock = Clock()
    for _, module, _ in STAGES:
        importlib.import_module(module)
    importlib.import_module("stacbuild.engine.build")
    instrument(clock)
    with harness.scratch(options.target) as work:
        raw = options.raw or harness.make_samples(work / "raw", options.size)
        size = len(harness.patch_folders(raw))
        harness.warm(raw)
        stages = measure(raw, work / "catalog", options.rounds, clock)
    total = sum(stages.values())
    facts = harness.machine()
    harness.print_machine(facts)
    harness.print_table(
        [f"stage ({size} patches)", "CPU ms a patch", "share", "calls a patch"],
        [
            [
                stage,
                f"{1000 * spent / size:.3f}",
                f"{spent / total:.1%}",
                f"{clock.calls.get(stage, 0) / size:.2f}",
            ]
            for stage, spent in sorted(stages.items(), key=lambda pair: -pair[1])
        ]
        + [["all", f"{1000 * total / size:.3f}", "100.0%", ""]],
    )
    report = {
        "machine": facts,
        "size": size,
        "cpu_ms": {stage: 1000 * spent / size for stage, spent in stages.items()},
    }
    harness.write_json(options.json, report)


if __name__ == "__main__":
    main()
