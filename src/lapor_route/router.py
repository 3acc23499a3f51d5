"""The only path from a complaint to a routing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lapor_route.bodies import Registry
from lapor_route.bodies.registry import DKI
from lapor_route.bundle import Bundle
from lapor_route.classifiers.protocol import LOCAL, OUT_OF_SCOPE, PROVINCE, Classifier, check_labels
from lapor_route.complaint import MAX_CHARACTERS, Complaint
from lapor_route.decisions import Calibration, Doubts, decide
from lapor_route.errors import ClassifierError, InputError
from lapor_route.places import PlaceResolver, Resolution
from lapor_route.questions import ask
from lapor_route.routing import ASK, FORWARD, Candidate, PlaceMention, Routing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from lapor_route.bodies import Body

DEFAULT_TOP_K = 5
MOST_CANDIDATES = 25
"""Candidates that are considered for the shortlist, at most."""
MOST_PLACES = 50
"""Mentions that a routing lists, at most: the weightiest."""
_WINDOW = 256
_NEGLIGIBLE = 1e-9
_PLAUSIBLE = 0.03


@dataclass(frozen=True, slots=True)
class _Read:
    """A complaint as far as it is read."""

    text: str
    place: str | None
    id: str | None
    truncated: bool


class Router:
    """Reads complaints and says which body is in charge, how sure that is, and why.

    Joins a classifier (what it is about) with a place resolver (where it happens): a label that is a tier
    becomes the bodies of that tier, weighted by the probability of their region.

    Args:
        classifier: Anything that follows `lapor_route.Classifier`; by default the embedded one.
        registry: The bodies; by default those in the package.
        resolver: The place resolver; by default one over the package's gazetteer.
        calibration: Exponents and thresholds; by default those of the bundle or, with a classifier of
            your own, neutral ones.

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
        self.resolver = resolver or PlaceResolver(self.registry)
        self.versions = {
            "package": version("lapor-route"),
            "model": model_version or type(classifier).__name__,
            "registry": self.registry.version,
        }
        self._column = {label: i for i, label in enumerate(classifier.labels)}
        self._bodies = self.registry.connected
        self._layout = _Layout.of(self._bodies, classifier.labels, self.resolver)

    @classmethod
    def load(
        cls,
        folder: str | Path | None = None,
        *,
        registry: Registry | None = None,
        backend: str | None = None,
        threads: int | None = None,
    ) -> Router:
        """A router with a bundle's classifier and calibration, by default the embedded ones.

        Args:
            folder: A model bundle.
            registry: Another registry than the package's.
            backend: What computes an encoder: ``onnx`` (the default) or ``torch``.
            threads: Threads that the encoder may use; by default one a core.

        Raises:
            BundleError: The bundle is damaged, of another format or label set, or lacks the backend's weights.
            MissingExtraError: The bundle or the backend needs a package that isn't installed.
        """
        bundle = Bundle.open(folder)
        registry = registry or Registry.load()
        return cls(
            bundle.load_classifier(registry, backend=backend, threads=threads),
            registry=registry,
            calibration=Calibration.from_dict(bundle.calibration),
            model_version=bundle.version,
        )

    def route(self, complaint: Complaint | str, place: str | None = None, *, top_k: int = DEFAULT_TOP_K) -> Routing:
        """Routes one complaint.

        Args:
            complaint: Its text, or a `Complaint`.
            place: Where it happens, if known apart from the text.
            top_k: The most candidates to return; there are never more than 25.

        Raises:
            InputError: The complaint isn't text, or `top_k` isn't positive.
        """
        if isinstance(complaint, str):
            complaint = Complaint(complaint, place)
        elif place is not None:
            complaint = Complaint(complaint.text, place, complaint.id)
        return next(self.route_many([complaint], top_k=top_k))

    def route_many(self, complaints: Iterable[Complaint | str], *, top_k: int = DEFAULT_TOP_K) -> Iterator[Routing]:
        """Routes any number of complaints, lazily and in their order.

        Args:
            complaints: Texts or `Complaint`s; read a window at a time, so a generator is fine.
            top_k: The most candidates to return for each; there are never more than 25.

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
                yield self._join(read, row, top_k)

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

    def _join(self, read: _Read, row: np.ndarray, top_k: int) -> Routing:
        resolution = self.resolver.resolve(read.text, read.place)
        local_tier, province_tier, out_of_scope = (
            float(row[self._column[label]]) if label in self._column else 0.0
            for label in (LOCAL, PROVINCE, OUT_OF_SCOPE)
        )
        flat_local, flat_province = (float(row[columns].sum()) for columns in self._layout.flat_columns)
        ranked, probabilities = self._rank(row, resolution, local_tier, province_tier)
        names = [body.id for body in ranked]
        doubts = Doubts(
            words=len(read.text.split()) + len((read.place or "").split()),
            out_of_scope=out_of_scope,
            province_tier=province_tier + flat_province,
            local_tier=local_tier + flat_local,
            best_local=float(resolution.local.max(initial=0.0)),
            best_province=float(resolution.provinces.max(initial=0.0)),
            place_unknown=resolution.unknown,
        )
        decision, reasons, length = decide(
            probabilities, [_kind(body) for body in ranked], doubts, self.calibration
        )
        return Routing(
            decision=decision,
            body_id=names[0] if decision == FORWARD else None,
            candidates=tuple(
                Candidate(body.id, body.name, math.floor(float(probability) * 1e6) / 1e6)
                for body, probability in list(zip(ranked, probabilities, strict=True))[:top_k]
            ),
            reasons=reasons,
            places=_weightiest(resolution.mentions),
            question=ask(reasons, _plausible(names, probabilities), self.registry) if decision == ASK else None,
            shortlist=tuple(names[:length]),
            truncated=read.truncated,
            versions=self.versions,
            id=read.id,
        )

    def _rank(
        self, row: np.ndarray, resolution: Resolution, local_tier: float, province_tier: float
    ) -> tuple[list[Body], np.ndarray]:
        """The likeliest bodies, best first, and their calibrated probabilities."""
        layout = self._layout
        joint = np.zeros(len(self._bodies))
        joint[layout.local_bodies] += local_tier * resolution.local[layout.local_states]
        joint[layout.province_bodies] += province_tier * resolution.provinces[layout.province_states]
        joint[layout.label_bodies] += row[layout.label_columns]
        likeliest = np.argsort(-joint, kind="stable")[:MOST_CANDIDATES]
        likeliest = likeliest[joint[likeliest] > _NEGLIGIBLE]
        place_known = float(resolution.local.max(initial=0.0))
        probabilities = self.calibration.calibrate(joint[likeliest], layout.is_regional[likeliest], place_known)
        order = np.argsort(-probabilities, kind="stable")
        return [self._bodies[i] for i in likeliest[order]], probabilities[order]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which column of the classifier, or which region, belongs to which connected body (index arrays).

    `flat_columns` are the classifier's columns that are regional bodies themselves: local ones, provinces.
    """

    local_states: np.ndarray
    local_bodies: np.ndarray
    province_states: np.ndarray
    province_bodies: np.ndarray
    label_columns: np.ndarray
    label_bodies: np.ndarray
    is_regional: np.ndarray
    flat_columns: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, bodies: Sequence[Body], labels: Sequence[str], resolver: PlaceResolver) -> _Layout:
        index = {body.id: i for i, body in enumerate(bodies)}

        def pairs(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
            known = [(i, index[name]) for i, name in enumerate(names) if name in index]
            columns = np.array(known, dtype=np.intp).reshape(-1, 2)
            return columns[:, 0], columns[:, 1]

        def columns_of(kind: str) -> np.ndarray:
            of_kind = [
                i for i, label in enumerate(labels) if label in index and _kind(bodies[index[label]]) == kind
            ]
            return np.array(of_kind, dtype=np.intp)

        return cls(
            *pairs(resolver.local_ids),
            *pairs(resolver.province_ids),
            *pairs(labels),
            np.array([body.is_regional for body in bodies], dtype=bool),
            (columns_of("local"), columns_of("province")),
        )


def _plausible(names: list[str], probabilities: np.ndarray) -> list[str]:
    return [name for name, probability in zip(names, probabilities, strict=True) if probability >= _PLAUSIBLE]


def _weightiest(mentions: tuple[PlaceMention, ...]) -> tuple[PlaceMention, ...]:
    if len(mentions) <= MOST_PLACES:
        return mentions
    least = sorted((mention.weight for mention in mentions), reverse=True)[MOST_PLACES - 1]
    return tuple(mention for mention in mentions if mention.weight >= least)[:MOST_PLACES]


def _kind(body: Body) -> str:
    """The tier a body stands for in a decision: DKI Jakarta counts as local."""
    if not body.is_regional:
        return "central"
    return "province" if body.kind == "province" and body.id != DKI else "local"


def _read(complaint: Complaint | str) -> _Read:
    if isinstance(complaint, str):
        complaint = Complaint(complaint)
    elif not isinstance(complaint, Complaint):
        raise InputError(f"a complaint is a string or a Complaint, found {type(complaint).__name__}")
    text, place = complaint.text, complaint.place
    truncated = len(text) > MAX_CHARACTERS or (place is not None and len(place) > MAX_CHARACTERS)
    place = place[:MAX_CHARACTERS] if place is not None else None
    return _Read(text[:MAX_CHARACTERS], place, complaint.id, truncated)
