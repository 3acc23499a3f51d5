"""The registry of government bodies: who exists, under which names, codes and dates."""

from lapor_route.bodies.registry import Body, Registry

__all__ = ["Body", "Registry"]
