"""The result of a validation, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stacbuild.errors import EXIT_DONE, EXIT_FAILED
from stacbuild.validate.findings import Counters, Finding, Findings, Severity

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 5
"""Findings of a kind that are shown to people; ``--json`` gives more."""


@dataclass(slots=True)
class Report:
    """What was looked at, and what is wrong.

    Parameters
    ----------
    findings : Findings
        All findings, in bounded memory.
    counters : Counters
        How much was looked at.
    checks : list of str
        What was looked at.
    unchecked : dict of str to str
        Extension schemas that could not be had, and why.
    stamped : list of str
        Datasets whose stamp was written.
    """

    findings: Findings = field(default_factory=Findings)
    counters: Counters = field(default_factory=Counters)
    checks: list[str] = field(default_factory=list)
    unchecked: dict[str, str] = field(default_factory=dict)
    stamped: list[str] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Number of findings of severity error."""
        return self.findings.total("error")

    @property
    def exit_code(self) -> int:
        """1 if there is an error, else 0."""
        return EXIT_FAILED if self.errors else EXIT_DONE

    def sorted(self) -> list[Finding]:
        """Return the findings that were kept, errors first, in an order of their own."""
        return sorted(self.findings.kept)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object; it depends on the catalog alone."""
        return {
            "valid": not self.errors,
            "errors": self.errors,
            "warnings": self.findings.total("warning"),
            "counts": {
                f"{severity}/{kind}": count
                for (severity, kind), count in sorted(self.findings.counts.items())
            },
            "findings": [one.to_dict() for one in self.sorted()],
            "checked": self.counters.to_dict(),
            "checks": list(self.checks),
            "unchecked": dict(sorted(self.unchecked.items())),
            "stamped": list(self.stamped),
        }

    def summary(self) -> str:
        """Return one line that says what was looked at."""
        seen = self.counters
        parts = [f"{seen.items:,} items", f"{seen.assets:,} assets"]
        if seen.files:
            parts[-1] += f" ({size_text(seen.bytes)} hashed)"
        parts += [
            f"{count:,} {name}"
            for count, name in (
                (seen.cogs, "COGs"),
                (seen.decoded, "decoded"),
                (seen.rows, "index rows"),
                (seen.links, "links"),
                (seen.pixels, "pixel values compared"),
            )
            if count
        ]
        return ", ".join(parts)

    def lines(self) -> list[str]:
        """Return the report as plain lines: findings by kind, what was not checked, the sum."""
        lines: list[str] = []
        severities: tuple[Severity, ...] = ("error", "warning")
        for severity in severities:
            for (of, kind), count in sorted(self.findings.counts.items()):
                if of != severity:
                    continue
                same = [one for one in self.sorted() if (one.severity, one.kind) == (of, kind)]
                lines.append(f"{severity}: {kind} ({count:,})")
                lines += [f"  {one.file}: {one.message}" for one in same[:SHOWN]]
                if count > SHOWN:
                    lines.append(f"  … and {count - SHOWN:,} more")
        lines += [
            f"not checked: {url} ({reason})" for url, reason in sorted(self.unchecked.items())
        ]
        lines.append(f"checked: {self.summary()}")
        lines.append(self.verdict())
        return lines

    def verdict(self) -> str:
        """Return the last line."""
        remarks = self.findings.total("warning")
        also = f", {remarks:,} warning{'s' * (remarks != 1)}" if remarks else ""
        if self.errors:
            return f"not valid: {self.errors:,} error{'s' * (self.errors != 1)}{also}"
        return f"valid{also}"

    def print(self, console: Console) -> None:
        """Print the report on a rich console: findings in colour, the verdict last."""
        from rich.text import Text  # noqa: PLC0415 - start-up

        styles = {
            "error:": "bold red",
            "warning:": "bold yellow",
            "not checked:": "yellow",
            "checked:": "dim",
            "not valid": "bold red",
            "valid": "bold green",
        }
        for line in self.lines():
            style = next((style for start, style in styles.items() if line.startswith(start)), "")
            console.print(Text(line, style=style))


_UNIT = 1000
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size_text(size: int) -> str:
    """Return a number of bytes for people, such as ``3.2 GB``."""
    value, unit = float(size), _UNITS[0]
    for unit in _UNITS:
        if value < _UNIT or unit == _UNITS[-1]:
            break
        value /= _UNIT
    return f"{size:,} bytes" if unit == _UNITS[0] else f"{value:.1f} {unit}"
