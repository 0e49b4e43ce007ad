"""Job clusters of a workspace: what was asked for, what came of it, as their JSON at a moment."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from isocost.domain.cluster import NodeType
from isocost.domain.workspace import Cloud
from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.columns import empty_table
from isocost.simulator.conditions import RunConditions
from isocost.simulator.identity import RunIdentity
from isocost.simulator.nodes import RELEASE_S
from isocost.simulator.run import ClusterEvent, ClusterEventKind, NodeSpan, SimulatedRun
from isocost.simulator.simulate import simulate
from isocost.simulator.workload import Workload
from isocost.simulator.workspace.values import Json, ms
from isocost.units import MIB_PER_GIB

# A run's columns of spark tasks weigh up to some megabytes; whatever reads a log does so soon
# after the run, and an older run can be simulated again.
_RUNS_KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a run follows from: the same recipe gives the same run."""

    workload: Workload
    cluster: SimulatedCluster
    conditions: RunConditions
    seed: int
    requested_at: datetime

    def carry_out(self) -> SimulatedRun:
        """Simulate the run."""
        return simulate(
            self.workload,
            self.cluster,
            self.conditions,
            seed=self.seed,
            requested_at=self.requested_at,
        )


@dataclass(slots=True)
class JobCluster:
    """One cluster that was created for a run.

    Attributes:
        spec: the `new_cluster` that was asked for, policy values included.
        outline: the run on it, without its spark tasks.
        cut_at: when somebody or a time limit stopped it; None if it ran to its end.
        dbu_factor: how many times the DBUs of its node types it is billed; above 1 with Photon.
        log_root: folder under which its logs are delivered; empty for nowhere.
    """

    cluster_id: str
    name: str
    spec: Json
    job_id: int | None
    run_id: int
    run_name: str
    creator_user_name: str
    identity: RunIdentity
    recipe: Recipe
    outline: SimulatedRun
    log_root: str
    dbu_factor: float = 1.0
    cut_at: datetime | None = None

    @property
    def requested_at(self) -> datetime:
        """When it was asked for."""
        return self.recipe.requested_at

    @property
    def running_at(self) -> datetime | None:
        """When all nodes it began with were there; None if that never came."""
        at_s = [
            event.at_s
            for event in self.outline.cluster_events
            if event.kind is ClusterEventKind.RUNNING
        ]
        return self.outline.at(at_s[0]) if at_s else None

    @property
    def application_started_at(self) -> datetime | None:
        """When Spark started; None if it never did, or not before it was stopped."""
        if self.outline.application_start_s is None:
            return None
        at = self.outline.at(self.outline.application_start_s)
        return None if self.cut_at is not None and at >= self.cut_at else at

    @property
    def terminating_at(self) -> datetime:
        """When its nodes were told to go."""
        last = self.outline.cluster_events[-1]
        end = self.outline.at(last.at_s)
        return end if self.cut_at is None else min(end, self.cut_at)

    @property
    def released_at(self) -> datetime:
        """When its last node was gone."""
        end = self.outline.at(self.outline.released_s)
        if self.cut_at is None:
            return end
        return min(end, self.cut_at + timedelta(seconds=RELEASE_S))

    def nodes(self) -> list[NodeSpan]:
        """Return its nodes, the driver first; none stays longer than the cluster."""
        end_s = (self.released_at - self.requested_at).total_seconds()
        return [
            replace(node, ended_s=min(node.ended_s, end_s))
            for node in self.outline.nodes
            if node.started_s < end_s
        ]

    def state(self, now: datetime) -> str:
        """Return Databricks' word for where it stands."""
        if now >= self.released_at:
            return "TERMINATED"
        if now >= self.terminating_at:
            return "TERMINATING"
        running_at = self.running_at
        if running_at is None or now < running_at:
            return "PENDING"
        return "RUNNING"


def outline_of(run: SimulatedRun) -> SimulatedRun:
    """Return the run without its spark tasks, which are most of its weight."""
    return replace(run, spark_tasks=empty_table(), stages=(), executors=())


