"""What a catalog says of itself: given by the configuration, kept with the catalog."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from stacbuild.engine import atomic
from stacbuild.engine.layout import STATE
from stacbuild.errors import CatalogError
from stacbuild.stac.encode import dumps_pretty, loads

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Texts:
    """Id, title and description of the root catalog, and who hosts it where.

    Parameters
    ----------
    id, title, description : str
        Of the root catalog; the description is Markdown.
    contact : str or None
        Who hosts the catalog; becomes a provider of every collection.
    public_url : str or None
        Where the catalog will be published, without a slash at the end.
    """

    id: str = "training-data"
    title: str = "Training data"
    description: str = "Earth-observation training datasets as a static STAC catalog."
    contact: str | None = None
    public_url: str | None = None

    @classmethod
    def load(cls, root: Path) -> Self | None:
        """Return the texts that a catalog was built with; None if there is none."""
        path = root / STATE / "texts.json"
        try:
            return cls(**loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise CatalogError(
                "these are not the texts of a catalog", file=path, mend="Remove it and build again"
            ) from error

    def save(self, root: Path, scratch: Path) -> None:
        """Keep the texts with the catalog."""
        atomic.write(root / STATE / "texts.json", dumps_pretty(asdict(self)), scratch)
