"""What a deployment can set, by environment (`LAPOR_ROUTE_PORT=9000`) or by a TOML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from lapor_route.classifiers.backends import usable_cores
from lapor_route.errors import InputError

PREFIX = "LAPOR_ROUTE_"
CONFIG = f"{PREFIX}CONFIG"
HANDED_OVER = f"{PREFIX}SETTINGS"
"""The environment variable by which `serve` hands its settings to its workers, as JSON."""


Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """A deployment's settings; the environment wins over the file.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        workers: Processes; each loads the model (some 220 MB).
        store: Where routings and feedback are kept: ``sqlite:///FILE`` or ``postgresql://USER@HOST/DATABASE``.
        hash_key: Secret of the keyed hash that stands for the original text; without one, each start draws its own
            and hashes can't be compared across starts.
        model: A bundle's folder; by default the embedded one.
        rules: A file of your own rules.
        backend: What computes the encoder.
        threads: Micro-batches that each worker routes at the same time, one thread each; by default the cores,
            shared among the workers.
        target_precision: Precision of what is forwarded; by default the bundle's.
        shortlist_coverage: Share of shortlists that hold the right body; by default the bundle's.
        require_key: Whether requests need an API key.
        rate_limit_per_minute: Requests a minute for each key, or each address where no key is required; 0 is no
            limit.
        cors_origins: Other origins whose pages may call the API.
        max_body_bytes: Longest request body.
        max_batch: Most complaints in one batch call.
        max_wait_seconds: Longest expected wait in the queue; who would wait longer is turned away at once.
        max_bulk_wait_seconds: The same for batch calls.
        deadline_seconds: A single complaint not answered by then fails.
        bulk_deadline_seconds: The same for a batch call.
        retention_days: Age at which routings and their feedback are deleted; 0 keeps them.
        drain_seconds: Longest time that a stopping worker waits for its requests.
        log_level: ``debug`` logs each complaint's masked text, ``info`` no text at all.
        otlp_endpoint: Where OpenTelemetry traces go (``http://collector:4318``); none sends nothing.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", protected_namespaces=())

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    store: str = "sqlite:///lapor-route.db"
    hash_key: Annotated[str, Field(repr=False)] = ""
    model: Path | None = None
    rules: Path | None = None
    backend: Literal["onnx", "torch"] | None = None
    threads: Annotated[int, Field(ge=1)] | None = None
    target_precision: Annotated[float, Field(gt=0, lt=1)] | None = None
    shortlist_coverage: Annotated[float, Field(gt=0, lt=1)] | None = None
    require_key: bool = False
    rate_limit_per_minute: Annotated[int, Field(ge=0)] = 0
    cors_origins: tuple[str, ...] = ()
    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    max_batch: Annotated[int, Field(ge=1, le=10_000)] = 256
    max_wait_seconds: Seconds = 0.25
    max_bulk_wait_seconds: Seconds = 5.0
    deadline_seconds: Seconds = 10.0
    bulk_deadline_seconds: Seconds = 60.0
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    drain_seconds: Annotated[int, Field(ge=1)] = 30
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    otlp_endpoint: Annotated[str, Field(pattern="^https?://.")] | None = None

    @property
    def model_threads(self) -> int:
        """Micro-batches that each worker routes at the same time."""
        return self.threads or max(1, usable_cores() // self.workers)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code wins over the environment, and that over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def read(cls, config: Path | None = None, **given: Any) -> Settings:
        """The settings of a deployment.

        Args:
            config: A TOML file with names of this class; by default the one that ``LAPOR_ROUTE_CONFIG`` names.
            given: What wins over environment and file; None counts as not given.

        Raises:
            InputError: The file can't be read, or a value is wrong; the message lists each.
        """
        if config is None and os.environ.get(CONFIG):
            config = Path(os.environ[CONFIG])
        if config is not None and not config.is_file():
            raise InputError(f"there is no configuration file {config}")
        reader = type("Settings", (cls,), {"model_config": SettingsConfigDict(toml_file=config)})
        try:
            values = reader(**{name: value for name, value in given.items() if value is not None})
            return cls.model_construct(**{name: getattr(values, name) for name in cls.model_fields})
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise InputError(f"wrong settings: {'; '.join(problems)}") from None
        except (OSError, ValueError) as error:  # the file, its TOML, or JSON in a variable
            raise InputError(f"the settings can't be read: {error}") from None

    def hand_over(self) -> None:
        """Leaves them in the environment for the workers."""
        os.environ[HANDED_OVER] = self.model_dump_json()

    @classmethod
    def handed_over(cls) -> Settings:
        """Those that `serve` left in the environment; without, the environment's own."""
        content = os.environ.get(HANDED_OVER)
        return cls.model_validate_json(content) if content else cls.read()


def unknown_variables() -> list[str]:
    """Variables of the environment that look like settings and are none."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | {HANDED_OVER, CONFIG}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
