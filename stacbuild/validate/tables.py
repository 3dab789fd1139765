"""``items.parquet`` against the items: row by row, field by field."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from stacbuild.errors import StacbuildError
from stacbuild.index.items import read_items
from stacbuild.index.transpose import without_nulls
from stacbuild.validate.findings import Finding, error
from stacbuild.validate.folder import Folder, Unreadable, is_remote
from stacbuild.validate.partition import Visit, id_hash

if TYPE_CHECKING:
    from pathlib import Path

_TIMES = ("datetime", "start_datetime", "end_datetime", "created", "updated")
_MOST = 100
"""Rows that are reported; the rest of a table that is out of date says the same."""


@dataclass(frozen=True, slots=True)
class TableTask:
    """An index of items.

    Parameters
    ----------
    file : str
        The table, relative to the root.
    collection : str
        The collection's file.
    base : str or None
        The URL of the catalog's folder, ending in ``/``, where it is known.
    """

    file: str
    collection: str
    base: str | None


class TableChecker:
    """Compares tables with the items that they index.

    Parameters
    ----------
    root : Path
        The catalog's folder.
    """

    def __init__(self, root: Path) -> None:
        self._folder = Folder(root)
        self._root = root

    def check(self, task: TableTask) -> Visit:
        """Compare every row of a table with its item."""
        visit = Visit(task.collection)
        seen: set[bytes] = set()
        try:
            for row in read_items(self._root / task.file):
                visit.counters.rows += 1
                seen.add(id_hash(str(row.get("id"))))
                if len(visit.findings) < _MOST:
                    visit.findings += self._row_faults(row, task)
        except (StacbuildError, OSError, ValueError, KeyError, TypeError) as reason:
            text = f"it cannot be read as stac-geoparquet ({reason})"
            visit.findings.append(error("table", task.file, text))
        if len(seen) < visit.counters.rows:
            visit.findings.append(error("table", task.file, "two rows have the same id"))
        return visit

    def _row_faults(self, row: dict[str, Any], task: TableTask) -> list[Finding]:
        try:
            known = self._rooted(row, task.file, task.base)
            file = self._item_file(known)
            item, _ = self._folder.json(file)
            stated = self._rooted(without_nulls(item), file, task.base)
        except (Unreadable, LookupError, TypeError, ValueError, AttributeError) as reason:
            text = f"the item of row {row.get('id')} is not to be found ({reason})"
            return [error("table", task.file, text)]
        faults = differences(stated, known)
        if not faults:
            return []
        text = f"row {row['id']} differs from its item in {', '.join(faults[:5])}"
        return [error("table", task.file, text)]

    def _item_file(self, row: dict[str, Any]) -> str:
        """Return the file of a row's item: beside its parent, under its id."""
        for link in row["links"]:
            if link["rel"] == "parent":
                return posixpath.join(posixpath.dirname(link["href"]), f"{row['id']}.json")
        raise KeyError("it has no link to its parent")

    def _rooted(self, item: dict[str, Any], file: str, base: str | None) -> dict[str, Any]:
        """Return an item whose hrefs are relative to the root."""
        return {
            **item,
            "links": [
                {**link, "href": self._href(link["href"], file, base)} for link in item["links"]
            ],
            "assets": {
                key: {**asset, "href": self._href(asset["href"], file, base)}
                for key, asset in item["assets"].items()
            },
        }

    def _href(self, href: str, file: str, base: str | None) -> str:
        if base is not None and href.startswith(base):
            return href[len(base) :]
        return href if is_remote(href) else self._folder.resolve(file, href)


def differences(item: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """Return the fields in which an item and its row differ; null and missing are the same.

    Parameters
    ----------
    item : dict
        The item, without null fields.
    row : dict
        The item that was made of the row.
    """
    left, right = dict(item), dict(row)
    inside = dict(left.pop("properties")), dict(right.pop("properties"))
    faults = [
        name
        for name in sorted({*left, *right})
        if left.get(name) != right.get(name) and (left.get(name) or right.get(name))
    ]
    for name in sorted({*inside[0], *inside[1]}):
        one, two = inside[0].get(name), inside[1].get(name)
        if one != two and not (name in _TIMES and _same_instant(one, two)):
            faults.append(f"properties/{name}")
    return faults


def _same_instant(one: object, two: object) -> bool:
    """Say whether two texts name the same instant, however many zeros they write."""
    if not isinstance(one, str) or not isinstance(two, str):
        return False
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(two)
    except ValueError:
        return False
