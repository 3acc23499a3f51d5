"""What every peer is to the worker: something that answers a list of texts with a list of labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lapor_route import Classifier
    from lapor_route.decisions import Calibration

ROOT = Path(__file__).parent.parent.parent
BUNDLE, BASE = ROOT / "build" / "bundles" / "tb", ROOT / "build" / "base"
"""Our network with its float32 weights, and the base model that it was fine-tuned from."""
CONFIG = ROOT / "training" / "configs" / "default.toml"
MAX_TOKENS = 192
"""The longest input of all sides."""


class MissingError(Exception):
    """A peer can't be measured on this machine.

    Args:
        reason: What lacks, or what went wrong.
        command: What installs or makes it.
    """

    def __init__(self, reason: str, command: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.command = command


class Engine(ABC):
    """A peer, loaded and ready.

    Args:
        folder: Holds what `make` wrote, and nothing else.
        threads: Threads that it may use.
        variant: Which of its kinds, as the catalogue names it.

    Attributes:
        single: The setting for one text at a time.
    """

    single: Mapping[str, Any]
    packages: tuple[str, ...] = ()
    """Distributions that a user installs for it; what these need comes along."""

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        self.folder = folder
        self.threads = threads
        self.variant = variant
        self.single = {}

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Trains, exports or converts what the peer loads; slow, done once, and not part of any figure.

        Raises:
            MissingError: Something that it is made of isn't there.
        """
        folder.mkdir(parents=True, exist_ok=True)

    def choices(self) -> Sequence[Mapping[str, Any]]:
        """Settings among which a warm-up finds the one of most texts a second."""
        return ({},)

    def use(self, **choice: Any) -> None:
        """Changes to one of the settings."""
        assert not choice, choice

    @abstractmethod
    def answer(self, texts: Sequence[str]) -> list[str]:
        """The label of each text."""

    def classifier(self) -> Classifier | None:
        """The peer as the router's classifier; None where its labels aren't ours, or it learned nothing."""
        return None

    def calibration(self) -> Calibration | None:
        """The router's calibration for that classifier; None where it has no rows of its own for one."""
        return None

    def files(self) -> list[Path]:
        """The files of the model."""
        return [path for path in self.folder.rglob("*") if path.is_file()]


def package(name: str, command: str) -> Any:
    """An installed package, as an untyped module.

    Raises:
        MissingError: It isn't installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingError(f"{name} can't be imported: {error}", command) from error


def torch_bundle() -> Path:
    """The folder of our float32 weights.

    Raises:
        MissingError: It isn't there.
    """
    if not (BUNDLE / "bert.safetensors").exists():
        raise MissingError(
            f"{BUNDLE.relative_to(ROOT)} with our float32 weights isn't there",
            "make model; python -m benchmarks.peers bundle",
        )
    return BUNDLE


def by_length(texts: Sequence[str]) -> list[int]:
    """Positions of the texts, shortest first."""
    return sorted(range(len(texts)), key=lambda i: len(texts[i]))
