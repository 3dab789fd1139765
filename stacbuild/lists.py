"""Read the publishers' lists and side tables: CSV files as they come.

With or without a header, one or more columns, CRLF or LF, with or without a byte-order mark,
plain, gzip or bzip2 (told by their first bytes, not by the file's name). They are untrusted:
decompression is bounded, and every id has to match the dataset's pattern.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from stacbuild.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from _typeshed import WriteableBuffer

    Pattern = re.Pattern[str] | Callable[[str], object]

LIMIT: Final = 256 << 20
"""Bytes that a list may hold once decompressed; BigEarthNet's largest table holds 118 MB."""

_FIRST: Final = 1 << 16


class _Bounded(io.RawIOBase):
    """A stream that ends with a `UsageError` above the limit, and cannot be inflated further."""

    def __init__(self, stream: IO[bytes], path: Path, limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._path = path
        self._limit = limit
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with memoryview(buffer).cast("B") as view:
            data = self._stream.read(min(len(view), self._left + 1))
            self._left -= len(data)
            if self._left < 0:
                raise UsageError(
                    f"the list holds more than {self._limit:,} bytes once decompressed",
                    file=self._path,
                    mend="Is it the right file?",
                )
            view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextmanager
def opened(path: Path, *, limit: int = LIMIT) -> Iterator[IO[bytes]]:
    """Open a plain, gzip or bzip2 file as a stream of its decompressed bytes.

    Parameters
    ----------
    path : Path
        The file; its first bytes tell what it is.
    limit : int
        Bytes that it may hold once decompressed.

    Raises
    ------
    UsageError
        If it cannot be read, is damaged, or holds more than ``limit`` bytes.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(3)
            file.seek(0)
            stream: Any = file
            if magic[:2] == b"\x1f\x8b":
                stream = gzip.GzipFile(fileobj=file)
            elif magic == b"BZh":
                stream = bz2.BZ2File(file)
            with io.BufferedReader(_Bounded(stream, path, limit), _FIRST) as bounded:
                yield bounded
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"the list cannot be read: {reason}", file=path) from error


def read_ids(path: Path, pattern: Pattern, *, limit: int = LIMIT) -> list[str]:
    """Read the ids in the first column of a publisher's list.

    Parameters
    ----------
    path : Path
        A CSV file, see the module.
    pattern : re.Pattern or callable
        What an id matches as a whole. A first row that does not is a header.
    limit : int
        Bytes that the list may hold once decompressed.

    Returns
    -------
    list of str
        In the order of the file, without surrounding white space. What is listed twice is
        twice in it: see `duplicates`.

    Raises
    ------
    UsageError
        If the file cannot be read, or a row other than the first has no id: it names the line.
    """
    matches = _matcher(pattern)
    ids: list[str] = []
    with opened(path, limit=limit) as stream:
        try:
            rows = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), strict=True)
            ids = [row[0].strip() for row in rows if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"the list is not CSV in UTF-8: {error}", file=path) from error
    if not all(map(matches, ids)):
        return _without_header(path, ids, matches, limit)
    return ids


def duplicates(ids: Sequence[str]) -> list[str]:
    """Return the ids that are listed more than once, each once, in order."""
    if len(set(ids)) == len(ids):
        return []
    return [name for name, count in Counter(ids).items() if count > 1]


def read_table(
    path: Path,
    columns: Sequence[str],
    *,
    key: tuple[str, Pattern] | None = None,
    words: Collection[str] = (),
    limit: int = LIMIT,
) -> pd.DataFrame:
    """Read columns of a publisher's side table.

    Parameters
    ----------
    path : Path
        A CSV file, see the module.
    columns : sequence of str
        Names of the columns, in the published order. Where the file has a header with these
        names they are taken by name, else by position; further columns are left out.
    key : tuple of str and (re.Pattern or callable)
        The column of ids, and what an id matches as a whole. A first row whose key does not
        match is a header; without a key it is one if it holds one of the names.
    words : collection of str
        Columns in which few values come again and again: they are pandas categories, which take
        a tenth of the memory.
    limit : int
        Bytes that the table may hold once decompressed.

    Returns
    -------
    pandas.DataFrame
        The columns in the order asked for, of Arrow strings (or categories) without surrounding
        white space.

    Raises
    ------
    UsageError
        If the file cannot be read, a column is missing, or a row other than the first has no
        id: it names the line.
    """
    with opened(path, limit=limit) as stream:
        first = _first_row(stream, path)
    if not first:
        empty = pd.DataFrame({name: pd.Series([], dtype="str") for name in columns})
        return empty.astype({name: "category" for name in columns if name in words})
    # A row with an id in its place is no header, even if a value looks like a column's name.
    named = any(name in first for name in columns)
    header = named
    if key is not None:
        header = not _matcher(key[1])("".join(first[columns.index(key[0]) :][:1]))
    if not (header and named) and len(first) < len(columns):
        raise UsageError(
            f"the table has {len(first)} columns, not {len(columns)}",
            file=path,
            mend=f"Expected: {', '.join(columns)}",
        )
    places = _places(path, columns, first if header and named else [])
    names = [str(place) for place in range(len(first))]
    for name, place in places.items():
        names[place] = f"={name}"
    table = _read_arrow(path, names, limit, {f"={name}" for name in words})
    table = table.select([f"={name}" for name in columns]).rename_columns(list(columns))
    if header:
        table = table.slice(1)
    if key is not None:
        _check_keys(path, table.column(key[0]), _matcher(key[1]), header=header, limit=limit)
    text = pd.ArrowDtype(pa.string())
    return cast("pd.DataFrame", table.to_pandas(types_mapper={pa.string(): text}.get))


def _matcher(pattern: Pattern) -> Callable[[str], object]:
    return pattern.fullmatch if isinstance(pattern, re.Pattern) else pattern


def _without_header(
    path: Path, ids: list[str], matches: Callable[[str], object], limit: int
) -> list[str]:
    for index, value in enumerate(ids):
        if index and not matches(value):
            raise _not_an_id(path, index, value, limit)
    return ids[1:]


def _check_keys(
    path: Path,
    keys: Any,  # noqa: ANN401 - an Arrow column, which has no types
    matches: Callable[[str], object],
    *,
    header: bool,
    limit: int,
) -> None:
    row = int(header)
    for chunk in keys.chunks:
        values = chunk.to_pylist()
        if not all(map(matches, values)):
            index = next(i for i, value in enumerate(values) if not matches(value))
            raise _not_an_id(path, row + index, values[index], limit)
        row += len(values)


def _not_an_id(path: Path, index: int, value: str, limit: int) -> UsageError:
    """Return the error for the row of that index, counted without blank lines."""
    seen = -1
    with opened(path, limit=limit) as stream:
        reader = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""))
        for row in reader:
            seen += bool(row)
            if seen == index:
                break
        line = reader.line_num
    return UsageError(
        f"line {line}: {value[:80]!r} is not the id of a sample",
        file=path,
        mend="Correct or remove the line",
    )


def _first_row(stream: IO[bytes], path: Path) -> list[str]:
    data = stream.read(_FIRST)
    text = data.decode("utf-8-sig", "replace").lstrip("\r\n")
    try:
        row = next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error as error:
        raise UsageError(f"the table is not CSV: {error}", file=path) from error
    return [cell.strip() for cell in row]


def _places(path: Path, columns: Sequence[str], header: list[str]) -> dict[str, int]:
    if not header:
        return {name: index for index, name in enumerate(columns)}
    missing = [name for name in columns if name not in header]
    if missing:
        raise UsageError(
            f"the table has no column {', '.join(missing)}",
            file=path,
            mend=f"Its columns are {', '.join(header)}",
        )
    return {name: header.index(name) for name in columns}


def _read_arrow(path: Path, names: list[str], limit: int, words: set[str]) -> Any:  # noqa: ANN401 - an Arrow table, which has no types
    """Return the columns whose names begin with ``=``, header included."""
    word = pa.dictionary(pa.int32(), pa.string())
    types = {name: word if name in words else pa.string() for name in names}
    wanted = [name for name in names if name.startswith("=")]
    with opened(path, limit=limit) as stream:
        try:
            # Block by block: the text of a column as it stands, and trimmed, are never both whole.
            blocks = arrow_csv.open_csv(
                stream,
                # One thread: the stream is Python's, and rows keep their order anyway.
                arrow_csv.ReadOptions(column_names=names, use_threads=False),
                arrow_csv.ParseOptions(newlines_in_values=False),
                arrow_csv.ConvertOptions(
                    column_types=types, strings_can_be_null=False, include_columns=wanted
                ),
            )
            schema = pa.schema([(name, types[name]) for name in wanted])
            trimmed = (
                pa.record_batch([_trimmed(column) for column in block.columns], schema=schema)
                for block in blocks
            )
            return pa.Table.from_batches(trimmed, schema).unify_dictionaries()
        except pa.ArrowInvalid as error:
            raise UsageError(f"the table is not CSV in UTF-8: {error}", file=path) from error


def _trimmed(column: Any) -> Any:  # noqa: ANN401 - Arrow arrays, which have no types
    if not pa.types.is_dictionary(column.type):
        return pc.utf8_trim_whitespace(column)
    words = column.dictionary.to_pylist()
    if all(word == word.strip() for word in words):
        return column
    # Trimmed words may have become equal: each stands once in what is returned.
    return pc.utf8_trim_whitespace(column.cast(pa.string())).dictionary_encode()
