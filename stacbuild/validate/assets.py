"""Assets: the file is there, has the size, checksum and media type that are stated, and opens."""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING, Any

from stacbuild.stac import media
from stacbuild.stac.encode import loads
from stacbuild.validate.cog import check_cog
from stacbuild.validate.findings import Finding, error
from stacbuild.validate.folder import LARGEST_JSON, Unreadable, is_remote

if TYPE_CHECKING:
    from stacbuild.validate.findings import Counters
    from stacbuild.validate.folder import Content, Folder

MULTIHASH = "1220"
"""Prefix of a multihash: SHA-256, 32 bytes."""

_TYPES = {
    **{suffix: {kind} for suffix, kind in media.BY_SUFFIX.items()},
    ".tif": {media.COG, media.GEOTIFF},
    ".tiff": {media.COG, media.GEOTIFF},
    ".json": {media.JSON, media.GEOJSON},
    ".jpeg": {media.JPEG},
}
"""Media types that a suffix may have; other suffixes are not judged."""

_STARTS = {
    media.JPEG: b"\xff\xd8\xff",
    media.PNG: b"\x89PNG\r\n\x1a\n",
    media.PARQUET: b"PAR1",
    media.GZIP: b"\x1f\x8b",
    media.BZIP2: b"BZh",
}


class Assets:
    """Checks the assets of items, collections and catalogs.

    Parameters
    ----------
    folder : Folder
        The catalog.
    counters : Counters
        Counts what was hashed and parsed.
    checksums, cogs : bool
        Whether files are read and hashed, and whether the layout of COGs is parsed.
    """

    def __init__(
        self, folder: Folder, counters: Counters, *, checksums: bool = True, cogs: bool = True
    ) -> None:
        self._folder = folder
        self._counters = counters
        self._checksums = checksums
        self._cogs = cogs

    def check(
        self, value: dict[str, Any], file: str, hashed: dict[str, tuple[int, bytes]]
    ) -> tuple[list[Finding], list[str]]:
        """Check all assets of an object.

        Parameters
        ----------
        value : dict
            The object; its schemas accept its assets.
        file : str
            Its file, relative to the root.
        hashed : dict of str to (int, bytes)
            Takes size and SHA-256 of each file that was read.

        Returns
        -------
        findings : list of Finding
            What is wrong.
        names : list of str
            The files of the catalog that the assets are.
        """
        found: list[Finding] = []
        names = []
        for key, asset in value.get("assets", {}).items():
            self._counters.assets += 1
            if is_remote(asset["href"]):
                self._counters.external += 1
                continue
            try:
                name = self._folder.resolve(file, asset["href"])
            except (Unreadable, ValueError) as reason:
                found.append(error("link-outside", file, f"asset {key}: {reason}"))
                continue
            names.append(name)
            found += self._check_one(name, asset, value.get("properties", {}), hashed)
        return found, names

    def _check_one(
        self,
        name: str,
        asset: dict[str, Any],
        properties: dict[str, Any],
        hashed: dict[str, tuple[int, bytes]],
    ) -> list[Finding]:
        try:
            size = self._folder.size(name)
            if size is None:
                return [error("asset-missing", name, "the file does not exist")]
            found = _type_faults(name, asset["type"])
            if size != asset.get("file:size", size):
                text = f"it has {size:,} bytes, the asset says {asset['file:size']:,}"
                return [*found, error("asset-size", name, text)]
            if not self._checksums and not self._cogs:
                return found
            data = self._folder.content(name)
        except Unreadable as reason:
            kind = "link-outside" if reason.kind == "link-outside" else "asset-missing"
            return [error(kind, name, str(reason))]
        if self._checksums:
            digest = hashlib.sha256(data).digest()
            hashed[name] = (len(data), digest)
            self._counters.files += 1
            self._counters.bytes += len(data)
            if asset.get("file:checksum", "") != MULTIHASH + digest.hex():
                # What follows would only say the same in other words.
                return [*found, error("asset-checksum", name, "its SHA-256 is not the asset's")]
        return found + self._content_faults(name, data, asset, properties)

    def _content_faults(
        self, name: str, data: Content, asset: dict[str, Any], properties: dict[str, Any]
    ) -> list[Finding]:
        kind = asset["type"]
        if kind == media.COG:
            if not self._cogs:
                return []
            self._counters.cogs += 1
            return check_cog(data, asset, properties, name)
        start = _STARTS.get(kind)
        if start is not None and data[: len(start)] != start:
            return [error("asset-content", name, f"it does not start as {kind} does")]
        if kind in (media.JSON, media.GEOJSON) and len(data) <= LARGEST_JSON:
            try:
                loads(bytes(data))
            except ValueError as reason:
                return [error("asset-content", name, f"it is not JSON ({reason})")]
        return []


def claimed(folder: Folder, value: dict[str, Any], file: str) -> set[str]:
    """Return the files that the assets of an object would be, whatever its form.

    Parameters
    ----------
    folder : Folder
        The catalog.
    value : dict
        An object that its schemas do not accept.
    file : str
        Its file, relative to the root.
    """
    names = set()
    assets = value.get("assets")
    for asset in assets.values() if isinstance(assets, dict) else ():
        try:
            names.add(folder.resolve(file, asset["href"]))
        except (Unreadable, LookupError, TypeError, ValueError, AttributeError):
            continue
    return names


def _type_faults(name: str, kind: str) -> list[Finding]:
    known = _TYPES.get(posixpath.splitext(name)[1].lower())
    if known is None or kind in known:
        return []
    return [
        error("asset-type", name, f"its type is {kind}, its name says {' or '.join(sorted(known))}")
    ]
