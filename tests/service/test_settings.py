from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lapor_route.errors import InputError
from lapor_route.service.settings import Settings, unknown_variables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in unknown_variables():
        monkeypatch.delenv(name)


def test_given_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "service.toml"
    file.write_text('port = 1\nworkers = 2\nmax_batch = 3\ncors_origins = ["https://a.id"]\nretention_days = 30')
    monkeypatch.setenv("LAPOR_ROUTE_WORKERS", "4")
    monkeypatch.setenv("LAPOR_ROUTE_MAX_BATCH", "5")
    found = Settings.read(file, max_batch=6, port=None)
    assert (found.port, found.workers, found.max_batch, found.retention_days) == (1, 4, 6, 30)
    assert found.cors_origins == ("https://a.id",)


def test_a_variable_can_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "service.toml"
    file.write_text("port = 1234")
    monkeypatch.setenv("LAPOR_ROUTE_CONFIG", str(file))
    assert Settings.read().port == 1234


def test_they_reach_the_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAPOR_ROUTE_SETTINGS", "")
    settings = Settings.read(port=9000, model=tmp_path, hash_key="geheim", cors_origins=("https://a.id",))
    settings.hand_over()
    assert Settings.handed_over() == settings
    assert "geheim" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("port = 99999", "port"),
        ("prot = 1", "prot"),
        ('workers = "many"', "workers"),
        ("port = ", "can't be read"),
        ('log_level = "loud"', "log_level"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "service.toml"
    file.write_text(content)
    with pytest.raises(InputError, match=message):
        Settings.read(file)


def test_wrong_variables_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAPOR_ROUTE_CORS_ORIGINS", "[not json")
    with pytest.raises(InputError, match="cors_origins"):
        Settings.read()
    with pytest.raises(InputError, match="no configuration file"):
        Settings.read(tmp_path / "missing.toml")


def test_misspelt_variables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPOR_ROUTE_PROT", "1")
    monkeypatch.setenv("LAPOR_ROUTE_PORT", "1")
    assert unknown_variables() == ["LAPOR_ROUTE_PROT"]
