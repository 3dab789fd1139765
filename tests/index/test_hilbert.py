from __future__ import annotations

import numpy as np
import pytest

from stacbuild.index.hilbert import LEVEL, NOWHERE, hilbert, hilbert_of_boxes

SIDE = 1 << LEVEL


def centres(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (x + 0.5) / SIDE * 360 - 180, (y + 0.5) / SIDE * 180 - 90


@pytest.mark.parametrize("corner", [(0, 0), (SIDE - 32, 0), (4096, 32 * 777), (SIDE // 2, 96)])
def test_a_block_of_cells_is_one_walk_from_neighbour_to_neighbour(corner: tuple[int, int]) -> None:
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(32), np.arange(32)))
    places = hilbert(*centres(x + corner[0], y + corner[1]))
    order = np.argsort(places)
    assert (np.diff(places[order].astype(np.int64)) == 1).all()
    assert (np.abs(np.diff(x[order])) + np.abs(np.diff(y[order])) == 1).all()


def test_ends_and_quarters_of_the_curve() -> None:
    # The curve starts in the south-west and ends in the south-east: south-west, north-west,
    # north-east, south-east are its quarters.
    places = hilbert([-180, -90, 90, 90, 180], [-90, 45, 45, -45, -90])
    quarter = 4**LEVEL // 4
    assert places[0] == 0
    assert (places[1:4] // np.uint64(quarter)).tolist() == [1, 2, 3]
    assert places[4] == 4**LEVEL - 1


def test_nowhere_is_last() -> None:
    places = hilbert([np.nan, 180.0, 0.0], [0.0, 90.0, np.nan])
    assert places[0] == places[2] == NOWHERE > places[1]


def test_a_box_over_the_antimeridian_lies_there() -> None:
    crossing = hilbert_of_boxes([179.0], [10.0], [-179.5], [11.0])
    assert crossing[0] == hilbert([179.75], [10.5])[0]
    assert hilbert_of_boxes([179.5], [0.0], [-179.0], [1.0])[0] == hilbert([-179.75], [0.5])[0]
