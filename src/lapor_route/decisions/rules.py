"""Rules that route or copy in by topic, region and phrase, read from a TOML file.

A deployment's own override the classifier; those of the package (`copies.toml`) only copy in who shares the
competence.

The file holds one table a rule::

    [[rule]]
    name = "tol Semarang"
    when.topic = ["kabupaten_kota"]
    when.region = ["pemkot-semarang"]
    when.text = ["jalan tol", "gerbang tol*"]
    then.forward = "kemenpupr"
    then.copy = ["ombudsman"]

`when.topic` holds labels of the classifier, `when.region` ids of regional bodies (a province stands for its
kabupaten and kota too), `when.text` phrases. A phrase is found as whole words in their order; case, accents and
punctuation don't count, and a word that ends in ``*`` stands for every word that begins so. Where two things must
be said, `when.also_text` holds the phrases of the second; `when.not_text` holds those of which none may be said. Of
each other condition one entry must hold, and all conditions that are given. `then` holds `forward` (a body) or
`review` (``true``), and `copy`, with either or alone: bodies, and the tiers ``provinsi`` and ``kabupaten_kota``,
which stand for the bodies of the complaint's region.

Rules are read in their order. The first that holds and has `forward` or `review` decides; all that hold add their
copies. Phrases, not regular expressions: they can't be slow, and that a rule can never fire can be proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from lapor_route.bodies.registry import DKI
from lapor_route.classifiers.protocol import LOCAL, PROVINCE
from lapor_route.decisions.phrases import Phrase, normalised, one_is_in, starts_of
from lapor_route.decisions.rules_file import TIER_LABELS, fitting_rows, read_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from lapor_route.bodies import Body, Registry


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; a condition that is empty always holds.

    Attributes:
        name: Unique; shown in the evidence when the rule acts.
        topics: Labels of the classifier.
        regions: Ids of regional bodies, with those inside a province.
        texts: What the text must say: one phrase of each group.
        excluded: What it may not say.
        forward: The body to forward to.
        review: Whether an officer must look.
        copies: Ids of the bodies to copy in, or their tiers.
    """

    name: str
    topics: frozenset[str]
    regions: frozenset[str]
    texts: tuple[tuple[Phrase, ...], ...]
    excluded: tuple[Phrase, ...]
    forward: str | None
    review: bool
    copies: tuple[str, ...]

    @property
    def decision(self) -> str:
        """What it decides, in words; nothing if it only copies."""
        return f"forward to {self.forward}" if self.forward else "review" if self.review else ""

    def is_on(self, topic: str) -> bool:
        """Whether its topics hold."""
        return not self.topics or topic in self.topics

    def is_about(self, regions: Collection[str]) -> bool:
        """Whether its regions hold."""
        return not self.regions or not self.regions.isdisjoint(regions)

    @property
    def reads(self) -> bool:
        """Whether it depends on what the text says."""
        return bool(self.texts or self.excluded)

    def is_said_in(self, words: str, starts: frozenset[str]) -> bool:
        """Whether the normalised words of a text hold what it asks for, and nothing that it excludes.

        Args:
            words: What `normalised` gives.
            starts: What `starts_of` gives: most phrases are ruled out by these, a tenth of the time.
        """
        for group in self.texts:
            if not one_is_in([phrase for phrase in group if phrase.start in starts], words):
                return False
        return not one_is_in(self.excluded, words)

    def covers(self, other: Rule) -> bool:
        """Whether it certainly holds whenever the other one does.

        A phrase that stands in another phrase stands in every text in which that one stands; the ``*`` of the
        other's words is just another letter here, which only a ``*`` takes. So a group of its phrases is certain
        where it has a part of each phrase in a group of the other's, and what it excludes can't be said where
        the other excludes a part of it.
        """
        return (
            _within(other.topics, self.topics)
            and _within(other.regions, self.regions)
            and all(any(_all_hold(group, needed) for group in other.texts) for needed in self.texts)
            and _all_hold(self.excluded, other.excluded)
        )

    @property
    def excludes_itself(self) -> bool:
        """Whether what it asks for can't be said without what it excludes."""
        return any(_all_hold(group, self.excluded) for group in self.texts)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say about one complaint.

    Attributes:
        forward: The body to forward to, if a rule decided that.
        review: Whether a rule decided that an officer must look.
        copies: Ids of the bodies to copy in and tiers, each once; never that of `forward`, nor the topic where no
            rule decided.
        names: The rules that acted, in their order.
        decided_by: The name of the one that decided.
    """

    forward: str | None = None
    review: bool = False
    copies: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What an administrator should mend in a file that can be read.

    Attributes:
        rules: Names of the rules that it is about; the rule to mend comes first.
        message: What is wrong, in one line.
    """

    rules: tuple[str, ...]
    message: str


