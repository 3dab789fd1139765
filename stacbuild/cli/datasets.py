"""``stacbuild datasets``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stacbuild import dataset
from stacbuild.cli import options, output

if TYPE_CHECKING:
    from stacbuild.dataset import Dataset


@click.command("datasets")
@options.as_json
def command(*, as_json: bool) -> None:
    """List the installed datasets, their inputs, and where their raw data comes from."""
    known = [dataset.load(name) for name in dataset.names()]
    if as_json:
        output.json({"datasets": [_plain(one) for one in known]})
        return
    for number, one in enumerate(known):
        if number:
            click.echo()
        _show(one)


def _plain(dataset: Dataset) -> dict[str, object]:
    return {
        "id": dataset.id,
        "title": dataset.title,
        "homepage": dataset.homepage,
        "collections": list(dataset.collection_ids),
        "inputs": [
            {"name": spec.name, "help": spec.help, "required": spec.required}
            for spec in dataset.inputs
        ],
    }


def _show(dataset: Dataset) -> None:
    out = output.console()
    output.pairs(
        out,
        [
            (dataset.id, dataset.title),
            ("raw data", dataset.homepage),
            ("makes", ", ".join(dataset.collection_ids)),
        ],
    )
    out.print()
    output.table(
        out,
        ("input", "", "what it is"),
        [(spec.name, "required" if spec.required else "", spec.help) for spec in dataset.inputs],
    )
    out.print()
    out.print(f"try  stacbuild sample {dataset.id} raw && stacbuild build {dataset.id} raw catalog")
