"""What the verbs print on stdout: tables for people, one JSON object for programs."""

from __future__ import annotations

import os
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from stacbuild.stac.encode import dumps_pretty

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

SHOWN = 3
"""Rejects and findings of one kind that are shown; the report has all."""


def console() -> Console:
    """Return rich's console on stdout; markup in file names is not interpreted."""
    from rich.console import Console  # noqa: PLC0415 - start-up

    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def json(value: dict[str, Any]) -> None:
    """Print one JSON object."""
    click.echo(dumps_pretty(value).decode(), nl=False)


def pairs(out: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Print labels and what they stand for, in two columns."""
    from rich.text import Text  # noqa: PLC0415 - start-up

    rows = list(rows)
    width = max(10, *(len(label) for label, _ in rows))
    for label, text in rows:
        out.print(Text.assemble((f"{label:<{width}}  ", "bold"), text))


def table(out: Console, head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> None:
    """Print a table; columns of numbers are set flush right."""
    from rich.table import Table  # noqa: PLC0415 - start-up

    rows = list(rows)
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, title in enumerate(head):
        figures = bool(rows) and all(isinstance(row[number], int) for row in rows)
        grid.add_column(
            title, justify="right" if figures else "left", no_wrap=figures, overflow="fold"
        )
    for row in rows:
        grid.add_row(*(f"{cell:,}" if isinstance(cell, int) else cell for cell in row))
    out.print(grid, soft_wrap=False)


def findings(out: Console, found: Sequence[tuple[str, str]], title: str) -> None:
    """Print what was found by kind, the first few of each.

    Parameters
    ----------
    out : Console
        Where to print.
    found : sequence of (kind, text)
        All of it.
    title : str
        What it is.
    """
    from rich.text import Text  # noqa: PLC0415 - start-up

    counts = Counter(kind for kind, _ in found)
    out.print()
    out.print(Text(f"{title}: {len(found):,}", style="bold yellow"))
    for kind, count in sorted(counts.items()):
        out.print(f"  {kind} ({count:,})")
        same = [text for one, text in found if one == kind]
        for text in same[:SHOWN]:
            out.print(_hanging(text, out.width if out.is_terminal else None))
        if count > SHOWN:
            out.print(f"    … and {count - SHOWN:,} more")


def _hanging(text: str, width: int | None) -> str:
    """Set a finding with a hanging indent; a log keeps it in one line, for grep."""
    if width is None:
        return f"    {text}"
    return textwrap.fill(
        text,
        width,
        initial_indent="    ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def hints(commands: Sequence[str]) -> None:
    """Print what to do next."""
    click.echo()
    for number, one in enumerate(commands):
        click.echo(f"{'      ' if number else 'next  '}{one}")


def size(count: float) -> str:
    """Return a number of bytes for people, in powers of 1000: ``812 B``, ``3.4 MB``."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5 or unit == "TB":  # noqa: PLR2004 - rounds to 1000
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    raise AssertionError  # pragma: no cover


def shown(path: Path) -> str:
    """Return a path as the user would write it: relative where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: ``1 sample``, ``2,000 samples``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
