from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.raster.statistics import band_sums
from stacbuild.stac import extensions
from stacbuild.stac.bands import band, hoist, statistics, with_statistics

if TYPE_CHECKING:
    from pathlib import Path


def stack() -> dict[str, Any]:
    return hoist(
        [
            band(
                name,
                description=name.lower(),
                common_name=common,
                wavelength=(0.5, 0.02),
                data_type="uint16",
                nodata=0,
                raster__scale=scale,
                raster__spatial_resolution=10,
            )
            for name, common, scale in (("B03", "green", 0.1), ("B04", "red", 0.2))
        ]
    )


def test_shared_fields_are_hoisted_and_spectral_ones_stay() -> None:
    assert stack() == {
        "data_type": "uint16",
        "nodata": 0,
        "raster:spatial_resolution": 10,
        "bands": [
            {
                "name": "B03",
                "description": "b03",
                "eo:common_name": "green",
                "eo:center_wavelength": 0.5,
                "eo:full_width_half_max": 0.02,
                "raster:scale": 0.1,
            },
            {
                "name": "B04",
                "description": "b04",
                "eo:common_name": "red",
                "eo:center_wavelength": 0.5,
                "eo:full_width_half_max": 0.02,
                "raster:scale": 0.2,
            },
        ],
    }


def test_a_field_that_one_band_lacks_is_not_hoisted() -> None:
    made = hoist([band("a", data_type="uint8", nodata=0), band("b", data_type="uint8")])
    assert made == {"data_type": "uint8", "bands": [{"name": "a", "nodata": 0}, {"name": "b"}]}


def test_a_lone_band_keeps_its_name() -> None:
    assert hoist([band("a", data_type="uint8")]) == {
        "data_type": "uint8",
        "bands": [{"name": "a"}],
    }


@pytest.mark.parametrize("bands", [[], [band("a"), band("a")]])
def test_bands_without_names_of_their_own_are_refused(bands: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="names"):
        hoist(bands)


def test_statistics_are_added_to_copies() -> None:
    bands = [band("a"), band("b")]
    made = with_statistics(bands, [{"minimum": 1}, None])
    assert made == [{"name": "a", "statistics": {"minimum": 1}}, {"name": "b"}]
    assert bands == [{"name": "a"}, {"name": "b"}]


def test_statistics_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        with_statistics([band("a")], [])


@pytest.mark.parametrize("name", ["eo/v2.0.0", "raster/v2.0.0"])
def test_official_schemas_accept_a_stack(shared: Path, name: str) -> None:
    schema = json.loads((shared / "schemas" / name / "schema.json").read_text())
    item = {
        "type": "Feature",
        "stac_extensions": [extensions.EO, extensions.RASTER],
        "properties": {},
        "assets": {"stack": stack()},
    }
    jsonschema.Draft7Validator(schema).validate(item)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_statistics_are_those_of_the_pixels(values: list[int]) -> None:
    (sums,) = band_sums(np.array([[values]], dtype=np.int16))
    found = statistics(asdict(sums))
    assert found["minimum"] == min(values)
    assert found["maximum"] == max(values)
    assert found["mean"] == pytest.approx(np.mean(values), abs=5.1e-4)
    assert found["stddev"] == pytest.approx(np.std(values), abs=5.1e-4)
    assert "valid_percent" not in found
    for key in ("mean", "stddev"):
        assert found[key] == round(found[key], 3)


def test_statistics_tell_how_much_is_missing() -> None:
    (sums,) = band_sums(np.array([[[0, 0, 0, 7]]], dtype=np.uint16), nodata=0)
    assert statistics(asdict(sums)) == {
        "minimum": 7,
        "maximum": 7,
        "mean": 7.0,
        "stddev": 0.0,
        "valid_percent": 25.0,
    }
    (sums,) = band_sums(np.zeros((1, 2, 2), dtype=np.uint16), nodata=0)
    assert statistics(asdict(sums)) == {"valid_percent": 0.0}
    assert statistics(dict.fromkeys(asdict(sums), 0)) == {}