class Rules:
    """Rules in their order; `own + packaged` reads both in one pass."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._on_any = [rule for rule in self._rules if not rule.topics]
        topics = frozenset[str]().union(*(rule.topics for rule in self._rules))
        self._on = {topic: [rule for rule in self._rules if rule.is_on(topic)] for topic in topics}

    @classmethod
    def load(cls, path: str | Path, registry: Registry) -> Rules:
        """Reads and checks a rules file.

        Args:
            path: A TOML file as this module describes it.
            registry: The bodies that the rules may name.

        Raises:
            InputError: The file can't be read or used; the message lists what to mend (the first eight in words).
        """
        return cls([_rule(row, registry) for row in read_rows(path, registry)])

    @staticmethod
    @lru_cache(maxsize=4)
    def packaged(registry: Registry) -> Rules:
        """The package's own rules: who is copied in where a competence is shared. They never decide.

        Args:
            registry: The bodies; rules on bodies that it lacks or can't reach are left out.
        """
        content = files("lapor_route.decisions").joinpath("copies.toml").read_text(encoding="utf-8")
        return Rules([_rule(row, registry) for row in fitting_rows(content, registry)])

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __add__(self, later: Rules) -> Rules:
        return Rules((*self._rules, *later))

    def apply(
        self,
        text: str,
        topic: str,
        regions: Collection[str],
        *,
        lead: str | None = None,
        receivers: Mapping[str, str] | None = None,
    ) -> Ruling:
        """Which rules act on a complaint, and what they say.

        Args:
            text: What the citizen wrote.
            topic: What it is about: a central body's id, or the tier of a regional one.
            regions: Ids of the region that it is about: the kabupaten or kota and its province; may be empty.
            lead: The body in charge where no rule decides otherwise; it isn't copied in.
            receivers: The body that a tier stands for; copies to other tiers are left out. Without it, tiers stay.
        """
        fitting = [rule for rule in self._on.get(topic, self._on_any) if rule.is_about(regions)]
        words = normalised(text) if any(rule.reads for rule in fitting) else ""
        starts = starts_of(words)
        holding = [rule for rule in fitting if rule.is_said_in(words, starts)]
        decider = next((rule for rule in holding if rule.decision), None)
        first = decider.forward if decider else None
        leads = {first} if first else {topic, lead} if not decider else {lead}
        received = [(rule, self._received(rule, leads, receivers)) for rule in holding]
        acting = [(rule, copies) for rule, copies in received if copies or rule is decider]
        return Ruling(
            forward=decider.forward if decider else None,
            review=decider is not None and decider.review,
            copies=tuple(dict.fromkeys(copy for _, copies in acting for copy in copies)),
            decided_by=decider.name if decider else None,
            names=tuple(rule.name for rule, _ in acting),
        )

    @staticmethod
    def _received(rule: Rule, leads: Collection[str | None], receivers: Mapping[str, str] | None) -> list[str]:
        """Who gets a rule's copies."""
        found = [copy if receivers is None else receivers.get(copy, copy) for copy in rule.copies]
        return [copy for copy in found if copy not in leads and (receivers is None or copy not in TIER_LABELS)]

    def problems(self, labels: Collection[str] = ()) -> list[Problem]:
        """What can be proved wrong: rules that can never change anything, and rules that contradict each other.

        A rule that only shares some cases with an earlier one is no problem: there, the order decides.

        Args:
            labels: What the classifier's labels can be about (`topics_of`); without them, topics aren't looked at.
        """
        found: list[Problem] = []
        for place, rule in enumerate(self._rules):
            unknown = sorted(rule.topics.difference(labels)) if labels else []
            if unknown:
                never = "can never fire" if len(unknown) == len(rule.topics) else "lists topics in vain"
                message = f"rule {rule.name!r} {never}: the model has no label {' or '.join(unknown)}"
                found.append(Problem((rule.name,), message))
            if rule.excludes_itself:
                message = f"rule {rule.name!r} can never fire: its text can't be said without its not_text"
                found.append(Problem((rule.name,), message))
            if rule.forward in rule.copies:
                message = f"rule {rule.name!r} copies in {rule.forward}, to which it forwards"
                found.append(Problem((rule.name,), message))
            found.extend(_overruled(rule, [earlier for earlier in self._rules[:place] if earlier.covers(rule)]))
        return found


