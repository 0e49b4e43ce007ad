"""A run and its names in, the configuration as Spark and Databricks log it out."""

from typing import Any, Final

from isocost.domain.workspace import Cloud
from isocost.simulator.cluster import Availability, SimulatedCluster
from isocost.simulator.identity import RunIdentity
from isocost.simulator.log_lines import compact, event
from isocost.simulator.machines import machine_from_node_type
from isocost.simulator.run import SimulatedRun
from isocost.units import BYTES_PER_MIB

_TAGS: Final = "spark.databricks.clusterUsageTags."
# As Databricks spells them in its tags.
_CLOUDS: Final = {Cloud.AWS: "AWS", Cloud.AZURE: "Azure"}


def environment_line(run: SimulatedRun, identity: RunIdentity, *, is_databricks: bool) -> str:
    """Return the environment update; Databricks describes the cluster in it."""
    properties = _spark_properties(run, identity)
    if is_databricks:
        properties |= _databricks_properties(run.cluster, identity)
    java = {"Java Home": "/usr/lib/jvm/zulu17", "Java Version": "17.0.11 (Azul Systems, Inc.)"}
    return event(
        "SparkListenerEnvironmentUpdate",
        **{
            "JVM Information": {**java, "Scala Version": "version 2.12.18"},
            "Spark Properties": properties | dict(run.cluster.spark_conf),
            "Hadoop Properties": {},
            "System Properties": {},
            "Metrics Properties": {},
            "Classpath Entries": {},
        },
    )


def executor_heap_bytes(cluster: SimulatedCluster) -> int:
    """Return the heap of one executor."""
    heap = machine_from_node_type(cluster.worker_type, cluster.disks).heap_bytes
    return int(heap / cluster.executors_per_node)


def _spark_properties(run: SimulatedRun, identity: RunIdentity) -> dict[str, str]:
    cluster = run.cluster
    properties = {
        "spark.app.id": identity.application_id,
        "spark.app.name": run.workload.name,
        "spark.master": f"spark://{run.nodes[0].host}:7077",
        "spark.submit.deployMode": "client",
        "spark.executor.memory": f"{executor_heap_bytes(cluster) // BYTES_PER_MIB}m",
        "spark.executor.id": "driver",
        "spark.driver.host": run.nodes[0].host,
        "spark.scheduler.mode": "FIFO",
    }
    if cluster.executor_cores is not None:
        properties["spark.executor.cores"] = str(cluster.executor_cores)
    return properties


def _databricks_properties(cluster: SimulatedCluster, identity: RunIdentity) -> dict[str, str]:
    tags: dict[str, str] = {
        "cloudProvider": _CLOUDS[cluster.cloud],
        "region": identity.region,
        "dataPlaneRegion": identity.region,
        "containerZoneId": identity.zone,
        "clusterId": identity.cluster_id,
        "clusterName": identity.cluster_name,
        "sparkVersion": cluster.runtime_version,
        "effectiveSparkVersion": cluster.runtime_version,
        "runtimeEngine": "PHOTON" if cluster.is_photon else "STANDARD",
        "driverNodeType": cluster.driver_type.node_type_id,
        "clusterNodeType": cluster.worker_type.node_type_id,
        "clusterAvailability": _availability(cluster),
        "clusterFirstOnDemand": str(cluster.first_on_demand_count),
        "clusterSpotBidPricePercent": "100",
        "enableElasticDisk": "false",
        "clusterLogDestination": identity.log_destination,
        "clusterLogDeliveryEnabled": str(bool(identity.log_destination)).lower(),
        "clusterAllTags": _all_tags(cluster, identity),
        **_size_tags(cluster),
        **_disk_tags(cluster),
    }
    properties = {_TAGS + name: value for name, value in tags.items()}
    properties["spark.databricks.cloudProvider"] = _CLOUDS[cluster.cloud]
    if identity.databricks_job_id:
        properties["spark.databricks.job.id"] = identity.databricks_job_id
        properties["spark.databricks.job.runId"] = identity.databricks_run_id
    return properties


def _size_tags(cluster: SimulatedCluster) -> dict[str, str]:
    if cluster.autoscale is None:
        count = str(cluster.worker_count)
        scaling = {"clusterScalingType": "fixed_size"}
        return {**scaling, "clusterWorkers": count, "clusterTargetWorkers": count}
    return {
        "clusterScalingType": "autoscaling",
        "clusterMinWorkers": str(cluster.autoscale.min_workers),
        "clusterMaxWorkers": str(cluster.autoscale.max_workers),
        "clusterTargetWorkers": str(cluster.worker_count),
    }


def _disk_tags(cluster: SimulatedCluster) -> dict[str, str]:
    count, gib, kind = str(cluster.disks.count), str(cluster.disks.gib), cluster.disks.kind
    if cluster.cloud is Cloud.AWS:
        return {
            "clusterEbsVolumeType": kind,
            "clusterEbsVolumeCount": count,
            "clusterEbsVolumeSize": gib,
        }
    return {
        "userProvidedRemoteVolumeType": kind,
        "userProvidedRemoteVolumeCount": count,
        "userProvidedRemoteVolumeSizeGb": gib,
    }


def _availability(cluster: SimulatedCluster) -> str:
    """Return the availability as the cloud's own attribute spells it."""
    name = cluster.availability.name
    if cluster.cloud is Cloud.AWS:
        return name
    is_on_demand = cluster.availability is Availability.ON_DEMAND
    return (
        "ON_DEMAND_AZURE"
        if is_on_demand
        else name.replace("SPOT", "SPOT_AZURE", 1).replace(
            "SPOT_AZURE_WITH_FALLBACK", "SPOT_WITH_FALLBACK_AZURE"
        )
    )


def _all_tags(cluster: SimulatedCluster, identity: RunIdentity) -> str:
    own: list[dict[str, Any]] = [
        {"key": "Vendor", "value": "Databricks"},
        {"key": "ClusterName", "value": identity.cluster_name},
        {"key": "ClusterId", "value": identity.cluster_id},
    ]
    if identity.databricks_job_id:
        own.append({"key": "JobId", "value": identity.databricks_job_id})
    own += [{"key": key, "value": value} for key, value in cluster.tags]
    return "[" + ",".join(compact(each) for each in own) + "]"
