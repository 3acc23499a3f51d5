"""A client of the HTTP service: what `Router` says, asked over the network."""

from lapor_route.client.answers import Receipt, Routed
from lapor_route.client.clients import AsyncClient, Client
from lapor_route.client.errors import (
    NotFound,
    Overloaded,
    ServiceError,
    TooLarge,
    Unauthorized,
    Unavailable,
    ValidationFailed,
)

__all__ = [
    "AsyncClient",
    "Client",
    "NotFound",
    "Overloaded",
    "Receipt",
    "Routed",
    "ServiceError",
    "TooLarge",
    "Unauthorized",
    "Unavailable",
    "ValidationFailed",
]
