"""What goes wrong, set as one message on stderr: the reason, the file, the mend."""

from __future__ import annotations

import errno
import os
import shutil
import textwrap

import click

from stacbuild.errors import EXIT_FAILED, StacbuildError

_MENDS = {
    errno.ENOSPC: "Free some space, and run the same command again: it goes on where it stopped",
    errno.EDQUOT: "Free some of your quota, and run the same command again",
    errno.EACCES: "Check who may read and write there",
    errno.EPERM: "Check who may read and write there",
    errno.EROFS: "The file system is read-only: choose another folder",
    errno.EMFILE: "Raise the limit of open files: ulimit -n 4096",
}


def failed(error: click.ClickException | StacbuildError | OSError) -> int:
    """Print what went wrong, and return the exit code for it."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.message, err=True)
        return error.exit_code
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        path = context.command_path if context else "stacbuild"
        _show(error.format_message().rstrip("."), None, f"See: {path} --help")
        return error.exit_code
    if isinstance(error, StacbuildError):
        _show(error.reason, error.file, error.mend)
        return error.exit_code
    name = None if error.filename is None else os.fsdecode(error.filename)
    reason = error.strerror or str(error) or type(error).__name__
    _show(reason, name, _MENDS.get(error.errno or 0))
    return EXIT_FAILED


def interrupted() -> None:
    """Print that the user stopped it, and that nothing is lost."""
    _show("interrupted", None, "Run the same command again: it goes on where it stopped")


def _show(reason: str, file: str | None, mend: str | None) -> None:
    width = min(shutil.get_terminal_size().columns, 96)
    color = False if os.environ.get("NO_COLOR") else None
    for label, text, style in (
        ("error", reason, {"fg": "red", "bold": True}),
        ("file", file, {"dim": True}),
        ("mend", mend, {"fg": "green"}),
    ):
        if text:
            body = textwrap.fill(
                text,
                width,
                initial_indent=" " * 7,
                subsequent_indent=" " * 7,
                break_long_words=False,
                break_on_hyphens=False,
            )
            head = click.style(f"{label:<6}", **style)
            click.echo(f"{head} {body.lstrip()}", err=True, color=color)
