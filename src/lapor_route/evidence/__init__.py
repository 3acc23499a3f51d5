"""What in a complaint speaks for a routing: words, sub-units, and one sentence that says it."""

from lapor_route.evidence.sentence import sentence
from lapor_route.evidence.units import KINDS, find_units
from lapor_route.evidence.words import contributions

__all__ = ["KINDS", "contributions", "find_units", "sentence"]
