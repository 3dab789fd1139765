"""Validation of an item as it is made: all its schemas in one pass, and what no schema can say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stacbuild.stac import extensions
from stacbuild.validate.explain import explain
from stacbuild.validate.findings import Finding, error
from stacbuild.validate.schemas import SchemaStore
from stacbuild.validate.space import geometry_faults

if TYPE_CHECKING:
    from stacbuild.validate.schemas import Kind

__all__ = ["PREFIXES", "Finding", "ItemValidator"]

PREFIXES = {
    "classification": extensions.CLASSIFICATION,
    "cube": extensions.DATACUBE,
    "eo": extensions.EO,
    "file": extensions.FILE,
    "grid": extensions.GRID,
    "label": extensions.LABEL,
    "ml-aoi": extensions.ML_AOI,
    "processing": extensions.PROCESSING,
    "proj": extensions.PROJECTION,
    "raster": extensions.RASTER,
    "sat": extensions.SAT,
    "sci": extensions.SCIENTIFIC,
    "storage": extensions.STORAGE,
    "table": extensions.TABLE,
}
"""Which extension a field with a prefix belongs to; each must be declared where it is used."""

_SHAPES = 4096
"""Distinct sets of field names that are remembered: a dataset has about ten."""


class ItemValidator:
    """Validates items, and catalogs and collections, against all their schemas.

    Parameters
    ----------
    store : SchemaStore, optional
        Where schemas come from; by default what the environment says.
    exact : bool
        Run the official schemas word for word even where an equivalent form is faster; for
        judging a finished catalog.
    """

    def __init__(self, store: SchemaStore | None = None, *, exact: bool = False) -> None:
        self.store = store or SchemaStore.from_environment()
        self.exact = exact
        self.unchecked: set[str] = set()
        """Addresses of the extension schemas that objects declare and that could not be had."""
        self._seen: dict[tuple[Any, ...], list[str]] = {}

    def reasons(self) -> dict[str, str]:
        """Return `unchecked`, each with the reason why it could not be had."""
        return {url: self.store.unchecked.get(url, "") for url in sorted(self.unchecked)}

    def validate(self, item: dict[str, Any], file: str = "") -> list[Finding]:
        """Return what is wrong with an item; for a good one, in about 0.08 ms, an empty list.

        Parameters
        ----------
        item : dict
            A whole item, links included.
        file : str
            Where it lies, for the findings; its last part must be the item's id and ``.json``.
        """
        found = self.schemas(item, "Feature", file)
        if found:
            # What follows takes the item's form for granted.
            return found
        faults = [("geometry", text) for text in geometry_faults(item)]
        faults += _time_faults(item["properties"])
        if "label:type" in item["properties"]:
            faults += _label_faults(item["properties"])
        faults += self._field_faults(item)
        if file and file[file.rfind("/") + 1 :] != f"{item['id']}.json":
            faults.append(("file-name", f"the item's id is {item['id']}, and its file's name not"))
        return [error(kind, file, text) for kind, text in faults]

    def schemas(self, value: dict[str, Any], kind: Kind, file: str = "") -> list[Finding]:
        """Return where an item, catalog or collection breaks its schemas.

        Parameters
        ----------
        value : dict
            The object.
        kind : {"Feature", "Collection", "Catalog"}
            What it has to be.
        file : str
            Where it lies, for the findings.
        """
        declared = value.get("stac_extensions") or []
        if not isinstance(declared, list) or not all(isinstance(url, str) for url in declared):
            return [error("schema", file, "stac_extensions is not a list of addresses")]
        compiled = self.store.compiled(kind, tuple(declared))
        self.unchecked |= compiled.unchecked
        if (compiled.exact.is_valid if self.exact else compiled.is_valid)(value):
            return []
        return [error("schema", file, text) for text in explain(compiled.exact, value)]

    def _field_faults(self, item: dict[str, Any]) -> list[tuple[str, str]]:
        """Return faults that follow from which fields there are; remembered by their names."""
        assets = item["assets"]
        shape = (
            tuple(item["stac_extensions"]),
            tuple(item["properties"]),
            *map(tuple, assets.values()),
        )
        known = self._seen.get(shape)
        if known is None:
            known = _undeclared(item)
            if len(self._seen) < _SHAPES:
                self._seen[shape] = known
        faults = [("extension", text) for text in known]
        placed = False
        for key, asset in assets.items():
            placed = placed or "proj:transform" in asset
            bands = asset.get("bands")
            if bands and len({band["name"] for band in bands}) != len(bands):
                faults.append(("bands", f"asset {key} has two bands of one name"))
        if placed and not item["properties"].get("proj:code"):
            faults.append(("projection", "assets are placed on a grid, and proj:code is not given"))
        return faults


def _undeclared(item: dict[str, Any]) -> list[str]:
    """Return a message for each extension whose fields are used and which is not declared."""
    used = {key.partition(":")[0] for key in item["properties"] if ":" in key}
    for asset in item["assets"].values():
        names = [*asset, *(key for band in asset.get("bands", ()) for key in band)]
        used |= {key.partition(":")[0] for key in names if ":" in key}
    declared = item["stac_extensions"]
    return [
        f"it has {prefix}: fields and does not declare {PREFIXES[prefix]}"
        for prefix in sorted(used & PREFIXES.keys())
        if PREFIXES[prefix] not in declared
    ]


def _time_faults(properties: dict[str, Any]) -> list[tuple[str, str]]:
    start, end = properties.get("start_datetime"), properties.get("end_datetime")
    if start is None or end is None:
        return []
    # Without its Z, RFC 3339 in UTC sorts as text, with fractions of a second too.
    faults = []
    if start[:-1] > end[:-1]:
        faults.append(("datetime", f"it ends ({end}) before it starts ({start})"))
    moment = properties["datetime"]
    if moment is not None and not start[:-1] <= moment[:-1] <= end[:-1]:
        faults.append(("datetime", f"{moment} is not between {start} and {end}"))
    return faults


def _label_faults(properties: dict[str, Any]) -> list[tuple[str, str]]:
    """Check that classes and overviews speak of the label properties, and of each other."""
    vector = properties["label:type"] == "vector"
    named = properties["label:properties"] or []
    classes = {one["name"]: set(one["classes"]) for one in properties.get("label:classes", ())}
    faults = []
    if vector and not classes.keys() <= set(named):
        odd = sorted(map(str, classes.keys() - set(named)))
        faults.append(f"label:classes speaks of {', '.join(odd)}, label:properties does not")
    for overview in properties.get("label:overviews", ()):
        key = overview.get("property_key")
        if vector and key not in named:
            faults.append(f"label:overviews speaks of {key}, label:properties does not")
        # Class rasters have one list of classes, which has no name; its overview has any key.
        known = classes.get(key if vector else None)
        counted = [one["name"] for one in overview.get("counts", ())]
        if len(set(counted)) != len(counted):
            faults.append(f"label:overviews counts a class of {key} twice")
        if known is not None:
            odd = [name for name in counted if name not in known and not _number(name, known)]
            if odd:
                faults.append(f"label:overviews counts {', '.join(odd)}: no class of {key}")
    return [("labels", text) for text in faults]


def _number(name: str, known: set[Any]) -> bool:
    """Say whether a counted name is a class that is given as a number."""
    return any(not isinstance(one, str) and str(one) == name for one in known)
