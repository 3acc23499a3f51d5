"""What it costs in money and energy: an estimate, from measured CPU seconds and the assumptions below.

Nothing of it is measured with a meter, and a second of CPU here is taken as one of the vCPU that is paid for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MILLION = 1_000_000
_WATT_SECONDS = 3.6e6
"""Of a kWh."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is assumed of the machine that is paid for.

    The price is AWS's on-demand list price of Linux in us-east-1; it wasn't fetched from AWS, but is the one that
    public copies of the list have (Infracost's for us-west-2 too: 730 hours for 63.07 USD). Regions near Indonesia
    may be dearer, so put in your own. Watts a vCPU are Cloud Carbon Footprint's for the 3rd generation of AMD EPYC,
    at idle and at full load, and the PUE is the one it has for AWS (`ComputeProcessorTypes.ts` and
    `AwsFootprintEstimationConstants.ts` in github.com/cloud-carbon-footprint/cloud-carbon-footprint).

    Attributes:
        instance: Its type.
        region: Where.
        seen: When the price was looked up.
        vcpus: How many vCPUs it has.
        usd_hour: Its price, USD an hour.
        idle_watts: Of an idle vCPU.
        busy_watts: Of a vCPU at full load.
        pue: Power of the whole data centre over that of its machines.
    """

    instance: str = "m6a.large"
    region: str = "us-east-1"
    seen: str = "2026-11"
    vcpus: int = 2
    usd_hour: float = 0.0864
    idle_watts: float = 0.45
    busy_watts: float = 2.02
    pue: float = 1.135

    def busy(self, cpu_seconds: float) -> dict[str, float]:
        """A million complaints on machines that are always busy and let go afterwards.

        Args:
            cpu_seconds: Of one complaint.

        Returns:
            `usd` = CPU seconds / 3600 x price / vCPUs; `kwh` = CPU seconds x watts at full load x PUE / 3.6e6.
        """
        seconds = cpu_seconds * MILLION
        return {
            "usd": seconds / 3_600 * self.usd_hour / self.vcpus,
            "kwh": seconds * self.busy_watts * self.pue / _WATT_SECONDS,
        }

    def always_on(self, cpu_seconds: float, per_day: float) -> dict[str, float]:
        """A million complaints on one machine that stays on, however few there are.

        Args:
            cpu_seconds: Of one complaint.
            per_day: Complaints a day; the machine must be able to do them.

        Returns:
            `usd` and `kwh` of a million complaints, and `usd_day` and `kwh_day` of a day: its idle watts at all
            times, and those up to full load while it computes.
        """
        day = 86_400
        usd = 24 * self.usd_hour
        watt_seconds = day * self.vcpus * self.idle_watts
        watt_seconds += per_day * cpu_seconds * (self.busy_watts - self.idle_watts)
        kwh = watt_seconds * self.pue / _WATT_SECONDS
        return {
            "usd": usd / per_day * MILLION,
            "kwh": kwh / per_day * MILLION,
            "usd_day": usd,
            "kwh_day": kwh,
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)
