"""How right the router is on labelled complaints."""

from lapor_route.evaluation.run import evaluate_file

__all__ = ["evaluate_file"]
