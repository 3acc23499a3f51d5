"""What is asked, and what the library itself answers to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.texts import mixed_texts

SAMPLES = Path(__file__).parents[1] / "samples.jsonl"
_SEED = 5


@dataclass(frozen=True, slots=True)
class Letter:
    """A complaint of our own writing.

    Attributes:
        text: It, as long as real ones are.
        place: Where it happens, told apart; one in eight has it.
        top_k: Candidates asked for; one in eight asks for other than usual.
    """

    text: str
    place: str | None
    top_k: int

    def body(self, name: str) -> bytes:
        """The JSON to send, with the caller's key."""
        content: dict[str, Any] = {"text": self.text, "id": name}
        if self.place:
            content["place"] = self.place
        if self.top_k != 5:
            content["top_k"] = self.top_k
        return json.dumps(content, ensure_ascii=False).encode()


def letters(number: int) -> list[Letter]:
    """Complaints of the real length mix, always the same."""
    samples = map(json.loads, SAMPLES.read_text(encoding="utf-8").splitlines())
    places = [sample["place"] for sample in samples if sample.get("place")]
    return [
        Letter(text, places[i // 8 % len(places)] if i % 8 == 3 else None, 3 if i % 8 == 5 else 5)
        for i, text in enumerate(mixed_texts(number, _SEED))
    ]


def library_answers(asked: list[Letter]) -> list[dict[str, Any]]:
    """The routings of the embedded bundle, one complaint at a time, as JSON gives them back."""
    from lapor_route import Complaint, Router

    router = Router.load()
    routings = (router.route(Complaint(each.text, each.place), top_k=each.top_k) for each in asked)
    return [json.loads(json.dumps(routing.to_dict())) for routing in routings]
