"""``stacbuild describe``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stacbuild import dataset
from stacbuild.cli import options, output
from stacbuild.cli.progress import progress
from stacbuild.config import load_config
from stacbuild.engine.pool import calm_collector
from stacbuild.engine.rebuild import describe_catalog

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.config import CatalogConfig


@click.command("describe")
@click.argument("catalog", type=options.path_type())
@options.config
@options.jobs
@options.as_json
@options.quiet
def command(
    catalog: Path, config_file: Path | None, jobs: int, *, as_json: bool, quiet: bool
) -> None:
    """Write all JSON and the index of CATALOG again, from its facts, without raw data.

    With -c the texts and the lists of the configuration take the place of those that the
    catalog was built with. Pixels are not touched.
    """
    config = load_config(config_file) if config_file else None
    calm_collector()  # with one job the work is done in this process
    with progress(quiet=quiet) as shown:
        written = describe_catalog(
            catalog,
            texts=config.texts if config else None,
            lists=lists(config) if config else None,
            jobs=jobs,
            progress=shown,
        )
    if as_json:
        output.json({"catalog": str(catalog), "documents_written": written})
        return
    output.pairs(
        output.console(),
        [(name, f"{count:,} documents of items written again") for name, count in written.items()],
    )
    output.hints([f"stacbuild validate {output.shown(catalog)}"])


def lists(config: CatalogConfig) -> dict[str, dict[str, Path]]:
    """Return each dataset's inputs without the main one, which need not be on this machine."""
    found = {}
    for name, one in config.datasets.items():
        main = dataset.load(name).inputs[0].name
        found[name] = {key: path for key, path in one.inputs.items() if key != main}
    return found
