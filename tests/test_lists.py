from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacbuild.errors import UsageError
from stacbuild.lists import duplicates, read_ids, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ID = re.compile(r"p_\d+")
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
}
BOM = b"\xef\xbb\xbf"

ids = st.lists(st.integers(0, 10**6).map("p_{}".format), max_size=30)
others = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


def written(tmp_path: Path, data: bytes, pack: str = "plain") -> Path:
    # No suffix says what it is.
    path = tmp_path / "list.csv"
    path.write_bytes(PACK[pack](data))
    return path


def as_csv(rows: list[list[str]], end: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue().encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists")


@given(
    ids=ids,
    width=st.integers(1, 3),
    header=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
    pack=st.sampled_from(list(PACK)),
    last=st.booleans(),
    space=st.sampled_from(["", " ", "\t"]),
    data=st.data(),
)
def test_ids_come_back_from_every_form_of_list(
    folder: Path,
    ids: list[str],
    width: int,
    header: bool,
    end: str,
    bom: bool,
    pack: str,
    last: bool,
    space: str,
    data: st.DataObject,
) -> None:
    rows = [[space + name + space, *(data.draw(others) for _ in range(width - 1))] for name in ids]
    if header:
        rows.insert(0, ["patch", *(f"column {n}" for n in range(1, width))])
    text = as_csv(rows, end)
    if not last:
        text = text.removesuffix(end.encode())
    path = written(folder, BOM * bom + text, pack)
    assert read_ids(path, ID) == ids
    if rows and not (header and not ids):
        table = read_table(path, ["id"], key=("id", ID))
        assert table["id"].tolist() == ids


@pytest.mark.parametrize("pack", PACK)
def test_packing_is_told_by_the_first_bytes(tmp_path: Path, pack: str) -> None:
    assert read_ids(written(tmp_path, b"p_1\np_2\n", pack), ID) == ["p_1", "p_2"]


def test_a_function_may_say_what_an_id_is(tmp_path: Path) -> None:
    path = written(tmp_path, b"ID\n7\n8\n")
    assert read_ids(path, str.isdigit) == ["7", "8"]


def test_an_empty_list_has_no_ids(tmp_path: Path) -> None:
    assert read_ids(written(tmp_path, b""), ID) == []
    assert list(read_table(written(tmp_path, b""), ("id", "b"), key=("id", ID)).columns) == [
        "id",
        "b",
    ]


def test_a_list_of_a_header_alone_has_no_ids(tmp_path: Path) -> None:
    path = written(tmp_path, b"id,b\r\n")
    assert read_ids(path, ID) == []
    assert len(read_table(path, ("id", "b"), key=("id", ID))) == 0


@pytest.mark.parametrize("header", [b"", b"name\n"])
@pytest.mark.parametrize("pack", PACK)
def test_a_row_that_is_no_id_is_named_with_its_line(
    tmp_path: Path, header: bytes, pack: str
) -> None:
    path = written(tmp_path, header + b"p_1\n\np_2\nq_3\np_4\n", pack)
    line = 4 + bool(header)
    with pytest.raises(UsageError, match=f"line {line}: 'q_3' is not the id") as error:
        read_ids(path, ID)
    assert error.value.file == str(path)
    assert error.value.mend
    with pytest.raises(UsageError, match=f"line {line}: 'q_3' is not the id"):
        read_table(path, ["id"], key=("id", ID))


def test_duplicates_stay_and_are_told(tmp_path: Path) -> None:
    found = read_ids(written(tmp_path, b"p_3\np_1\np_3\np_2\np_1\np_3\n"), ID)
    assert found == ["p_3", "p_1", "p_3", "p_2", "p_1", "p_3"]
    assert duplicates(found) == ["p_3", "p_1"]
    assert duplicates(["p_1", "p_2"]) == []


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("size", [999, 1000, 1001, 5_000_000])
def test_decompression_is_bounded(tmp_path: Path, pack: str, size: int) -> None:
    path = written(tmp_path, b"p_1\n" * (size // 4) + b"\n" * (size % 4), pack)
    if size <= 1000:
        assert len(read_ids(path, ID, limit=1000)) == size // 4
        assert len(read_table(path, ["id"], key=("id", ID), limit=1000)) == size // 4
        return
    with pytest.raises(UsageError, match="more than 1,000 bytes"):
        read_ids(path, ID, limit=1000)
    with pytest.raises(UsageError, match="more than 1,000 bytes"):
        read_table(path, ["id"], key=("id", ID), limit=1000)


@pytest.mark.parametrize("pack", ["gz", "bz2"])
@pytest.mark.parametrize("cut", [1, 9, 20])
def test_a_damaged_archive_is_a_usage_error(tmp_path: Path, pack: str, cut: int) -> None:
    data = PACK[pack](b"".join(b"p_%d\n" % n for n in range(2000)))
    path = tmp_path / "list.csv"
    for damaged in (data[:-cut], data[:40] + b"\xff" * cut + data[40 + cut :]):
        path.write_bytes(damaged)
        with pytest.raises(UsageError) as error:
            read_ids(path, ID)
        assert error.value.file == str(path)
        with pytest.raises(UsageError):
            read_table(path, ["id"], key=("id", ID))


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(folder: Path, data: bytes) -> None:
    path = written(folder, data)
    for read in (
        lambda: read_ids(path, ID, limit=10_000),
        lambda: read_table(path, ("id", "b"), key=("id", ID), limit=10_000),
    ):
        with suppress(UsageError):
            read()


def test_what_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_ids(tmp_path / "absent.csv", ID)
    with pytest.raises(UsageError, match="directory"):
        read_ids(tmp_path, ID)


def test_what_is_not_utf8_is_a_usage_error(tmp_path: Path) -> None:
    path = written(tmp_path, b"p_1\np_\xff\n")
    with pytest.raises(UsageError, match="not CSV in UTF-8"):
        read_ids(path, ID)
    with pytest.raises(UsageError, match="not CSV in UTF-8"):
        read_table(path, ["id"])


def test_columns_with_names_are_taken_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, b"c,id,a\r\n3,p_1,1\r\n 6 ,p_2,4\r\n")
    table = read_table(path, ("id", "a", "c"), key=("id", ID))
    assert table.to_dict("list") == {"id": ["p_1", "p_2"], "a": ["1", "4"], "c": ["3", "6"]}


@pytest.mark.parametrize("header", [b"", b"x,y,z\n"])
def test_columns_without_known_names_are_taken_by_position(tmp_path: Path, header: bytes) -> None:
    path = written(tmp_path, header + b"p_1,1,u\np_2,,v\n")
    table = read_table(path, ("id", "a"), key=("id", ID))
    assert table.to_dict("list") == {"id": ["p_1", "p_2"], "a": ["1", ""]}


def test_the_key_need_not_be_the_first_column(tmp_path: Path) -> None:
    # A cell that is a column's name makes no header of a row that has an id.
    path = written(tmp_path, b"s,p_1\nt,p_2\n")
    table = read_table(path, ("s", "id"), key=("id", ID))
    assert table.to_dict("list") == {"s": ["s", "t"], "id": ["p_1", "p_2"]}
    path = written(tmp_path, b"s,p_1\nt,p_2\nu,nothing\n")
    with pytest.raises(UsageError, match="line 3: 'nothing'"):
        read_table(path, ("s", "id"), key=("id", ID))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column b"):
        read_table(written(tmp_path, b"id,c\np_1,2\n"), ("id", "b"), key=("id", ID))
    with pytest.raises(UsageError, match="1 columns, not 2"):
        read_table(written(tmp_path, b"p_1\n"), ("id", "b"), key=("id", ID))
    with pytest.raises(UsageError, match="2 columns, not 3"):
        read_table(written(tmp_path, b"p_1,b\n"), ("id", "b", "c"), key=("id", ID))


def test_a_ragged_table_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Expected 2 columns, got 1"):
        read_table(written(tmp_path, b"p_1,1\np_2\n"), ("id", "b"), key=("id", ID))


def test_quoted_cells_may_hold_commas(tmp_path: Path) -> None:
    path = written(tmp_path, b'p_1,"a, b"\n"p_2","say ""c"""\n')
    assert read_ids(path, ID) == ["p_1", "p_2"]
    assert read_table(path, ("id", "b"), key=("id", ID))["b"].tolist() == ["a, b", 'say "c"']


def test_half_a_million_ids_take_about_a_second(tmp_path: Path) -> None:
    names = [f"p_{number}" for number in range(590_326)]
    path = written(tmp_path, "\r\n".join(names).encode(), "gz")
    start = time.process_time()
    assert read_ids(path, ID) == names
    assert read_table(path, ["id"], key=("id", ID)).shape == (590_326, 1)
    # Half a second each on the machine it was written on; a slow one may take ten times that.
    assert time.process_time() - start < 10


def test_words_that_come_again_are_categories(tmp_path: Path) -> None:
    path = written(tmp_path, b"id,w\np_1,a\np_2, b\np_3, a \n")
    table = read_table(path, ("id", "w"), key=("id", ID), words=["w"])
    assert table["w"].tolist() == ["a", "b", "a"]
    assert table["w"].value_counts().to_dict() == {"a": 2, "b": 1, "w": 0}
