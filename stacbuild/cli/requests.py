"""From the words of a call and its configuration to what the engine is asked to build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stacbuild import dataset
from stacbuild.cli import options
from stacbuild.config import CatalogConfig, DatasetConfig, load_config, nearest, read_known_rejects
from stacbuild.engine.build import BuildRequest
from stacbuild.engine.scan import Selection, check_inputs
from stacbuild.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags say; where they say something they win over the configuration.

    Parameters
    ----------
    inputs : tuple of str
        ``name=path``, or ``dataset.name=path`` where several datasets are built.
    known_rejects : Path or None
        File with the ids of samples known to be bad.
    limit : int or None
        At most so many samples.
    only : str or None
        Shell pattern of sample ids.
    jobs : int
        Worker processes.
    rehash, strict : bool
        As in `BuildRequest`.
    """

    inputs: tuple[str, ...] = ()
    known_rejects: Path | None = None
    limit: int | None = None
    only: str | None = None
    jobs: int = 1
    rehash: bool = False
    strict: bool = False


def read_requests(
    words: tuple[str, ...], config_file: Path | None, flags: Flags
) -> list[BuildRequest]:
    """Return a request for each dataset that the call and its configuration name.

    Raises
    ------
    UsageError
        If they do not say what to build from what, or name what is not known.
    """
    config = load_config(config_file) if config_file else CatalogConfig()
    if len(words) == 3:  # noqa: PLR2004 - DATASET RAW CATALOG
        name = options.check_dataset(words[0])
        inputs: dict[str, dict[str, Path]] = {name: dataset.load(name).discover(Path(words[1]))}
        root = Path(words[2])
    elif config_file and len(words) <= 1:
        inputs = {name: dict(one.inputs) for name, one in config.datasets.items()}
        root = Path(words[0] if words else config.texts.id)
    else:
        raise UsageError(
            "give DATASET RAW CATALOG, or -c FILE and perhaps CATALOG",
            mend="See: stacbuild build --help; to try it without data: stacbuild demo",
        )
    if not inputs:
        raise UsageError(
            "no dataset is named",
            file=config_file,
            mend="Give it a section [datasets.NAME] with inputs (see: stacbuild datasets)",
        )
    _take_inputs(flags.inputs, inputs)
    for name, paths in inputs.items():
        # All of them before the first is built: the second must not fail after an hour.
        check_inputs(dataset.load(name), paths)
    return [_request(name, inputs[name], root, config, flags) for name in inputs]


def _request(
    name: str, inputs: Mapping[str, Path], root: Path, config: CatalogConfig, flags: Flags
) -> BuildRequest:
    listed = flags.known_rejects or config.datasets.get(name, DatasetConfig()).known_rejects
    return BuildRequest(
        root=root,
        dataset=name,
        inputs=inputs,
        texts=config.texts if config.file else None,
        selection=Selection(flags.limit, flags.only),
        jobs=flags.jobs,
        rehash=flags.rehash,
        strict=flags.strict,
        known_rejects=read_known_rejects(listed) if listed else frozenset(),
    )


def _take_inputs(words: tuple[str, ...], inputs: dict[str, dict[str, Path]]) -> None:
    """Put the inputs that flags name over those that are known already."""
    for word in words:
        key, equals, path = word.partition("=")
        of, dot, name = key.rpartition(".")
        if not equals or not path or not name:
            raise UsageError(f"{word!r} is not NAME=PATH", mend="As: --input train=lists/train.csv")
        if not dot and len(inputs) == 1:
            (of,) = inputs
        if of not in inputs:
            raise UsageError(
                f"{key!r} does not say of which dataset",
                mend=f"Write DATASET.{name}, with one of: {', '.join(inputs)}",
            )
        known = [spec.name for spec in dataset.load(of).inputs]
        if name not in known:
            raise UsageError(f"{of} has no input {name!r}", mend=nearest(name, known))
        inputs[of][name] = Path(path)
