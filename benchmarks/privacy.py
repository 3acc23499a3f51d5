"""How well personal data is masked: recall and precision per kind on written sentences.

    python -m benchmarks.privacy
    python -m benchmarks.privacy --part develop --misses

`tests/privacy_sentences.jsonl` holds sentences with their personal data marked, and phrases that must stay. They
were written without knowledge of the masking, which was improved on the part "develop" alone. A span counts as
found when what was masked overlaps it, whatever the kind; a masked span is right when it overlaps a marked one. By
character, every letter and digit counts for itself.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lapor_route.privacy import Masked, mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SENTENCES = Path(__file__).parent.parent / "tests" / "privacy_sentences.jsonl"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its personal data marked.

    Attributes:
        id: Its number.
        text: The sentence.
        spans: Start, end and kind of each stretch of personal data.
        keep: Phrases that must stay.
        part: ``develop`` or ``sealed``.
    """

    id: str
    text: str
    spans: tuple[tuple[int, int, str], ...]
    keep: tuple[str, ...]
    part: str


@dataclass(slots=True)
class Score:
    """Counts of one kind: marked and found, masked and right, in spans and in characters.

    ``right`` and ``masked`` count masked spans by the kind that the masking gave them.
    """

    marked: int = 0
    found: int = 0
    same_kind: int = 0
    masked: int = 0
    right: int = 0
    marked_characters: int = 0
    found_characters: int = 0
    masked_characters: int = 0
    right_characters: int = 0

    @property
    def recall(self) -> float:
        """Share of the marked spans that were masked at least in part."""
        return self.found / max(1, self.marked)

    @property
    def precision(self) -> float:
        """Share of the masked spans that overlap a marked one."""
        return self.right / max(1, self.masked)

    @property
    def character_recall(self) -> float:
        """Share of the marked characters that were masked."""
        return self.found_characters / max(1, self.marked_characters)

    @property
    def character_precision(self) -> float:
        """Share of the masked characters that were marked."""
        return self.right_characters / max(1, self.masked_characters)


@dataclass(slots=True)
class Result:
    """Scores by kind, with all kinds together under `ALL`, and what went wrong.

    Attributes:
        scores: Kind -> score.
        kept: How many phrases that must stay did.
        phrases: How many phrases must stay.
        faults: One line for each span missed or masked wrongly and each phrase lost.
    """

    scores: dict[str, Score] = field(default_factory=dict)
    kept: int = 0
    phrases: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def keep(self) -> float:
        """Share of the phrases that must stay and did."""
        return self.kept / max(1, self.phrases)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["develop", "sealed"], default="sealed")
    parser.add_argument("--misses", action="store_true", help="print what went wrong")
    options = parser.parse_args()
    result = measure(read(part=options.part))
    print("| kind | spans | recall | precision | characters: recall | precision |")
    print("| --- | --: | --: | --: | --: | --: |")
    for kind, score in sorted(result.scores.items(), key=lambda item: (item[0] == ALL, item[1].recall)):
        print(
            f"| {kind} | {score.marked} | {score.recall:.3f} | {score.precision:.3f} | "
            f"{score.character_recall:.3f} | {score.character_precision:.3f} |"
        )
    total = result.scores[ALL]
    print(f"phrases that must stay: {result.keep:.4f} of {result.phrases}")
    print(f"found under the marked kind: {total.same_kind} of {total.found}")
    if options.misses:
        print(*result.faults, sep="\n")


def read(path: Path = SENTENCES, part: str | None = None) -> list[Sentence]:
    """The written sentences, or those of one part.

    Raises:
        ValueError: A marked span or a phrase that must stay isn't in its sentence.
    """
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [_sentence(row) for row in rows if part in (None, row["part"])]


def _sentence(row: dict[str, object]) -> Sentence:
    text, spans, position = str(row["text"]), [], Counter[str]()
    for span in _items(row["spans"]):
        start = text.index(span["text"], position[span["text"]])
        position[span["text"]] = start + len(span["text"])
        spans.append((start, start + len(span["text"]), span["kind"]))
    keep = tuple(map(str, _items(row["keep"])))
    if missing := [phrase for phrase in keep if phrase not in text]:
        raise ValueError(f"{row['id']}: {missing} isn't in the sentence")
    return Sentence(str(row["id"]), text, tuple(sorted(spans)), keep, str(row["part"]))


def _items(value: object) -> list[dict[str, str]]:
    assert isinstance(value, list)
    return value


def measure(sentences: Iterable[Sentence]) -> Result:
    """Masks sentences and compares with what is marked in them."""
    result = Result(scores={ALL: Score()})
    for sentence in sentences:
        masked = mask(sentence.text)
        _count_marked(result, sentence, masked)
        _count_masked(result, sentence, masked)
        _count_kept(result, sentence, masked)
    return result


def _count_marked(result: Result, sentence: Sentence, masked: Masked) -> None:
    spans = [(span.start, span.end, span.kind) for span in masked.spans]
    for start, end, kind in sentence.spans:
        touching = _touching(spans, start, end)
        covered = _characters(sentence.text, start, end, touching)
        for score in (result.scores.setdefault(kind, Score()), result.scores[ALL]):
            score.marked += 1
            score.found += bool(touching)
            score.same_kind += any(found[2] == kind for found in touching)
            score.marked_characters += _characters(sentence.text, start, end, [(start, end, kind)])
            score.found_characters += covered
        if not touching:
            result.faults.append(f"{sentence.id} missed {kind} {sentence.text[start:end]!r}: {sentence.text}")


def _count_masked(result: Result, sentence: Sentence, masked: Masked) -> None:
    for span in masked.spans:
        touching = _touching(sentence.spans, span.start, span.end)
        right = _characters(sentence.text, span.start, span.end, touching)
        whole = _characters(sentence.text, span.start, span.end, [(span.start, span.end, span.kind)])
        for score in (result.scores.setdefault(span.kind, Score()), result.scores[ALL]):
            score.masked += 1
            score.right += bool(touching)
            score.masked_characters += whole
            score.right_characters += right
        if not touching:
            found = sentence.text[span.start : span.end]
            result.faults.append(f"{sentence.id} masked wrongly as {span.kind} {found!r}: {sentence.text}")


def _count_kept(result: Result, sentence: Sentence, masked: Masked) -> None:
    for phrase in sentence.keep:
        stays = phrase in masked.text
        result.phrases += 1
        result.kept += stays
        if not stays:
            result.faults.append(f"{sentence.id} lost {phrase!r}: {masked.text}")


def _touching(spans: Sequence[tuple[int, int, str]], start: int, end: int) -> list[tuple[int, int, str]]:
    return [span for span in spans if span[0] < end and start < span[1]]


def _characters(text: str, start: int, end: int, spans: Sequence[tuple[int, int, str]]) -> int:
    """Letters and digits of a range that lie in some spans without overlaps."""
    return sum(sum(map(str.isalnum, text[max(start, first) : min(end, last)])) for first, last, _ in spans)


if __name__ == "__main__":
    main()
