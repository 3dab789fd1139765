"""Options that several verbs have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stacbuild import dataset
from stacbuild.config import nearest
from stacbuild.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


def cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def path_type() -> click.Path:
    """Return a parameter type for any path; what it must be is said where it is opened."""
    return click.Path(path_type=Path)


def check_dataset(name: str) -> str:
    """Return the name of a dataset; a wrong one is met with the nearest."""
    if name not in dataset.names():
        raise UsageError(f"there is no dataset {name!r}", mend=nearest(name, dataset.names()))
    return name


def check_datasets(
    ctx: click.Context, param: click.Parameter, value: str | tuple[str, ...]
) -> str | tuple[str, ...]:
    """Check the name of a dataset, or several, as click's callback."""
    del ctx, param
    return check_dataset(value) if isinstance(value, str) else tuple(map(check_dataset, value))


def jobs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--jobs``."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        default=cores,
        metavar="N",
        help="Worker processes. Default: one for each core.",
    )(command)


def quiet(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--quiet``."""
    return click.option("-q", "--quiet", is_flag=True, help="Show no progress.")(command)


def as_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object, for programs."
    )(command)


def config(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--config``."""
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=path_type(),
        metavar="FILE",
        help="The catalog's configuration (see: stacbuild init).",
    )(command)
