"""The nodes of a simulated cluster over time: start-up, resizing, spot losses, release."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocost.domain.workspace import Cloud
from isocost.simulator.cluster import Availability, SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.run import (
    ClusterEvent,
    ClusterEventKind,
    ExecutorSpan,
    NodeEnd,
    NodeSpan,
)
from isocost.units import S_PER_HOUR

# From request to a registered worker. A measured Databricks log: cluster created at 16:53:00 by
# its ID, application started at 16:58:15, 5 minutes later; with a pool the machine is there.
BOOT_S: Final = 60.0
RUNTIME_START_S: Final = 200.0
POOLED_START_S: Final = 40.0
START_UP_CV: Final = 0.15
# A worker's executor registers this long after its node is ready or the application has started.
EXECUTOR_START_S: Final = 3.0
RELEASE_S: Final = 8.0
# Databricks' optimized autoscaling looks at the last 40 s on job clusters, and goes from the
# minimum to the maximum in two steps (docs.databricks.com, "Autoscaling").
LOOK_BACK_S: Final = 40.0
CHECK_PERIOD_S: Final = 10.0

_FIRST_HOST: Final = 10


@dataclass(slots=True)
class Node:
    """One worker; times that have not come are infinite.

    Attributes:
        first_executor: place of its first executor among all; -1 before it joined.
    """

    span: NodeSpan
    ready_s: float
    lost_s: float = float("inf")
    first_executor: int = -1
    is_alive: bool = False
    is_gone: bool = False


class NodePool:
    """All nodes that a run ever had, the driver apart.

    Attributes:
        nodes: the workers in order of request.
        events: the cluster's events, in order of time.
        executors: in order of arrival.
        alive_count: how many workers run executors.
    """

    def __init__(
        self, cluster: SimulatedCluster, conditions: RunConditions, rng: np.random.Generator
    ) -> None:
        self.cluster = cluster
        self.nodes: list[Node] = []
        self.events: list[ClusterEvent] = []
        self.executors: list[ExecutorSpan] = []
        self.alive_count = 0
        self._conditions = conditions
        self._rng = rng
        self._prefix = f"{int(rng.integers(1 << 32)):08x}"
        self.target_count = cluster.worker_count
        self._note(0.0, ClusterEventKind.CREATING)
        self._request_driver()
        for _ in range(cluster.worker_count):
            self.request(0.0)

    def _request_driver(self) -> None:
        ready_s = self._start_up_s()
        self.driver = self._span(None, 0.0, ready_s, is_spot=False)
        self.driver_ready_s = ready_s

    def request(self, now_s: float, *, is_replacement: bool = False) -> int:
        """Ask the cloud for a worker; returns its number."""
        ordinal = len(self.nodes)
        has_fallen_back = (
            is_replacement and self.cluster.availability is Availability.SPOT_WITH_FALLBACK
        )
        is_spot = self.cluster.is_spot_worker(ordinal) and not has_fallen_back
        ready_s = now_s + self._start_up_s()
        node = Node(self._span(ordinal, now_s, ready_s, is_spot=is_spot), ready_s)
        rate = self._conditions.spot_losses_per_node_hour / S_PER_HOUR
        # Drawn for every node, so that the seed's later numbers do not depend on the rate.
        patience = float(self._rng.exponential())
        if is_spot and rate > 0:
            node.lost_s = ready_s + patience / rate
        self.nodes.append(node)
        return ordinal

    def _start_up_s(self) -> float:
        mean_s = POOLED_START_S if self.cluster.is_pooled else BOOT_S + RUNTIME_START_S
        return mean_s * self._conditions.slowdown * _varied(self._rng, START_UP_CV)

    def _span(
        self, ordinal: int | None, now_s: float, ready_s: float, *, is_spot: bool
    ) -> NodeSpan:
        number = 0 if ordinal is None else ordinal + 1
        node_type = self.cluster.driver_type if ordinal is None else self.cluster.worker_type
        # The cloud bills from the moment a machine boots, not from when Spark has registered.
        started_s = now_s if self.cluster.is_pooled else min(now_s + BOOT_S / 2, ready_s)
        suffix = f"{self._prefix}{number:04x}"
        is_aws = self.cluster.cloud is Cloud.AWS
        return NodeSpan(
            node_id="driver" if ordinal is None else f"worker-{ordinal}",
            instance_id=f"i-0{suffix}{number:04x}" if is_aws else f"{suffix}{self._prefix}",
            host=f"10.{_FIRST_HOST}.{number // 250}.{number % 250 + 4}",
            node_type_id=node_type.node_type_id,
            ordinal=ordinal,
            is_spot=is_spot,
            requested_s=now_s,
            started_s=started_s,
            ended_s=float("inf"),
        )

    def join(self, ordinal: int, now_s: float) -> None:
        """Register a worker's executors."""
        node = self.nodes[ordinal]
        node.is_alive, node.first_executor = True, len(self.executors)
        self.alive_count += 1
        for _ in range(self.cluster.executors_per_node):
            name = str(len(self.executors))
            cores = self.cluster.cores_per_executor
            self.executors.append(ExecutorSpan(name, node.span.host, cores, now_s))

    def leave(self, ordinal: int, now_s: float, end: NodeEnd) -> None:
        """Take a worker out."""
        node = self.nodes[ordinal]
        self.alive_count -= node.is_alive
        node.is_alive, node.is_gone = False, True
        node.span = replace(node.span, ended_s=max(now_s, node.span.started_s), end=end)
        reason = _REMOVAL_REASONS[end]
        for place, span in enumerate(self.executors):
            if span.host == node.span.host:
                self.executors[place] = replace(span, removed_s=now_s, removal_reason=reason)

    def resize(self, now_s: float, target: int, cause: str) -> None:
        """Set how many workers there shall be."""
        self.target_count = target
        self._note(now_s, ClusterEventKind.RESIZING, cause)

    def note(self, now_s: float, kind: ClusterEventKind, cause: str = "") -> None:
        """Write an event of the cluster."""
        self._note(now_s, kind, cause)

    def _note(self, now_s: float, kind: ClusterEventKind, cause: str = "") -> None:
        self.events.append(ClusterEvent(now_s, kind, self.alive_count, self.target_count, cause))

    def release(self, now_s: float) -> float:
        """Give everything back; returns when the last node was gone."""
        self._note(now_s, ClusterEventKind.TERMINATING, "JOB_FINISHED")
        end_s = now_s + RELEASE_S
        for node in self.nodes:
            if not node.is_gone:
                node.span = replace(node.span, ended_s=max(end_s, node.span.started_s))
        self.driver = replace(self.driver, ended_s=end_s)
        return end_s

    @property
    def requested_count(self) -> int:
        """How many workers are there or on their way."""
        return sum(not node.is_gone for node in self.nodes)

    @property
    def spans(self) -> tuple[NodeSpan, ...]:
        """Every node's stay, the driver's first; nodes that never came up are left out."""
        workers = (node.span for node in self.nodes if node.span.started_s < node.span.ended_s)
        return (self.driver, *workers)


# Databricks' and Spark's own words for why an executor went.
_REMOVAL_REASONS: Final = {
    NodeEnd.RELEASED: "",
    NodeEnd.SCALED_DOWN: "Executor decommissioned: worker removed by autoscaling",
    NodeEnd.SPOT_LOSS: "Executor decommissioned: worker lost due to spot instance preemption",
}


def _varied(rng: np.random.Generator, cv: float) -> float:
    """Return a log-normal factor of mean 1."""
    sigma = float(np.sqrt(np.log1p(cv**2)))
    return float(np.exp(rng.normal(-(sigma**2) / 2, sigma)))
