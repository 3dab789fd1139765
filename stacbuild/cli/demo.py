"""``stacbuild demo``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stacbuild import dataset
from stacbuild.cli import options, output, view
from stacbuild.cli.build import run
from stacbuild.cli.requests import Flags, read_requests
from stacbuild.cli.sample import write
from stacbuild.cli.validate import prove
from stacbuild.errors import UsageError
from stacbuild.init import quote
from stacbuild.validate.options import ValidateOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK = "# Written by stacbuild demo, which may replace this folder.\n"
"""First line of the configuration: only a folder that holds it is ever made anew."""

HEAD = """
[catalog]
id = "demo"
title = "stacbuild demo"
description = "Synthetic samples in the layout of each dataset, to look at and to try things on."
"""


@click.command("demo")
@click.argument("folder", metavar="[DIR]", type=options.path_type(), default=Path("demo"))
@click.option(
    "--size",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    metavar="N",
    help="Samples of each dataset.",
)
@click.option("--keep", is_flag=True, help="Go on with the raw data and catalog that are there.")
@options.jobs
@options.quiet
def command(folder: Path, size: int, jobs: int, *, keep: bool, quiet: bool) -> int:
    """Make synthetic raw data of every dataset, build its catalog, and validate it.

    Everything goes to DIR (default: ./demo): raw/ as the publishers lay it out, catalog.toml,
    and catalog/. An earlier demo there is made anew; any other folder is left alone.
    """
    prepare(folder, size, keep=keep)
    requests = read_requests((str(folder / "catalog"),), folder / "catalog.toml", Flags(jobs=jobs))
    results = run(requests, quiet=quiet)
    view.show(results)
    report = prove(folder / "catalog", {}, ValidateOptions(deep=10), jobs=jobs, quiet=quiet)[
        "catalog"
    ]
    report.print(output.console())
    where = output.shown(folder)
    output.hints(
        [
            f"stacbuild validate {where}/catalog --pixels {where}/raw/{requests[0].dataset}",
            f"stacbuild build -c {where}/catalog.toml {where}/catalog",
            "stacbuild datasets",
        ]
    )
    return max(report.exit_code, *(result.exit_code for result in results))


def prepare(folder: Path, size: int, *, keep: bool) -> None:
    """Write raw data and configuration of a demo, unless they are there and kept.

    Raises
    ------
    UsageError
        If the folder holds something that is no demo.
    """
    file = folder / "catalog.toml"
    if _is_demo(file):
        if keep and file.stat().st_size > len(MARK):
            return
        for name in ("raw", "catalog"):
            shutil.rmtree(folder / name, ignore_errors=True)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "there is something else than a demo here; it is left alone",
            file=folder,
            mend="Name a new folder: stacbuild demo DIR",
        )
    # First: a demo that is killed on its way may be made anew by the next one.
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(MARK, encoding="utf-8")
    inputs = {}
    for name in dataset.names():
        raw = folder / "raw" / name
        click.echo(f"{output.plural(size, 'synthetic sample')} of {name}: {output.shown(raw)}")
        write(name, raw, size=size, seed=0)
        inputs[name] = dataset.load(name).discover(raw)
    file.write_text(MARK + HEAD + configuration(inputs, folder), encoding="utf-8")


def configuration(inputs: Mapping[str, Mapping[str, Path]], folder: Path) -> str:
    """Return the sections of the datasets, with paths relative to a folder."""
    lines = []
    for name, paths in inputs.items():
        lines.append(f"\n[datasets.{name}.inputs]")
        lines += [
            f"{key} = {quote(path.relative_to(folder).as_posix())}" for key, path in paths.items()
        ]
    return "\n".join(lines) + "\n"


def _is_demo(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8") as stream:
            return stream.readline() == MARK
    except (OSError, UnicodeDecodeError):
        return False
