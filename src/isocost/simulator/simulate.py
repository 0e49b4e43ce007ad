"""A workload, a cluster, conditions and a seed in; the run out, the same for the same seed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from isocost.simulator.cluster import SimulatedCluster
from isocost.simulator.columns import empty_table, table_from_rows
from isocost.simulator.conditions import RunConditions
from isocost.simulator.machines import machine_from_node_type
from isocost.simulator.nodes import NodePool
from isocost.simulator.run import (
    ClusterEventKind,
    Failure,
    SimulatedRun,
    StageAttempt,
)
from isocost.simulator.schedule import Scheduler
from isocost.simulator.workload import Workload

# A run without a date of its own; any fixed one will do.
EPOCH: Final = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
# From a driver that is up to Spark's application start.
SPARK_START_S: Final = 12.0
# A cloud without machines says so after some minutes of trying.
GIVE_UP_S: Final = 600.0


def simulate(
    workload: Workload,
    cluster: SimulatedCluster,
    conditions: RunConditions,
    *,
    seed: int,
    requested_at: datetime = EPOCH,
    is_outline: bool = False,
) -> SimulatedRun:
    """Run an application on a cluster of its own; the input scale is the conditions'.

    Args:
        workload: the application.
        cluster: what it runs on.
        conditions: what holds for this run.
        seed: that all chance follows from.
        requested_at: time of day.
        is_outline: leave out spark tasks and stages, a third of the work, which its times and its
            bill do not need.

    Raises:
        InvalidInput: the conditions' input scale is no size.
    """
    rng = np.random.default_rng(seed)
    scaled = workload.at_scale(conditions.input_scale)
    pool = NodePool(cluster, conditions, rng)
    context = SimulatedRun(
        workload=scaled,
        cluster=cluster,
        conditions=conditions,
        seed=seed,
        requested_at=requested_at,
        spark_tasks=empty_table(),
        stages=(),
        spark_jobs=(),
        executors=(),
        nodes=(),
        cluster_events=(),
        cached=(),
        released_s=0.0,
        application_start_s=None,
        application_end_s=None,
    )
    if conditions.is_capacity_missing:
        return _refused(context, pool)
    return _run(context, pool, rng, is_outline=is_outline)


def _refused(context: SimulatedRun, pool: NodePool) -> SimulatedRun:
    message = "The cloud provider could not launch the nodes: insufficient capacity"
    pool.note(GIVE_UP_S, ClusterEventKind.TERMINATING, "CLOUD_PROVIDER_RESOURCE_STOCKOUT")
    return replace(
        context,
        cluster_events=tuple(pool.events),
        released_s=GIVE_UP_S,
        failure=Failure.NO_CAPACITY,
        message=message,
    )


def _run(
    context: SimulatedRun, pool: NodePool, rng: np.random.Generator, *, is_outline: bool
) -> SimulatedRun:
    cluster = context.cluster
    machine = machine_from_node_type(cluster.worker_type, cluster.disks)
    driver = machine_from_node_type(cluster.driver_type, cluster.disks)
    scheduler = Scheduler(context.workload, pool, machine, conditions=context.conditions, rng=rng)
    # A job cluster is running once all nodes it began with are; Spark starts then.
    ready_s = max(pool.driver_ready_s, *(node.ready_s for node in pool.nodes))
    pool.note(ready_s, ClusterEventKind.RUNNING)
    start_s = ready_s + SPARK_START_S
    driver_factor = scheduler.run_factor / driver.speed(1)
    last_s = scheduler.run(start_s, driver_factor)
    tail_s = 0.0 if scheduler.failure else context.workload.end_s * driver_factor
    end_s = last_s + tail_s
    released_s = pool.release(end_s)
    table, stages = (empty_table(), ()) if is_outline else table_from_rows(scheduler, pool)
    return replace(
        context,
        spark_tasks=table,
        stages=_sorted(stages),
        spark_jobs=tuple(scheduler.spark_jobs[key] for key in sorted(scheduler.spark_jobs)),
        executors=tuple(pool.executors),
        nodes=pool.spans,
        cluster_events=tuple(sorted(pool.events, key=lambda each: each.at_s)),
        cached=tuple(scheduler.cached.values()),
        released_s=released_s,
        application_start_s=start_s,
        application_end_s=end_s,
        failure=scheduler.failure,
        message=scheduler.message,
    )


def _sorted(stages: Sequence[StageAttempt]) -> tuple[StageAttempt, ...]:
    return tuple(sorted(stages, key=lambda each: each.first_row))
