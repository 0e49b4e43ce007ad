"""Spark's and Databricks' configuration in, the cluster it describes out."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from isocost.domain.profile import ClusterFacts, DynamicAllocation
from isocost.units import PERCENT

DATABRICKS: Final = "databricks"
SPARK: Final = "spark"

_TAGS: Final = "spark.databricks.clusterUsageTags."
_REDACTED: Final = "*****"
_DISK_TYPE: Final = re.compile(r"volume_type:\s*(\w+)")
_PERSONAL_TAGS: Final = frozenset({"Creator", "Owner"})


class _Tag(msgspec.Struct):
    key: str
    value: str = ""


_decode_tags: Final = msgspec.json.Decoder(list[_Tag]).decode


class _Settings:
    """Reads settings as what they are; what is unset, redacted or no such thing is None."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._properties = properties

    def text(self, *names: str) -> str | None:
        """Return the first of these that is set."""
        for name in names:
            value = str(self._properties.get(name, "")).strip()
            if value and not value.startswith(_REDACTED):
                return value
        return None

    def count(self, *names: str) -> int | None:
        """Return a whole number."""
        value = self.text(*names)
        return int(value) if value is not None and value.isdecimal() else None

    def number(self, *names: str) -> float | None:
        """Return a number."""
        try:
            return float(self.text(*names) or "")
        except ValueError:
            return None

    def flag(self, *names: str) -> bool | None:
        """Return a yes or no."""
        return {"true": True, "false": False}.get((self.text(*names) or "").lower())


def cluster_facts(properties: Mapping[str, Any]) -> ClusterFacts | None:
    """Return what the configuration says of the cluster; None if there is no configuration."""
    if not properties:
        return None
    settings = _Settings(properties)
    is_databricks = any(str(name).startswith("spark.databricks.") for name in properties)
    facts = _spark_facts(settings)
    if is_databricks:
        facts |= _databricks_facts(settings)
    return ClusterFacts(source=DATABRICKS if is_databricks else SPARK, **facts)


def is_dynamic(properties: Mapping[str, Any]) -> bool:
    """Say whether executors come and go with the load."""
    allocation = _dynamic_allocation(_Settings(properties))
    return allocation is not None and allocation.is_enabled


def _dynamic_allocation(settings: _Settings) -> DynamicAllocation | None:
    is_enabled = settings.flag("spark.dynamicAllocation.enabled")
    if is_enabled is None:
        return None
    return DynamicAllocation(
        is_enabled=is_enabled,
        min_executor_count=settings.count("spark.dynamicAllocation.minExecutors"),
        max_executor_count=settings.count("spark.dynamicAllocation.maxExecutors"),
        initial_executor_count=settings.count("spark.dynamicAllocation.initialExecutors"),
    )


def _spark_facts(settings: _Settings) -> dict[str, Any]:
    return {
        "master": settings.text("spark.master"),
        "executor_count": settings.count("spark.executor.instances"),
        "executor_cores": settings.count("spark.executor.cores"),
        "executor_memory": settings.text("spark.executor.memory"),
        "executor_memory_overhead": settings.text("spark.executor.memoryOverhead"),
        "driver_memory": settings.text("spark.driver.memory"),
        "cores_per_spark_task": settings.number("spark.task.cpus"),
        "shuffle_partition_count": settings.count("spark.sql.shuffle.partitions"),
        "is_speculation_on": settings.flag("spark.speculation"),
        "dynamic_allocation": _dynamic_allocation(settings),
    }


def _databricks_facts(settings: _Settings) -> dict[str, Any]:
    def tag(name: str) -> str:
        return _TAGS + name

    version = settings.text(tag("effectiveSparkVersion"), tag("sparkVersion"))
    engine = settings.text(tag("runtimeEngine"))
    scaling = settings.text(tag("clusterScalingType"))
    bid_percent = settings.number(tag("clusterSpotBidPricePercent"))
    is_photon = None
    if engine or version:
        is_photon = engine == "PHOTON" or "photon" in (version or "")
    return {
        "cloud": settings.text(tag("cloudProvider"), "spark.databricks.cloudProvider"),
        "region": settings.text(tag("region"), tag("dataPlaneRegion")),
        "zone": settings.text(tag("currentAttemptContainerZoneId"), tag("containerZoneId")),
        "cluster_id": settings.text(tag("clusterId")),
        "cluster_name": settings.text(tag("clusterName")),
        "runtime_version": version,
        "is_photon": is_photon,
        "driver_node_type": settings.text(
            tag("driverNodeType"), "spark.databricks.driverNodeTypeId"
        ),
        "worker_node_type": settings.text(
            tag("clusterNodeType"), "spark.databricks.workerNodeTypeId"
        ),
        "worker_count": settings.count(tag("clusterTargetWorkers"), tag("clusterWorkers")),
        "min_worker_count": settings.count(tag("clusterMinWorkers")),
        "max_worker_count": settings.count(tag("clusterMaxWorkers")),
        "is_autoscaling": None if scaling is None else scaling != "fixed_size",
        "availability": settings.text(tag("clusterAvailability")),
        "first_on_demand_count": settings.count(tag("clusterFirstOnDemand")),
        "spot_bid_fraction": None if bid_percent is None else bid_percent / PERCENT,
        "databricks_job_id": settings.text("spark.databricks.job.id"),
        "databricks_run_id": settings.text("spark.databricks.job.runId"),
        "tags": _cloud_tags(settings.text(tag("clusterAllTags"))),
        **_databricks_disks(settings),
    }


def _cloud_tags(text: str | None) -> tuple[tuple[str, str], ...]:
    try:
        tags = _decode_tags(text or "[]")
    except msgspec.MsgspecError:
        return ()
    return tuple((t.key, t.value) for t in tags if t.key not in _PERSONAL_TAGS)


def _databricks_disks(settings: _Settings) -> dict[str, Any]:
    """Return the volumes attached to each node, in AWS' or any other cloud's tags."""
    kind = settings.text(_TAGS + "clusterEbsVolumeType", _TAGS + "userProvidedRemoteVolumeType")
    match = _DISK_TYPE.search(kind or "")
    return {
        "disk_type": match.group(1) if match else kind,
        "disk_count_per_node": settings.count(
            _TAGS + "clusterEbsVolumeCount", _TAGS + "userProvidedRemoteVolumeCount"
        ),
        "disk_gib": settings.count(
            _TAGS + "clusterEbsVolumeSize", _TAGS + "userProvidedRemoteVolumeSizeGb"
        ),
        "is_elastic_disk": settings.flag(_TAGS + "enableElasticDisk"),
    }
