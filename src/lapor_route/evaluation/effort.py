"""What a router is worth to an office: minutes and misroutes in 1,000 complaints, under stated assumptions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lapor_route.routing import ASK, FORWARD, REVIEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapor_route.evaluation.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Guesses of an office's work, to be replaced by its own; none of the minutes was measured.

    Attributes:
        by_hand: Minutes to read a complaint and find its body among all.
        review: Minutes to read it and choose from a shortlist.
        ask: Minutes that a question and its answer take an officer; the complaint is then routed.
        misroute: Minutes that a wrong forward costs, at both offices.
        officer_right: Share of first routings that people get right (0.67 in the one study that measured it,
            arXiv 2604.03672).
    """

    by_hand: float = 4.0
    review: float = 2.0
    ask: float = 1.0
    misroute: float = 15.0
    officer_right: float = 0.67


def effort(outcomes: Sequence[Outcome], assumed: Assumptions | None = None) -> dict[str, float | dict[str, float]]:
    """Officers' minutes and wrong forwards in 1,000 complaints, by hand and with the router.

    What isn't forwarded is counted as chosen by an officer, who is right as often as without the router: a
    shortlist helps more than that.
    """
    assumed = assumed or Assumptions()
    share = {
        decision: sum(outcome.routing.decision == decision for outcome in outcomes) / max(1, len(outcomes))
        for decision in (FORWARD, REVIEW, ASK)
    }
    wrong = sum(o.routing.decision == FORWARD and not o.forwarded_right for o in outcomes) / max(1, len(outcomes))
    misroutes_by_hand = 1000 * (1 - assumed.officer_right)
    misroutes = 1000 * wrong + misroutes_by_hand * (share[REVIEW] + share[ASK])
    minutes_by_hand = 1000 * assumed.by_hand + misroutes_by_hand * assumed.misroute
    minutes = 1000 * (share[REVIEW] * assumed.review + share[ASK] * assumed.ask) + misroutes * assumed.misroute
    return {
        "minutes_by_hand": round(minutes_by_hand),
        "minutes_with_router": round(minutes),
        "minutes_saved": round(minutes_by_hand - minutes),
        "misroutes_by_hand": round(misroutes_by_hand),
        "misroutes_with_router": round(misroutes),
        "misroutes_saved": round(misroutes_by_hand - misroutes),
        "assumptions": asdict(assumed),
    }
