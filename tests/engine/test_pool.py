from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stacbuild.engine import pool
from stacbuild.errors import SampleError, StacbuildError


def squarer() -> Callable[[int], int]:
    return square


def square(number: int) -> int:
    return number * number


def failing() -> Callable[[int], int]:
    return fail


def fail(number: int) -> int:
    raise SampleError("odd", f"{number} is odd", file="x.tif", mend="Take another")


def dying() -> Callable[[int], int]:
    return die


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_results_come_back(jobs: int) -> None:
    assert sorted(pool.run(squarer, iter(range(20)), jobs)) == [n * n for n in range(20)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_cross_the_border_whole(jobs: int) -> None:
    with pytest.raises(SampleError) as caught:
        list(pool.run(failing, [7], jobs))
    assert str(caught.value) == "x.tif: 7 is odd. Take another"
    assert caught.value.kind == "odd"


def test_death_of_a_worker_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(StacbuildError, match=r"a worker process died.*build again"):
        list(pool.run(dying, [1], 2))


def test_tasks_are_taken_as_workers_get_free() -> None:
    taken: list[int] = []

    def tasks() -> object:
        for number in range(1000):
            taken.append(number)
            yield number

    results = pool.run(squarer, tasks(), 2)  # type: ignore[arg-type]
    next(results)
    assert len(taken) < 20
    results.close()  # type: ignore[attr-defined]


CHILD = """
import os, sys, time
from stacbuild.engine import pool

def make():
    return work

def work(number):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(pool.run(make, range(2), 2))
"""


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
