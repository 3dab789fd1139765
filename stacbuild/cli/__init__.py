"""The command line: one module per verb.

Exit codes: 0 done (known rejects included), 1 failed or findings, 2 wrong usage, 3 done with
new rejects, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from stacbuild.cli import messages
from stacbuild.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, StacbuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Arrow's own allocator keeps a hundred megabytes for later; the system's gives them back.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

SECTIONS = {
    "Try it": {
        "demo": "Build and validate synthetic raw data of every dataset.",
        "datasets": "List what is known, and where its raw data comes from.",
        "sample": "Write synthetic raw data in the layout of the release.",
    },
    "Make a catalog": {
        "init": "Write a commented configuration to start from.",
        "build": "Turn raw data into a catalog, or bring one up to date.",
        "describe": "Write all JSON and the index again, without raw data.",
        "validate": "Prove that a catalog is whole and right.",
    },
}
"""The verbs with their short help; each is a module here, imported when it is called for."""


class Verbs(click.Group):
    """The group of all verbs: finds them by name, and ends with stacbuild's exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs, in the order of the help."""
        del ctx
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb's module and return its command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"stacbuild.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb that is called for; a wrong one is met with the nearest."""
        if args[0] not in self.list_commands(ctx) and args[0].isidentifier():
            from stacbuild.config import nearest  # noqa: PLC0415 - start-up

            ctx.fail(f"there is no verb {args[0]!r}. {nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs by section, without importing one."""
        del ctx
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(verbs.items()))


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog="Exit codes: 0 done, 1 failed or findings, 2 wrong usage, 3 done with new rejects, "
    "130 interrupted. STACBUILD_DEBUG=1 shows tracebacks.",
)
@click.version_option(package_name="stacbuild", message="%(prog)s %(version)s")
def cli() -> None:
    """From the raw download of an Earth-observation training dataset to a STAC catalog.

    In a hurry: stacbuild demo
    """


def main() -> NoReturn:
    """Run the verb that the command line names, and exit with its code."""
    sys.exit(run())


def run(args: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit code; what goes wrong is one message, no traceback.

    Parameters
    ----------
    args : sequence of str, optional
        The arguments; by default those of the process.
    """
    try:
        code = cli.main(args, "stacbuild", standalone_mode=False)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        messages.interrupted()
        return EXIT_INTERRUPTED
    except (click.ClickException, StacbuildError, OSError) as error:
        if os.environ.get("STACBUILD_DEBUG"):
            raise
        return messages.failed(error)
    return code if isinstance(code, int) else EXIT_DONE