def topics_of(labels: Collection[str], registry: Registry) -> set[str]:
    """What a routing can be about, with a classifier of these labels: central bodies, and tiers."""
    topics = {label for label in labels if label in TIER_LABELS}
    for label in labels:
        if label in registry and registry[label].is_regional:
            topics |= {PROVINCE, LOCAL} if registry[label].id == DKI else {_tier(registry[label])}
        elif label in registry:
            topics.add(label)
    return topics


def _tier(body: Body) -> str:
    return PROVINCE if body.kind == "province" else LOCAL


def _overruled(rule: Rule, covering: Sequence[Rule]) -> Iterator[Problem]:
    """What is lost of a rule, given the earlier ones that hold whenever it does."""
    decider = next((earlier for earlier in covering if earlier.decision), None) if rule.decision else None
    if decider and decider.decision != rule.decision:
        first, second = f"{decider.name!r} ({decider.decision})", f"{rule.name!r} ({rule.decision})"
        if rule.covers(decider):
            message = f"rules {first} and {second} contradict each other: they hold in the same cases"
        elif rule.copies:
            message = f"rule {second} never decides: whenever it holds, so does the earlier rule {first}"
        else:
            message = f"rule {second} can never fire: whenever it holds, so does the earlier rule {first}"
        yield Problem((rule.name, decider.name), message)
    elif decider or not rule.decision:
        copies = set(rule.copies)
        same = [earlier for earlier in covering if earlier is decider or not copies.isdisjoint(earlier.copies)]
        if copies.issubset(body_id for earlier in same for body_id in earlier.copies):
            names = tuple(earlier.name for earlier in same)
            message = (
                f"rule {rule.name!r} changes nothing: whenever it holds, all that it says is said earlier, by "
                f"{' and '.join(map(repr, names))}"
            )
            yield Problem((rule.name, *names), message)


def _within(narrow: frozenset[str], wide: frozenset[str]) -> bool:
    return not wide or (bool(narrow) and narrow <= wide)


def _all_hold(phrases: Sequence[Phrase], parts: Sequence[Phrase]) -> bool:
    """Whether each phrase has one of the parts in it."""
    return all(one_is_in(parts, f" {phrase.words} ") for phrase in phrases)


def _rule(row: dict[str, Any], registry: Registry) -> Rule:
    when, then = row["when"], row["then"]
    regions = frozenset(when.get("region", ()))
    return Rule(
        name=row["name"],
        topics=frozenset(when.get("topic", ())),
        regions=regions | _regions_of(regions, registry),
        texts=tuple(_phrases(when[key]) for key in ("text", "also_text") if key in when),
        excluded=_phrases(when.get("not_text", ())),
        forward=then.get("forward"),
        review=then.get("review", False),
        copies=tuple(dict.fromkeys(then.get("copy", ()))),
    )


def _regions_of(provinces: frozenset[str], registry: Registry) -> set[str]:
    """The kabupaten and kota of provinces."""
    return {body.id for body in registry if body.parent in provinces} if provinces else set()


def _phrases(texts: Sequence[str]) -> tuple[Phrase, ...]:
    return tuple(Phrase.of(text) for text in texts)
