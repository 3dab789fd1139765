"""The dataset contract: what a package in ``catalogs/stactools/`` provides.

The engine drives it in this order, and passes each step nothing but what stands here::

    scan -> context -> partition -> convert (-> join) -> describe -> collections

`Dataset.convert` and `Dataset.describe` depend on their arguments alone: not on the clock, the
number of workers or the order of arrival. They run in worker processes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from stacbuild.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    import pystac
    from numpy.typing import NDArray

    from stacbuild.summary import Summary

Facts = dict[str, Any]
Item = dict[str, Any]
Inputs = Mapping[str, "Path"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One named input of a dataset.

    Parameters
    ----------
    name : str
        The key under ``inputs`` in the configuration, such as ``"train"``.
    help : str
        One line for people: what it is and the publisher's file name.
    required : bool
        Whether a build without it is refused.
    """

    name: str
    help: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class SampleRef:
    """One raw sample: its name and where it lies; no pixels.

    Parameters
    ----------
    id : str
        The publisher's name of the sample: the id of its item.
    where : str
        Folder or file, relative to the input (POSIX separators).
    input : str
        The name of the input that holds it.
    """

    id: str
    where: str
    input: str


@dataclass(frozen=True, slots=True)
class Context:
    """What needs the whole of the input: lists, side tables; no pixels.

    Parameters
    ----------
    rows : pyarrow.Table
        One row per sample, aligned with the ids that `Dataset.context` was given, in the
        schema `Dataset.context_schema` (without an id column). A partition gets its own rows
        only, and only those enter its fingerprint.
    sources : mapping of str to Path
        List files that are published unchanged as collection assets: name to file.
    notes : mapping of str to int
        Counts for reports and dry runs, such as ``{"train: listed but not in the input": 12}``.
    """

    rows: pa.Table
    sources: Mapping[str, Path] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)


class Files(Protocol):
    """A sample's raw files, and the only way to write its outputs."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the sample's raw files, sorted; for a folder relative to it."""

    def read(self, name: str) -> bytes:
        """Return the content of one raw file."""

    def where(self, name: str) -> str:
        """Return a raw file's full name, for messages."""

    def write(self, collection: str, name: str, data: bytes) -> None:
        """Write one asset beside the items of the sample's partition in a collection."""


@dataclass(frozen=True, slots=True)
class Written:
    """Size in bytes and SHA-256 (32 bytes) of an asset that `Files.write` wrote."""

    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Pixels:
    """What one published raster must hold, read again from the raw data.

    Parameters
    ----------
    collection, item, asset : str
        Collection id, item id and asset key of the raster.
    array : ndarray
        Shape (bands, rows, columns), in the dtype of the raster.
    crs : str or None
        Such as ``"EPSG:32635"``; None where the place is not known.
    transform : tuple of float or None
        Six numbers in rasterio's order (a, b, c, d, e, f), in the units of the CRS.
    """

    collection: str
    item: str
    asset: str
    array: NDArray[Any]
    crs: str | None
    transform: tuple[float, ...] | None


class Place(Protocol):
    """Where the items of a partition lie, and what was written for one of them."""

    def asset(self, collection: str, name: str) -> dict[str, Any]:
        """Return ``href``, ``file:size`` and ``file:checksum`` of an asset just written.

        The href is relative to the item's folder. Start an asset with ``{**place.asset(…)}``.
        """

    def item(self, collection: str, item_id: str, *, seen_from: str) -> str:
        """Return the relative href of an item of this partition, seen from another collection."""


