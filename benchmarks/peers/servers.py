"""Peers' processes, which stay alive between the rounds and stand still while another one works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.peers.engine import ROOT, MissingError

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.catalogue import Peer

MADE_FILE = "made.json"
_PATIENCE = 3600.0
"""Seconds for the longest training."""
_FOREIGN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Settings of a machine that hold numpy's kernels to an older processor's; no side gets them."""


def make(peer: Peer, folder: Path, threads: int, key: str) -> float:
    """Makes what a peer loads, unless that was done with the same key.

    Returns:
        Seconds that it took, when it was done.

    Raises:
        MissingError: It can't be made here.
    """
    note = folder.parent / f"{folder.name}.{MADE_FILE}"
    if note.exists():
        made = json.loads(note.read_text(encoding="utf-8"))
        if made["key"] == key:
            return float(made["seconds"])
    for old in folder.rglob("*") if folder.exists() else ():
        if old.is_file():
            old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    server = Server(peer, folder, threads, "make")
    server.close()
    seconds = time.perf_counter() - started
    note.write_text(json.dumps({"key": key, "seconds": seconds}), encoding="utf-8")
    return seconds


class Server:
    """A peer's process.

    Args:
        peer: Which.
        folder: What it loads.
        threads: Threads that it may use.
        what: ``serve``, or ``make``.

    Attributes:
        load_seconds: From the start of the process to its first answer.

    Raises:
        MissingError: It doesn't start here.
    """

    def __init__(self, peer: Peer, folder: Path, threads: int, what: str = "serve") -> None:
        self.peer = peer
        self._log = folder.parent / f"{peer.name}.{what}.log"
        started = time.perf_counter()
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [
                    *(peer.python, "-m", "benchmarks.peers.worker", what),
                    *(json.dumps(asdict(peer)), str(folder), str(threads)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env=environment(threads),
            )
        answer = self._read()
        self.load_seconds = time.perf_counter() - started
        if not answer.get("ok"):
            self.close()
            raise MissingError(answer["missing"], answer["command"])
        self._pause()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Sends a request and waits for its answer; the process runs meanwhile, and only then.

        Raises:
            MissingError: It failed, or ended.
        """
        self._signal("SIGCONT")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise MissingError(f"its process ended before {do}: {error}; see {self._log}") from error
        answer = self._read()
        self._pause()
        if "error" in answer:
            raise MissingError(f"{do}: {answer['error']}")
        return answer

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        limit = threading.Timer(_PATIENCE, self._process.kill)
        limit.start()
        line = self._process.stdout.readline()
        limit.cancel()
        if not line:
            self._process.wait()
            reason = f"its process ended with status {self._process.returncode}; see {self._log}"
            return {"missing": reason, "command": "", "error": reason}
        found: dict[str, Any] = json.loads(line)
        return found

    def _pause(self) -> None:
        self._signal("SIGSTOP")

    def _signal(self, name: str) -> None:
        if hasattr(signal, name) and self._process.poll() is None:
            self._process.send_signal(getattr(signal, name))


def environment(threads: int) -> dict[str, str]:
    """The environment of all peers: threads of every library, no model hub."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    names = ("OMP", "MKL", "OPENBLAS", "RAYON", "NUMEXPR")
    return kept | {
        **{f"{name}_NUM_THREADS": str(threads) for name in names},
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
        **dict.fromkeys(("DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY"), "1"),
        "INFINITY_ANONYMOUS_USAGE_STATS": "0",
    }
