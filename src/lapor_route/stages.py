"""Where the time of a routing goes: the parts of the one path report to whoever listens.

```python
with measured() as seconds:
    router.route("Jalan berlubang di Kec. Depok, Sleman")
print(seconds)  # {"ngrams": ..., "tokenise": ..., "encode": ..., "places": ..., "join": ..., "explain": ...}
```
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGES = ("ngrams", "tokenise", "encode", "places", "join", "explain")
"""Names of the parts: the linear model; text to token ids; the encoder's network; the place resolver; the join and
the decision; rules, units and the sentence."""

_seconds: ContextVar[dict[str, float] | None] = ContextVar("lapor_route_stages", default=None)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Counts the time of a block to a part, if anybody listens in this context."""
    seconds = _seconds.get()
    if seconds is None:
        yield
        return
    start = perf_counter()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + perf_counter() - start


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Listens: the dictionary fills with seconds per part while the block runs, in this thread and task only."""
    seconds: dict[str, float] = {}
    token = _seconds.set(seconds)
    try:
        yield seconds
    finally:
        _seconds.reset(token)
