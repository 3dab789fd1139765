"""stactools-style functions: pystac objects, made from the same dicts as a built catalog.

`create_item` converts one raw patch into a folder, outside of any catalog. A whole archive is
built with ``stacbuild build bigearthnet``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pystac

from stacbuild.errors import StacbuildError
from stacbuild.summary import Summary
from stactools.bigearthnet import collection, items
from stactools.bigearthnet import constants as c
from stactools.bigearthnet.context import CONTEXT_SCHEMA
from stactools.bigearthnet.dataset import convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LARGEST_FILE = 1 << 20
"""No file of a patch is larger than 30 kB; what is, is not read."""


def create_collection(collection_id: str = c.IMAGERY) -> pystac.Collection:
    """Create a collection without items, with the extent and tables that the authors published.

    Parameters
    ----------
    collection_id : {"bigearthnet-s2", "bigearthnet-s2-labels"}
        Imagery or labels.

    Raises
    ------
    StacbuildError
        If there is no such collection.
    """
    made = {each.id: each for each in collection.collections(Summary())}
    if collection_id not in made:
        raise StacbuildError(
            f"there is no collection {collection_id!r}", mend=f"Known: {', '.join(made)}"
        )
    return made[collection_id]


def create_item(
    patch: str | Path, destination: str | Path, context: Mapping[str, Any] | None = None
) -> pystac.Item:
    """Convert a raw patch and create its imagery item; parameters as in `create_items`."""
    return create_items(patch, destination, context)[0]


def create_items(
    patch: str | Path, destination: str | Path, context: Mapping[str, Any] | None = None
) -> tuple[pystac.Item, pystac.Item]:
    """Convert a raw patch: write its assets, create the imagery item and the label item.

    Parameters
    ----------
    patch : str or Path
        A patch's folder with its 12 GeoTIFFs and its JSON.
    destination : str or Path
        Folder for COGs, picture, thumbnail and GeoJSON; made if need be. Files of the same names
        are replaced. The items are not written: ``item.save_object()`` does it, in the same
        folder.
    context : mapping, optional
        What lists and side tables say about the patch, by the names of
        ``stactools.bigearthnet.context.CONTEXT_SCHEMA``, such as ``{"split": "train"}``.

    Returns
    -------
    tuple of pystac.Item
        With self links in ``destination`` and hrefs relative to it; in no collection yet.

    Raises
    ------
    SampleError
        If the patch cannot be used.
    StacbuildError
        If ``context`` has a name that does not exist.
    """
    known = dict.fromkeys(CONTEXT_SCHEMA.names)
    if unknown := set(context or ()) - set(known):
        raise StacbuildError(
            f"no context is called {', '.join(sorted(unknown))}", mend=f"Known: {', '.join(known)}"
        )
    target = Path(destination).resolve()
    files = _PatchFiles(Path(patch), target)
    facts = {"id": files.patch.name, **convert(files.patch.name, files)}
    imagery, labels = items.describe(facts, {**known, **(context or {})}, files)
    return _item(imagery, target), _item(labels, target)


def _item(fields: dict[str, Any], target: Path) -> pystac.Item:
    # An item outside of any collection must not name one.
    del fields["collection"]
    return pystac.Item.from_dict(
        fields, href=str(target / f"{fields['id']}.json"), preserve_dict=True
    )


class _PatchFiles:
    """One patch's raw files, one folder for all outputs: `Files` and `Place` in one."""

    def __init__(self, patch: Path, target: Path) -> None:
        self.patch = patch.resolve()
        self._target = target
        self._written: dict[str, dict[str, Any]] = {}
        try:
            self.names: Sequence[str] = sorted(
                path.name for path in self.patch.iterdir() if path.is_file()
            )
        except OSError as error:
            raise StacbuildError(
                error.strerror or "cannot be read",
                file=patch,
                mend="Give the folder of one patch",
            ) from error

    def read(self, name: str) -> bytes:
        """Return the content of one raw file."""
        path = self.patch / name
        if path.stat().st_size > LARGEST_FILE:
            raise StacbuildError("the file is far too large for a patch", file=path)
        return path.read_bytes()

    def where(self, name: str) -> str:
        """Return a raw file's full name."""
        return str(self.patch / name)

    def write(self, collection: str, name: str, data: bytes) -> None:
        """Write one asset."""
        del collection
        self._target.mkdir(parents=True, exist_ok=True)
        (self._target / name).write_bytes(data)
        self._written[name] = {
            "href": f"./{name}",
            "file:size": len(data),
            "file:checksum": "1220" + hashlib.sha256(data).hexdigest(),
        }

    def asset(self, collection: str, name: str) -> dict[str, Any]:
        """Return what was written under a name."""
        del collection
        return self._written[name]

    def item(self, collection: str, item_id: str, *, seen_from: str) -> str:
        """Return the href of the other item, in the same folder."""
        del collection, seen_from
        return f"./{item_id}.json"
