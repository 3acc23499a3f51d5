"""What the service keeps: every routing, the officers' feedback, their queue and the API keys, in SQL."""

from lapor_route.classifiers.protocol import OUT_OF_SCOPE
from lapor_route.service.store.errors import (
    DuplicateRecordError,
    OutdatedStoreError,
    StoreError,
    UnknownRecordError,
)
from lapor_route.service.store.records import (
    ACCEPTED,
    CALLER,
    CHANGED,
    OFFICER,
    ROLES,
    VERDICTS,
    WIB,
    Change,
    Day,
    Feedback,
    KeyRecord,
    RoutingRecord,
    Statistics,
)
from lapor_route.service.store.store import Store

__all__ = [
    "ACCEPTED",
    "CALLER",
    "CHANGED",
    "OFFICER",
    "OUT_OF_SCOPE",
    "ROLES",
    "VERDICTS",
    "WIB",
    "Change",
    "Day",
    "DuplicateRecordError",
    "Feedback",
    "KeyRecord",
    "OutdatedStoreError",
    "RoutingRecord",
    "Statistics",
    "Store",
    "StoreError",
    "UnknownRecordError",
]
