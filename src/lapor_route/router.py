"""The only path from a complaint to a routing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.bodies import Registry
from lapor_route.bundle import Bundle
from lapor_route.classifiers.protocol import LOCAL as LOCAL_TIER
from lapor_route.classifiers.protocol import PROVINCE as PROVINCE_TIER
from lapor_route.classifiers.protocol import Classifier, check_labels
from lapor_route.complaint import MAX_CHARACTERS, Complaint
from lapor_route.decisions import Calibration, Promise, decide, shortlist_length
from lapor_route.decisions.join import LOCAL, PROVINCE
from lapor_route.decisions.rules import Rules, Ruling
from lapor_route.errors import ClassifierError, InputError
from lapor_route.evidence import contributions, find_units, sentence
from lapor_route.places import PlaceResolver, Resolution
from lapor_route.questions import MOST_OPTIONS, ask
from lapor_route.routing import ASK, FORWARD, REVIEW, Candidate, Evidence, PlaceMention, Routing
from lapor_route.stages import stage
from lapor_route.weigher import Weighed, Weigher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from lapor_route.bodies import Body

DEFAULT_TOP_K = 5
TIER_LABELS = {LOCAL: LOCAL_TIER, PROVINCE: PROVINCE_TIER}
"""The label of a kind of candidate; a central body is its own."""
MOST_PLACES = 50
"""Mentions that a routing lists, at most: the weightiest."""
_WINDOW = 256
_PLAUSIBLE = 0.05
"""Share of the best candidate's probability from which another one is offered as an answer."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A complaint as far as it is read."""

    text: str
    place: str | None
    id: str | None
    truncated: bool


@dataclass(frozen=True, slots=True)
class _Joined:
    """A routing before its evidence; its likeliest body, and that body's label in the classifier (or its tier)."""

    routing: Routing
    lead: str | None
    topic: str


