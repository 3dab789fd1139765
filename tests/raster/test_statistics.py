from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stacbuild.raster.read import read_chip
from stacbuild.raster.statistics import (
    SUMS_TYPE,
    band_sums,
    merged,
    to_facts,
)
from stacbuild.summary import BandSums

if TYPE_CHECKING:
    from pathlib import Path

INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]


def slowly(array: np.ndarray[Any, Any], nodata: float | None) -> list[BandSums]:
    """Return what band_sums should, one pixel after the other."""
    found = []
    for band in array:
        pixels = [int(value) for value in band.ravel()]
        valid = [value for value in pixels if value != nodata]
        found.append(
            BandSums(
                len(valid),
                len(pixels) - len(valid),
                min(valid, default=0),
                max(valid, default=0),
                sum(valid),
                sum(value * value for value in valid),
            )
        )
    return found


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(INTEGERS).flatmap(
        lambda dtype: st.one_of(
            hnp.arrays(dtype, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)),
            hnp.arrays(dtype, (2, 3, 4), elements=st.integers(0, 3)),
        )
    ),
    st.data(),
)
def test_sums_are_exact(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    values = [int(value) for value in array.ravel()]
    nodata = data.draw(
        st.one_of(
            st.none(),
            st.sampled_from([0, 255, -9999, 0.5, float("nan"), 0.0, 2**70, *values]),
            st.sampled_from([min(values), max(values)]),
        )
    )
    assert band_sums(array, nodata) == slowly(array, nodata)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("nodata", [None, 0])
def test_the_largest_values_do_not_overflow(dtype: str, nodata: int | None) -> None:
    info = np.iinfo(dtype)
    for value in (info.max, info.min):
        array = np.full((1, 512, 512), value, dtype)
        (sums,) = band_sums(array, nodata)
        if value != nodata:
            assert (sums.total, sums.squares) == (value * 512**2, value**2 * 512**2)
            assert (sums.minimum, sums.maximum, sums.count) == (value, value, 512**2)


def test_many_bands_of_several_batches() -> None:
    array = np.random.default_rng(0).integers(0, 9, (40, 90, 90)).astype(np.uint16)
    assert band_sums(array, 0) == slowly(array, 0)
    turned = array.transpose(0, 2, 1)
    assert band_sums(turned, 0) == slowly(array, 0)


def test_bands_without_valid_pixels() -> None:
    assert band_sums(np.zeros((2, 3, 3), np.uint16), 0) == [BandSums(nodata=9)] * 2
    assert band_sums(np.zeros((1, 0, 3), np.uint16), 0) == [BandSums()]


def test_floats_are_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        band_sums(np.zeros((1, 2, 2), np.float32))


def test_facts_hold_the_sums() -> None:
    sums = [*band_sums(np.full((2, 512, 512), 65535, np.uint16)), BandSums()]
    column = pa.array([to_facts(sums)], SUMS_TYPE)
    assert merged(column.to_pylist()) == sums


def test_facts_refuse_what_they_do_not_hold() -> None:
    sums = band_sums(np.full((1, 4, 4), 2**33, np.int64))
    with pytest.raises(ValueError, match="64 bits"):
        to_facts(sums)


def test_sums_of_many_samples_are_those_of_all_pixels() -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.integers(0, high, (2, 4, 4)).astype(np.uint16) for high in (1, 3, 60_000)]
    whole = band_sums(np.concatenate(arrays, axis=2), 0)
    assert merged([to_facts(band_sums(array, 0)) for array in arrays]) == whole
    assert merged([]) == []


def test_real_bands(real_patches: Path) -> None:
    for path in sorted(real_patches.glob("*/*.tif")):
        array = read_chip(path.read_bytes(), path.name).array
        (sums,) = band_sums(array, 0)
        pixels = array.astype(np.int64)
        assert sums.total == pixels.sum()
        assert sums.squares == (pixels**2).sum()
        assert sums.mean == pytest.approx(array.mean())
        assert sums.stddev == pytest.approx(array.std())
        assert (sums.minimum, sums.maximum) == (array.min(), array.max())
