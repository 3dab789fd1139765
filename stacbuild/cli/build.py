"""``stacbuild build``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stacbuild.cli import options, output, plans, results
from stacbuild.cli.progress import progress
from stacbuild.cli.requests import Flags, read_requests
from stacbuild.engine.build import build
from stacbuild.engine.plan import plan
from stacbuild.engine.pool import calm_collector
from stacbuild.errors import EXIT_DONE

if TYPE_CHECKING:
    from pathlib import Path

    from stacbuild.engine.build import BuildRequest, BuildResult


@click.command("build")
@click.argument("words", metavar="[DATASET RAW] [CATALOG]", nargs=-1)
@options.config
@click.option(
    "-i",
    "--input",
    "inputs",
    metavar="NAME=PATH",
    multiple=True,
    help="A named input, such as train=lists/train.csv; DATASET.NAME=PATH where several "
    "datasets are built. Repeatable.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what a build would take; write nothing.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="A trial: the first N samples."
)
@click.option("--only", metavar="PATTERN", help="A trial: samples whose name matches, as S2A_*.")
@click.option("--rehash", is_flag=True, help="Compare contents of raw files, not size and time.")
@click.option("--strict", is_flag=True, help="Stop at the first sample that is rejected.")
@click.option(
    "--known-rejects",
    type=options.path_type(),
    metavar="FILE",
    help="Samples known to be bad: one id a line, or the report.json of an earlier run.",
)
@options.jobs
@options.as_json
@options.quiet
def command(
    words: tuple[str, ...],
    config_file: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,  # noqa: ANN401 - the fields of Flags
) -> int:
    """Turn raw data into a static STAC catalog, or bring one up to date.

    \b
    stacbuild build DATASET RAW CATALOG            one dataset, lists beside RAW too
    stacbuild build -c FILE [CATALOG]              all datasets of a configuration
    stacbuild build -c FILE DATASET RAW CATALOG    its texts, this dataset

    CATALOG is the folder to write; with -c it may be left out and is then ./ID, after the id of
    the configuration. What is done already stays: a build that was stopped goes on, an unchanged
    one is a matter of seconds.
    """  # noqa: D301 - \b is click's
    requests = read_requests(words, config_file, Flags(**flags))
    if dry_run:
        plans.show([plan(request) for request in requests], requests, as_json=as_json)
        return EXIT_DONE
    done = run(requests, quiet=quiet)
    if as_json:
        results.show_json(done)
    else:
        for one in done:
            results.show(one)
        output.hints([f"stacbuild validate {output.shown(requests[0].root)}"])
    return max(one.exit_code for one in done)


def run(requests: list[BuildRequest], *, quiet: bool) -> list[BuildResult]:
    """Build one dataset after another, showing the progress."""
    calm_collector()  # with one job the work is done in this process
    with progress(quiet=quiet) as shown:
        return [build(request, shown) for request in requests]
