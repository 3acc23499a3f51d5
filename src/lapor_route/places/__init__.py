"""Where a complaint happens: gazetteer, mention matcher and resolver."""

from lapor_route.places.gazetteer import Gazetteer
from lapor_route.places.resolver import PlaceResolver, Resolution

__all__ = ["Gazetteer", "PlaceResolver", "Resolution"]
