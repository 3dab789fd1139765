"""A commented configuration to start from: every key, every dataset's inputs, and their help."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from stacbuild.engine.texts import Texts
from stacbuild.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stacbuild.dataset import Dataset

WIDTH = 96

_HEAD = """\
# A catalog's configuration, for: stacbuild build -c {name}
# Lines that begin with "# " explain; lines that begin with "#" alone are settings at their
# default: take the "#" away and change them. Paths are relative to this file's folder.
# Keep this file in git; it holds no secrets.

[catalog]
#id = {id}
#title = {title}
#description = {description}
# Whom to write to about this catalog: a name, an address, or both.
#contact = "Jane Doe <jane@example.org>"

[publish]
# The store: s3://bucket/prefix, az://container/prefix, gs://bucket/prefix, or a folder.
#url = "s3://bucket/prefix"
# Its address as the world sees it. Known before the build, or not at all: it stands in the
# root catalog and in items.parquet, and publishing changes no byte.
#public_url = "https://data.example.org/prefix"
# Web pages that may read the store: "*" is every one.
#cors_origins = ["*"]
"""


def configuration(datasets: Sequence[Dataset], *, chosen: bool, name: str) -> str:
    """Return a commented configuration as TOML.

    Parameters
    ----------
    datasets : sequence of Dataset
        The datasets to list.
    chosen : bool
        Whether their sections are active, or comments like everything else.
    name : str
        The file's name, for its first line.
    """
    default = Texts()
    head = _HEAD.format(
        name=name,
        id=quote(default.id),
        title=quote(default.title),
        description=quote(default.description),
    )
    mark = "" if chosen else "#"
    return head + "".join(_section(dataset, mark) for dataset in datasets)


def write_configuration(file: Path, datasets: Sequence[Dataset], *, chosen: bool) -> None:
    """Write a commented configuration to a new file.

    Raises
    ------
    UsageError
        If the file exists, or its folder does not.
    """
    text = configuration(datasets, chosen=chosen, name=file.name)
    try:
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise UsageError(
            "exists already, and is left as it is", file=file, mend="Name another file"
        ) from error
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", file=file) from error


def quote(text: str) -> str:
    """Return a TOML basic string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_escape(char) for char in plain) + '"'


def _escape(char: str) -> str:
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def _section(dataset: Dataset, mark: str) -> str:
    lines = [
        "",
        *_comment(f"{dataset.title}. Raw data: {dataset.homepage}"),
        f"{mark}[datasets.{dataset.id}]",
        *_comment(
            "Samples known to be bad, one id a line: listed ones are fine, new ones are not."
        ),
        f'#known_rejects = "{dataset.id}-known-rejects.txt"',
        f"{mark}[datasets.{dataset.id}.inputs]",
    ]
    for spec in dataset.inputs:
        need = "Required: " if spec.required else ""
        lines += _comment(f"{need}{spec.help}")
        lines.append(f'#{spec.name} = "…"')
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
