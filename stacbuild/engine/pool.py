"""Worker processes: partitions go out, results come back, memory stays flat.

With one job everything happens in this process. Workers end with the process that started them,
however it ends: none goes on writing behind the back of the next build.
"""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from stacbuild.errors import StacbuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Task = TypeVar("Task")
Result = TypeVar("Result")

# Enough to keep every worker busy while results are put on record.
WAITING_PER_WORKER = 3

OURS = "STACBUILD_"
"""What the names of our environment variables start with."""

_function: Callable[[Any], Any] | None = None


def run(
    make: Callable[[], Callable[[Task], Result]], tasks: Iterable[Task], jobs: int
) -> Iterator[Result]:
    """Do tasks in worker processes; yield results as they are ready.

    Parameters
    ----------
    make : callable
        Makes the function that does a task, once per process; picklable.
    tasks : iterable
        Taken as workers get free: it may be long.
    jobs : int
        Number of processes; 1 works in this one.

    Yields
    ------
    object
        One result per task, in the order in which they are ready.

    Raises
    ------
    StacbuildError
        If a worker dies.
    """
    if jobs == 1:
        yield from map(make(), tasks)
        return
    # One server imports what all workers need and forks them: each is there in milliseconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [make.func.__module__ if isinstance(make, partial) else __name__]
    )
    settings = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(make, settings))
    try:
        yield from _spread(pool, tasks, jobs * WAITING_PER_WORKER)
    except BrokenProcessPool as error:
        raise StacbuildError(
            "a worker process died",
            mend="Was memory short? Use fewer --jobs; what is done stays done: build again",
        ) from error
    finally:
        _end(pool)


def _spread(pool: ProcessPoolExecutor, tasks: Iterable[Any], waiting: int) -> Iterator[Any]:
    pending: set[Future[Any]] = set()
    for task in tasks:
        pending.add(pool.submit(_do, task))
        while len(pending) >= waiting:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _end(pool: ProcessPoolExecutor) -> None:
    workers = list((pool._processes or {}).values())  # noqa: SLF001 - there is no public way to stop at once
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        # Idle after a whole run; in the middle of a partition after an error, which may go.
        worker.join(timeout=5 if not pool._broken else 0)  # noqa: SLF001 - the same
        if worker.is_alive():
            worker.kill()
            worker.join()


def _start(make: Callable[[], Callable[[Any], Any]], settings: dict[str, str]) -> None:
    global _function  # noqa: PLW0603 - the worker process's one function
    # Ctrl-C reaches the whole process group; the parent alone decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # The server may have started under others.
    os.environ.update(settings)
    _function = make()
    calm_collector()


def calm_collector() -> None:
    """Let the garbage collector look seldom, and never at what is there already.

    Modules, schemas and tables stay to the end, and samples make no cycles: a tenth of the time
    went into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _do(task: Any) -> Any:  # noqa: ANN401 - any task
    if _function is None:
        raise StacbuildError("the worker process did not start")
    return _function(task)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
