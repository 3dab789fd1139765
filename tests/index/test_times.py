from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.index.schema import SchemaError
from stacbuild.index.times import INSTANT, to_instants, to_text

MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)) | st.none()  # noqa: DTZ001


@given(st.lists(MOMENTS, min_size=1, max_size=20))
def test_text_and_instants_are_each_other(moments: list[dt.datetime | None]) -> None:
    instants = pa.array([m and m.replace(tzinfo=dt.UTC) for m in moments], INSTANT)
    text = to_text(instants)
    assert to_instants(pa.array(text, pa.string()), "datetime").equals(instants)
    for moment, spelled in zip(moments, text, strict=True):
        if moment is None:
            assert spelled is None
        else:
            assert spelled is not None
            assert dt.datetime.fromisoformat(spelled) == moment.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    ["2017-06-13T10:10:31Z", "2017-06-13T10:10:31.024Z", "2017-06-13T10:10:31.000001Z"],
)
def test_spellings_that_come_back(text: str) -> None:
    assert to_text(to_instants(pa.array([text]), "datetime")) == [text]


@pytest.mark.parametrize(
    "text",
    ["2017-06-13", "2017-06-13T10:10:31+00:00", "2017-06-13T10:10:31.5Z", "2017-06-13T10:10:60Z"],
)
def test_spellings_that_would_not_are_refused(text: str) -> None:
    with pytest.raises(SchemaError, match="datetime"):
        to_instants(pa.array(["2017-06-13T10:10:31Z", text]), "datetime")


def test_numbers_are_no_instants() -> None:
    with pytest.raises(SchemaError, match="created is not text"):
        to_instants(pa.array([1]), "created")
