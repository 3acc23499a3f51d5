"""The Python blocks of README and docs run, their commands exist, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lapor_route import Router
from lapor_route.bodies import Registry
from lapor_route.cli import _parser
from lapor_route.decisions.rules import Rules

ROOT = Path(__file__).parent.parent
NAMES = ("README.md", "docs/decisions.md", "docs/service.md")
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}


def blocks(language: str) -> list[str]:
    return [block for page in PAGES.values() for block in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)]


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_commands_parse() -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("lapor-route ")]
    assert len(lines) >= 5
    for line in lines:
        _parser().parse_args(shlex.split(line, comments=True)[1:])


def test_relative_links_lead_somewhere() -> None:
    for name, page in PAGES.items():
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page):
            assert (ROOT / name).parent.joinpath(link).exists(), link


def test_the_rules_shown_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("\n".join(blocks("toml")), encoding="utf-8")
    registry = Registry.load()
    rules = Rules.load(path, registry)
    assert len(rules) == 1
    assert rules.problems(Router.load().classifier.labels) == []
