from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lapor_route.stages import STAGES, measured

if TYPE_CHECKING:
    from lapor_route import Router


def test_a_routing_reports_every_part(router: Router) -> None:
    with measured() as seconds:
        router.route("Jalan berlubang di Kec. Depok, Sleman")
    assert set(seconds) == set(STAGES)
    assert all(value > 0 for value in seconds.values())


def test_nobody_listens_outside_the_block_or_in_another_thread(router: Router) -> None:
    with measured() as seconds:
        other = threading.Thread(target=router.route, args=("listrik padam di Kota Malang",))
        other.start()
        other.join()
    router.route("listrik padam di Kota Malang")
    assert seconds == {}
