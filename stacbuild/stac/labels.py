"""Label items as the label extension v1.0.1 wants them, and class lists of classification v2.0.0.

A vector label item has its own small GeoJSON under `VECTOR_KEY` (STAC Browser finds a single
label asset only there), properties made by `label_properties`, and one link per imagery item made
by `source_link`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stacbuild.stac import media
from stacbuild.stac.encode import dumps_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VECTOR_KEY = "vector_labels"
RASTER_KEY = "raster_labels"

_NOT_NAME = re.compile(r"[^0-9A-Za-z_-]+")
_COLOR = re.compile(r"[0-9A-F]{6}")


def multi_hot(indices: Iterable[int], size: int) -> list[int]:
    """Return a vector of 0 and 1 with ones at ``indices``.

    Raises
    ------
    IndexError
        If an index is not below ``size``.
    """
    vector = [0] * size
    for index in indices:
        vector[index] = 1
    return vector


def label_classes(classes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return ``label:classes`` from the label properties and their class names, in order."""
    return [{"name": name, "classes": list(names)} for name, names in classes.items()]


def overview(
    property_key: str, names: Iterable[str], counts: Iterable[int] | None = None
) -> dict[str, Any]:
    """Return one entry of ``label:overviews``.

    Parameters
    ----------
    property_key : str
        The label property, as in ``label:properties``.
    names : iterable of str
        The classes that occur; none gives an empty list, which is a statement too.
    counts : iterable of int, optional
        How often; once each if not given (one object that carries them all).
    """
    if counts is None:
        return {"property_key": property_key, "counts": [{"name": n, "count": 1} for n in names]}
    pairs = zip(names, counts, strict=True)
    return {"property_key": property_key, "counts": [{"name": n, "count": c} for n, c in pairs]}


def label_properties(
    *,
    kind: str,
    description: str,
    classes: Mapping[str, Sequence[str]],
    tasks: Sequence[str],
    methods: Sequence[str],
) -> dict[str, Any]:
    """Return the ``label:`` properties that all label items of a collection share.

    Parameters
    ----------
    kind : {"vector", "raster"}
        ``label:type``.
    description : str
        Not empty.
    classes : mapping of str to sequence of str
        Label property to class names. For rasters, which have no properties, one key that is
        not written.
    tasks, methods : sequence of str
        Such as ``["classification"]`` and ``["manual"]``.

    Raises
    ------
    ValueError
        If ``kind`` or ``description`` is not as above.
    """
    if kind not in ("vector", "raster") or not description:
        raise ValueError("label:type is vector or raster, and label:description is not empty")
    vector = kind == "vector"
    listed = label_classes(classes)
    if not vector:
        listed = [{"name": None, "classes": each["classes"]} for each in listed]
    return {
        "label:type": kind,
        "label:description": description,
        "label:properties": list(classes) if vector else None,
        "label:classes": listed,
        "label:tasks": list(tasks),
        "label:methods": list(methods),
    }


def source_link(href: str, title: str, assets: Sequence[str]) -> dict[str, Any]:
    """Return the link from a label item to an imagery item.

    Parameters
    ----------
    href, title : str
        The imagery item's address and title.
    assets : sequence of str
        Keys of the assets that the labels are about.
    """
    return {
        "rel": "source",
        "href": href,
        "type": media.GEOJSON,
        "title": title,
        "label:assets": assets,
    }


def class_name(title: str) -> str:
    """Return a class title as classification v2.0.0 wants names: letters, digits, ``_``, ``-``.

    Examples
    --------
    >>> class_name("Beaches, dunes, sands")
    'beaches_dunes_sands'
    """
    return _NOT_NAME.sub("_", title).strip("_").lower()


def classification_classes(
    titles: Sequence[str],
    *,
    values: Sequence[int] | None = None,
    colors: Sequence[str] | None = None,
    descriptions: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Return ``classification:classes``.

    Parameters
    ----------
    titles : sequence of str
        Names for people; `class_name` makes ``name`` from them.
    values : sequence of int, optional
        0, 1, 2 … if not given.
    colors : sequence of str, optional
        ``color_hint``: six upper-case hexadecimal digits.
    descriptions : sequence of str, optional
        One per class.

    Raises
    ------
    ValueError
        If two names or two values are the same, a name is empty, a colour is not as above, or
        the lengths differ.
    """
    names = [class_name(title) for title in titles]
    numbers = list(range(len(titles))) if values is None else list(values)
    if len(set(names)) != len(names) or len(set(numbers)) != len(numbers) or "" in names:
        raise ValueError("every class has a name and a value of its own")
    if colors is not None and not all(_COLOR.fullmatch(color) for color in colors):
        raise ValueError("a color_hint is six upper-case hexadecimal digits")
    columns: dict[str, Sequence[Any]] = {"value": numbers, "name": names, "title": titles}
    if descriptions is not None:
        columns["description"] = descriptions
    if colors is not None:
        columns["color_hint"] = colors
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def feature_collection(
    feature_id: str, ring: Sequence[Sequence[float]], properties: Mapping[str, Any]
) -> bytes:
    """Return a GeoJSON file with one polygon that carries all the labels.

    Parameters
    ----------
    feature_id : str
        The sample's id.
    ring : sequence of (float, float)
        Closed ring of longitude and latitude.
    properties : mapping of str to value
        Label properties and whatever else belongs to the feature.
    """
    return dumps_item(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": feature_id,
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                    "properties": properties,
                }
            ],
        }
    )
