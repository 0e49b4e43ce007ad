"""What a run costs, by what it was paid for, and the rates that no machine kind has of its own."""

from dataclasses import dataclass
from math import fsum, isfinite

from isocost.errors import InvalidInput

# Sums of the same rents in another order differ in their last bits.
_ROUNDING_USD = 1e-9


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """List cost of one run in USD, by component.

    Attributes:
        vm_usd: rent of all machines.
        dbu_usd: Databricks units; 0.0 on platforms that bill none.
        disk_usd: volumes attached to the machines.
        driver_usd: share of `vm_usd` that the driver took, spot or not.
        spot_usd: share of `vm_usd` that spot workers took.
        missing: what could not be priced, why, and what the figures hold in its place.
    """

    vm_usd: float
    dbu_usd: float = 0.0
    disk_usd: float = 0.0
    driver_usd: float = 0.0
    spot_usd: float = 0.0
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        components = (
            self.vm_usd,
            self.dbu_usd,
            self.disk_usd,
            self.driver_usd,
            self.spot_usd,
        )
        if not all(isfinite(usd) and usd >= 0 for usd in components):
            raise InvalidInput(
                f"A cost is a finite number of 0 USD or more; got {self.vm_usd} USD of machines "
                f"(driver {self.driver_usd}, spot {self.spot_usd}), {self.disk_usd} USD of disks "
                f"and {self.dbu_usd} USD of Databricks units. Check the node types' rates."
            )
        shares_usd = self.driver_usd + self.spot_usd
        if shares_usd > self.vm_usd * (1 + _ROUNDING_USD) + _ROUNDING_USD:
            raise InvalidInput(
                f"The driver's {self.driver_usd} USD and the spot workers' {self.spot_usd} USD "
                f"are shares of the machines' {self.vm_usd} USD and cannot exceed it. Add them "
                "to it."
            )

    @property
    def worker_usd(self) -> float:
        """Rent of the workers that were not spot."""
        return max(0.0, self.vm_usd - self.driver_usd - self.spot_usd)

    @property
    def total_usd(self) -> float:
        """Platform and cloud together: the measure that is minimised."""
        return fsum((self.vm_usd, self.disk_usd, self.dbu_usd))

    @property
    def parts_usd(self) -> dict[str, float]:
        """The components that do not overlap; their sum is the total."""
        return {
            "driver": self.driver_usd,
            "workers": self.worker_usd,
            "spot": self.spot_usd,
            "disks": self.disk_usd,
            "dbu": self.dbu_usd,
        }


@dataclass(frozen=True, slots=True)
class RateCard:
    """Rates of one region and plan that hold for all its node types.

    Attributes:
        usd_per_dbu: of the plan and kind of compute; None where it is unknown or none is billed.
        dbu_multiplier: on the node types' DBUs per hour; above 1 with Photon.
        disk_usd_per_gib_month: of attached volumes; None where it is unknown.
        spot_fraction: of a spot node's rate in the on-demand rate, for node types whose own spot
            rate is unknown; None where this is unknown too.
    """

    usd_per_dbu: float | None = None
    dbu_multiplier: float = 1.0
    disk_usd_per_gib_month: float | None = None
    spot_fraction: float | None = None

    def __post_init__(self) -> None:
        rates = (self.usd_per_dbu, self.disk_usd_per_gib_month, self.spot_fraction)
        are_rates = all(rate is None or (isfinite(rate) and rate >= 0) for rate in rates)
        if not are_rates or not (isfinite(self.dbu_multiplier) and self.dbu_multiplier > 0):
            raise InvalidInput(
                "A rate is a finite number of 0 or more and a multiplier is above 0; got "
                f"{self.usd_per_dbu} USD per DBU, {self.dbu_multiplier} as multiplier, "
                f"{self.disk_usd_per_gib_month} USD per GiB and month, and {self.spot_fraction} "
                "as spot fraction. Correct the rate card."
            )