class FullRuns:
    """The runs whose spark tasks are at hand; others are simulated again."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, SimulatedRun] = OrderedDict()

    def keep(self, cluster_id: str, run: SimulatedRun) -> None:
        """Have a run at hand for a while."""
        self._runs[cluster_id] = run
        while len(self._runs) > _RUNS_KEPT:
            self._runs.popitem(last=False)

    def of(self, cluster: JobCluster) -> SimulatedRun:
        """Return the whole run."""
        if cluster.cluster_id not in self._runs:
            self.keep(cluster.cluster_id, cluster.recipe.carry_out())
        return self._runs[cluster.cluster_id]


def cluster_view(cluster: JobCluster, now: datetime) -> Json:
    """Return a cluster as `clusters/get` does."""
    state = cluster.state(now)
    at_s = (now - cluster.requested_at).total_seconds()
    there = [node for node in cluster.nodes() if node.started_s <= at_s < node.ended_s]
    view: Json = {
        **cluster.spec,
        "cluster_id": cluster.cluster_id,
        "cluster_name": cluster.name,
        "creator_user_name": cluster.creator_user_name,
        "cluster_source": "JOB",
        "driver_node_type_id": cluster.recipe.cluster.driver_type.node_type_id,
        "node_type_id": cluster.recipe.cluster.worker_type.node_type_id,
        "spark_context_id": cluster.identity.spark_context_id,
        "state": state,
        "state_message": _state_message(state),
        "start_time": ms(cluster.requested_at),
        "default_tags": default_tags(cluster),
        "executors": [_node_view(node, cluster) for node in there if not node.is_driver],
    }
    if there and there[0].is_driver:
        view["driver"] = _node_view(there[0], cluster)
    if cluster.recipe.cluster.autoscale is None:
        view["num_workers"] = cluster.recipe.cluster.worker_count
    if state == "TERMINATED":
        view["terminated_time"] = ms(cluster.released_at)
        view["termination_reason"] = termination_reason(cluster)
    else:
        view["cluster_cores"] = float(sum(_type(n, cluster).cores for n in there))
        gib = sum(_type(n, cluster).memory_gib for n in there)
        view["cluster_memory_mb"] = round(gib * MIB_PER_GIB)
    return view


def default_tags(cluster: JobCluster) -> Json:
    """Return the tags that Databricks itself puts on a job cluster."""
    tags = {
        "Vendor": "Databricks",
        "Creator": cluster.creator_user_name,
        "ClusterName": cluster.name,
        "ClusterId": cluster.cluster_id,
        "RunName": cluster.run_name,
    }
    return tags if cluster.job_id is None else {**tags, "JobId": str(cluster.job_id)}


def termination_reason(cluster: JobCluster) -> Json:
    """Return why a cluster ended, as Databricks codes it."""
    if cluster.cut_at is not None:
        return {"code": "JOB_FINISHED", "type": "SUCCESS"}
    if cluster.outline.application_start_s is None:
        return {
            "code": "CLOUD_PROVIDER_RESOURCE_STOCKOUT",
            "type": "CLOUD_FAILURE",
            "parameters": {"databricks_error_message": cluster.outline.message},
        }
    return {"code": "JOB_FINISHED", "type": "SUCCESS"}


def event_views(cluster: JobCluster, now: datetime) -> list[Json]:
    """Return all events of a cluster until now, oldest first."""
    happened = list(cluster.outline.cluster_events)
    if cluster.cut_at is not None:
        cut_s = (cluster.cut_at - cluster.requested_at).total_seconds()
        happened = [event for event in happened if event.at_s <= cut_s]
        end = replace(happened[-1], at_s=cut_s, kind=ClusterEventKind.TERMINATING, cause="")
        happened.append(end)
    return [
        {
            "cluster_id": cluster.cluster_id,
            "timestamp": ms(cluster.outline.at(event.at_s)),
            "type": event.kind.value,
            "details": _details(event, cluster),
        }
        for event in happened
        if cluster.outline.at(event.at_s) <= now
    ]


def _details(event: ClusterEvent, cluster: JobCluster) -> Json:
    sizes: Json = {
        "current_num_workers": event.worker_count,
        "target_num_workers": event.target_worker_count,
    }
    if event.kind is ClusterEventKind.CREATING:
        return {
            "cluster_size": _asked_size(cluster.spec),
            "user": cluster.creator_user_name,
            "job_run_name": cluster.name,
        }
    if event.kind is ClusterEventKind.TERMINATING:
        return {**sizes, "reason": termination_reason(cluster)}
    if event.kind is ClusterEventKind.RUNNING:
        # All nodes it began with are there, though their executors have not registered yet.
        return {**sizes, "current_num_workers": event.target_worker_count}
    if event.kind is ClusterEventKind.NODES_LOST:
        return {**sizes, "reason": _loss_reason(event, cluster)}
    if event.kind is ClusterEventKind.RESIZING:
        return {**sizes, "cause": "AUTOSCALE", "job_run_name": cluster.name}
    return sizes


def _loss_reason(event: ClusterEvent, cluster: JobCluster) -> Json:
    # The simulator names the node in the event's cause.
    lost = [n.instance_id for n in cluster.outline.nodes if n.node_id == event.cause]
    is_aws = cluster.recipe.cluster.cloud is Cloud.AWS
    name = "aws_instance_state_reason" if is_aws else "azure_error_code"
    word = "Server.SpotInstanceTermination" if is_aws else "SpotPreemption"
    return {
        "code": "SPOT_INSTANCE_TERMINATION",
        "type": "CLOUD_FAILURE",
        "parameters": {name: word, "instance_id": ",".join(lost)},
    }


def _asked_size(spec: Mapping[str, Any]) -> Json:
    return {key: spec[key] for key in ("num_workers", "autoscale") if key in spec}


def _node_view(node: NodeSpan, cluster: JobCluster) -> Json:
    view: Json = {
        "node_id": node.instance_id.replace("-", ""),
        "instance_id": node.instance_id,
        "private_ip": node.host,
        "host_private_ip": node.host,
        "start_timestamp": ms(cluster.outline.at(node.started_s)),
    }
    if cluster.recipe.cluster.cloud is Cloud.AWS:
        view["node_aws_attributes"] = {"is_spot": node.is_spot}
    return view


def _type(node: NodeSpan, cluster: JobCluster) -> NodeType:
    asked = cluster.recipe.cluster
    return asked.driver_type if node.is_driver else asked.worker_type


def _state_message(state: str) -> str:
    return {
        "PENDING": "Starting Spark",
        "TERMINATING": "Terminating cluster",
        "TERMINATED": "Cluster terminated.",
    }.get(state, "")
