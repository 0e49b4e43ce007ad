"""What a run costs, by what it was paid for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CostBreakdown:
    """List cost of one run in USD, by component.

    Attributes:
        vm_usd: rent of the machines.
        dbu_usd: Databricks units; 0.0 on platforms that bill none.
    """

    vm_usd: float
    dbu_usd: float = 0.0

    @property
    def total_usd(self) -> float:
        """Platform and cloud together: the measure that is minimised."""
        return self.vm_usd + self.dbu_usd
