"""What a dry run found, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stacbuild.cli import output
from stacbuild.cli.progress import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stacbuild.engine.build import BuildRequest
    from stacbuild.engine.plan import Plan


def show(plans: Sequence[Plan], requests: Sequence[BuildRequest], *, as_json: bool) -> None:
    """Print what a build would do and need."""
    if as_json:
        found = [plain(plan) for plan in plans]
        output.json({"catalog": str(requests[0].root), "dry_run": True, "datasets": found})
        return
    for plan, request in zip(plans, requests, strict=True):
        _show(plan, request)
    output.hints(["the same without --dry-run builds it all; with --limit 100, a trial"])


def plain(plan: Plan) -> dict[str, Any]:
    """Return for programs what a build would do and need."""
    return {**asdict(plan), "fits": plan.fits}


def _show(plan: Plan, request: BuildRequest) -> None:
    out = output.console()
    selected = "" if plan.samples == plan.found else f" of {plan.found:,} in the input"
    rows = [
        (plan.dataset, f"{output.plural(plan.samples, 'sample')}{selected}"),
        ("partitions", f"{plan.partitions:,}, {plan.known:,} of them on record already"),
        *(("not given", text) for text in plan.missing),
        *(("note", f"{text}: {count:,}") for text, count in plan.notes.items() if count),
        ("objects", f"about {plan.objects:,}, {output.size(plan.size)}"),
        ("time", f"about {seconds(plan.seconds)} with {output.plural(request.jobs, 'job')}"),
        ("trial", f"{output.plural(plan.trial, 'sample')}, {plan.rejected:,} of them rejected"),
        ("free", f"{output.size(plan.free_bytes)}, {_inodes(plan.free_inodes)}"),
    ]
    out.print()
    output.pairs(out, rows)
    if not plan.fits:
        from rich.text import Text  # noqa: PLC0415 - start-up

        out.print(Text("it does not fit: free some space, or choose another disk", "bold red"))


def _inodes(count: int) -> str:
    return "files not counted" if count < 0 else f"room for {count:,} files"
