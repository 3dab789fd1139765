"""From rows of facts to the documents of a partition: its items and its catalogs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stacbuild.engine.items import PartitionPlace, partition_catalog, structural_links
from stacbuild.engine.layout import CATALOG_FILE
from stacbuild.errors import SampleError
from stacbuild.stac.encode import dumps_item, dumps_pretty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stacbuild.dataset import Dataset, Item
    from stacbuild.engine.items import Titles
    from stacbuild.engine.tasks import Row
    from stacbuild.validate.item import ItemValidator

Document = tuple[str, str, bytes]
"""Collection, file name, content."""


@dataclass(slots=True)
class Describer:
    """Describes the samples of one partition, in order of id.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    key : str
        The partition's key.
    titles : Titles
        Titles that structural links carry.
    validator : ItemValidator or None
        Checks each item; None where the items were checked before.
    """

    dataset: Dataset
    key: str
    titles: Titles
    validator: ItemValidator | None
    _place: PartitionPlace = field(init=False)
    _links: dict[str, list[dict[str, str]]] = field(init=False)
    _listed: dict[str, list[tuple[str, str]]] = field(init=False)

    def __post_init__(self) -> None:
        """Make what all samples of the partition share."""
        self._place = PartitionPlace(self.key)
        self._links = structural_links(self.dataset, self.key, self.titles)
        self._listed = {name: [] for name in self.dataset.collection_ids}

    def items(self, row: Row) -> list[Item]:
        """Return a sample's items, complete and checked.

        Raises
        ------
        SampleError
            If an item does not hold to the schemas.
        """
        self._place.load(row["files"])
        described = self.dataset.describe(row["facts"], row["context"] or {}, self._place)
        for item in described:
            item["links"] = self._links[item["collection"]] + item["links"]
            if self.validator is not None:
                findings = [
                    finding
                    for finding in self.validator.validate(item)
                    if finding.severity == "error"
                ]
                if findings:
                    raise SampleError(
                        "invalid-item",
                        "; ".join(finding.message for finding in findings[:3]),
                        file=f"{item['id']}.json",
                        mend="The dataset's describe step makes it: please report this",
                    )
        return described

    def documents(self, items: list[Item]) -> list[Document]:
        """Return a sample's items as files, and list them in the partition's catalogs."""
        documents = [(item["collection"], f"{item['id']}.json", dumps_item(item)) for item in items]
        for item in items:
            title = item["properties"].get("title", item["id"])
            self._listed[item["collection"]].append((item["id"], title))
        return documents

    def catalogs(self) -> Iterator[Document]:
        """Yield the partition's catalogs, of all samples that were described."""
        for collection, listed in self._listed.items():
            catalog = partition_catalog(self.dataset, collection, self.key, self.titles, listed)
            yield collection, CATALOG_FILE, dumps_pretty(catalog)