class Router:
    """Reads complaints and says which body is in charge, how sure that is, and why.

    Joins a classifier (what it is about) with a place resolver (where it happens): a label that is a tier
    becomes the bodies of that tier, weighted by the probability of their region.

    Args:
        classifier: Anything that follows `lapor_route.Classifier`; by default the embedded one.
        registry: The bodies; by default those in the package.
        resolver: The place resolver; by default one over the package's gazetteer.
        calibration: The join's coefficients and the thresholds; by default those of the bundle or, with a
            classifier of your own, neutral ones.
        rules: A deployment's own; those for shared competences always come after them.

    Attributes:
        promise: What `Router.load(target_precision=...)` keeps; None where nothing was asked for.

    Raises:
        ClassifierError: The classifier's labels aren't bodies or tiers.
    """

    def __init__(
        self,
        classifier: Classifier | None = None,
        *,
        registry: Registry | None = None,
        resolver: PlaceResolver | None = None,
        calibration: Calibration | None = None,
        rules: Rules | None = None,
        model_version: str | None = None,
    ) -> None:
        self.registry = registry or Registry.load()
        if classifier is None:
            bundle = Bundle.open()
            classifier = bundle.load_classifier(self.registry)
            calibration = calibration or Calibration.from_dict(bundle.calibration)
            model_version = bundle.version
        check_labels(classifier.labels, self.registry)
        self.classifier = classifier
        self.calibration = calibration or Calibration()
        self.promise: Promise | None = None
        self.rules = (rules or Rules()) + Rules.packaged(self.registry)
        self.resolver = resolver or PlaceResolver(self.registry)
        self.versions = {
            "package": version("lapor-route"),
            "model": model_version or type(classifier).__name__,
            "registry": self.registry.version,
        }
        self._column = {label: i for i, label in enumerate(classifier.labels)}
        self._weigher = Weigher(self.registry.connected, classifier.labels, self.resolver)

    @classmethod
    def load(
        cls,
        folder: str | Path | None = None,
        *,
        registry: Registry | None = None,
        backend: str | None = None,
        threads: int | None = None,
        target_precision: float | None = None,
        shortlist_coverage: float | None = None,
        rules: str | Path | Rules | None = None,
    ) -> Router:
        """A router with a bundle's classifier and calibration, by default the embedded ones.

        Args:
            folder: A model bundle.
            registry: Another registry than the package's.
            backend: What computes an encoder: ``onnx`` (the default) or ``torch``.
            threads: Threads that the encoder may use; by default one a core.
            target_precision: Share of what is forwarded that must go to the right body, by default the 95 % that
                the bundle was made for; `Router.promise` then says with what confidence, and at what coverage.
            shortlist_coverage: Share of the shortlists that must hold the right body, by default 95 %.
            rules: A file of your own rules (`lapor-route rules check FILE` tells what is wrong with it).

        Raises:
            BundleError: The bundle is damaged, of another format or label set, or lacks the backend's weights.
            MissingExtraError: The bundle or the backend needs a package that isn't installed.
            InputError: The bundle can't keep the precision or the coverage, or the rules can't be used.
        """
        bundle = Bundle.open(folder)
        registry = registry or Registry.load()
        calibration, promise = Calibration.from_dict(bundle.calibration), None
        if target_precision is not None:
            promise = calibration.promise(target_precision)
            calibration = calibration.keeping(promise)
        if shortlist_coverage is not None:
            calibration = calibration.listing(shortlist_coverage)
        router = cls(
            bundle.load_classifier(registry, backend=backend, threads=threads),
            registry=registry,
            calibration=calibration,
            rules=rules if rules is None or isinstance(rules, Rules) else Rules.load(rules, registry),
            model_version=bundle.version,
        )
        router.promise = promise
        return router

    def route(
        self,
        complaint: Complaint | str,
        place: str | None = None,
        *,
        top_k: int = DEFAULT_TOP_K,
        explain: bool = False,
    ) -> Routing:
        """Routes one complaint.

        Args:
            complaint: Its text, or a `Complaint`.
            place: Where it happens, if known apart from the text.
            top_k: The most candidates to return; there are never more than 25.
            explain: Whether to weigh every word of the text, which takes up to some 50 times as long.

        Raises:
            InputError: The complaint isn't text, or `top_k` isn't positive.
        """
        if isinstance(complaint, str):
            complaint = Complaint(complaint, place)
        elif place is not None:
            complaint = Complaint(complaint.text, place, complaint.id)
        return next(self.route_many([complaint], top_k=top_k, explain=explain))

    def route_many(
        self, complaints: Iterable[Complaint | str], *, top_k: int = DEFAULT_TOP_K, explain: bool = False
    ) -> Iterator[Routing]:
        """Routes any number of complaints, lazily and in their order.

        Args:
            complaints: Texts or `Complaint`s; read a window at a time, so a generator is fine.
            top_k: The most candidates to return for each; there are never more than 25.
            explain: Whether to weigh every word of each text, which takes up to some 50 times as long.

        Raises:
            InputError: A complaint isn't text, or `top_k` isn't positive.
        """
        if isinstance(complaints, (str, Complaint)):
            raise InputError("route_many takes many complaints, found one; use route, or put it into a list")
        if not isinstance(top_k, int) or top_k < 1:
            raise InputError(f"top_k must be a whole number from 1, found {top_k!r}")
        source = iter(complaints)
        while window := [_read(complaint) for complaint in islice(source, _WINDOW)]:
            probabilities = self._classify([read.text for read in window])
            for read, row in zip(window, probabilities, strict=True):
                yield self._answer(read, row, top_k, explain)

    def _classify(self, texts: list[str]) -> np.ndarray:
        """Probabilities in the order given; the classifier sees the texts sorted by length."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = np.asarray(self.classifier.predict_proba([texts[i] for i in order]), dtype=np.float64)
        expected = (len(texts), len(self.classifier.labels))
        if found.shape != expected:
            raise ClassifierError(f"predict_proba returned shape {found.shape}, expected {expected}")
        if not np.isfinite(found).all() or found.min() < 0 or found.sum(axis=1).max() > 1.001:
            raise ClassifierError("predict_proba must return probabilities: finite, not negative, sum at most 1")
        probabilities = np.empty_like(found)
        probabilities[order] = found
        return probabilities

    def weigh(self, texts: Sequence[str]) -> Iterator[Weighed]:
        """What the join is fitted on: the bodies of each text, not yet weighed against each other.

        Args:
            texts: Complaints.
        """
        reads = [_read(text) for text in texts]
        for read, row in zip(reads, self._classify([read.text for read in reads]), strict=True):
            yield self._weigher.weigh(read.text, read.place, row, self.resolver.resolve(read.text, read.place))

    def _answer(self, read: _Read, row: np.ndarray, top_k: int, explain: bool) -> Routing:
        with stage("places"):
            resolution = self.resolver.resolve(read.text, read.place)
        with stage("join"):
            joined = self._join(read, row, resolution, top_k)
        with stage("explain"):
            return self._explain(read, joined, resolution, top_k, explain)

    def _join(self, read: _Read, row: np.ndarray, resolution: Resolution, top_k: int) -> _Joined:
        weighed = self._weigher.weigh(read.text, read.place, row, resolution)
        probabilities = self.calibration.join.probabilities(weighed.candidates)
        order = np.argsort(-probabilities, kind="stable")
        ranked, probabilities = [weighed.bodies[i] for i in order], probabilities[order]
        kinds = weighed.candidates.kind[order].tolist()
        decision, reasons = decide(probabilities, kinds, weighed.doubts, self.calibration)
        names = [body.id for body in ranked]
        question = ask(reasons, _plausible(ranked, probabilities), self.registry) if decision == ASK else None
        routing = Routing(
            decision=decision,
            body_id=names[0] if decision == FORWARD else None,
            candidates=tuple(
                Candidate(body.id, body.name, math.floor(float(probability) * 1e6 + 1e-3) / 1e6)
                for body, probability in list(zip(ranked, probabilities, strict=True))[: max(top_k, 2)]
            ),
            reasons=reasons,
            places=_weightiest(resolution.mentions),
            question=question.text if question else None,
            options=question.options if question else (),
            shortlist=tuple(names[: shortlist_length(probabilities, self.calibration)]),
            truncated=read.truncated,
            versions=self.versions,
            id=read.id,
        )
        lead = names[0] if names else None
        topic = TIER_LABELS.get(kinds[0], names[0]) if kinds else ""
        return _Joined(routing, lead, topic)

    def _explain(self, read: _Read, joined: _Joined, resolution: Resolution, top_k: int, explain: bool) -> Routing:
        told = self._told(resolution)
        ruling = self.rules.apply(
            f"{read.text}\n{read.place or ''}",
            joined.topic,
            [*told.values()],
            lead=joined.lead,
            receivers={tier: body_id for tier, body_id in told.items() if self.registry[body_id].connected},
        )
        routing = _ruled(joined.routing, ruling)
        label = joined.lead if joined.lead in self._column else joined.topic
        words = contributions(self.classifier, read.text, label) if explain and label in self._column else ()
        evidence = Evidence(
            sentence=sentence(routing, self.registry, words, ruling.decided_by),
            words=words,
            units=find_units(read.text, [(m.start, m.end) for m in routing.places if m.field == "text"]),
            rules=ruling.names,
        )
        return replace(routing, candidates=routing.candidates[:top_k], evidence=evidence)

    def _told(self, resolution: Resolution) -> dict[str, str]:
        """The bodies of the place by their tier, where the text tells it."""
        found = {}
        for tier, ids, probabilities in (
            (LOCAL_TIER, self.resolver.local_ids, resolution.local),
            (PROVINCE_TIER, self.resolver.province_ids, resolution.provinces),
        ):
            if len(ids) and probabilities.max() >= self.calibration.region_at:
                found[tier] = ids[int(probabilities.argmax())]
        return {tier: body_id for tier, body_id in found.items() if body_id in self.registry}


def _ruled(routing: Routing, ruling: Ruling) -> Routing:
    """The routing after the rules: they can decide, and add copies."""
    routing = replace(routing, also=ruling.copies)
    if ruling.decided_by is None:
        return routing
    routing = replace(routing, question=None, options=())
    if ruling.forward:
        shortlist = (ruling.forward, *(name for name in routing.shortlist if name != ruling.forward))
        return replace(routing, decision=FORWARD, body_id=ruling.forward, reasons=(), shortlist=shortlist)
    return replace(routing, decision=REVIEW, body_id=None, reasons=(*routing.reasons, "rule"))


def _plausible(bodies: Sequence[Body], probabilities: np.ndarray) -> list[str]:
    """The regional bodies to choose from; none where the few that can be named are mostly not the right ones."""
    regional = [(body.id, float(p)) for body, p in zip(bodies, probabilities, strict=True) if body.is_regional]
    likely = [(name, p) for name, p in regional if p >= _PLAUSIBLE * regional[0][1]][:MOST_OPTIONS]
    enough = sum(p for _, p in likely) >= 0.5 * sum(p for _, p in regional)
    return [name for name, _ in likely] if enough else []


def _weightiest(mentions: tuple[PlaceMention, ...]) -> tuple[PlaceMention, ...]:
    if len(mentions) <= MOST_PLACES:
        return mentions
    least = sorted((mention.weight for mention in mentions), reverse=True)[MOST_PLACES - 1]
    return tuple(mention for mention in mentions if mention.weight >= least)[:MOST_PLACES]


def _read(complaint: Complaint | str) -> _Read:
    if isinstance(complaint, str):
        complaint = Complaint(complaint)
    elif not isinstance(complaint, Complaint):
        raise InputError(f"a complaint is a string or a Complaint, found {type(complaint).__name__}")
    text, place = complaint.text, complaint.place
    truncated = len(text) > MAX_CHARACTERS or (place is not None and len(place) > MAX_CHARACTERS)
    place = place[:MAX_CHARACTERS] if place is not None else None
    return _Read(text[:MAX_CHARACTERS], place, complaint.id, truncated)
