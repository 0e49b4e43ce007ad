"""One typed row of each shipped table; the columns and units are the tables' own."""

import msgspec

from isocost.catalog.kinds import Compute, Disk, Engine
from isocost.domain.workspace import Cloud, Plan


class NodeRow(msgspec.Struct, frozen=True):
    """What a machine kind offers, wherever it is rented."""

    cloud: Cloud
    node_type_id: str
    cores: int
    memory_gib: float
    architecture: str
    local_disk_count: int
    local_disk_gib: float
    network_gbps: float | None = None
    coremark: float | None = None
    dbu_per_hour: float | None = None
    missing: str = ""


class PriceRow(msgspec.Struct, frozen=True):
    """What one node costs in one region."""

    cloud: Cloud
    region: str
    node_type_id: str
    usd_per_hour: float
    spot_usd_per_hour: float | None = None
    missing: str = ""


class DbuRow(msgspec.Struct, frozen=True):
    """What a DBU costs in one region, and how many Photon makes of one."""

    cloud: Cloud
    region: str
    plan: Plan
    compute: Compute
    engine: Engine
    usd_per_dbu: float
    dbu_multiplier: float


class DiskRow(msgspec.Struct, frozen=True):
    """What an attached volume of this size costs in one region."""

    cloud: Cloud
    region: str
    disk: Disk
    size_gib: float
    usd_per_month: float | None = None
    missing: str = ""


class SpotRow(msgspec.Struct, frozen=True):
    """What part of the on-demand rate spot nodes cost in one region."""

    cloud: Cloud
    region: str
    spot_fraction: float | None = None
    missing: str = ""


class Tables(msgspec.Struct, frozen=True):
    """All rows, and the sources and dates that each table names in its first lines."""

    node_types: tuple[NodeRow, ...]
    prices: tuple[PriceRow, ...]
    dbu_rates: tuple[DbuRow, ...]
    disk_rates: tuple[DiskRow, ...]
    spot_rates: tuple[SpotRow, ...]
    provenance: dict[str, str]
