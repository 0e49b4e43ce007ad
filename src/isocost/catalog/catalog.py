"""Typed rows in; node types and rate cards of a cloud's region out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from isocost.catalog.kinds import Compute, Disk, Engine
from isocost.catalog.rows import NodeRow, PriceRow, Tables
from isocost.domain.cluster import NodeType
from isocost.domain.cost import RateCard
from isocost.domain.workspace import Cloud, Plan
from isocost.errors import UnknownName

# gp3 is what Databricks advises for EBS; a workspace that has not switched to it attaches gp2. A
# standard SSD is Azure's cheapest solid disk, at one rate per GiB for all sizes.
DEFAULT_DISK: Final = {Cloud.AWS: Disk.GP3, Cloud.AZURE: Disk.STANDARD_SSD_E10}
# What Databricks attaches to each worker of its own accord: 30 GB for the host and 150 GB for the
# container (docs.databricks.com, "Default EBS volumes"). For Azure no size is published.
ALWAYS_ATTACHED_GIB: Final[Mapping[Cloud, float | None]] = {Cloud.AWS: 180.0, Cloud.AZURE: None}
_NEAREST_COUNT: Final = 3  # enough for a typing error and a wrong size or generation


@dataclass(frozen=True)  # without slots, for the cached index
class Catalog:
    """What can be rented and at which list rate; a value that may be shared between threads."""

    tables: Tables

    def regions(self, cloud: Cloud) -> tuple[str, ...]:
        """Return the regions that have rates, the vendor's first region first."""
        return tuple(region for of, region in self._prices if of == cloud)

    def node_types(self, cloud: Cloud, region: str) -> tuple[NodeType, ...]:
        """Return the node types whose rent and DBUs are known here, family by family.

        Raises:
            UnknownName: if the region has no rates.
        """
        self._priced(cloud, region)
        return self._rentable_at[cloud, region]

    def machines(self, cloud: Cloud, region: str) -> tuple[NodeType, ...]:
        """Return all machine kinds as the cloud alone rents them out, without any DBU.

        For Spark outside Databricks; also holds types that Databricks does not list.

        Raises:
            UnknownName: if the region has no rates.
        """
        self._priced(cloud, region)
        return self._machines_at[cloud, region]

    def node_type(self, cloud: Cloud, region: str, node_type_id: str) -> NodeType:
        """Return one node type.

        Raises:
            UnknownName: if the region has no rates, or Databricks no such node type; the message
                names the nearest that there are.
        """
        priced = self._priced(cloud, region)
        node = self._nodes.get(node_type_id)
        if node is not None and node.dbu_per_hour is not None and node_type_id in priced:
            return _node_type(node, priced[node_type_id])
        raise UnknownName(
            f"There is no node type {node_type_id!r} of Databricks on {cloud} in {region}: "
            f"{self._why_not(cloud, node_type_id)}. "
            + _nearest(node_type_id, (n.node_type_id for n in self.node_types(cloud, region)))
        )

    def missing(self, node_type_id: str) -> dict[str, str]:
        """Return what is not known of a node type, each with the reason; empty if all is known.

        Raises:
            UnknownName: if no cloud has such a node type.
        """
        if node_type_id not in self._nodes:
            raise UnknownName(
                f"The catalog has no node type {node_type_id!r}. "
                f"{_nearest(node_type_id, self._nodes)}"
            )
        reasons = self._nodes[node_type_id].missing
        return dict(reason.split(": ", 1) for reason in reasons.split("; ") if reason)

    def rate_card(
        self,
        cloud: Cloud,
        region: str,
        plan: Plan,
        *,
        compute: Compute = Compute.JOBS_COMPUTE,
        engine: Engine = Engine.STANDARD,
        disk: Disk | None = None,
    ) -> RateCard:
        """Return the rates of a region and plan; `disk` None is the cloud's usual kind.

        Raises:
            UnknownName: if the region has no rates, or the plan none in it.
        """
        self._priced(cloud, region)
        offers = [r for r in self.tables.dbu_rates if (r.cloud, r.region) == (cloud, region)]
        for row in offers:
            if (row.plan, row.compute, row.engine) == (plan, compute, engine):
                return RateCard(
                    usd_per_dbu=row.usd_per_dbu,
                    dbu_multiplier=row.dbu_multiplier,
                    disk_usd_per_gib_month=self._disk_rate(region, disk or DEFAULT_DISK[cloud]),
                    spot_fraction=self._spot_fraction(region),
                )
        plans = ", ".join(dict.fromkeys(row.plan for row in offers))
        raise UnknownName(
            f"The catalog has no DBU rate for plan {plan} ({compute}, {engine}) on {cloud} in "
            f"{region}. It has: {plans}. Choose one of these."
        )

    @cached_property
    def _nodes(self) -> dict[str, NodeRow]:
        return {row.node_type_id: row for row in self.tables.node_types}

    @cached_property
    def _rentable_at(self) -> dict[tuple[Cloud, str], tuple[NodeType, ...]]:
        return {
            place: tuple(
                _node_type(self._nodes[name], price)
                for name, price in prices.items()
                if self._nodes[name].dbu_per_hour is not None
            )
            for place, prices in self._prices.items()
        }

    @cached_property
    def _machines_at(self) -> dict[tuple[Cloud, str], tuple[NodeType, ...]]:
        return {
            place: tuple(
                _node_type(self._nodes[name], price, with_dbu=False)
                for name, price in prices.items()
            )
            for place, prices in self._prices.items()
        }

    @cached_property
    def _prices(self) -> dict[tuple[Cloud, str], dict[str, PriceRow]]:
        by_region: dict[tuple[Cloud, str], dict[str, PriceRow]] = defaultdict(dict)
        for row in self.tables.prices:
            by_region[row.cloud, row.region][row.node_type_id] = row
        return dict(by_region)

    def _priced(self, cloud: Cloud, region: str) -> dict[str, PriceRow]:
        if (cloud, region) not in self._prices:
            raise UnknownName(
                f"The catalog has no rates for {cloud} in region {region!r}. It has: "
                f"{', '.join(self.regions(cloud))}. Choose one of these."
            )
        return self._prices[cloud, region]

    def _why_not(self, cloud: Cloud, node_type_id: str) -> str:
        if node_type_id not in self._nodes:
            return "the catalog does not know it"
        if self._nodes[node_type_id].cloud != cloud:
            return f"it belongs to {self._nodes[node_type_id].cloud}"
        return self.missing(node_type_id).get("dbu_per_hour", "it has no rate in this region")

    def _disk_rate(self, region: str, disk: Disk) -> float | None:
        for row in self.tables.disk_rates:
            if (row.region, row.disk) == (region, disk):
                return None if row.usd_per_month is None else row.usd_per_month / row.size_gib
        raise UnknownName(
            f"The catalog has no disk {disk} in {region}. Leave it out, or ask for "
            f"{', '.join(d.disk for d in self.tables.disk_rates if d.region == region)}."
        )

    def _spot_fraction(self, region: str) -> float | None:
        return next(r.spot_fraction for r in self.tables.spot_rates if r.region == region)


def _node_type(row: NodeRow, price: PriceRow, *, with_dbu: bool = True) -> NodeType:
    return NodeType(
        node_type_id=row.node_type_id,
        cores=row.cores,
        memory_gib=row.memory_gib,
        usd_per_hour=price.usd_per_hour,
        dbu_per_hour=(row.dbu_per_hour or 0.0) if with_dbu else 0.0,
        coremark=row.coremark,
        network_gbps=row.network_gbps,
        local_disk_gib=row.local_disk_gib,
        local_disk_count=row.local_disk_count,
        architecture=row.architecture,
        spot_usd_per_hour=price.spot_usd_per_hour,
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    by_folded = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), by_folded, n=_NEAREST_COUNT)
    if close:
        return f"Nearest: {', '.join(by_folded[other] for other in close)}."
    return f"None of its {len(by_folded)} names is near. Look for it on another cloud."
