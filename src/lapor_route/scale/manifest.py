"""What makes a job resumable: what it is, its parts, and which of them are finished."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lapor_route.errors import InputError
from lapor_route.scale.plan import Part

if TYPE_CHECKING:
    from lapor_route.scale.storage import Storage

MANIFEST = "_manifest.json"
_FORMAT = 1
_SECONDS_BETWEEN = 1.0
_SHARE = 20


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a worker says of a finished part.

    Attributes:
        name: The part.
        rows: Its rows.
        errors: Rows among them that carry an `error`.
        decisions: Rows per decision.
        size: Bytes of its file.
        sha256: Of its file.
    """

    name: str
    rows: int
    errors: int
    decisions: dict[str, int]
    size: int
    sha256: str


@dataclass(slots=True)
class Manifest:
    """The job in a folder, kept there as `_manifest.json`.

    Only the driver writes it. A part counts when its receipt is in it; a file that was written in the second before
    a kill, and isn't in it, is written again under the same name, with the same rows. Two drivers on one folder do
    each other's work twice and may stop each other, but no row is there twice: the job must be the same, and a part
    has one name. One of them, resumed alone, completes it.

    Attributes:
        folder: Where the output goes.
        job: What must be the same for a job to be resumed: `input`, `options`, `model`.
        columns: The input's columns.
        parts: All parts, in the order of the input.
        finished: The receipts, by name.
        complete: Whether all parts were there when it ended.
    """

    folder: Storage
    job: dict[str, Any]
    columns: list[str]
    parts: list[Part]
    finished: dict[str, Receipt] = field(default_factory=dict)
    complete: bool = False
    _next_save: float = 0.0

    @classmethod
    def read(cls, folder: Storage) -> Manifest:
        """The manifest of a folder.

        Raises:
            InputError: It can't be read.
        """
        try:
            data = json.loads(folder.read(MANIFEST))
            if data["format"] != _FORMAT:
                raise InputError(f"{folder} is of another version of lapor-route; name another folder")
            return cls(
                folder,
                data["job"],
                data["columns"],
                [Part.from_dict(part) for part in data["parts"]],
                {receipt["name"]: Receipt(**receipt) for receipt in data["finished"]},
                data["complete"],
            )
        except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(f"{folder}/{MANIFEST} can't be read: {error!r}; name another folder") from error

    def save(self) -> None:
        """Writes it, all at once."""
        began = time.monotonic()
        data = {
            "format": _FORMAT,
            "complete": self.complete,
            "job": self.job,
            "columns": self.columns,
            "finished": [asdict(receipt) for receipt in self.finished.values()],
            "parts": [part.to_dict() for part in self.parts],
        }
        self.folder.write(MANIFEST, json.dumps(data, ensure_ascii=False).encode("utf-8", "backslashreplace"))
        now = time.monotonic()
        self._next_save = now + max(_SECONDS_BETWEEN, _SHARE * (now - began))

    def add(self, receipt: Receipt) -> None:
        """Counts a part; saves now and then, so that a long table of parts costs little."""
        self.finished[receipt.name] = receipt
        if time.monotonic() >= self._next_save:
            self.save()

    def check_same(self, job: dict[str, Any]) -> None:
        """Refuses another job than the one in the folder.

        Raises:
            InputError: It is another; the message names the first difference.
        """
        for name, now in job.items():
            then = self.job.get(name, {})
            for key in sorted(now.keys() | then.keys()):
                if now.get(key) != then.get(key):
                    raise InputError(
                        f"{self.folder} holds a job with another {name}: {_difference(key, then, now)}. "
                        "Repeat what it was started with, or name another folder"
                    )

    def remaining(self) -> list[Part]:
        """The parts that aren't finished, or whose file is gone or has another size; those are forgotten."""
        there = {file.name: file.size for file in self.folder.files()}
        self.finished = {name: r for name, r in self.finished.items() if there.get(name) == r.size}
        return [part for part in self.parts if part.name not in self.finished]


def _difference(key: str, then: dict[str, Any], now: dict[str, Any]) -> str:
    if key == "files":
        old, new = ({file["name"]: file for file in job.get(key, ())} for job in (then, now))
        name = next(name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name))
        return f"{name} is new, gone or changed"
    return f"{key} was {then.get(key)!r}, is {now.get(key)!r}"
