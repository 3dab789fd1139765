"""GeoParquet 1.1: geometry as WKB, a box to prune by, metadata, and bytes that do not vary.

Source: https://geoparquet.org/releases/v1.1.0/
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field as default
from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
import shapely.geometry

from stacbuild.errors import StacbuildError
from stacbuild.index.schema import SchemaError, leaves
from stacbuild.stac.encode import dumps_item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

VERSION = "1.1.0"
ROW_GROUP = 5_000  # a row group is the most that writing holds in memory
LEVEL = 3  # of zstd: higher levels gain little, checksums do not compress

CRS84 = {
    "$schema": "https://proj.org/schemas/v0.7/projjson.schema.json",
    "type": "GeographicCRS",
    "name": "WGS 84 (CRS84)",
    "datum": {
        "type": "GeodeticReferenceFrame",
        "name": "World Geodetic System 1984",
        "ellipsoid": {
            "name": "WGS 84",
            "semi_major_axis": 6378137,
            "inverse_flattening": 298.257223563,
        },
    },
    "coordinate_system": {
        "subtype": "ellipsoidal",
        "axis": [
            {
                "name": "Geodetic longitude",
                "abbreviation": "Lon",
                "direction": "east",
                "unit": "degree",
            },
            {
                "name": "Geodetic latitude",
                "abbreviation": "Lat",
                "direction": "north",
                "unit": "degree",
            },
        ],
    },
    "id": {"authority": "OGC", "code": "CRS84"},
}
"""PROJJSON of OGC:CRS84, written out: PROJ's own text changes with its release."""

BOX = {4: ("xmin", "ymin", "xmax", "ymax"), 6: ("xmin", "ymin", "zmin", "xmax", "ymax", "zmax")}

_TYPES = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
    7: "GeometryCollection",
}
_RINGS: dict[int, Struct] = {}


def wkb(geometry: Mapping[str, Any] | None) -> bytes | None:
    """Return a GeoJSON geometry as little-endian ISO WKB; None stays None.

    Raises
    ------
    SchemaError
        If it is not a GeoJSON geometry.
    """
    if geometry is None:
        return None
    try:
        if geometry["type"] == "Polygon" and len(geometry["coordinates"]) == 1:
            (ring,) = geometry["coordinates"]
            points = len(ring)
            flat = tuple(chain.from_iterable(ring))
            if len(flat) == 2 * points >= 8:  # noqa: PLR2004 - a closed ring of x, y has four
                form = _RINGS.get(points)
                if form is None:
                    form = _RINGS[points] = Struct(f"<BIII{2 * points}d")
                return form.pack(1, 3, 1, points, *flat)
        packed: bytes = shapely.to_wkb(
            shapely.geometry.shape(dict(geometry)), byte_order=1, flavor="iso"
        )
    except Exception as error:  # noqa: BLE001 - readers raise all kinds on untrusted geometry
        raise SchemaError(f"geometry cannot be read: {error!r}") from None
    return packed


