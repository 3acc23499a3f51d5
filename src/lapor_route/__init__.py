"""lapor-route: says which Indonesian government body is in charge of a citizen's complaint."""

from lapor_route.classifiers.protocol import Classifier
from lapor_route.complaint import Complaint
from lapor_route.router import Router
from lapor_route.routing import Routing

__all__ = ["Classifier", "Complaint", "Router", "Routing"]
