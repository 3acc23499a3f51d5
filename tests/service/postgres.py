"""A real PostgreSQL server for tests, in a folder of its own, that can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_worker_processes": "2",
    "autovacuum": "off",
    "full_page_writes": "on",
}


class PostgresServer:
    """A server on a socket in its own folder; skips the test where PostgreSQL isn't installed.

    Args:
        is_durable: Whether commits reach the disk.
    """

    def __init__(self, *, is_durable: bool = False) -> None:
        self._programs = _programs()
        self._account = _account()
        # Not in pytest's folder, which another user can't enter; and a socket's path is short.
        self.folder = Path(tempfile.mkdtemp(prefix="lapor-pg-", dir="/tmp"))
        if self._account:
            shutil.chown(self.folder, self._account["user"], self._account["group"])
        self._settings = _SETTINGS | {"unix_socket_directories": str(self.folder)}
        self._settings |= {"fsync": "on" if is_durable else "off"}
        self._count = 0
        self._data = str(self.folder / "data")
        initdb = [str(self._programs / "initdb"), "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(
            [*initdb, "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd="/", **self._account
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *settings],
                stdout=log,
                stderr=log,
                cwd="/",
                **self._account,
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            self.run("SELECT 1")
            return True
        return False

    def kill(self) -> None:
        """Ends it and all its processes at once, as a power cut would."""
        assert self._process is not None
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for process in (pid, *children):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait()
        while any(_is_alive(child) for child in children):
            time.sleep(0.01)

    def remove(self) -> None:
        """Ends it and deletes its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def run(self, statement: str, database: str = "postgres") -> None:
        """Runs a statement outside of any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def make_database(self) -> str:
        """Makes an empty database.

        Returns:
            Its URL.
        """
        name = self._new_name()
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def make_schema(self) -> str:
        """Makes an empty schema, much faster than a database.

        Returns:
            A URL that sees nothing else.
        """
        name = self._new_name()
        self.run(f"CREATE SCHEMA {name}")
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def _new_name(self) -> str:
        self._count += 1
        return f"lapor_{self._count}"


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _programs() -> Path:
    """The folder of the newest installed version; Debian's isn't on the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    usable = [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]
    if not usable:
        pytest.skip("needs PostgreSQL's programs initdb and postgres")
    return usable[-1]


def _account() -> dict[str, Any]:
    """As whom to run it: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("root needs a user postgres to run PostgreSQL")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "umask": 0o077}
