"""What goes wrong with the store, as one tree."""

from __future__ import annotations

from lapor_route.errors import LaporRouteError


class StoreError(LaporRouteError):
    """The store can't be reached, read or written; never holds a password or a complaint's text."""


class OutdatedStoreError(StoreError):
    """The store isn't made yet, or lacks what this version added; `lapor-route store upgrade` mends that."""


class DuplicateRecordError(StoreError):
    """A record of that id is stored already: records never change."""


class UnknownRecordError(StoreError, LookupError):
    """No routing, or no API key, has that id."""
