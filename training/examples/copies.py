"""How the packaged rules on copies do on the written examples: precision, recall, and each rule's own figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.examples import is_tail, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lapor_route.decisions.rules import Rules

SHARED_MATTER = "several"
"""The file whose texts were written to have two matters, so that `also` was thought of."""


@dataclass(slots=True)
class Figures:
    """Copies predicted on a set of rows, counted.

    Attributes:
        rows: Texts, with and without `also`.
        wanted: Copies written in `also`.
        predicted: Copies that the rules give.
        right: Those of them that are written.
        wrong: Where, what and by which rules, of those that aren't.
        by_rule: Name -> copies right and predicted.
    """

    rows: int = 0
    wanted: int = 0
    predicted: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    by_rule: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """Share of the predicted copies that are written."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the written copies that are predicted."""
        return self.right / self.wanted if self.wanted else 0.0

    def add(self, where: str, row: dict[str, Any], rules: Rules) -> None:
        """Counts one row, with its written target as the topic and no place."""
        ruling = rules.apply(row["text"], row["target"], ())
        also = set(row["also"])
        self.rows += 1
        self.wanted += len(also)
        self.predicted += len(ruling.copies)
        self.right += len(also.intersection(ruling.copies))
        for rule in rules:
            if rule.name in ruling.names:
                count = self.by_rule.setdefault(rule.name, Counter())
                copies = {copy for copy in rule.copies if copy in ruling.copies}
                count["predicted"] += len(copies)
                count["right"] += len(also & copies)
        wrong = [copy for copy in ruling.copies if copy not in also]
        if wrong:
            names = "; ".join(ruling.names)
            self.wrong.append(f"{where} {row['target']} -> {', '.join(wrong)} ({names}): {row['text']}")

    def lines(self, part: str) -> Iterator[str]:
        """The figures in words."""
        yield f"{part}: {self.rows} texts, {self.wanted} copies written, {self.predicted} predicted"
        yield f"{part}: precision {self.precision:.1%} ({self.right}/{self.predicted}), recall {self.recall:.1%}"


def measure_copies(rules: Rules) -> dict[str, Figures]:
    """Figures of the rules on the train part and on the held-out fifth, and on the texts with several matters."""
    figures: dict[str, Figures] = {}
    for path, number, row in rows():
        part = "tail" if is_tail(row) else "train"
        for name in (part, f"{part}, several matters") if path.stem == SHARED_MATTER else (part,):
            figures.setdefault(name, Figures()).add(f"{path.stem}-{number}", row, rules)
    return figures


def report(rules: Rules, *, wrong: bool = False) -> Iterator[str]:
    """The figures as lines: of both parts, then of each rule on the train part.

    The rules were written with the train part in sight, so its figures flatter; the held-out fifth tells.

    Args:
        rules: The packaged ones.
        wrong: Lists what is predicted, but not written, in the train part instead; the tail stays unread.
    """
    figures = measure_copies(rules)
    if wrong:
        yield from figures["train"].wrong
        return
    for part in sorted(figures, reverse=True):
        yield from figures[part].lines(part)
    yield "on the train part, right of predicted:"
    yield from _rule_lines(rules, figures["train"])


def _rule_lines(rules: Rules, figures: Figures) -> Iterator[str]:
    for rule in rules:
        count = figures.by_rule.get(rule.name, Counter())
        yield f"{count['right']:4} of {count['predicted']:3}  {rule.name}"
