"""From probabilities to a decision, with a reason for every doubt."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from lapor_route.decisions.join import CENTRAL, LOCAL, PROVINCE
from lapor_route.decisions.promise import NATIONAL, REGIONAL
from lapor_route.routing import ASK, FORWARD, REVIEW
from lapor_route.text import keys_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from lapor_route.decisions.calibration import Calibration

SHORTEST = 3
"""Words below which a complaint is too short to be routed; of them, `FEWEST_TELLING` must tell something."""
FEWEST_TELLING = 2
UNTOLD = 0.3
"""Probability of "the text doesn't tell the place" from which the place is missing, not just ambiguous."""
OUTSIDE = 0.5
"""Probability of "no government's business" from which nothing else is worth a doubt."""
RIVAL = 0.2
"""Probability of the second likeliest topic from which the topic is ambiguous."""
TIER_SHARE = 0.25
"""Share of the less likely regional tier from which the tier is ambiguous."""
_TO_ASK = frozenset({"too_short", "place_missing", "place_ambiguous"})
_TELLS_NOTHING = frozenset(
    "a ada adalah admin aja akan aku alaikum and anda apa apakah assalamu assalamualaikum atau bagaimana bang "
    "bantu bantuan bantuannya bapak bgmana bgmn bisa boleh bolehkah bpk bu buat cek cepat cepet coba dan dari "
    "deh di dimana ditindaklanjuti dong dr ga gak gan gimana gmn hai hallo halo hello hi ibu info ini itu iya "
    "izin jadi juga kak kakak kalau kalo kami kapan kasih ke kek kenapa kepada ketemu kita knp kok kpn lagi "
    "lapor laporan laporkan mas masalah masih mau mbak melapor melaporkan mengadu mengeluh mimin min minta misi "
    "mohon mohonnya monggo mw nanya ngadu ngelapor nih nya oi ok oke p pagi pak para pengaduan permisi please "
    "pls punten saja salam sama saudara saya sdh se sekali selamat selesai selesainya semua seperti siang siapa "
    "sih soal sore sy tanggapan tanya tau terima terimakasih tindak tindaklanjut tindaklanjuti tlg tlong tolong "
    "tp tuh udah ya yah yang yg yth".split()
)


def telling_words(text: str) -> int:
    """Words that say something of a matter, neither greetings nor function words; the first few are counted."""
    telling = (key for key in keys_of(text) if key not in _TELLS_NOTHING)
    return sum(1 for _ in islice(telling, FEWEST_TELLING))


@dataclass(frozen=True, slots=True)
class Doubts:
    """What the decision looks at beside the candidates.

    Attributes:
        words: Number of words in the complaint; a place field counts as one more.
        telling: Number of them that say something of a matter, counted to `FEWEST_TELLING`.
        rival: Probability of the second likeliest topic; the regional tiers are one.
        out_of_scope: Probability that it's no government's business.
        province_tier: Probability of the tier ``provinsi``.
        local_tier: Probability of the tier ``kabupaten_kota``.
        best_local: Probability of the likeliest kabupaten/kota, given the text.
        best_province: Probability of the likeliest province, given the text.
        place_unknown: Probability that the text doesn't tell the place.
    """

    words: int
    telling: int
    rival: float
    out_of_scope: float
    province_tier: float
    local_tier: float
    best_local: float
    best_province: float
    place_unknown: float

    @property
    def regional(self) -> float:
        """Probability that a regional body is in charge, by the topic."""
        return self.local_tier + self.province_tier


def decide(
    probabilities: np.ndarray, kinds: Sequence[int], doubts: Doubts, calibration: Calibration
) -> tuple[str, tuple[str, ...]]:
    """What to do with a complaint.

    Args:
        probabilities: Calibrated probabilities of the candidates, best first.
        kinds: Their kinds: `CENTRAL`, `LOCAL` or `PROVINCE`.
        doubts: What else there is to know.
        calibration: The thresholds.

    Returns:
        The decision and the reasons.
    """
    reasons = named_doubts(doubts, calibration)
    sure = len(probabilities) > 0 and probabilities[0] >= calibration.forward_at[tier_of(kinds[0])]
    if sure and not reasons:
        return FORWARD, ()
    reasons = reasons or (_closest_doubt(kinds),)
    return (REVIEW if _TO_ASK.isdisjoint(reasons) else ASK), reasons


def named_doubts(doubts: Doubts, calibration: Calibration) -> tuple[str, ...]:
    """Reasons that keep a complaint from being forwarded, whatever the first candidate's probability."""
    reasons = []
    if doubts.words < SHORTEST or doubts.telling < FEWEST_TELLING:
        reasons.append("too_short")
    elif doubts.out_of_scope >= max(calibration.scope_at, OUTSIDE):
        return ("out_of_scope",)
    if not is_placed(doubts, calibration):
        reasons.append("place_missing" if doubts.place_unknown >= UNTOLD else "place_ambiguous")
    if min(doubts.local_tier, doubts.province_tier) > TIER_SHARE * doubts.regional > TIER_SHARE / 2:
        reasons.append("tier_ambiguous")
    if doubts.rival >= RIVAL:
        reasons.append("topic_ambiguous")
    if doubts.out_of_scope >= calibration.scope_at:
        reasons.append("out_of_scope")
    return tuple(reasons)


def shortlist_length(probabilities: np.ndarray, calibration: Calibration) -> int:
    """Number of candidates, best first, that an officer should see."""
    return min(len(probabilities), max(1, int((probabilities >= calibration.shortlist_at).sum())))


def is_placed(doubts: Doubts, calibration: Calibration) -> bool:
    """Whether the place is told well enough, or isn't needed."""
    if doubts.regional <= 0.5:
        return True
    told = doubts.best_local if doubts.local_tier >= doubts.province_tier else doubts.best_province
    return told >= calibration.region_at


def tier_of(kind: int) -> str:
    """The tier that has thresholds of its own."""
    return NATIONAL if kind == CENTRAL else REGIONAL


def _closest_doubt(kinds: Sequence[int]) -> str:
    """The doubt between the first two candidates, where the first isn't sure enough and no doubt has a name."""
    first_two = set(kinds[:2])
    if first_two == {LOCAL} and len(kinds) > 1:
        return "place_ambiguous"
    return "tier_ambiguous" if first_two == {LOCAL, PROVINCE} else "topic_ambiguous"
