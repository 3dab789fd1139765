"""Tests against real programs of the machine.

A test of the service ``x`` lies in ``test_x….py`` and skips where ``x`` is absent. Where
``STACBUILD_REQUIRE`` names it (names are separated by commas), as ``.ci/run`` does, such a skip is
a failure. Real files are another matter: without them a test may skip everywhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

REQUIRED = tuple(name for name in os.environ.get("STACBUILD_REQUIRE", "").split(",") if name)
REAL_FILES = "the real files are not at"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that skips although its service is required."""
    report = yield
    service = item.path.stem.removeprefix("test_")
    if report.skipped and not hasattr(report, "wasxfail") and service.startswith(REQUIRED):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if REAL_FILES not in str(reason):
            report.outcome = "failed"
            report.longrepr = f"{service} is required here (STACBUILD_REQUIRE): {reason}"
    return report


VALIDATE = """
import json, sys
from osgeo import gdal
from osgeo_utils.samples.validate_cloud_optimized_geotiff import validate
gdal.UseExceptions()
found = {}
for path in json.load(sys.stdin):
    warnings, errors, _ = validate(path, full_check=True)
    found[path] = warnings + errors
print(json.dumps(found))
"""


@pytest.fixture(scope="session")
def gdal_complaints() -> Callable[[list[Path]], dict[str, list[str]]]:
    """Return what GDAL's own COG validator says of files: warnings and errors by path."""
    for python in (os.environ.get("STACBUILD_GDAL_PYTHON"), "/usr/bin/python3"):
        command = [python or "", "-c", "import osgeo_utils"]
        if (
            python
            and shutil.which(python)
            and not subprocess.call(command, stderr=subprocess.DEVNULL)
        ):
            break
    else:
        pytest.skip("no Python has GDAL's osgeo_utils (Debian: python3-gdal)")

    def complaints(paths: list[Path]) -> dict[str, list[str]]:
        run = subprocess.run(
            [python, "-c", VALIDATE],
            input=json.dumps([str(path) for path in paths]),
            capture_output=True,
            check=True,
            text=True,
        )
        found: dict[str, list[str]] = json.loads(run.stdout)
        return found

    return complaints
