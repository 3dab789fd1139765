"""A catalog's configuration: one TOML file, in git, without secrets.

::

    [catalog]                 id, title, description, contact
    [publish]                 url, public_url, cors_origins
    [datasets.<name>]         inputs = { <input> = "<folder or file>", … }, known_rejects

Paths are relative to the file's own folder. Whatever is wrong is a `UsageError` that names the
file, the key and the nearest key that would be right.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from stacbuild.engine.texts import Texts
from stacbuild.errors import UsageError
from stacbuild.stac.encode import loads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BYTES = 1 << 20
"""A configuration is written by hand; what is larger is some other file."""

STORES = ("s3", "az", "gs")
"""Schemes of ``publish.url``; without a scheme it is a folder."""

_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # what is left: tab and newline


@dataclass(frozen=True, slots=True)
class PublishConfig:
    """Where a catalog goes; where the world finds it then stands in `Texts.public_url`.

    Parameters
    ----------
    url : str or None
        The store: ``s3://``, ``az://``, ``gs://``, or a folder.
    cors_origins : tuple of str
        Web origins that may read the store from a browser; ``*`` is every one.
    """

    url: str | None = None
    cors_origins: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """What a catalog's configuration says of one dataset.

    Parameters
    ----------
    inputs : mapping of str to Path
        The dataset's named inputs.
    known_rejects : Path or None
        File with the ids of samples known to be bad (see `read_known_rejects`).
    """

    inputs: Mapping[str, Path] = field(default_factory=dict)
    known_rejects: Path | None = None


@dataclass(frozen=True, slots=True)
class CatalogConfig:
    """A catalog's configuration.

    Parameters
    ----------
    texts : Texts
        What the catalog says of itself, ``public_url`` included.
    publish : PublishConfig
        Where the catalog goes.
    datasets : mapping of str to DatasetConfig
        By dataset name, in the order of the file.
    file : Path or None
        The file that it was read from, for messages.
    """

    texts: Texts = field(default_factory=Texts)
    publish: PublishConfig = field(default_factory=PublishConfig)
    datasets: Mapping[str, DatasetConfig] = field(default_factory=dict)
    file: Path | None = None


def load_config(file: Path) -> CatalogConfig:
    """Read a catalog's configuration.

    Raises
    ------
    UsageError
        If the file cannot be read, is not TOML, or holds an unknown key or a wrong value.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        mend = f"Write one with: stacbuild init {file}"
        raise UsageError("there is no such configuration", file=file, mend=mend) from error
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", file=file) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"larger than {MAX_BYTES:,} bytes: not a configuration", file=file)
    return parse_config(data, file)


def parse_config(data: bytes, file: Path) -> CatalogConfig:
    """Parse the bytes of a configuration; ``file`` is for messages and relative paths.

    Raises
    ------
    UsageError
        If it is not TOML, or holds an unknown key or a wrong value.
    """
    try:
        document = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8 at byte {error.start}", file=file) from error
    except (ValueError, RecursionError) as error:  # also integers of absurd length
        raise UsageError(f"not TOML: {error}", file=file) from error
    root = _Table(document, "", file)
    root.expect("catalog", "publish", "datasets")
    publish = root.table("publish")
    publish.expect("url", "public_url", "cors_origins")
    return CatalogConfig(
        texts=_texts(root.table("catalog"), publish),
        publish=PublishConfig(_store(publish), _origins(publish)),
        datasets=_datasets(root.table("datasets")),
        file=file,
    )


