"""The run report: what was done, rejected and skipped, and how long it took.

It lies in the local folder and is never published: the catalog's bytes know no durations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacbuild.engine import atomic
from stacbuild.stac.encode import dumps_pretty

if TYPE_CHECKING:
    from stacbuild.engine.build import BuildResult
    from stacbuild.engine.layout import Layout
    from stacbuild.engine.ledger import Ledger

NAME = "report.json"


def rejects(ledger: Ledger, known: frozenset[str]) -> list[dict[str, str | bool]]:
    """Return all rejected samples of a dataset, in order of partition and id."""
    return [
        {
            "id": reject["id"],
            "kind": reject["kind"],
            "reason": reject["reason"],
            "file": reject["file"],
            "known": reject["id"] in known,
        }
        for key in sorted(ledger.entries)
        for reject in sorted(ledger.entries[key].rejects, key=lambda one: (one["id"], one["kind"]))
    ]


def write(layout: Layout, result: BuildResult) -> None:
    """Write the report of a run."""
    summary = result.summary
    value = {
        "dataset": result.dataset,
        "samples": {
            "found": result.found,
            "in the catalog": summary.samples if summary else 0,
            "converted in this run": result.converted,
            "rejected": len(result.rejects),
            "rejected and not known": result.new_rejects,
        },
        "partitions": {"all": result.partitions, "removed in this run": result.removed},
        "notes": result.notes,
        "schemas that could not be had": result.unchecked,
        "seconds": round(result.seconds, 3),
        "rejects": result.rejects,
    }
    atomic.write(layout.local / NAME, dumps_pretty(value), layout.local)
