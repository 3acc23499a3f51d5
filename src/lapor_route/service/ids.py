"""Ids of records: unique without a registry, and sorted by time."""

from __future__ import annotations

import os
import time


def new_id() -> str:
    """A version 7 UUID (RFC 9562) as 32 hex characters: 48 bits of milliseconds, then chance."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76  # the version
    value = value & ~(0x3 << 62) | 0x2 << 62  # the variant
    return f"{value:032x}"
