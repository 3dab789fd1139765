"""``items.parquet``: all items of a collection as stac-geoparquet 1.1, written in streams.

Source: https://github.com/radiantearth/stac-geoparquet-spec (1.1.0): properties are lifted to
columns, ``bbox`` is a struct, ``geometry`` WKB in OGC:CRS84, instants are timestamps, the
collection lies in the file metadata. Rows are sorted along a Hilbert curve and then by id; the
bytes do not depend on the order in which batches arrive.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
import shapely.geometry

from stacbuild.errors import CatalogError
from stacbuild.index.geoparquet import (
    BOX,
    ROW_GROUP,
    Extent,
    TableFile,
    Writer,
    boxes,
    open_table,
    wkb,
)
from stacbuild.index.hilbert import hilbert_of_boxes
from stacbuild.index.hrefs import Hrefs
from stacbuild.index.schema import SchemaError, conform, settle, unify_schemas
from stacbuild.index.spool import Spool
from stacbuild.index.times import INSTANT, TIMES, to_instants, to_text
from stacbuild.index.transpose import column, rows_of, transpose
from stacbuild.stac.encode import dumps_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from stacbuild.dataset import Item

STAC_GEOPARQUET = "1.1.0"

CORE = (
    "type",
    "stac_version",
    "stac_extensions",
    "id",
    "geometry",
    "bbox",
    "links",
    "assets",
    "collection",
)
"""Members of an item beside ``properties``, in the order of the columns."""

_FIRST = (*CORE, "datetime", "start_datetime", "end_datetime")
_TEXTS = ("type", "stac_version", "id", "collection")
_GATHER = 256  # items transposed at once: what the processor's caches hold
_BOX = pa.struct([pa.field(name, pa.float64()) for name in BOX[4]])
_LEAST = pa.schema(
    {
        "type": pa.string(),
        "stac_version": pa.string(),
        "stac_extensions": pa.list_(pa.null()),
        "id": pa.string(),
        "geometry": pa.binary(),
        "bbox": _BOX,
        "links": pa.list_(pa.null()),
        "assets": pa.struct([]),
        "datetime": INSTANT,
    }
)
"""What every index has, however few the items."""


def encode_items(items: Sequence[Item], folder: str, base: str | None = None) -> pa.RecordBatch:
    """Return items as columns, in the types that they need; for worker processes.

    Parameters
    ----------
    items : sequence of dict
        STAC items that lie in one folder. They are not changed.
    folder : str
        That folder, relative to the folder of ``items.parquet``: the partition's key.
    base : str, optional
        URL of the folder of ``items.parquet``; makes hrefs absolute.

    Raises
    ------
    SchemaError
        If an item lacks a member, has one that a table cannot hold, or a property named like a
        member.
    """
    return encode_folders([(items, folder)], base)


def encode_folders(
    folders: Iterable[tuple[Sequence[Item], str]], base: str | None = None
) -> pa.RecordBatch:
    """Return the items of several folders as columns: small folders are cheaper together.

    Parameters
    ----------
    folders : iterable of (sequence of dict, str)
        Items and their folder; as in `encode_items`, and so is ``base``.
    base : str, optional
        URL of the folder of ``items.parquet``.
    """
    lifted: list[Item] = []
    for items, folder in folders:
        seen = Hrefs(folder, base)
        lifted += [_lifted(item, seen) for item in items]
    starts = range(0, max(len(lifted), 1), _GATHER)
    return _joined([_columns(lifted[at : at + _GATHER]) for at in starts])


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    schema = reduce(unify_schemas, (batch.schema for batch in batches))
    return pa.concat_batches([conform(batch, schema) for batch in batches])


def _lifted(item: Item, seen: Hrefs) -> Item:
    """Return an item whose hrefs are those of the table."""
    try:
        return {
            **item,
            "links": [{**link, "href": seen(link["href"])} for link in item["links"]],
            "assets": {
                key: {**asset, "href": seen(asset["href"])} for key, asset in item["assets"].items()
            },
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise SchemaError(
            f"item {item.get('id')!r} has links or assets that are no STAC: {error!r}"
        ) from None


def _columns(items: Sequence[Item]) -> pa.RecordBatch:
    if not items:
        return pa.RecordBatch.from_pylist([], schema=_LEAST)
    if unknown := set().union(*items) - {*CORE, "properties"}:
        raise SchemaError(f"items have a member {min(unknown)!r}, which STAC does not know")
    try:
        properties = transpose([item["properties"] for item in items])
        geometries = [item["geometry"] for item in items]
        members = {name: [item.get(name) for item in items] for name in CORE}
    except KeyError as error:
        raise SchemaError(f"an item lacks {error}") from None
    found = {name: column(members[name], name) for name in (*_TEXTS, "stac_extensions")}
    found["geometry"] = pa.array(list(map(wkb, geometries)), pa.binary())
    found["bbox"] = boxes(members["bbox"])
    found["links"] = column(members["links"], "links")
    found["assets"] = column(members["assets"], "assets")
    _check(found)
    for field, array in zip(properties.schema, properties.columns, strict=True):
        if field.name in CORE:
            raise SchemaError(
                f"property {field.name!r} has the name of a member of the item",
                mend="Give the property a prefix",
            )
        found[field.name] = to_instants(array, field.name) if field.name in TIMES else array
    _no_geojson(pa.schema({name: array.type for name, array in found.items()}))
    names = [*CORE, *properties.schema.names]
    return pa.RecordBatch.from_arrays([found[name] for name in names], names=names)


def _check(found: Mapping[str, pa.Array]) -> None:
    ids = found["id"]
    if ids.null_count or not pa.types.is_string(ids.type):
        raise SchemaError("an item has no id, or one that is not text")
    homeless = pc.and_(found["geometry"].is_valid(), found["bbox"].is_null())
    if pc.any(homeless).as_py():
        name = ids.filter(homeless)[0].as_py()
        raise SchemaError(f"item {name!r} has a geometry and no bbox")


def _no_geojson(schema: pa.Schema) -> None:
    """Refuse ``proj:geometry``: the specification wants it as WKB in its own CRS."""
    places = [("", list(schema))]
    places += [(f"{field.name}.", list(field.type)) for field in schema.field("assets").type]
    for prefix, fields in places:
        if any(field.name == "proj:geometry" for field in fields):
            raise SchemaError(
                f"{prefix}proj:geometry is not kept in the index",
                mend="Describe the place with proj:bbox or proj:transform and proj:shape",
            )


def _keys(batch: pa.RecordBatch) -> pa.RecordBatch:
    box = batch.column("bbox")
    sides = [
        pc.struct_field(box, name).to_numpy(zero_copy_only=False).astype(np.float64)
        for name in BOX[4]
    ]
    for side in sides:
        side[batch.column("geometry").is_null().to_numpy(zero_copy_only=False)] = np.nan
    places = pa.array(hilbert_of_boxes(*sides), pa.uint64())
    return pa.RecordBatch.from_arrays([places, batch.column("id")], names=["hilbert", "id"])


class IndexWriter:
    """Write ``items.parquet`` from batches that arrive in any order.

    Memory holds the sort keys (an id and 8 bytes an item) and about two row groups.

    Parameters
    ----------
    scratch : Path
        An existing folder for scratch files, of about the size of the items' JSON together.
    base : str, optional
        URL of the folder of ``items.parquet``; makes hrefs absolute. Without it they are
        relative to that folder.
    """

    def __init__(self, scratch: Path, base: str | None = None) -> None:
        self._base = base
        self._spool = Spool(scratch)
        self._extent = Extent()
        self._waiting: list[Item] = []

    def __enter__(self) -> Self:
        """Return the writer; leaving drops its scratch files."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the scratch files."""
        self._spool.close()

    def add(self, items: Sequence[Item], folder: str) -> None:
        """Add the items of one folder; see `encode_items`."""
        seen = Hrefs(folder, self._base)
        for item in items:
            self._waiting.append(_lifted(item, seen))
            if len(self._waiting) == _GATHER:  # small partitions are transposed together
                self._drain()

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Add what `encode_items` made, in this process or in another."""
        if batch.num_rows:
            self._spool.add(batch, _keys(batch))
            self._extent.add(batch)

    def _drain(self) -> None:
        items, self._waiting = self._waiting, []
        self.add_batch(_columns(items))

    def finish(self, path: Path, collection: Mapping[str, Any]) -> TableFile:
        """Sort and write the file; it appears whole or not at all.

        Parameters
        ----------
        path : Path
            Of the file; its folder is made.
        collection : mapping
            The collection's JSON, for the file metadata.

        Raises
        ------
        SchemaError
            If a field's types cannot be united, or an object is empty in all items.
        CatalogError
            If two items have the same id.
        """
        self._drain()
        if (twin := self._spool.repeated("id")) is not None:
            raise CatalogError(f"two items have the id {twin!r}", file=path)
        rows = _settled(unify_schemas(_LEAST, self._spool.schema))
        # Parquet has no structs without fields: assets that are empty everywhere are left out.
        kept = [f for f in rows if f.name != "assets" or f.type.num_fields]
        about = {"version": STAC_GEOPARQUET, "collections": {collection["id"]: dict(collection)}}
        metadata = {"geo": self._extent.metadata(), "stac-geoparquet": dumps_item(about)}
        with Writer(path, pa.schema(kept), metadata) as writer:
            for bucket in self._spool.buckets(rows, ROW_GROUP):
                writer.write(bucket.select([field.name for field in kept]))
                del bucket  # or it stays in memory while the next one is made
        return writer.done()


def _settled(schema: pa.Schema) -> pa.Schema:
    """Return the columns, members of the item first; what nobody filled becomes text."""
    rank = {name: place for place, name in enumerate(_FIRST)}
    fields = sorted(schema, key=lambda field: (rank.get(field.name, len(rank)), field.name))
    return pa.schema(
        [
            field
            if field.name == "assets" and not field.type.num_fields
            else pa.field(field.name, settle(field.type, field.name))
            for field in fields
        ]
    )


def read_items(path: Path) -> Iterator[Item]:
    """Yield the items of an ``items.parquet``, in its order, a few hundred in memory at a time.

    Hrefs are as stored. Null fields are left out, as they cannot be told from missing ones,
    except ``geometry`` and ``datetime``, which an item must have: compare with
    `stacbuild.index.transpose.without_nulls` of the original.

    Parameters
    ----------
    path : Path

    Raises
    ------
    StacbuildError
        If the file is not there, or is no stac-geoparquet.
    """
    with open_table(path) as file:
        lacking = {"id", "geometry", "bbox"} - set(file.schema_arrow.names)
        if lacking:
            raise CatalogError(f"has no column {min(lacking)!r}", file=path)
        for batch in file.iter_batches(batch_size=_GATHER):
            yield from _items_of(batch)


def _items_of(batch: pa.RecordBatch) -> Iterator[Item]:
    names = batch.schema.names
    columns = {name: _values(name, batch.column(name)) for name in names}
    properties = [name for name in names if name not in CORE]
    members = [name for name in CORE if name in columns and name != "geometry"]
    geometries = shapely.from_wkb(columns["geometry"]).tolist()
    for row, geometry in enumerate(geometries):
        item = {name: columns[name][row] for name in members if columns[name][row] is not None}
        item.setdefault("assets", {})
        item["geometry"] = _geojson(geometry)
        inner: dict[str, Any] = {"datetime": None}
        for name in properties:
            value = columns[name][row]
            if value is not None:
                inner[name] = value
        item["properties"] = inner
        yield item


def _values(name: str, array: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(array.type):
        return to_text(array)
    if name == "bbox":
        return [None if box is None else list(box.values()) for box in rows_of(array)]
    return rows_of(array)


def _geojson(geometry: Any) -> dict[str, Any] | None:  # noqa: ANN401 - shapely
    if geometry is None:
        return None
    return _lists(shapely.geometry.mapping(geometry))  # type: ignore[no-any-return]


def _lists(value: Any) -> Any:  # noqa: ANN401 - GeoJSON with tuples
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, (tuple, list)) else value
