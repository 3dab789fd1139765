"""Band dicts of STAC 1.1: eo v2 and raster v2 fields, shared values hoisted to the asset.

pystac has no writer for these. Dicts are built once per dataset; per item only the statistics
are added (`with_statistics`), so describing an item copies no constant.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Band = dict[str, Any]

# Spectral facts and names stay with their band, even where all bands agree.
_OWN = ("name", "title", "description", "statistics")


def band(
    name: str,
    *,
    description: str | None = None,
    common_name: str | None = None,
    wavelength: tuple[float, float] | None = None,
    **fields: Any,  # noqa: ANN401 - any field of a band
) -> Band:
    """Return one band.

    Parameters
    ----------
    name : str
        Unique within the asset, and the same in all items of a collection.
    description : str, optional
        One line for people.
    common_name : str, optional
        ``eo:common_name`` (eo extension v2.0.0).
    wavelength : tuple of float, optional
        Centre and full width at half maximum, in micrometres.
    **fields
        More fields, with ``__`` for the colon: ``data_type="uint16"``, ``raster__scale=0.0001``.
    """
    made: Band = {"name": name}
    if description is not None:
        made["description"] = description
    if common_name is not None:
        made["eo:common_name"] = common_name
    if wavelength is not None:
        made["eo:center_wavelength"], made["eo:full_width_half_max"] = wavelength
    made.update((key.replace("__", ":"), value) for key, value in fields.items())
    return made


def hoist(bands: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an asset's ``bands``, preceded by the fields that all of them share.

    Names, descriptions, statistics and ``eo:`` fields are never hoisted: a reader looks for
    them in the band.

    Raises
    ------
    ValueError
        If there are no bands, or two of the same name.
    """
    if not bands or len({each["name"] for each in bands}) != len(bands):
        raise ValueError("an asset's bands have names, each its own")
    first, *others = bands
    shared = {
        key: value
        for key, value in first.items()
        if key not in _OWN
        and not key.startswith("eo:")
        and all(key in other and other[key] == value for other in others)
    }
    own = [{key: value for key, value in each.items() if key not in shared} for each in bands]
    return {**shared, "bands": own}


def with_statistics(
    bands: Iterable[Band], statistics: Iterable[Mapping[str, Any] | None]
) -> list[Band]:
    """Return new bands with their ``statistics``; those passed in are left as they are.

    Parameters
    ----------
    bands, statistics : iterable
        Of equal length. None where a band has no valid pixel: nothing is claimed about it.

    Raises
    ------
    ValueError
        If their lengths differ.
    """
    return [
        {**each, "statistics": values} if values else each
        for each, values in zip(bands, statistics, strict=True)
    ]


def statistics(sums: Mapping[str, int]) -> dict[str, float]:
    """Return STAC 1.1 ``statistics`` of a band from its integer sums.

    Parameters
    ----------
    sums : mapping of str to int
        ``count``, ``nodata``, ``minimum``, ``maximum``, ``total``, ``squares``, as in a row of
        the facts column ``band_sums`` (see `stacbuild.summary.BandSums`).

    Returns
    -------
    dict
        ``minimum``, ``maximum``, ``mean`` and ``stddev`` (of the population, over the valid
        pixels; 3 decimals), and ``valid_percent`` (4 decimals) where pixels without data make it
        less than 100. Empty for a band without pixels.
    """
    count, nodata = sums["count"], sums["nodata"]
    if not count:
        return {"valid_percent": 0.0} if nodata else {}
    total = sums["total"]
    # Rounded in integers: round() takes longer than all the rest together.
    made: dict[str, float] = {
        "minimum": sums["minimum"],
        "maximum": sums["maximum"],
        "mean": (2000 * total + count) // (2 * count) / 1000,
        "stddev": int(sqrt(count * sums["squares"] - total * total) / count * 1000 + 0.5) / 1000,
    }
    if nodata:
        made["valid_percent"] = round(100 * count / (count + nodata), 4)
    return made
