"""Weather stations: a tiny dataset in which many samples, in many shards, make one item.

Raw layout: ``<folder>/<region>/<region>-<number>.csv``, one line ``lon,lat,reading,…`` a station.
A partition is ten stations; an item is a region, with one CSV of all its stations.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pystac

from stacbuild.dataset import (
    Context,
    Dataset,
    Facts,
    Files,
    InputSpec,
    Item,
    Place,
    SampleRef,
    Shard,
)
from stacbuild.errors import SampleError
from stacbuild.stac import extensions, media
from stacbuild.summary import Summary

COLLECTION = "stations"


class Stations(Dataset):
    id = "stations"
    title = "Weather stations"
    description = "Stations by region."
    homepage = "https://example.com/stations"
    inputs = (InputSpec("stations", "the folder of the regions", required=True),)
    collection_ids = (COLLECTION,)
    collection_titles = ("Weather stations by region",)
    shard_schema = pa.schema({"lon": pa.float64(), "lat": pa.float64(), "readings": pa.int64()})
    facts_schema = pa.schema({"bbox": pa.list_(pa.float64()), "stations": pa.int64()})
    context_schema = pa.schema({"closed": pa.bool_()})
    pixel_format = 1
    item_format = 1

    def scan(self, inputs: Mapping[str, Path]) -> Iterator[SampleRef]:
        for path in inputs["stations"].glob("*/*.csv"):
            yield SampleRef(path.stem, f"{path.parent.name}/{path.name}", "stations")

    def context(self, inputs: Mapping[str, Path], ids: Sequence[str]) -> Context:
        return Context(pa.table({"closed": [False] * len(ids)}, schema=self.context_schema))

    def partition(self, sample_id: str) -> str:
        region, _, number = sample_id.rpartition("-")
        return f"{region}/{int(number) // 10:03d}"

    def convert(self, ref: SampleRef, context: Mapping[str, Any], files: Files) -> Facts:
        assert not context
        (name,) = files.names
        try:
            lon, lat, *readings = map(float, files.read(name).decode("ascii").split(","))
        except ValueError as error:
            raise SampleError("not-numbers", str(error), file=files.where(name)) from error
        files.write(COLLECTION, f"{ref.id}.part", files.read(name).strip() + b"\n")
        return {"lon": lon, "lat": lat, "readings": len(readings)}

    def join_key(self, key: str) -> str | None:
        return key.partition("/")[0]

    def join(self, key: str, shards: Sequence[Shard], files: Files) -> Facts:
        rows = [row for shard in shards for row in shard.rows]
        parts = [shard.files[name].read_bytes() for shard in shards for name in sorted(shard.files)]
        files.write(COLLECTION, f"{key}.csv", b"lon,lat,readings\n" + b"".join(parts))
        lons, lats = [row["lon"] for row in rows], [row["lat"] for row in rows]
        return {"bbox": [min(lons), min(lats), max(lons), max(lats)], "stations": len(rows)}

    def describe(self, facts: Facts, context: Mapping[str, Any], place: Place) -> list[Item]:
        name = facts["id"]
        west, south, east, north = facts["bbox"]
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return [
            {
                "type": "Feature",
                "stac_version": "1.1.0",
                "stac_extensions": [extensions.FILE],
                "id": name,
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "bbox": facts["bbox"],
                "properties": {
                    "title": f"Region {name}",
                    "datetime": "2020-01-01T00:00:00Z",
                    "stations": facts["stations"],
                },
                "links": [],
                "assets": {
                    "stations": {
                        **place.asset(COLLECTION, f"{name}.csv"),
                        "type": media.CSV,
                        "title": "Stations",
                        "roles": ["data"],
                    }
                },
                "collection": COLLECTION,
            }
        ]

    def collections(self, summary: Summary) -> list[pystac.Collection]:
        of = summary.collections[COLLECTION]
        return [
            pystac.Collection(
                COLLECTION,
                f"{of.items} regions.",
                pystac.Extent(
                    pystac.SpatialExtent([of.bbox or [-180, -90, 180, 90]]),
                    pystac.TemporalExtent([[None, None]]),
                ),
                title=self.collection_titles[0],
                license="CC0-1.0",
                extra_fields={
                    "item_assets": {
                        "stations": {"type": media.CSV, "title": "Stations", "roles": ["data"]}
                    }
                },
                providers=[pystac.Provider("The tests", roles=[pystac.ProviderRole.PRODUCER])],
            )
        ]

    def sample(self, folder: Path, *, size: int, seed: int, faults: bool = False) -> None:
        for number in range(size):
            region = "north" if number % 3 else "south"
            noise = random.Random(f"{seed} {number}")
            line = ",".join(f"{noise.uniform(1, 9):.3f}" for _ in range(5))
            path = folder / region / f"{region}-{number}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("broken" if faults and number == 0 else line)


DATASET = Stations()
