"""The error tree: every message names the file, the reason and the mend.

StacbuildError                exit 1
├── UsageError                exit 2: the call or the configuration is wrong
├── CatalogError              exit 1: the catalog on disk is not what it should be
└── SampleError               one sample cannot be used; it is rejected, the rest goes on
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REJECTS = 3
EXIT_INTERRUPTED = 130


class StacbuildError(Exception):
    """Base of all errors that stacbuild raises on purpose.

    Parameters
    ----------
    reason : str
        What is wrong, without the file's name.
    file : str or Path, optional
        The file or folder that it is wrong with.
    mend : str, optional
        What the user can do about it.
    """

    exit_code = EXIT_FAILED

    def __init__(
        self, reason: str, *, file: str | Path | None = None, mend: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = None if file is None else str(file)
        self.mend = mend

    def __str__(self) -> str:
        """Return ``file: reason. mend``, leaving out what is not known."""
        text = self.reason if self.file is None else f"{self.file}: {self.reason}"
        return text if self.mend is None else f"{text}. {self.mend}"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the keywords, so that errors cross process borders whole."""
        return (_rebuild, (type(self), self.args, self.__dict__))


class UsageError(StacbuildError):
    """The call or the configuration is wrong; nothing was done."""

    exit_code = EXIT_USAGE


class CatalogError(StacbuildError):
    """The catalog on disk is not what it should be."""


class SampleError(StacbuildError):
    """One sample cannot be used; it is rejected with this reason and the rest goes on.

    Parameters
    ----------
    kind : str
        A short, stable slug such as ``"missing-band"``, for reports and filters.
    reason, file, mend
        As in `StacbuildError`.
    """

    def __init__(
        self, kind: str, reason: str, *, file: str | Path | None = None, mend: str | None = None
    ) -> None:
        super().__init__(reason, file=file, mend=mend)
        self.kind = kind


def _rebuild(
    cls: type[StacbuildError], args: tuple[object, ...], state: dict[str, object]
) -> StacbuildError:
    error = cls.__new__(cls)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error
