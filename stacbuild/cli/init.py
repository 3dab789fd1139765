"""``stacbuild init``."""

from __future__ import annotations

from pathlib import Path

import click

from stacbuild import dataset
from stacbuild.cli import options, output
from stacbuild.init import write_configuration


@click.command("init")
@click.argument("file", type=options.path_type(), default=Path("catalog.toml"))
@click.option(
    "--dataset",
    "names",
    callback=options.check_datasets,
    multiple=True,
    help="Only this dataset, with its section active. Repeatable.",
)
def command(file: Path, names: tuple[str, ...]) -> None:
    """Write a commented configuration to FILE (default: catalog.toml).

    It lists every key and the inputs of every dataset. An existing file is left as it is.
    """
    listed = sorted(set(names)) or dataset.names()
    write_configuration(file, [dataset.load(name) for name in listed], chosen=bool(names))
    click.echo(f"wrote {output.shown(file)}")
    output.hints([f"stacbuild build -c {output.shown(file)} CATALOG --dry-run"])
