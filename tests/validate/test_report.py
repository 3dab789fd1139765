from __future__ import annotations

import io

from rich.console import Console

from stacbuild.stac.encode import dumps_pretty, loads
from stacbuild.validate.findings import KEPT_PER_KIND, MESSAGE_LIMIT, Counters, error, warning
from stacbuild.validate.report import SHOWN, Report, size_text


def report(errors: int = 0, warnings: int = 0) -> Report:
    made = Report(
        counters=Counters(items=12345, assets=61725, files=61725, bytes=3_210_000_000, cogs=49380),
        unchecked={"https://example.com/x.json": "no digest is pinned for it"},
    )
    made.findings.add([error("link-title", f"{n}.json", "wrong") for n in range(errors)])
    made.findings.add([warning("large-json", f"{n}.json", "large") for n in range(warnings)])
    return made


def test_the_summary_says_what_was_looked_at() -> None:
    assert report().summary() == "12,345 items, 61,725 assets (3.2 GB hashed), 49,380 COGs"


def test_the_verdict_and_the_exit_code_agree() -> None:
    assert (report().verdict(), report().exit_code) == ("valid", 0)
    assert (report(0, 1).verdict(), report(0, 1).exit_code) == ("valid, 1 warning", 0)
    assert (report(2, 3).verdict(), report(2, 3).exit_code) == (
        "not valid: 2 errors, 3 warnings",
        1,
    )


def test_lines_name_files_kinds_and_what_was_not_checked() -> None:
    lines = report(errors=SHOWN + 2).lines()

    assert lines[0] == f"error: link-title ({SHOWN + 2})"
    assert lines[1] == "  0.json: wrong"
    assert lines[SHOWN + 1] == "  … and 2 more"
    assert "not checked: https://example.com/x.json (no digest is pinned for it)" in lines
    assert lines[-1] == f"not valid: {SHOWN + 2} errors"


def test_many_findings_are_counted_and_bounded() -> None:
    made = report(errors=KEPT_PER_KIND + 10)

    assert made.errors == KEPT_PER_KIND + 10
    assert len(made.findings.kept) == KEPT_PER_KIND
    assert made.to_dict()["counts"] == {"error/link-title": KEPT_PER_KIND + 10}


def test_a_message_is_bounded() -> None:
    assert len(error("x", "a", "y" * 10_000).message) == MESSAGE_LIMIT


def test_json_has_it_all_and_in_one_order() -> None:
    made = report(errors=2, warnings=1)
    value = loads(dumps_pretty(made.to_dict()))

    assert value["valid"] is False
    assert value["errors"] == 2
    assert [one["severity"] for one in value["findings"]] == ["error", "error", "warning"]
    assert value["checked"]["items"] == 12345
    assert value["unchecked"] == {"https://example.com/x.json": "no digest is pinned for it"}


def test_a_console_gets_the_same_lines_without_markup() -> None:
    made = report()
    made.findings.add([error("link-title", "[red]a[/red].json", "says '[bold]'")])
    target = io.StringIO()
    made.print(Console(file=target, width=200))

    assert target.getvalue().splitlines() == made.lines()


def test_sizes_are_for_people() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 46_200, 3_210_000_000, 9 * 10**15)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "46.2 kB",
        "3.2 GB",
        "9000.0 TB",
    ]
