"""From probabilities to a decision: join, calibration, thresholds with a promise, reasons."""

from lapor_route.decisions.calibration import Calibration
from lapor_route.decisions.decide import Doubts, decide, shortlist_length
from lapor_route.decisions.join import Candidates, Join
from lapor_route.decisions.promise import Promise

__all__ = ["Calibration", "Candidates", "Doubts", "Join", "Promise", "decide", "shortlist_length"]
