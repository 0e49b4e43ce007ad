"""A node and a rate card in, what it costs by the hour out, part by part."""

from dataclasses import dataclass

from isocost.domain.cluster import NodeType
from isocost.domain.cost import RateCard
from isocost.units import HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class NodeRate:
    """List rate of one node.

    Attributes:
        left_out: what could not be priced, and why; the rate is too low by it.
        assumed: what is not known, and what stands in its place.
    """

    vm_usd_per_hour: float
    dbu_usd_per_hour: float
    disk_usd_per_hour: float
    left_out: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def usd_per_hour(self) -> float:
        """All parts together."""
        return self.vm_usd_per_hour + self.dbu_usd_per_hour + self.disk_usd_per_hour


def node_rate(
    node_type: NodeType, rates: RateCard, *, is_spot: bool = False, disk_gib: float = 0.0
) -> NodeRate:
    """Return what one node costs by the hour; `disk_gib` are its attached, billed volumes.

    DBUs and disks without a rate are left out. An unknown spot rate is taken to be the on-demand
    rate, which bounds it from above.
    """
    vm_usd, assumed = _vm(node_type, rates, is_spot=is_spot)
    dbu_usd, without_dbu = _dbu(node_type, rates)
    disk_usd, without_disk = _disk(disk_gib, rates)
    return NodeRate(vm_usd, dbu_usd, disk_usd, without_dbu + without_disk, assumed)


def _vm(node_type: NodeType, rates: RateCard, *, is_spot: bool) -> tuple[float, tuple[str, ...]]:
    if not is_spot:
        return node_type.usd_per_hour, ()
    if node_type.spot_usd_per_hour is not None:
        return node_type.spot_usd_per_hour, ()
    if rates.spot_fraction is not None:
        return node_type.usd_per_hour * rates.spot_fraction, ()
    return node_type.usd_per_hour, (
        f"spot rate of {node_type.node_type_id}: neither the node type nor the rate card has one; "
        "billed at the on-demand rate",
    )


def _dbu(node_type: NodeType, rates: RateCard) -> tuple[float, tuple[str, ...]]:
    if node_type.dbu_per_hour == 0:
        return 0.0, ()
    if rates.usd_per_dbu is None:
        return 0.0, (
            f"DBUs of {node_type.node_type_id}: the rate card has no USD per DBU; left out",
        )
    return node_type.dbu_per_hour * rates.dbu_multiplier * rates.usd_per_dbu, ()


def _disk(disk_gib: float, rates: RateCard) -> tuple[float, tuple[str, ...]]:
    if disk_gib == 0:
        return 0.0, ()
    if rates.disk_usd_per_gib_month is None:
        return 0.0, ("attached disks: the rate card has no rate for them; left out",)
    return disk_gib * rates.disk_usd_per_gib_month / HOURS_PER_MONTH, ()
