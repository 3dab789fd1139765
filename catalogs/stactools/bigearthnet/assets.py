"""Keys, file names and constant fields of the patch's assets, for items and collections."""

from __future__ import annotations

from typing import Any, Final

from stacbuild.stac import media
from stacbuild.stac.bands import band, hoist
from stacbuild.stac.labels import VECTOR_KEY
from stactools.bigearthnet import constants as c

STACKS: Final = {f"{metres}m": metres for metres in c.RESOLUTIONS}
"""Asset keys of the stacks, with their pixel side in metres."""
VISUAL: Final = "visual"
THUMBNAIL: Final = "thumbnail"
SUFFIXES: Final = {
    **{key: f"_{key}.tif" for key in STACKS},
    VISUAL: "_visual.tif",
    THUMBNAIL: "_thumbnail.jpg",
    VECTOR_KEY: "_labels.geojson",
}
"""Asset key to what follows the patch name in the file's name."""

THUMBNAIL_FIELDS: Final[dict[str, Any]] = {
    "title": "Thumbnail",
    "type": media.JPEG,
    "roles": ["thumbnail"],
}
LABEL_FIELDS: Final[dict[str, Any]] = {
    "title": "Labels",
    "type": media.GEOJSON,
    "roles": ["labels", "labels-vector"],
}


def band_fields(name: str, platform: str | None = None) -> dict[str, Any]:
    """Return a band with all its fields.

    Parameters
    ----------
    name : str
        Such as ``"B8A"``.
    platform : str, optional
        For an item: the wavelengths of this satellite, and no description. If not given, for a
        collection: their mean over both satellites, and a description.
    """
    it = c.BAND[name]
    mean = (it.center_wavelength, it.full_width_half_max)
    return band(
        name,
        description=None if platform else it.title,
        common_name=it.common_name,
        wavelength=it.wavelengths[platform] if platform else mean,
        data_type="uint16",
        nodata=c.NODATA,
        raster__scale=c.SCALE,
        raster__offset=0,
        raster__spatial_resolution=it.resolution,
    )


def stack_fields(metres: int, platform: str | None = None) -> dict[str, Any]:
    """Return the fields of a stack that do not depend on the patch.

    Parameters
    ----------
    metres : int
        10, 20 or 60.
    platform : str, optional
        As in `band_fields`.
    """
    names = c.RESOLUTIONS[metres]
    return {
        "title": f"{metres} m bands: {', '.join(names)}",
        "type": media.COG,
        "roles": ["data", "reflectance"],
        **hoist([band_fields(name, platform) for name in names]),
    }


def _visual_fields() -> dict[str, Any]:
    # Names of their own: "B04" must not be taken for the reflectance.
    bands = [
        band(
            f"visual_{name}",
            common_name=c.BAND[name].common_name,
            data_type="uint8",
            nodata=0,
        )
        for name in c.RGB
    ]
    return {
        "title": "True colour",
        "type": media.COG,
        "roles": ["visual", "overview"],
        **hoist(bands),
    }


VISUAL_FIELDS: Final = _visual_fields()
