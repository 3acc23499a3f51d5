"""Real processes that use one store at the same time, and can be killed."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from lapor_route.service.store import Store, StoreError
from tests.service.store.samples import LEASE, record

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
BATCH = 8
"""Routings that the writer adds at once."""
_PATIENCE = 30


class Worker:
    """A process with a task, which it begins when told.

    Args:
        task: A name in `TASKS`.
        url: The store's.
        number: Its own, from 0.
        argument: The task's.
    """

    def __init__(self, task: str, url: str, number: int, argument: int) -> None:
        command = [sys.executable, "-m", "tests.service.store.workers", task, url, str(number), str(argument)]
        self.printed: list[str] = []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # The last line of a killed process may be cut short: it says nothing.
            if line.endswith("\n"):
                self.printed.append(line[:-1])

    def wait_for(self, lines: int) -> None:
        """Waits until it has printed so many lines."""
        deadline = time.monotonic() + _PATIENCE
        while len(self.printed) < lines:
            assert self._reader.is_alive(), "the worker ended too early"
            assert time.monotonic() < deadline, "the worker is stuck"
            time.sleep(0.005)

    def begin(self) -> None:
        """Lets it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("begin\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """Ends it at once, in the middle of whatever it does."""
        self._process.kill()

    def result(self) -> list[str]:
        """What it printed after it began, once it ended."""
        self.status = self._process.wait(_PATIENCE)
        self._reader.join()
        return self.printed[1:]

    def close(self) -> None:
        self.kill()
        self.result()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def write(store: Store, number: int, _argument: int) -> None:
    """Adds routings for ever, and says which were added; goes on where the store was away."""
    for start in itertools.count(number * 10**9, BATCH):
        records = [record(start + place) for place in range(BATCH)]
        try:
            store.add_routings(records)
        except StoreError:
            time.sleep(0.02)
            continue
        print("\n".join(added.id for added in records), flush=True)


def lease(store: Store, number: int, argument: int) -> None:
    """Takes as many routings for as many officers."""
    for officer in range(argument):
        found = store.next_undecided(f"{number}-{officer}", LEASE)
        print(found and found.id)


def upgrade(store: Store, _number: int, _argument: int) -> None:
    """Makes the tables."""
    store.upgrade()
    store.check()
    print("done")


TASKS: dict[str, Callable[[Store, int, int], None]] = {"write": write, "lease": lease, "upgrade": upgrade}


def main(task: str, url: str, number: str, argument: str) -> None:
    store = Store.open(url)
    print("ready", flush=True)
    sys.stdin.readline()
    TASKS[task](store, int(number), int(argument))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
