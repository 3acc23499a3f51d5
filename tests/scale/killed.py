"""Routes an archive in this process, which kills itself at the rename or upload that is asked for.

Of the moments, even ones are before a rename, odd ones after it: the first manifest's, then those of the parts.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from lapor_route.scale import RouterOptions, route_archive
from tests.scale.archives import Here

source, target, bundle, kill_at = sys.argv[1:]
replace, calls = os.replace, [0]


def counted(*paths: Any) -> None:
    for moment in range(2):
        if moment == 1:
            replace(*paths)
        if calls[0] == int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)
        calls[0] += 1


os.replace = counted  # type: ignore[assignment]
route_archive(source, target, Here(), router=RouterOptions(bundle), rows_per_part=512, resume=True)
