"""Where schemas come from, and how they are compiled.

Core STAC 1.1 and GeoJSON are those that pystac ships, PROJJSON is pyproj's. Extension schemas are
the official files, each pinned by its SHA-256: from the folder that ``STACBUILD_SCHEMAS`` names
(``<extension>/v<version>/schema.json``), else from the user's cache, else fetched once by https
into that cache, unless ``STACBUILD_OFFLINE=1``. What cannot be had is listed in
`SchemaStore.unchecked`, with the reason: it is reported, never passed over in silence. Extensions
without a pin are of that kind too (classification v2.0.0: our own profile states its rules).
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jsonschema_rs

from stacbuild.engine import atomic
from stacbuild.stac.encode import loads
from stacbuild.stac.extensions import BASE, LABEL, SHA256

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable

Kind = Literal["Feature", "Collection", "Catalog"]
Schema = dict[str, Any]

CORE = "https://schemas.stacspec.org/v1.1.0/"
PROFILE = "https://stacbuild.example/profile/"
PROJJSON = "https://proj.org/schemas/v0.7/projjson.schema.json"
DRAFT_7 = "http://json-schema.org/draft-07/schema"

_CORE_SCHEMA: dict[Kind, str] = {
    "Feature": f"{CORE}item-spec/json-schema/item.json",
    "Collection": f"{CORE}collection-spec/json-schema/collection.json",
    "Catalog": f"{CORE}catalog-spec/json-schema/catalog.json",
}
_PROFILE_SCHEMA: dict[Kind, str] = {
    "Feature": f"{PROFILE}item.json",
    "Collection": f"{PROFILE}collection.json",
    "Catalog": f"{PROFILE}catalog.json",
}
_PROFILE_FILES = ("common", "item", "label-item", "collection", "catalog")
_KEPT = 64
"""Compiled validators that are kept: a catalog has about five, a hostile one any number."""
_LIMIT = 1 << 20
"""Bytes of a schema that is fetched; the largest of the pinned ones has 60 kB."""
_TIMEOUT = (5.0, 20.0)
"""Seconds to connect, and between two packets."""


class Unobtainable(Exception):  # noqa: N818 - a fact about a schema, not a fault
    """A schema cannot be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One validator for all schemas that an object answers to.

    Parameters
    ----------
    is_valid : callable
        Whether an object (dict) satisfies all of them.
    exact : Validator
        The same schemas word for word; lists what is wrong.
    unchecked : frozenset of str
        Addresses of the object's extension schemas that could not be had.
    """

    is_valid: Callable[[Any], bool]
    exact: jsonschema_rs.Validator
    unchecked: frozenset[str]


@dataclass(slots=True)
class SchemaStore:
    """The schemas at hand, compiled on demand.

    Parameters
    ----------
    folder : Path or None
        A folder with official extension schemas, ``<extension>/v<version>/schema.json``.
    cache_folder : Path or None
        Where fetched schemas are kept, in the same layout; None: nothing is kept or fetched.
    offline : bool
        Whether fetching is forbidden.
    """

    folder: Path | None = None
    cache_folder: Path | None = None
    offline: bool = True
    unchecked: dict[str, str] = field(default_factory=dict)
    _extensions: dict[str, Schema] = field(default_factory=dict)
    _compiled: dict[tuple[Kind, tuple[str, ...]], Compiled] = field(default_factory=dict)

    @classmethod
    def from_environment(cls) -> SchemaStore:
        """Return the store that the environment describes."""
        named = os.environ.get("STACBUILD_SCHEMAS")
        caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        return cls(
            folder=Path(named) if named else None,
            cache_folder=caches / "stacbuild" / "schemas",
            offline=os.environ.get("STACBUILD_OFFLINE", "") not in ("", "0"),
        )

    def compiled(self, kind: Kind, extensions: tuple[str, ...]) -> Compiled:
        """Return the validator for objects of one type with these extensions.

        Parameters
        ----------
        kind : {"Feature", "Collection", "Catalog"}
            The object's ``type``.
        extensions : tuple of str
            Its ``stac_extensions``.
        """
        key = (kind, extensions)
        found = self._compiled.get(key)
        if found is None:
            if len(self._compiled) >= _KEPT:
                self._compiled.pop(next(iter(self._compiled)))
            found = self._compiled[key] = self._compile(kind, extensions)
        return found

    def _compile(self, kind: Kind, extensions: tuple[str, ...]) -> Compiled:
        wanted = dict.fromkeys(extensions)
        official = {url: found for url in wanted if (found := self.extension(url))}
        roots = [_CORE_SCHEMA[kind], _PROFILE_SCHEMA[kind]]
        if kind == "Feature" and LABEL in wanted:
            roots.append(f"{PROFILE}label-item.json")
        for url, schema in official.items():
            if (reason := _dangling(url, schema)) is not None:
                self.unchecked[url] = reason
        checked = {url: one for url, one in official.items() if url not in self.unchecked}
        roots.extend(checked)
        exact = _validator(roots, checked)
        fast = _validator(roots, {url: _linear(schema) for url, schema in checked.items()})
        return Compiled(fast.is_valid, exact, frozenset(wanted.keys() - checked.keys()))

    def extension(self, url: str) -> Schema | None:
        """Return an official extension schema, or None (and why, in `unchecked`)."""
        if url not in self._extensions and url not in self.unchecked:
            try:
                self._extensions[url] = loads(self._bytes(url))
            except Unobtainable as reason:
                self.unchecked[url] = str(reason)
        return self._extensions.get(url)

    def _bytes(self, url: str) -> bytes:
        pin = SHA256.get(url)
        if pin is None:
            raise Unobtainable("no digest is pinned for it")
        name = url.removeprefix(BASE)
        spoilt = ""
        for folder in (self.folder, self.cache_folder):
            if folder is None:
                continue
            try:
                data = (folder / name).read_bytes()
            except OSError:
                continue
            if hashlib.sha256(data).hexdigest() == pin:
                return data
            spoilt = f"the file in {folder} differs from its pinned digest; "
        if self.offline or self.cache_folder is None:
            raise Unobtainable(f"{spoilt}it is not at hand, and fetching is not allowed")
        data = _fetch(url)
        if hashlib.sha256(data).hexdigest() != pin:
            raise Unobtainable("what its address serves differs from its pinned digest")
        # A cache that cannot be written costs a fetch next time, nothing else.
        with suppress(OSError):
            atomic.write(self.cache_folder / name, data, self.cache_folder)
        return data


def _fetch(url: str) -> bytes:
    """Return what an https address serves, if it is of a schema's size."""
    import requests  # noqa: PLC0415 - costs 60 ms, and is needed once in the life of a cache

    try:
        with requests.get(url, timeout=_TIMEOUT, stream=True, allow_redirects=False) as answer:
            if answer.status_code != requests.codes.ok:
                raise Unobtainable(f"its address answers with {answer.status_code}")
            data = b""
            for chunk in answer.iter_content(1 << 16):
                data += chunk
                if len(data) > _LIMIT:
                    raise Unobtainable("what its address serves is too large for a schema")
            return data
    except requests.RequestException as error:
        raise Unobtainable(f"it could not be fetched ({type(error).__name__})") from error


