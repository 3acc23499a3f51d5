"""Measures peers side by side: each has a process of its own, and they take turns."""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.catalogue import EXACT
from benchmarks.peers.engine import BASE, BUNDLE, CONFIG, MAX_TOKENS, ROOT, MissingError
from benchmarks.peers.figures import spread
from benchmarks.peers.servers import Server, make
from benchmarks.texts import mixed_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.options import Options
    from benchmarks.peers.catalogue import Peer


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        block: Texts that a peer gets at once.
        blocks: Blocks ready for a round; slow peers answer one.
        at_least: Seconds that a fast peer goes on for in a round.
        rounds: In each of which every peer has its turn.
        tuning: Texts of each pass over all settings.
        passes: So many.
        warm_up: Seconds that a peer works before the rounds, in its best setting.
        singles: Texts of a round that are answered one at a time.
        starts: Processes started for each peer, to see how long that takes.
    """

    block: int = 128
    blocks: int = 16
    at_least: float = 1.0
    rounds: int = 5
    tuning: int = 96
    passes: int = 2
    warm_up: float = 3.0
    singles: int = 60
    starts: int = 3


QUICK = Plan(block=16, blocks=2, at_least=0.1, rounds=1, tuning=8, passes=0, warm_up=0.0, singles=4, starts=1)


def measure(
    peers: Sequence[Peer], options: Options, progress: Callable[[str, float], None], data: Path | None = None
) -> dict[str, Any]:
    """All figures.

    Args:
        peers: Which.
        options: Of the run.
        progress: Told what is done next, and the share that is done.
        data: A labelled file for accuracies; read in place.
    """
    plan = QUICK if options.quick else Plan()
    work = options.work.resolve() / "peers"
    work.mkdir(parents=True, exist_ok=True)
    run = _Run(peers, plan, work, options, progress)
    try:
        run.start()
        run.tune()
        run.bulk()
        run.single()
        if data is not None:
            run.evaluate(data)
        return run.figures(data)
    finally:
        for server in run.servers.values():
            server.close()


class _Run:
    def __init__(
        self,
        peers: Sequence[Peer],
        plan: Plan,
        work: Path,
        options: Options,
        progress: Callable[[str, float], None],
    ) -> None:
        self.peers = {peer.name: peer for peer in peers}
        self.plan, self.work, self.options = plan, work, options
        self.servers: dict[str, Server] = {}
        self.found: dict[str, dict[str, Any]] = {}
        self.missing: dict[str, dict[str, str]] = {}
        self.accuracy: dict[str, Any] = {}
        self._progress = progress
        self._texts = blocks(plan.blocks, plan.block, options.seed)

    def start(self) -> None:
        """Makes what the peers load and starts them, some times over; the last process stays."""
        for number, (name, peer) in enumerate(self.peers.items()):
            self._progress(f"starts {name}", 0.4 * number / len(self.peers))
            folder = self.work / (peer.shares or name)
            try:
                made = make(peer, folder, self.options.threads, fingerprint(peer))
                seconds = []
                for _ in range(self.plan.starts):
                    if name in self.servers:
                        self.servers.pop(name).close()
                    self.servers[name] = Server(peer, folder, self.options.threads)
                    seconds.append(self.servers[name].load_seconds)
            except MissingError as error:
                self._drop(name, error)
                continue
            self.found[name] = {
                "title": peer.title,
                "group": peer.group,
                "same_labels": peer.same_labels,
                "made_seconds": made,
                "load_seconds": spread(seconds),
            }

    def tune(self) -> None:
        """Finds each peer's best setting."""
        passes = [block[: self.plan.tuning] for block in self._texts[::-1][: self.plan.passes]]
        for number, name in enumerate([*self.servers]):
            self._progress(f"finds the best setting of {name}", 0.4 + 0.2 * number / len(self.peers))
            answer = self._ask(name, "tune", passes=passes)
            if answer:
                self.found[name]["setting"] = answer["chosen"]
                self.found[name]["settings_tried"] = answer["tried"]
                self._ask(name, "bulk", blocks=self._texts[::-1], at_least=self.plan.warm_up)

    def bulk(self) -> None:
        """Rounds of blocks; then the memory of each process."""
        for turn in range(self.plan.rounds):
            self._progress(f"round {turn + 1} of {self.plan.rounds}", 0.6 + 0.25 * turn / self.plan.rounds)
            first = turn % self.plan.blocks
            texts = self._texts[first:] + self._texts[:first]
            for name in self._in_turn(turn):
                answer = self._ask(name, "bulk", blocks=texts, at_least=self.plan.at_least)
                if answer:
                    self.found[name].setdefault("rates", []).append(answer["texts"] / answer["seconds"])
                    self.found[name].setdefault("labels", []).extend(answer["labels"])
        for name in [*self.servers]:
            self.found[name] |= self._ask(name, "facts")

    def single(self) -> None:
        """Rounds of texts one at a time."""
        for turn in range(self.plan.rounds):
            self._progress(f"one by one, {turn + 1} of {self.plan.rounds}", 0.85 + 0.1 * turn / self.plan.rounds)
            texts = self._texts[turn % self.plan.blocks][: self.plan.singles]
            for name in self._in_turn(turn):
                answer = self._ask(name, "single", texts=texts)
                if answer:
                    self.found[name].setdefault("singles", []).append(answer["seconds"])

    def evaluate(self, data: Path) -> None:
        """Accuracy of those that have our labels."""
        for number, name in enumerate([*self.servers]):
            self._progress(f"evaluates {name}", 0.95 + 0.05 * number / len(self.peers))
            folder = self.work / f"{name}.accuracy"
            answer = self._ask(name, "evaluate", data=str(data.resolve()), folder=str(folder))
            if answer:
                self.accuracy[name] = {
                    kind: {
                        **found["overall"],
                        "ece": found["calibration"]["ece"],
                        "right": _right(folder / kind / "answers.jsonl"),
                    }
                    for kind, found in answer.items()
                }

    def figures(self, data: Path | None) -> dict[str, Any]:
        """What `report` reads, raw."""
        texts = self._texts[0]
        words = [len(text.split()) for block in self._texts for text in block]
        exact = self.found.get(EXACT, {}).get("labels")
        for name, found in self.found.items():
            labels = found.pop("labels", None) if name != EXACT else found["labels"]
            if exact and labels and self.peers[name].same_labels:
                found["agreement"] = float(np.mean([a == b for a, b in zip(exact, labels, strict=True)]))
        self.found.get(EXACT, {}).pop("labels", None)
        return {
            "quick": self.options.quick,
            "threads": self.options.threads,
            "max_tokens": MAX_TOKENS,
            "rounds": self.plan.rounds,
            "texts_a_round": len(texts),
            "singles": self.plan.rounds * self.plan.singles,
            "median_words": float(np.median(words)),
            "p90_words": float(np.quantile(words, 0.9)),
            "peers": {name: found for name, found in self.found.items() if name in self.servers},
            "missing": self.missing,
            "accuracy": self.accuracy,
            "data": data.name if data else None,
        }

    def _in_turn(self, turn: int) -> list[str]:
        """All peers; every round begins with another one."""
        names = [*self.servers]
        first = turn * len(names) // max(1, self.plan.rounds)
        return names[first:] + names[:first]

    def _ask(self, name: str, do: str, **request: Any) -> dict[str, Any]:
        """The answer; nothing where the peer failed, which takes it out of the comparison."""
        try:
            return self.servers[name].ask(do, **request)
        except MissingError as error:
            self._drop(name, error)
            return {}

    def _drop(self, name: str, error: MissingError) -> None:
        if name in self.servers:
            self.servers.pop(name).close()
        self.missing[name] = {
            "title": self.peers[name].title,
            "group": self.peers[name].group,
            "reason": error.reason,
            "command": error.command,
        }


def blocks(number: int, size: int, seed: int) -> list[list[str]]:
    """Blocks of texts with the same mix of lengths, each in an order by chance."""
    texts = sorted(mixed_texts(number * size, seed), key=lambda text: len(text.split()))
    chance = np.random.default_rng(seed)
    dealt = [texts[first::number] for first in range(number)]
    return [[block[i] for i in chance.permutation(size)] for block in dealt]


def fingerprint(peer: Peer) -> str:
    """Of everything that what a peer loads is made of: its code, our weights, the prepared rows."""
    digest = hashlib.sha256()
    try:
        digest.update(inspect.getsource(inspect.getmodule(peer.load_class())).encode())  # type: ignore[arg-type]
    except (ImportError, OSError):
        digest.update(peer.engine.encode())
    digest.update((peer.shares or peer.variant).encode())
    facts = ROOT / "build" / "default" / "data.json"
    for path in (BUNDLE / "manifest.json", BASE / "config.json", BASE / "cut.json", CONFIG, facts):
        digest.update(path.read_bytes() if path.exists() else b"-")
    return digest.hexdigest()


def _right(answers: Path) -> list[bool]:
    """Which labelled rows were right, in their order."""
    rows = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    return [bool(row["right"]) for row in rows if row["body_id"]]
