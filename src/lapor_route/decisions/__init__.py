"""From probabilities to a decision: calibration, thresholds, reasons, shortlist."""

from lapor_route.decisions.decide import Calibration, Doubts, decide

__all__ = ["Calibration", "Doubts", "decide"]