class Dataset(ABC):
    """A dataset: a declaration and a reader. Subclasses live in ``stactools.<dataset>``."""

    id: str
    """The dataset's folder in the catalog and its name on the command line."""
    title: str
    description: str
    """Markdown, for the dataset's catalog."""
    homepage: str
    """Where the raw data comes from."""
    inputs: tuple[InputSpec, ...]
    """The first one is the main input, the RAW of ``stacbuild build DATASET RAW CATALOG``."""
    collection_ids: tuple[str, ...]
    """The imagery collection first."""
    collection_titles: tuple[str, ...]
    """Titles of the collections, in the same order; links to them carry these."""
    facts_schema: pa.Schema
    """Columns of the facts table (without ``id``, which the engine adds)."""
    context_schema: pa.Schema
    pixel_columns: tuple[str, ...] = ()
    """The columns of the context that `convert` sees; a change of another makes no pixel again."""
    shard_schema: pa.Schema | None = None
    """Columns of the facts that `convert` returns where `join` makes the items' facts."""
    pixel_format: int
    """Raised by hand when `convert` makes other bytes from the same input."""
    item_format: int
    """Raised by hand when `describe` makes other items from the same facts."""
    band_names: tuple[str, ...] = ()
    """Names of the rows of the facts column ``band_sums`` (see `stacbuild.raster.statistics`)."""
    split_columns: tuple[str, ...] = ()
    """Properties of the imagery items that the split tables carry."""
    summary_fields: tuple[str, ...] = ("ml-aoi:split", "platform", "proj:code", "gsd")
    """Item properties whose distinct values the collections' summaries list."""

    def discover(self, raw: Path) -> dict[str, Path]:
        """Return the inputs found in a download folder: the main one, and lists beside it."""
        return {self.inputs[0].name: raw}

    @abstractmethod
    def scan(self, inputs: Inputs) -> Iterator[SampleRef]:
        """Yield a reference to every sample; the engine sorts them."""

    @abstractmethod
    def context(self, inputs: Inputs, ids: Sequence[str]) -> Context:
        """Return what needs the whole, aligned with ``ids``; inputs may lack the main one."""

    @abstractmethod
    def partition(self, sample_id: str) -> str:
        """Return the partition's key: one or more path segments joined by ``/``."""

    def partition_titles(self, key: str) -> tuple[str, ...]:
        """Return a title for each path segment of a partition's key."""
        return tuple(key.split("/"))

    @abstractmethod
    def convert(self, ref: SampleRef, context: Mapping[str, Any], files: Files) -> Facts:
        """Convert one sample: write its assets, return its row of facts.

        ``context`` is the sample's row, reduced to `pixel_columns`.

        Raises
        ------
        SampleError
            If the sample cannot be used. Nothing that was written for it remains.
        """

    def join_key(self, key: str) -> str | None:
        """Return the item partition that a shard belongs to, or None where there is no join."""
        del key
        return None

    def join(self, key: str, shards: Sequence[Shard], files: Files) -> Facts:
        """Make one item's assets from all its shards; return its facts.

        The last segment of ``key`` is the item's id.
        """
        raise NotImplementedError

    @abstractmethod
    def describe(self, facts: Facts, context: Mapping[str, Any], place: Place) -> list[Item]:
        """Return the sample's items: plain dicts with ``collection`` set, no structural links.

        ``facts`` is what `convert` (or `join`) returned, with the sample's ``id``.
        ``links`` holds semantic links only (``source``, ``derived_from``, …); the engine adds
        ``root``, ``parent``, ``collection`` and, where the URL is known, ``self``.
        """

    @abstractmethod
    def collections(self, summary: Summary) -> list[pystac.Collection]:
        """Return the collections; the engine adds links, extents, index, split assets."""

    def pixels(self, ref: SampleRef, files: Files) -> Iterator[Pixels]:
        """Yield what every raster of a sample must hold, for ``stacbuild validate --pixels``.

        Read the raw data in another way than `convert` does (GDAL, through rasterio): it is a
        second opinion.
        """
        del ref, files
        raise UsageError(f"the pixels of {self.id} cannot be compared with its raw data")

    def sample(self, folder: Path, *, size: int, seed: int, faults: bool = False) -> None:
        """Write synthetic raw input in the exact layout of the release."""
        del folder, size, seed, faults
        raise UsageError(f"there is no synthetic input for {self.id}")


@dataclass(frozen=True, slots=True)
class Shard:
    """What one partition of a dataset with joined items left: its facts and shard files.

    Parameters
    ----------
    key : str
        The partition's key.
    rows : list of dict
        Facts of its samples, in order of id.
    files : mapping of str to Path
        The files that its samples wrote, by name.
    """

    key: str
    rows: list[Facts]
    files: Mapping[str, Path]


GROUP = "stacbuild.datasets"


@cache
def names() -> tuple[str, ...]:
    """Return the names of all installed datasets, sorted."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


@cache
def load(name: str) -> Dataset:
    """Return an installed dataset.

    Raises
    ------
    UsageError
        If no installed distribution registers that name.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            dataset: Dataset = entry.load()
            return dataset
    known = ", ".join(names()) or "none"
    raise UsageError(f"there is no dataset {name!r}", mend=f"Known datasets: {known}")
