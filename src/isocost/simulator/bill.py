"""A run and rates in, what the platform and the cloud would bill for it out.

It is the judge's own arithmetic: `pricing` is not asked, so that the two can be compared.
"""

from dataclasses import dataclass
from typing import Final

from isocost.domain.cluster import NodeType
from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.run import NodeSpan, SimulatedRun
from isocost.units import S_PER_HOUR

# A month of a disk's rate has 730 hours (365 × 24 / 12), as AWS and Azure bill it.
HOURS_PER_MONTH: Final = 730.0


@dataclass(frozen=True, slots=True)
class BillingRates:
    """What is charged beside the machines' own list rates.

    Attributes:
        spot_fraction: of the on-demand rate, for spot nodes whose own rate nobody knows.
        always_attached_gib: volumes that each node gets beside those asked for.
        photon_dbu_factor: how many times as many DBUs a Photon cluster is charged.
    """

    usd_per_dbu: float
    spot_fraction: float = 0.4
    photon_dbu_factor: float = 1.0
    usd_per_disk_gib_month: float = 0.08
    always_attached_gib: float = 0.0


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What one node used; the driver's is marked.

    Attributes:
        dbu: Databricks units, Photon's factor included.
        disk_gib_hours: of the disks attached to it.
    """

    node_id: str
    node_type_id: str
    is_driver: bool
    is_spot: bool
    hours: float
    dbu: float
    disk_gib_hours: float
    vm_usd: float


@dataclass(frozen=True, slots=True)
class SimulatedBill:
    """A run's bill: one line per node, and the sums in USD."""

    lines: tuple[UsageLine, ...]
    vm_usd: float
    disk_usd: float
    dbu_usd: float

    @property
    def total_usd(self) -> float:
        """Platform and cloud together."""
        return self.vm_usd + self.disk_usd + self.dbu_usd


def bill_of(run: SimulatedRun, rates: BillingRates) -> SimulatedBill:
    """Return the bill; a run that never got machines costs nothing."""
    lines = tuple(_line(node, run.cluster, rates) for node in run.nodes)
    disk_gib_hours = sum(line.disk_gib_hours for line in lines)
    return SimulatedBill(
        lines=lines,
        vm_usd=sum(line.vm_usd for line in lines),
        disk_usd=disk_gib_hours / HOURS_PER_MONTH * rates.usd_per_disk_gib_month,
        dbu_usd=sum(line.dbu for line in lines) * rates.usd_per_dbu,
    )


def _line(node: NodeSpan, cluster: SimulatedCluster, rates: BillingRates) -> UsageLine:
    kind: NodeType = cluster.driver_type if node.is_driver else cluster.worker_type
    hours = (node.ended_s - node.started_s) / S_PER_HOUR
    factor = rates.photon_dbu_factor if cluster.is_photon else 1.0
    usd_per_hour = kind.usd_per_hour
    if node.is_spot:
        usd_per_hour = kind.spot_usd_per_hour or usd_per_hour * rates.spot_fraction
    disk_gib = cluster.disks.count * cluster.disks.gib + rates.always_attached_gib
    return UsageLine(
        node_id=node.node_id,
        node_type_id=kind.node_type_id,
        is_driver=node.is_driver,
        is_spot=node.is_spot,
        hours=hours,
        dbu=hours * kind.dbu_per_hour * factor,
        disk_gib_hours=hours * disk_gib,
        vm_usd=hours * usd_per_hour,
    )
