"""Every pixel of a catalog against the raw data, both read by GDAL."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.session import DummySession

from stacbuild.engine import pool
from stacbuild.engine.layout import Layout
from stacbuild.engine.progress import Silent
from stacbuild.engine.samples import SampleFiles
from stacbuild.errors import StacbuildError
from stacbuild.stac import media
from stacbuild.validate.findings import Counters, Finding, error, warning
from stacbuild.validate.folder import Folder, Unreadable
from stacbuild.validate.report import Report
from stacbuild.validate.state import is_partial, rejects_on_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stacbuild.dataset import Dataset, Inputs, Pixels, SampleRef
    from stacbuild.engine.progress import Progress

BATCH = 50
"""Samples that a worker is given at a time."""

Batch = tuple["SampleRef", ...]


@dataclass(slots=True)
class Compared:
    """What comparing a batch of samples found."""

    samples: int = 0
    findings: list[Finding] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)


def compare_pixels(
    root: Path,
    dataset: Dataset,
    inputs: Inputs,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Compare every raster of a dataset with its raw data: pixels, dtype, transform, CRS.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    dataset : Dataset
        An installed dataset whose package has `stacbuild.dataset.Dataset.pixels`.
    inputs : mapping of str to Path
        Its raw data, as for a build.
    jobs : int
        Worker processes.
    progress : Progress, optional
        Is told of the samples that are done.

    Returns
    -------
    Report
        Its findings and counts; raw samples that the ledger lists as rejected have no items.
    """
    progress = progress or Silent()
    report = Report(checks=["pixels"])
    make = partial(_worker, root, dataset, dict(inputs))
    progress.start("pixels", None)
    for done in pool.run(make, _batches(dataset.scan(inputs)), jobs):
        report.findings.add(done.findings)
        report.counters.add(done.counters)
        progress.advance(done.samples)
    progress.finish()
    if not report.counters.pixels and not report.findings.kept:
        text = "there was no sample to compare"
        report.findings.add([error("pixels", dataset.id, text)])
    return report


def _batches(refs: Iterator[SampleRef]) -> Iterator[Batch]:
    refs = iter(refs)
    while batch := tuple(islice(refs, BATCH)):
        yield batch


def _worker(root: Path, dataset: Dataset, inputs: dict[str, Path]) -> Callable[[Batch], Compared]:
    """Make the function that compares a batch; once per process."""
    return Comparer(root, dataset, inputs).compare


class Comparer:
    """Compares samples with what is published of them.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    dataset : Dataset
        Reads the raw data.
    inputs : mapping of str to Path
        The raw data.
    """

    def __init__(self, root: Path, dataset: Dataset, inputs: Inputs) -> None:
        self._folder = Folder(root)
        self._layout = Layout(root, dataset.id)
        self._dataset = dataset
        self._inputs = inputs
        self._rejected = rejects_on_record(root, dataset.id)
        self._partial = is_partial(root, dataset.id)

    def compare(self, refs: Batch) -> Compared:
        """Compare some samples."""
        done = Compared(len(refs))
        # A session of our own: with credentials in the environment, each open would make one.
        with rasterio.Env(DummySession(), GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
            for ref in refs:
                if ref.id not in self._rejected:
                    try:
                        done.findings += self._sample(ref, done.counters)
                    except StacbuildError as reason:
                        done.findings.append(error("raw", ref.id, str(reason)))
        return done

    def _sample(self, ref: SampleRef, counters: Counters) -> list[Finding]:
        files = SampleFiles(ref, self._inputs[ref.input], None)
        found: list[Finding] = []
        items: dict[str, dict[str, Any]] = {}
        compared: set[tuple[str, str]] = set()
        for expected in self._dataset.pixels(ref, files):
            folder = self._layout.partition(expected.collection, self._dataset.partition(ref.id))
            name = f"{folder.relative_to(self._layout.root).as_posix()}/{expected.item}.json"
            try:
                if name not in items:
                    items[name], _ = self._folder.json(name)
                    counters.items += 1
                asset = items[name]["assets"][expected.asset]
                file = self._folder.resolve(name, asset["href"])
                path = self._folder.path(file)
            except (Unreadable, KeyError, TypeError, ValueError) as reason:
                if self._partial and self._folder.size(name) is None:
                    return []  # a sample that was left out on purpose
                text = f"asset {expected.asset} is not to be found ({reason})"
                found.append(error("pixels-missing", name, text))
                continue
            compared.add((name, expected.asset))
            counters.assets += 1
            counters.pixels += int(expected.array.size)
            found += _differences(path, expected, file)
        return found + _left_out(items, compared)


def _left_out(items: dict[str, dict[str, Any]], compared: set[tuple[str, str]]) -> list[Finding]:
    """Remark the data rasters that the dataset package says nothing about."""
    return [
        warning("pixels-not-compared", name, f"asset {key} was not compared with raw data")
        for name, item in items.items()
        for key, asset in item["assets"].items()
        if (name, key) not in compared
        and asset.get("type") == media.COG
        and "data" in asset.get("roles", ())
    ]


def _differences(path: str, expected: Pixels, file: str) -> list[Finding]:
    try:
        with rasterio.open(path) as raster:
            array = raster.read()
            crs = raster.crs
            transform = tuple(raster.transform)[:6]
            dtypes = set(raster.dtypes)
    except (RasterioError, ValueError, OSError) as reason:
        return [error("cog-decode", file, f"GDAL cannot read it ({reason})")]
    found = []
    wanted = expected.array
    if dtypes != {wanted.dtype.name}:
        text = f"its dtype is {', '.join(sorted(dtypes))}, the raw data's {wanted.dtype.name}"
        found.append(error("pixels-dtype", file, text))
    if expected.crs is not None and crs != CRS.from_string(expected.crs):
        found.append(error("pixels-crs", file, f"its CRS is {crs}, the raw data's {expected.crs}"))
    if expected.transform is not None and transform != tuple(map(float, expected.transform)):
        text = f"its transform is {transform}, the raw data's {expected.transform}"
        found.append(error("pixels-transform", file, text))
    if array.shape != wanted.shape:
        text = f"its shape is {array.shape}, the raw data's {wanted.shape}"
        found.append(error("pixels-shape", file, text))
    elif not np.array_equal(array, wanted, equal_nan=wanted.dtype.kind in "fc"):
        different = int(np.count_nonzero(array != wanted))
        text = f"{different:,} of {wanted.size:,} pixel values are not those of the raw data"
        found.append(error("pixels", file, text))
    return found
