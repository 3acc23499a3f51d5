"""Schemathesis against a running server: nothing it thinks of gives a 5xx or an answer that isn't documented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.service.apps import server

if TYPE_CHECKING:
    import pytest


def test_the_server_does_what_its_document_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("schema")
    with server(folder) as running:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{running.url}/openapi.json"]
        options = ["--checks", "all", "--max-examples", "15", "--seed", "1", "--no-color"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=240, cwd=folder)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        tested = re.search(r"(\d+) generated", done.stdout)
        assert tested is not None
        assert int(tested[1]) > 300
        statuses = {line["status"] for line in running.logged() if line["message"] == "request"}
        assert 200 in statuses
        assert max(statuses) < 500
