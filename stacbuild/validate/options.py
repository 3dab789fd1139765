"""What a validation looks at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ValidateOptions:
    """Options of `stacbuild.validate.catalog.validate_catalog`.

    Parameters
    ----------
    checksums : bool
        Read and hash every asset, and compare the manifests.
    cogs : bool
        Parse the layout of every COG.
    tables : bool
        Compare every row of items.parquet with its item.
    deep : int
        Have GDAL and rio-cogeo open and decode the COGs of every n-th item (chosen by its id);
        0: of none.
    stamp : bool
        Write ``validated.json`` for each dataset when there is no error.
    """

    checksums: bool = True
    cogs: bool = True
    tables: bool = True
    deep: int = 0
    stamp: bool = True

    @property
    def checks(self) -> list[str]:
        """What is looked at, by name, for stamp and report."""
        names = ["schemas", "links", "assets"]
        names += ["checksums"] * self.checksums + ["cogs"] * self.cogs + ["tables"] * self.tables
        return names + ([f"decoded 1 in {self.deep}"] if self.deep else [])
