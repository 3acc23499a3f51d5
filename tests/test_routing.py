from __future__ import annotations

import json
from dataclasses import asdict

from lapor_route import Routing
from lapor_route.routing import ASK, Candidate, Evidence, PlaceMention, Unit, WordWeight


def test_a_routing_as_json_data() -> None:
    routing = Routing(
        ASK,
        None,
        (Candidate("pln", "PT PLN", 0.5), Candidate("bpjs-kesehatan", "BPJS Kesehatan", 0.25)),
        reasons=("place_missing",),
        places=(PlaceMention("Depok", 3, 8, "city", "32.76", "pemkot-depok"),),
        evidence=Evidence("Perlu ditanyakan.", (WordWeight("padam", 0, 5, 0.1),), (Unit("ULP", 0, 3, "branch"),)),
        versions={"package": "1"},
    )
    found = routing.to_dict()
    assert found == json.loads(json.dumps(asdict(routing)))
    assert json.dumps(found) == json.dumps(asdict(routing))
    found["versions"]["package"] = "changed"
    assert routing.versions == {"package": "1"}
