"""Masks personal data in complaints before anything is logged or stored."""

from lapor_route.privacy.masking import Masked, mask
from lapor_route.privacy.spans import LABELS, PersonalSpan

__all__ = ["LABELS", "Masked", "PersonalSpan", "mask"]
