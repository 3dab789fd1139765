"""``stac bigearthnet``: collections and items of single patches on the stactools command line."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from stacbuild.errors import StacbuildError
from stacbuild.stac.encode import dumps_pretty
from stacbuild.summary import SPLITS
from stactools.bigearthnet import constants as c


def create_bigearthnet_command(cli: click.Group) -> click.Command:
    """Add the group ``bigearthnet`` to the ``stac`` command line."""

    @cli.group("bigearthnet", short_help="BigEarthNet-S2 v1.0: collections, items of patches")
    def bigearthnet() -> None:
        """Create collections of BigEarthNet-S2 v1.0, and items of single patches.

        A whole archive is built with `stacbuild build bigearthnet RAW CATALOG`.
        """

    @bigearthnet.command("create-collection")
    @click.argument("destination", type=click.Path(dir_okay=False, path_type=Path))
    @click.option(
        "--collection",
        type=click.Choice([c.IMAGERY, c.LABELS]),
        default=c.IMAGERY,
        show_default=True,
        help="Which of the two.",
    )
    def create_collection(destination: Path, collection: str) -> None:
        """Write a collection without items to the file DESTINATION."""
        from stactools.bigearthnet import stac  # noqa: PLC0415 - see the package

        made = stac.create_collection(collection)
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(dumps_pretty(made.to_dict(include_self_link=False)))

    @bigearthnet.command("create-item")
    @click.argument("source", type=click.Path(path_type=Path))
    @click.argument("destination", type=click.Path(file_okay=False, path_type=Path))
    @click.option("--split", type=click.Choice(SPLITS), help="The patch's ml-aoi:split.")
    def create_item(source: Path, destination: Path, split: str | None) -> None:
        """Convert the patch in the folder SOURCE.

        Writes its COGs, picture, thumbnail, labels and both items to the folder DESTINATION.
        """
        from stactools.bigearthnet.stac import create_items  # noqa: PLC0415 - see the package

        try:
            made = create_items(source, destination, {"split": split})
        except StacbuildError as error:
            _fail(error)
        for item in made:
            item.save_object(include_self_link=False)
            click.echo(item.get_self_href())

    return bigearthnet


def _fail(error: StacbuildError) -> NoReturn:
    raise click.ClickException(str(error)) from error
