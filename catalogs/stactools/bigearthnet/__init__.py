"""BigEarthNet-S2 v1.0: a dataset of stacbuild, and a stactools package.

``DATASET`` and the stactools-style functions are loaded when first asked for: ``stac --help``
imports every package of this namespace, and should not wait for rasters and tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from click import Command, Group
    from stactools.cli.registry import Registry

    from stactools.bigearthnet.dataset import DATASET, BigEarthNet
    from stactools.bigearthnet.stac import create_collection, create_item, create_items

__all__ = ["DATASET", "BigEarthNet", "create_collection", "create_item", "create_items"]

_HOME = {
    "DATASET": "dataset",
    "BigEarthNet": "dataset",
    "create_collection": "stac",
    "create_item": "stac",
    "create_items": "stac",
}


def __getattr__(name: str) -> object:
    """Return a public name from the module that has it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def register_plugin(registry: Registry) -> None:
    """Add ``stac bigearthnet`` to the command line of stactools."""

    def create_command(cli: Group) -> Command:
        from stactools.bigearthnet.commands import create_bigearthnet_command  # noqa: PLC0415 - late

        return create_bigearthnet_command(cli)

    registry.register_subcommand(create_command)
