"""``stacbuild sample``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stacbuild import dataset
from stacbuild.cli import options, output
from stacbuild.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("sample")
@click.argument("dataset", callback=options.check_datasets)
@click.argument("folder", metavar="DIR", type=options.path_type())
@click.option(
    "--size",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="How many samples.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="S",
    help="The same seed makes the same bytes.",
)
@click.option("--faults", is_flag=True, help="Mix in a broken sample of each kind.")
def command(dataset: str, folder: Path, size: int, seed: int, *, faults: bool) -> None:
    """Write synthetic raw input of DATASET to the new folder DIR, as its publisher lays it out."""
    write(dataset, folder, size=size, seed=seed, faults=faults)
    where = output.shown(folder)
    also = ", broken ones among them" if faults else ""
    click.echo(f"wrote {output.plural(size, 'synthetic sample')} of {dataset} to {where}{also}")
    output.hints([f"stacbuild build {dataset} {where} CATALOG"])


def write(name: str, folder: Path, *, size: int, seed: int, faults: bool = False) -> None:
    """Write synthetic raw input to a folder that does not exist yet, or is empty.

    Raises
    ------
    UsageError
        If there is something in the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("is not empty", file=folder, mend="Name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    dataset.load(name).sample(folder, size=size, seed=seed, faults=faults)