def read_known_rejects(file: Path) -> frozenset[str]:
    """Read the ids of samples known to be bad.

    One id a line, where ``#`` starts a comment; or the ``report.json`` of an earlier run as it is.

    Raises
    ------
    UsageError
        If the file cannot be read, or is neither.
    """
    mend = "It holds one sample id a line, or is the report.json of an earlier run"
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8 at byte {error.start}", file=file, mend=mend) from error
    except OSError as error:
        reason = f"the list of known rejects cannot be read: {error.strerror}"
        raise UsageError(reason, file=file, mend=mend) from error
    if text.lstrip().startswith("{"):
        try:
            ids = [str(reject["id"]) for reject in loads(text.encode())["rejects"]]
        except (ValueError, TypeError, KeyError) as error:
            raise UsageError("not the report of a run", file=file, mend=mend) from error
    else:
        ids = [line.partition("#")[0] for line in text.splitlines()]
    return frozenset(sample.strip() for sample in ids if sample.strip())


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the mend for an unknown name: the nearest known one, or all of them."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(known)}" if known else "None are known"


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the file, with its name for messages; every read checks the type."""

    values: dict[str, Any]
    name: str
    file: Path

    def expect(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                self.fail(f"unknown key {self.full(key)!r}", self.hint(key, known))

    def hint(self, key: str, known: Sequence[str]) -> str:
        return nearest(self.full(key), [self.full(name) for name in known])

    def full(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def fail(self, reason: str, mend: str | None = None) -> NoReturn:
        raise UsageError(reason, file=self.file, mend=mend)

    def wrong(self, key: str, expected: str) -> NoReturn:
        shown = repr(self.values[key])
        shown = shown if len(shown) <= 60 else f"{shown[:57]}…"  # noqa: PLR2004 - one line
        self.fail(f"{self.full(key)!r} must be {expected}, not {shown}")

    def table(self, key: str) -> _Table:
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.wrong(key, "a table")
        return _Table(value, self.full(key), self.file)

    def text(self, key: str) -> str | None:
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, str) or not value.strip() or _CONTROL.search(value):
            self.wrong(key, "text")
        return value

    def line(self, key: str) -> str | None:
        value = self.text(key)
        if value is not None and ("\n" in value or "\t" in value):
            self.wrong(key, "one line of text")
        return value

    def path(self, key: str) -> Path | None:
        value = self.line(key)
        if value is None:
            return None
        if _SCHEME.match(value):
            self.fail(
                f"{self.full(key)!r} is an address, which a build does not read: {value}",
                "Download it, and name the file or folder",
            )
        return _resolve(value, self)


def _resolve(value: str, table: _Table) -> Path:
    try:
        path = Path(value).expanduser()
    except RuntimeError as error:  # ~nobody
        table.fail(f"{value!r}: {error}")
    return table.file.parent / path


def _catalog_id(catalog: _Table) -> str | None:
    value = catalog.line("id")
    if value is not None and not _ID.fullmatch(value):
        catalog.wrong("id", "letters, digits, '.', '_' and '-', at most 128 of them")
    return value


def _texts(catalog: _Table, publish: _Table) -> Texts:
    catalog.expect("id", "title", "description", "contact")
    default = Texts()
    return Texts(
        id=_catalog_id(catalog) or default.id,
        title=catalog.line("title") or default.title,
        description=catalog.text("description") or default.description,
        contact=catalog.line("contact"),
        public_url=_public_url(publish),
    )


def _public_url(table: _Table) -> str | None:
    value = table.line("public_url")
    if value is None:
        return None
    clean = _web_address(value, path=True)
    if clean is None:
        table.wrong("public_url", "an http(s) address without query, fragment or password")
    return clean


def _origins(table: _Table) -> tuple[str, ...]:
    if "cors_origins" not in table.values:
        return PublishConfig().cors_origins
    value = table.values["cors_origins"]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        table.wrong("cors_origins", "an array of texts")
    for one in value:
        if one != "*" and _web_address(one, path=False) is None:
            table.wrong("cors_origins", "'*' or origins such as 'https://example.org'")
    return tuple(value)


def _store(table: _Table) -> str | None:
    value = table.line("url")
    if value is None:
        return None
    if not _SCHEME.match(value):
        return str(_resolve(value, table))
    scheme, _, rest = value.partition("://")
    if scheme not in STORES or not rest.strip("/") or re.search(r"[\s?#@\\]", rest):
        table.wrong("url", "s3://…, az://…, gs://… or a folder, without secrets in it")
    return f"{scheme}://{rest.rstrip('/')}"


def _web_address(value: str, *, path: bool) -> str | None:
    """Return an address without slashes at its end, or None if it is not a plain http(s) one."""
    if re.search(r"[\s?#@\\<>\"]", value):
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc or port == 0:
        return None
    host = parts.netloc.removesuffix(f":{port}") if port else parts.netloc
    if not _HOST.fullmatch(host):
        return None
    trail = parts.path.rstrip("/")
    if (not path and parts.path) or any(step in {"", ".", ".."} for step in trail.split("/")[1:]):
        return None
    return f"{parts.scheme}://{parts.netloc}{trail}"


def _datasets(table: _Table) -> Mapping[str, DatasetConfig]:
    # Only here: finding the installed datasets costs start-up time.
    from stacbuild import dataset  # noqa: PLC0415

    found: dict[str, DatasetConfig] = {}
    for name in table.values:
        if name not in dataset.names():
            table.fail(
                f"there is no dataset {name!r} ({table.full(name)!r})",
                nearest(name, dataset.names()),
            )
        one = table.table(name)
        one.expect("inputs", "known_rejects")
        inputs = one.table("inputs")
        if inputs.values:
            inputs.expect(*(spec.name for spec in dataset.load(name).inputs))
        paths = {key: path for key in inputs.values if (path := inputs.path(key)) is not None}
        found[name] = DatasetConfig(paths, one.path("known_rejects"))
    return found