@cache
def _shipped() -> dict[str, Schema]:
    """Return core, GeoJSON and PROJJSON schemas and our profile, by address."""
    import pyproj  # noqa: PLC0415 - only where schemas are compiled
    from jsonschema_specifications import (  # type: ignore[import-untyped]  # noqa: PLC0415
        REGISTRY,
    )

    # A collection's summaries may be schemas themselves.
    found: dict[str, Schema] = {DRAFT_7: REGISTRY.contents(f"{DRAFT_7}#")}
    shipped = files("pystac.validation").joinpath("jsonschemas")
    for folder in (shipped.joinpath("stac-spec", "v1.1.0"), shipped.joinpath("geojson")):
        for file in folder.iterdir():
            if file.name.endswith(".json"):
                _register(found, file)
    # Its own "$id" lacks the dot; the others refer to it by its right name.
    item_spec = f"{CORE}item-spec/json-schema/"
    found[f"{item_spec}common.json"] = found[f"{item_spec}commonjson"]
    for name in _PROFILE_FILES:
        _register(found, files("stacbuild.validate").joinpath("profile", f"{name}.json"))
    projjson = Path(pyproj.datadir.get_data_dir()) / "projjson.schema.json"
    if projjson.is_file():
        _register(found, projjson)
    return found


def _register(found: dict[str, Schema], file: Traversable) -> None:
    schema = loads(file.read_bytes())
    found[schema["$id"].rstrip("#")] = schema


def _dangling(url: str, schema: Schema) -> str | None:
    """Say which schema an extension refers to that is not at hand, if there is one."""
    shipped = _shipped()
    for target in _references(schema):
        address = target.split("#")[0]
        if address.startswith("http") and address not in shipped and address != url:
            return f"it refers to {address}, which is not at hand"
        if address and not address.startswith("http"):
            return f"it refers to {address} beside it, which is not at hand"
    return None


def _references(schema: object) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [ref for value in schema.values() for ref in _references(value)]
    if isinstance(schema, list):
        return [ref for value in schema for ref in _references(value)]
    return []


def _validator(roots: list[str], extensions: dict[str, Schema]) -> jsonschema_rs.Validator:
    resources = {**_shipped(), **extensions}
    registry = jsonschema_rs.Registry(list(resources.items()), retriever=_nowhere)
    combined: Schema = {"$schema": DRAFT_7, "allOf": [{"$ref": root} for root in roots]}
    return jsonschema_rs.Draft7Validator(combined, registry=registry, validate_formats=True)


def _nowhere(address: str) -> Any:  # noqa: ANN401 - the signature of a retriever
    raise LookupError(f"{address} is not at hand")


_NOT_PREFIX = re.compile(r"\A\^\(\?!([a-z-]+:)\)\Z")


def _linear(schema: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return an equivalent schema whose patterns need no look-ahead.

    Every extension says of every key of every object that it matches ``^(?!prefix:)``; run by a
    backtracking engine, that is half of the time of a validation. The same set of strings,
    written without look-ahead, runs on a finite automaton. Nothing else is touched, and what
    is found not valid is judged again by the schema word for word.
    """
    if isinstance(schema, dict):
        changed = {key: _linear(value) for key, value in schema.items()}
        patterns = changed.get("patternProperties")
        if isinstance(patterns, dict):
            changed["patternProperties"] = {
                _NOT_PREFIX.sub(lambda match: not_starting_with(match[1]), pattern): value
                for pattern, value in patterns.items()
            }
        return changed
    if isinstance(schema, list):
        return [_linear(value) for value in schema]
    return schema


def not_starting_with(prefix: str) -> str:
    """Return a pattern, without look-ahead, for the strings that do not start with a prefix.

    Such a string ends within the prefix, or has another character at some place of it.
    """
    wrong = "|".join(
        f"{re.escape(prefix[:place])}[^{re.escape(letter)}]" for place, letter in enumerate(prefix)
    )
    ended = "|".join(re.escape(prefix[:place]) for place in range(len(prefix)))
    return f"^(?:{wrong}|(?:{ended})$)"
