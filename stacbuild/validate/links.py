"""Links: each leads to what it says, inside the catalog, under the target's own title."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from stacbuild.stac import media
from stacbuild.validate.findings import Finding, error
from stacbuild.validate.folder import Unreadable, is_remote

if TYPE_CHECKING:
    from stacbuild.validate.findings import Counters
    from stacbuild.validate.folder import Folder

ROOT_FILE = "catalog.json"
_REMEMBERED = 4096
_TYPES = {"Feature": media.GEOJSON, "Catalog": media.JSON, "Collection": media.JSON}


class Target(NamedTuple):
    """What a link has to know of its target."""

    type: str
    id: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands in the tree, as files relative to the root.

    Parameters
    ----------
    file : str
        The object's own file.
    parent : str or None
        The catalog whose link led to it; None for the root.
    collection : str or None
        The collection that it lies in.
    base : str or None
        The URL of the catalog's folder, ending in ``/``, where the root has a ``self`` link.
    """

    file: str
    parent: str | None = None
    collection: str | None = None
    base: str | None = None


def target_of(value: dict[str, Any]) -> Target:
    """Return what links have to know of a STAC object."""
    properties = value.get("properties")
    titled = properties if value.get("type") == "Feature" else value
    title = titled.get("title") if isinstance(titled, dict) else None
    return Target(str(value.get("type")), str(value.get("id")), title)


class Links:
    """Checks links, and remembers the titles of what they led to.

    Parameters
    ----------
    folder : Folder
        The catalog.
    counters : Counters
        Counts the links.
    """

    def __init__(self, folder: Folder, counters: Counters) -> None:
        self._folder = folder
        self._counters = counters
        self._targets: dict[str, Target | None] = {}

    def remember(self, file: str, value: dict[str, Any]) -> None:
        """Spare reading an object again that was just read."""
        self._keep(file, target_of(value))

    def _keep(self, file: str, target: Target | None) -> None:
        if len(self._targets) >= _REMEMBERED:
            # The oldest: links lead to the neighbourhood.
            self._targets.pop(next(iter(self._targets)))
        self._targets[file] = target

    def target(self, file: str) -> Target | None:
        """Return what a JSON file of the catalog is, or None if it is no STAC object."""
        if file not in self._targets:
            try:
                value, _ = self._folder.json(file)
            except Unreadable:
                self._keep(file, None)
            else:
                self._keep(file, target_of(value) if str(value.get("type")) in _TYPES else None)
        return self._targets[file]

    def check(self, value: dict[str, Any], place: Place) -> tuple[list[Finding], list[str]]:
        """Check all links of an object.

        Parameters
        ----------
        value : dict
            The object; its schemas accept its links.
        place : Place
            Where it stands.

        Returns
        -------
        findings : list of Finding
            What is wrong.
        documents : list of str
            Files of the catalog, not STAC objects, that links lead to.
        """
        found: list[Finding] = []
        documents: list[str] = []
        for link in value["links"]:
            rel, href = link["rel"], link["href"]
            if rel == "self":
                found += _self_faults(href, place)
            elif is_remote(href):
                self._counters.external += 1
            else:
                self._counters.links += 1
                try:
                    file = self._folder.resolve(place.file, href)
                    here = self._folder.size(file) is not None
                except (Unreadable, ValueError) as reason:
                    found.append(error("link-outside", place.file, f"{rel}: {reason}"))
                    continue
                if not here:
                    found.append(error("link-missing", place.file, f"{rel}: {href} is not there"))
                    continue
                faults = self._inside_faults(link, file, place)
                found += [error(kind, place.file, text) for kind, text in faults]
                if self.target(file) is None:
                    documents.append(file)
        rels = [link["rel"] for link in value["links"]]
        if place.parent is not None and "parent" not in rels:
            found.append(error("link-target", place.file, "it has no link to its parent"))
        return found, documents

    def _inside_faults(
        self, link: dict[str, Any], file: str, place: Place
    ) -> list[tuple[str, str]]:
        """Check a link to a file that is there."""
        rel, href = link["rel"], link["href"]
        expected = {
            "root": ROOT_FILE,
            "parent": place.parent,
            "collection": place.collection,
        }.get(rel, file)
        if file != expected:
            return [("link-target", f"{rel}: {href} is {file}, and should be {expected}")]
        target = self.target(file) if file.endswith(".json") else None
        if target is None:
            return []
        faults = []
        if link.get("title") != target.title:
            said = f"says {link.get('title')!r}, its target's title is {target.title!r}"
            faults.append(("link-title", f"{rel}: the link to {href} {said}"))
        wanted = _TYPES.get(target.type)
        if "type" in link and wanted is not None and link["type"] != wanted:
            faults.append(("link-type", f"{rel}: {href} is {wanted}, not {link['type']}"))
        return faults


def _self_faults(href: str, place: Place) -> list[Finding]:
    """Check that an object's own address follows from the root's."""
    if place.base is None:
        return [error("link-self", place.file, "it has an address of its own, the root has none")]
    if href != place.base + place.file:
        return [error("link-self", place.file, f"self is {href}, not {place.base}{place.file}")]
    return []


def base_of(root: dict[str, Any]) -> str | None:
    """Return the URL of the catalog's folder, where the root catalog gives its own address."""
    links = root.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "self" and link.get("href"):
            return posixpath.dirname(str(link["href"])) + "/"
    return None