def boxes(values: list[list[float] | None], path: str = "bbox") -> pa.StructArray:
    """Return bounding boxes as structs of double, ``xmin ymin xmax ymax`` (or with z).

    Raises
    ------
    SchemaError
        If one has neither four nor six numbers.
    """
    sizes = {len(value) for value in values if value is not None}
    if not sizes <= set(BOX):
        raise SchemaError(f"{path} needs four or six numbers, not {min(sizes - set(BOX))}")
    names = BOX[max(sizes, default=4)]
    void = [math.nan] * len(names)
    rows = [void if v is None else v if len(v) == len(names) else _raised(v) for v in values]
    try:
        flat = pa.array(list(chain.from_iterable(rows)), pa.float64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise SchemaError(f"{path}: {error}") from None
    sides = flat.reshape(-1, len(names))
    columns = [pa.array(sides[:, place], from_pandas=True) for place in range(len(names))]
    fields = [pa.field(name, pa.float64()) for name in names]
    mask = pa.array([value is None for value in values])
    return pa.StructArray.from_arrays(columns, fields=fields, mask=mask)


def _raised(box: list[float]) -> list[float]:
    """Return a flat box in the form of one with heights, which it does not have."""
    west, south, east, north = box
    return [west, south, math.nan, east, north, math.nan]


@dataclass(slots=True)
class Extent:
    """What the ``geo`` metadata says of a column: geometry types and the overall box."""

    heads: set[bytes] = default(default_factory=set)
    bounds: list[float] | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the columns ``geometry`` and ``bbox`` of a batch."""
        geometry = batch.column("geometry")
        if geometry.null_count == len(geometry):
            return
        heads = pc.unique(pc.binary_slice(geometry.drop_null(), 0, 5))
        self.heads.update(heads.to_pylist())
        sides = dict(zip(BOX[4], (pc.min, pc.min, pc.max, pc.max), strict=True))
        box = batch.column("bbox")
        found = [reduce(pc.struct_field(box, name)).as_py() for name, reduce in sides.items()]
        crossing = pc.any(
            pc.greater(pc.struct_field(box, "xmin"), pc.struct_field(box, "xmax"))
        ).as_py()
        if crossing:  # a box over the antimeridian: the overall box goes around the world
            found[0], found[2] = -180.0, 180.0
        if self.bounds is None:
            self.bounds = found
        else:
            lower = map(min, self.bounds[:2], found[:2])
            self.bounds = [*lower, *map(max, self.bounds[2:], found[2:])]

    def metadata(self) -> bytes:
        """Return the value of the file metadata key ``geo``."""
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": sorted(map(_type_of, self.heads)),
            "crs": CRS84,
            "edges": "planar",
            "covering": {"bbox": {name: ["bbox", name] for name in BOX[4]}},
        }
        if self.bounds is not None:
            column["bbox"] = self.bounds
        return dumps_item(
            {"version": VERSION, "primary_column": "geometry", "columns": {"geometry": column}}
        )


def _type_of(head: bytes) -> str:
    code = int.from_bytes(head[1:5], "little")
    return _TYPES[code % 1000] + (" Z" if code // 1000 == 1 else "")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A Parquet table that was written.

    Parameters
    ----------
    path : Path
    rows : int
    schema : pyarrow.Schema
    """

    path: Path
    rows: int
    schema: pa.Schema

    def fields(self) -> dict[str, Any]:
        """Return the fields of the table extension for the collection's asset."""
        fields: dict[str, Any] = {
            "table:columns": [{"name": f.name, "type": _plain(f.type)} for f in self.schema],
            "table:row_count": self.rows,
        }
        if "geometry" in self.schema.names:
            fields["table:primary_geometry"] = "geometry"
        return fields


def _plain(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "struct"
    if pa.types.is_list(kind):
        return f"list<{_plain(kind.value_type)}>"
    return "timestamp" if pa.types.is_timestamp(kind) else str(kind)


class Writer:
    """Write one GeoParquet file, a row group a batch; it appears whole or not at all.

    The bytes depend on the batches alone: fixed codec and level, statistics for the columns
    that searches prune by, dictionaries where the first row group repeats itself.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
    metadata : mapping of str to bytes
        File metadata, such as ``geo``.
    """

    def __init__(self, path: Path, schema: pa.Schema, metadata: Mapping[str, bytes]) -> None:
        self.path = path
        self.schema = schema.with_metadata({k.encode(): v for k, v in metadata.items()})
        self.rows = 0
        self._partial = path.with_name(f".{path.name}.partial")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        """Return the writer; leaving without error puts the file in place."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the file in place, or remove what was written of it."""
        if error is None and self._writer is None:
            self._open(None)  # a table without rows is a table still
        if self._writer is not None:
            self._writer.close()
        if error is None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink(missing_ok=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write a batch as one row group."""
        writer = self._writer or self._open(batch)
        table = pa.Table.from_arrays(batch.columns, schema=self.schema)
        writer.write_table(table, row_group_size=max(batch.num_rows, 1))
        self.rows += batch.num_rows

    def _open(self, first: pa.RecordBatch | None) -> pq.ParquetWriter:
        paths = [path for path, _ in leaves(self.schema)]
        writer = pq.ParquetWriter(
            self._partial,
            self.schema,
            version="2.6",
            compression="zstd",
            compression_level=LEVEL,
            use_dictionary=True if first is None else _repeating(first),
            write_statistics=[path for path in paths if _prunes(path)],
        )
        self._writer = writer
        return writer

    def done(self) -> TableFile:
        """Return what was written."""
        return TableFile(self.path, self.rows, self.schema.remove_metadata())


def _prunes(path: str) -> bool:
    """Tell whether statistics of a column help: those of hrefs and checksums only weigh."""
    return path.partition(".")[0] not in {"assets", "links", "geometry"}


def _repeating(batch: pa.RecordBatch) -> list[str]:
    """Return the leaf columns in which at most half of the values are distinct."""
    arrays = zip(batch.schema.names, batch.columns, strict=True)
    return [path for name, array in arrays for path in _repeating_leaves(name, array)]


def _repeating_leaves(path: str, array: pa.Array) -> Iterator[str]:
    if pa.types.is_struct(array.type):
        for place, field in enumerate(array.type):
            yield from _repeating_leaves(f"{path}.{field.name}", array.field(place))
    elif pa.types.is_list(array.type):
        yield from _repeating_leaves(f"{path}.list.element", array.flatten())
    elif pa.types.is_boolean(array.type):
        pass  # bits are packed, Parquet has no dictionaries for them
    elif pc.count_distinct(array).as_py() * 2 <= len(array) + 1:
        yield path


def open_table(path: Path) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises
    ------
    StacbuildError
        If it is not there, or not Parquet.
    """
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise StacbuildError(
            f"cannot be read as Parquet: {error}", file=path, mend="Build the index again"
        ) from None
