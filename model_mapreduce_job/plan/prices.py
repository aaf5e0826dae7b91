"""Prices of an hour of an instance: a dated copy of public prices, and those that the operator gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# US dollars an hour: EC2 on demand with Linux, and what EMR adds. Public prices of AWS, whose own pages are
# https://aws.amazon.com/ec2/pricing/on-demand/ and https://aws.amazon.com/emr/pricing/; this is a COPY, put
# together from copies of them on the day below. It is not kept up to date, and a contract may have other
# prices: --price_per_hour TYPE=PRICE takes precedence.
COPIED_ON: Final = "2026-11-22"
# These three regions have the same prices; other regions are not in the copy.
REGIONS: Final = frozenset({"us-east-1", "us-east-2", "us-west-2"})
EC2_AND_EMR: Final[Mapping[str, tuple[float, float]]] = {
    "m5.xlarge": (0.192, 0.048),
    "m5.2xlarge": (0.384, 0.096),
    "m5.4xlarge": (0.768, 0.192),
    "m6i.xlarge": (0.192, 0.048),
    "m6i.2xlarge": (0.384, 0.096),
    "m6i.4xlarge": (0.768, 0.192),
    "m6a.xlarge": (0.1728, 0.0432),
    "m6a.2xlarge": (0.3456, 0.0864),
    "m6a.4xlarge": (0.6912, 0.1728),
    "c5.xlarge": (0.17, 0.043),
    "c5.2xlarge": (0.34, 0.085),
    "r5.xlarge": (0.252, 0.063),
    "r5.2xlarge": (0.504, 0.126),
}


@dataclass(frozen=True)
class Prices:
    """US dollars for an hour of an instance, by type; given are the types whose price the operator gave."""

    per_hour: Mapping[str, float]
    given: frozenset[str]

    def source(self, types: frozenset[str]) -> str:
        """Return the source of the prices of these types, in words."""
        if types <= self.given:
            return "prices as given"
        copied = f"on-demand prices of EC2 and EMR, a copy of {COPIED_ON}"
        return f"{copied}, and prices as given" if types & self.given else copied


def prices_for(region: str | None, given: Mapping[str, float]) -> Prices:
    """Return the prices of a region: those given, else those of the copy, where it has the region."""
    copied = {kind: ec2 + emr for kind, (ec2, emr) in EC2_AND_EMR.items()} if region in REGIONS else {}
    return Prices({**copied, **given}, frozenset(given))
