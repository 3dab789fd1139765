"""What a build did, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stacbuild.cli import output
from stacbuild.cli.progress import seconds
from stacbuild.engine import report
from stacbuild.engine.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from stacbuild.engine.build import BuildResult


def show(result: BuildResult) -> None:
    """Print for people what a build did, and what there is now."""
    out = output.console()
    out.print()
    rows = [
        (result.dataset, _samples(result)),
        ("partitions", _partitions(result)),
        ("time", _time(result)),
    ]
    if result.summary:
        objects = sum(one.objects for one in result.summary.collections.values())
        size = sum(one.bytes for one in result.summary.collections.values())
        rows.insert(2, ("objects", f"{objects:,}, {output.size(size)}"))
        if result.summary.partial:
            rows.append(("partial", result.summary.partial))
    rows += [("note", f"{text}: {count:,}") for text, count in result.notes.items() if count]
    rows += [("unchecked", url) for url in result.unchecked]
    output.pairs(out, rows)
    new = [reject for reject in result.rejects if not reject["known"]]
    if new:
        found = [(str(one["kind"]), _text(one)) for one in new]
        output.findings(out, found, "new rejects")
        out.print(f"all of them, with files: {output.shown(_report(result))}")


def plain(result: BuildResult) -> dict[str, Any]:
    """Return for programs what a build did, and what there is now."""
    collections = result.summary.collections if result.summary else {}
    return {
        "dataset": result.dataset,
        "found": result.found,
        "samples": result.summary.samples if result.summary else 0,
        "converted": result.converted,
        "described": result.described,
        "partitions": result.partitions,
        "removed_partitions": result.removed,
        "objects": sum(one.objects for one in collections.values()),
        "bytes": sum(one.bytes for one in collections.values()),
        "partial": result.summary.partial if result.summary else None,
        "items": {name: one.items for name, one in collections.items()},
        "notes": result.notes,
        "unchecked_schemas": result.unchecked,
        "rejects": result.rejects,
        "new_rejects": result.new_rejects,
        "report": str(_report(result)),
        "seconds": round(result.seconds, 3),
        "exit_code": result.exit_code,
    }


def _samples(result: BuildResult) -> str:
    parts = [output.plural(result.summary.samples if result.summary else 0, "sample")]
    if result.rejects:
        new = result.new_rejects
        rest = "" if new == len(result.rejects) else f" ({new:,} new)" if new else " (known)"
        parts.append(f"{len(result.rejects):,} rejected{rest}")
    return ", ".join(parts)


def _partitions(result: BuildResult) -> str:
    text = f"{result.partitions:,}; converted {output.plural(result.converted, 'sample')}"
    return f"{text}, removed {result.removed:,} partitions" if result.removed else text


def _time(result: BuildResult) -> str:

    text = seconds(result.seconds)
    if result.converted:
        text += f", {result.converted / max(result.seconds, 1e-9):,.0f} samples a second"
    return text


def _text(reject: Mapping[str, str | bool]) -> str:
    """Return the file and the reason, and the id where the file's name does not hold it."""
    name, file, reason = (str(reject[key]) for key in ("id", "file", "reason"))
    known = file if name in file else f"{name}: {file}" if file else name
    return f"{known}: {reason}"


def _report(result: BuildResult) -> Path:
    return Layout(result.root, result.dataset).local / report.NAME


def show_json(results: Sequence[BuildResult]) -> None:
    """Print for programs what a build did."""
    output.json(
        {"catalog": str(results[0].root), "datasets": [plain(result) for result in results]}
    )
