"""A `new_cluster` as a databricks job states it in; the cluster to simulate out."""

from collections.abc import Mapping
from typing import Any, Final

from isocost.catalog import shipped
from isocost.domain.cluster import NodeType
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.simulator.cluster import (
    AttachedDisks,
    Autoscale,
    Availability,
    SimulatedCluster,
)
from isocost.simulator.workspace.refusal import invalid, not_found
from isocost.simulator.workspace.values import Json

# Apache Spark in each runtime (docs.databricks.com, "Databricks Runtime release notes").
RUNTIMES: Final = {
    "11.3.x-scala2.12": ("3.3.0", "11.3 LTS"),
    "12.2.x-scala2.12": ("3.3.2", "12.2 LTS"),
    "13.3.x-scala2.12": ("3.4.1", "13.3 LTS"),
    "14.3.x-scala2.12": ("3.5.0", "14.3 LTS"),
    "15.4.x-scala2.12": ("3.5.0", "15.4 LTS"),
    "16.4.x-scala2.12": ("3.5.2", "16.4 LTS"),
}
_SPARK_OF_OTHERS: Final = "3.5.0"
# Without local disks Databricks attaches network disks. On Azure a standard SSD of 128 GiB does
# 500 operations and 60 MB a second (learn.microsoft.com, "Managed disk types").
_AZURE_DISK: Final = AttachedDisks(1, 128, mib_per_s=60.0, iops=500.0, kind="STANDARD_LRS")
_AWS_DISK: Final = AttachedDisks()


class Machinery:
    """Node types, pools and defaults of one workspace's cloud and region."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self.cloud = cloud
        self.region = region
        found = shipped.load().node_types(cloud, region)
        self.node_types = {each.node_type_id: each for each in found}
        self.pools: dict[str, Json] = {}

    def node_type(self, node_type_id: object) -> NodeType:
        """Return a node type; raises Refusal as Databricks does."""
        found = self.node_types.get(str(node_type_id))
        if found is None:
            raise invalid(
                f"Invalid node type id {node_type_id}: Node type {node_type_id} is not supported. "
                "Supported node types: " + ", ".join(sorted(self.node_types)[:8]) + ", ..."
            )
        return found

    def pool(self, pool_id: str) -> Json:
        """Return an instance pool; raises Refusal if there is none."""
        if pool_id not in self.pools:
            raise not_found(f"Instance pool {pool_id} does not exist.")
        return self.pools[pool_id]

    def cluster(self, spec: Mapping[str, Any]) -> SimulatedCluster:
        """Return what a `new_cluster` asks for; raises Refusal where it cannot be had."""
        pool = self.pool(spec["instance_pool_id"]) if spec.get("instance_pool_id") else None
        worker = self.node_type((pool or spec).get("node_type_id"))
        driver_pool = spec.get("driver_instance_pool_id")
        named = self.pool(driver_pool)["node_type_id"] if driver_pool else None
        driver_id = named or (None if pool else spec.get("driver_node_type_id"))
        attributes = self._attributes(spec, pool)
        runtime = str(spec.get("spark_version") or "")
        if not runtime:
            raise invalid("Missing required field: spark_version")
        autoscale, count = _size(spec)
        availability = _availability(attributes, self.cloud)
        try:
            return SimulatedCluster(
                worker_type=worker,
                worker_count=count,
                driver_type=self.node_type(driver_id) if driver_id else worker,
                cloud=self.cloud,
                autoscale=autoscale,
                availability=availability,
                first_on_demand_count=int(attributes.get("first_on_demand", 1)),
                is_photon=is_photon(spec),
                is_pooled=pool is not None,
                disks=self._disks(worker, attributes),
                spark_version=RUNTIMES.get(runtime, (_SPARK_OF_OTHERS, ""))[0],
                runtime_version=runtime,
                spark_conf=_pairs(spec.get("spark_conf")),
                tags=_pairs(spec.get("custom_tags")),
            )
        except InvalidInput as error:
            raise invalid(str(error)) from error

    def _attributes(self, spec: Mapping[str, Any], pool: Json | None) -> Json:
        name = "aws_attributes" if self.cloud is Cloud.AWS else "azure_attributes"
        return {**(spec.get(name) or {}), **((pool or {}).get(name) or {})}

    def _disks(self, worker: NodeType, attributes: Mapping[str, Any]) -> AttachedDisks:
        if self.cloud is Cloud.AZURE:
            return AttachedDisks(count=0) if worker.local_disk_gib else _AZURE_DISK
        count = int(attributes.get("ebs_volume_count") or 0)
        if not count:
            return AttachedDisks(count=0) if worker.local_disk_gib else _AWS_DISK
        return AttachedDisks(
            count,
            int(attributes.get("ebs_volume_size") or _AWS_DISK.gib),
            mib_per_s=float(attributes.get("ebs_volume_throughput") or _AWS_DISK.mib_per_s),
            iops=float(attributes.get("ebs_volume_iops") or _AWS_DISK.iops),
            kind=str(attributes.get("ebs_volume_type") or _AWS_DISK.kind),
        )

    def dbu_per_hour(self, spec: Mapping[str, Any]) -> float:
        """Return the DBUs of an hour at the cluster's largest, as policies count them."""
        cluster = self.cluster(spec)
        most = cluster.autoscale.max_workers if cluster.autoscale else cluster.worker_count
        return cluster.driver_type.dbu_per_hour + most * cluster.worker_type.dbu_per_hour


