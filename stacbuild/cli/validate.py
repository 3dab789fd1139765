"""``stacbuild validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stacbuild import dataset
from stacbuild.cli import options, output
from stacbuild.cli.progress import progress
from stacbuild.engine.tree import datasets_in
from stacbuild.errors import EXIT_DONE, UsageError
from stacbuild.validate.catalog import validate_catalog
from stacbuild.validate.options import ValidateOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stacbuild.validate.report import Report


@click.command("validate")
@click.argument("catalog", type=options.path_type())
@click.option(
    "--pixels",
    "raws",
    metavar="[DATASET=]RAW",
    multiple=True,
    help="Compare every pixel with this raw data, too. Repeatable.",
)
@click.option(
    "--deep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Have GDAL decode the COGs of one item in N, too; 1: of every item.",
)
@options.jobs
@options.as_json
@options.quiet
def command(  # noqa: PLR0913 - one for each option
    catalog: Path,
    raws: tuple[str, ...],
    deep: int | None,
    jobs: int,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """Prove that CATALOG is whole and right: schemas, links, checksums, COGs, tables, counts.

    Everything that its root leads to is looked at, and nothing may lie beside it. Findings end
    in exit code 1. A catalog without errors is stamped, which publishing asks for.
    """
    inputs = _inputs(catalog, raws)
    reports = prove(catalog, inputs, ValidateOptions(deep=deep or 0), jobs=jobs, quiet=quiet)
    if as_json:
        show_json(catalog, reports)
    else:
        show(reports)
    return max((one.exit_code for one in reports.values()), default=EXIT_DONE)


def prove(
    catalog: Path,
    inputs: Mapping[str, Mapping[str, Path]],
    chosen: ValidateOptions,
    *,
    jobs: int,
    quiet: bool,
) -> dict[str, Report]:
    """Validate a catalog, showing the progress.

    Parameters
    ----------
    catalog : Path
        The catalog's folder.
    inputs : mapping of str to mapping of str to Path
        The raw data of each dataset whose pixels are compared.
    chosen : ValidateOptions
        What is looked at.
    jobs : int
        Worker processes.
    quiet : bool
        Whether to show no progress.

    Returns
    -------
    dict of str to Report
        ``"catalog"``, and one for each dataset whose pixels were compared.
    """
    with progress(quiet=quiet) as shown:
        reports = {"catalog": validate_catalog(catalog, jobs=jobs, options=chosen, progress=shown)}
        for name, paths in inputs.items():
            # Only here: it reads with GDAL, which is slow to start.
            from stacbuild.validate.pixels import compare_pixels  # noqa: PLC0415

            known = dataset.load(name)
            reports[name] = compare_pixels(catalog, known, paths, jobs=jobs, progress=shown)
    return reports


def show(reports: Mapping[str, Report]) -> None:
    """Print for people what was found."""
    out = output.console()
    for name, report in reports.items():
        if name != "catalog":
            out.print()
            out.print(f"pixels of {name}")
        report.print(out)


def show_json(catalog: Path, reports: Mapping[str, Report]) -> None:
    """Print for programs what was found."""
    pixels = {name: one.to_dict() for name, one in reports.items() if name != "catalog"}
    output.json(
        {
            "catalog": str(catalog),
            **reports["catalog"].to_dict(),
            "valid": not any(one.errors for one in reports.values()),
            "pixels": pixels,
        }
    )


def _inputs(catalog: Path, raws: Sequence[str]) -> dict[str, dict[str, Path]]:
    """Return the raw data of each dataset that ``--pixels`` names."""
    known = datasets_in(catalog)
    found: dict[str, dict[str, Path]] = {}
    for word in raws:
        name, equals, raw = word.partition("=")
        if not equals or name not in known:
            if len(known) != 1:
                raise UsageError(
                    f"--pixels {word} does not say of which dataset",
                    file=catalog,
                    mend=f"Write DATASET=RAW, with one of: {', '.join(known) or 'none is there'}",
                )
            (name,), raw = known, word
        path = Path(raw)
        if not path.exists():
            raise UsageError("there is no such raw data", file=path)
        found[name] = dataset.load(name).discover(path)
    return found
