"""What a run costs, by what it was paid for."""

from dataclasses import dataclass
from math import isfinite

from isocost.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """List cost of one run in USD, by component.

    Attributes:
        vm_usd: rent of the machines.
        dbu_usd: Databricks units; 0.0 on platforms that bill none.
    """

    vm_usd: float
    dbu_usd: float = 0.0

    def __post_init__(self) -> None:
        if not all(isfinite(usd) and usd >= 0 for usd in (self.vm_usd, self.dbu_usd)):
            raise InvalidInput(
                f"A cost is a finite number of 0 USD or more; got {self.vm_usd} USD of machines "
                f"and {self.dbu_usd} USD of Databricks units. Check the node types' rates."
            )

    @property
    def total_usd(self) -> float:
        """Platform and cloud together: the measure that is minimised."""
        return self.vm_usd + self.dbu_usd