def is_photon(spec: Mapping[str, Any]) -> bool:
    """Say whether a cluster asks for Photon."""
    return spec.get("runtime_engine") == "PHOTON" or "photon" in str(spec.get("spark_version"))


def _pairs(values: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in (values or {}).items())


def _size(spec: Mapping[str, Any]) -> tuple[Autoscale | None, int]:
    bounds = spec.get("autoscale")
    try:
        if bounds:
            autoscale = Autoscale(int(bounds["min_workers"]), int(bounds["max_workers"]))
            return autoscale, autoscale.min_workers
        count = spec.get("num_workers")
        if count is None:
            raise invalid("Missing required field: num_workers or autoscale")
        if int(count) < 1:
            raise invalid(
                "NumWorkers could be 0 only for SingleNode clusters, which this simulated "
                "workspace does not run."
            )
        return None, int(count)
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise invalid(f"Invalid size of a cluster: {bounds or spec.get('num_workers')}") from error


def _availability(attributes: Mapping[str, Any], cloud: Cloud) -> Availability:
    # AWS buys spot nodes unless told otherwise, Azure does not (docs.databricks.com/api,
    # `aws_attributes.availability` and `azure_attributes.availability`).
    usual = "SPOT_WITH_FALLBACK" if cloud is Cloud.AWS else "ON_DEMAND_AZURE"
    name = str(attributes.get("availability") or usual).replace("_AZURE", "")
    if name not in Availability.__members__:
        raise invalid(f"Invalid availability: {attributes.get('availability')}")
    return Availability[name]


def node_type_view(node_type: NodeType) -> Json:
    """Return a node type as `clusters/list-node-types` states it."""
    memory_mb = round(node_type.memory_gib * 1024)
    is_arm = node_type.architecture == "arm64"
    local_gb = round(node_type.local_disk_gib)
    count = node_type.local_disk_count
    return {
        "node_type_id": node_type.node_type_id,
        "memory_mb": memory_mb,
        "num_cores": float(node_type.cores),
        "description": node_type.node_type_id,
        "instance_type_id": node_type.node_type_id,
        "is_deprecated": False,
        "category": _category(node_type),
        "support_ebs_volumes": True,
        "support_cluster_tags": True,
        "num_gpus": 0,
        "node_instance_type": {
            "instance_type_id": node_type.node_type_id,
            "local_disks": 0,
            "local_disk_size_gb": 0,
            "local_nvme_disks": count,
            "local_nvme_disk_size_gb": local_gb // count if count else 0,
        },
        "is_hidden": False,
        "support_port_forwarding": True,
        "photon_driver_capable": True,
        "photon_worker_capable": True,
        "is_graviton": is_arm,
        "is_io_cache_enabled": count > 0,
        "display_order": 0,
    }


def _category(node_type: NodeType) -> str:
    """Return the family by memory per core, at half way between AWS' 2, 4 and 8 GiB."""
    ratio = node_type.memory_gib / node_type.cores
    if ratio >= 6:
        return "Memory Optimized"
    return "General Purpose" if ratio >= 3 else "Compute Optimized"
