"""Stages, slots and time: Spark's FIFO scheduler as one loop over events.

The driver is a resource too: each start and each end of a spark task passes its event loop, one
after the other, so that many short spark tasks on many slots wait for it.
"""

import heapq
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import count
from typing import Final

import numpy as np

from isocost.errors import InternalError
from isocost.simulator import autoscaling, physics
from isocost.simulator.conditions import RunConditions
from isocost.simulator.machines import Machine
from isocost.simulator.nodes import CHECK_PERIOD_S, EXECUTOR_START_S, NodePool
from isocost.simulator.physics import StageLoad
from isocost.simulator.progress import StageProgress, StageState, TimingTable
from isocost.simulator.run import (
    CachedOutput,
    ClusterEventKind,
    Failure,
    NodeEnd,
    SparkJobSpan,
    SparkTaskEnd,
)
from isocost.simulator.workload import SimulatedStage, Workload
from isocost.units import S_PER_HOUR

# `spark.task.maxFailures` as Spark sets it.
MAX_FAILURES: Final = 4
# A run that lasts longer is given up, as a job's timeout would.
MAX_RUN_S: Final = 48 * S_PER_HOUR
# Spread of equal spark tasks around their mean: over decima-tpch's stages with spark tasks above
# 1.5 s the standard deviation is 7 to 9 %.
JITTER_CV: Final = 0.08
# The spread within stages shrinks with the noise between runs below this; it is the upper end of
# what repeated runs show.
NOISE_OF_MEASURED_SPREAD: Final = 0.10
# In the same data one in some 200 takes 1.3 to 2.5 times the median for no reason of its own.
STRAGGLER_FRACTION: Final = 0.005
STRAGGLER_RANGE: Final = (1.3, 2.5)
# Spark waits this long after a failed fetch before it submits the stages again (DAGScheduler's
# RESUBMIT_TIMEOUT is 200 ms).
RESUBMIT_S: Final = 0.2
# Running out of memory shows when the data structures are full, not at the start.
OUT_OF_MEMORY_AT_FRACTION: Final = 0.5

_ENDS: Final = {end: n for n, end in enumerate(SparkTaskEnd)}
_IDLE: Final = -1
_RUNNING: Final = -1


class _Kind(IntEnum):
    """What an entry of the event heap is."""

    FINISH = 0
    NODE_UP = 1
    NODE_LOST = 2
    SPARK_JOB = 3
    RESUBMIT = 4
    CHECK = 5


@dataclass(slots=True)
class Rows:
    """Spark task attempts in order of launch, column by column."""

    stage: list[int] = field(default_factory=list)
    stage_attempt: list[int] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    attempt: list[int] = field(default_factory=list)
    slot: list[int] = field(default_factory=list)
    timing: list[int] = field(default_factory=list)
    warm_up_s: list[float] = field(default_factory=list)
    fetch_s: list[float] = field(default_factory=list)
    pace: list[float] = field(default_factory=list)
    launch_s: list[float] = field(default_factory=list)
    finish_s: list[float] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    lost_s: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class _SparkJob:
    position: int
    driver_s: float
    open_stages: int
    submitted_s: float = 0.0
    is_submitted: bool = False


class Scheduler:
    """Runs a workload on a pool of nodes; `run` does it, the attributes then say what happened.

    Attributes:
        rows: every spark task attempt.
        stages: in the workload's order.
        spark_jobs: spans of those that were submitted.
        failure: why the run failed; None if it did not.
    """

    def __init__(
        self,
        workload: Workload,
        pool: NodePool,
        machine: Machine,
        *,
        conditions: RunConditions,
        rng: np.random.Generator,
    ) -> None:
        self.rows = Rows()
        self.workload = workload
        self.pool = pool
        self.machine = machine
        self.cached: dict[int, CachedOutput] = {}
        self.spark_jobs: dict[int, SparkJobSpan] = {}
        self.failure: Failure | None = None
        self.message = ""
        self.is_over = False
        self.now_s = 0.0
        self.slots_per_node = pool.cluster.slots_per_node
        self._noise_cv = conditions.noise_cv
        self._rng = rng
        self.run_factor = _factor(rng, conditions.noise_cv) * conditions.slowdown
        self.stages = [self._progress(n, stage) for n, stage in enumerate(workload.stages)]
        self._by_id = {each.stage.stage_id: each for each in self.stages}
        self._children = _children(workload)
        self._timings = TimingTable(machine, pool.cluster.executors_per_node)
        self._entries = self._open_spark_jobs()
        self._waits_for = {k: set(v) for k, v in workload.predecessors().items()}
        self.active: list[StageProgress] = []
        self._events: list[tuple[float, int, int, int, int]] = []
        self._sequence = count()
        self._free: list[tuple[int, int]] = []
        self._slot_row: list[int] = []
        self.busy: list[int] = []
        self._driver_free_s = 0.0
        self._driver_factor = 1.0
        self.load_watch = autoscaling.LoadWatch()

    @property
    def timings(self) -> list[physics.Timing]:
        """What `rows.timing` points into."""
        return self._timings.timings

    def _progress(self, position: int, stage: SimulatedStage) -> StageProgress:
        size = stage.spark_task_count
        if self._noise_cv == 0.0:
            return StageProgress(stage, position, [self.run_factor] * size)
        quiet = min(1.0, self._noise_cv / NOISE_OF_MEASURED_SPREAD)
        sigma = float(np.sqrt(np.log1p((JITTER_CV * quiet) ** 2)))
        pace = self.run_factor * np.exp(self._rng.normal(-(sigma**2) / 2, sigma, size))
        slow = self._rng.random(size) < STRAGGLER_FRACTION
        delays = self._rng.uniform(*STRAGGLER_RANGE, int(slow.sum())) - 1.0
        pace[slow] *= 1.0 + delays * quiet
        return StageProgress(stage, position, pace.tolist())

    def _open_spark_jobs(self) -> dict[int, _SparkJob]:
        counts: dict[int, int] = {}
        for stage in self.workload.stages:
            counts[stage.spark_job_id] = counts.get(stage.spark_job_id, 0) + 1
        return {
            each.spark_job_id: _SparkJob(n, each.driver_s, counts[each.spark_job_id])
            for n, each in enumerate(self.workload.spark_jobs)
        }

    def run(self, start_s: float, driver_factor: float) -> float:
        """Run the workload from the application's start; returns when its last spark job ended.

        Args:
            start_s: the application's start.
            driver_factor: how much longer than on the reference machine the driver takes.
        """
        self._driver_factor = driver_factor
        self._driver_free_s = start_s
        for ordinal, node in enumerate(self.pool.nodes):
            self._expect(ordinal, max(node.ready_s, start_s) + EXECUTOR_START_S)
        ready_s = start_s + self.workload.start_s * driver_factor
        for spark_job_id, waits_for in self._waits_for.items():
            if not waits_for:
                self._plan_spark_job(spark_job_id, ready_s)
        if self.pool.cluster.autoscale:
            self._push(start_s + CHECK_PERIOD_S, _Kind.CHECK)
        self._loop()
        return self.now_s

    def _loop(self) -> None:
        handlers: dict[int, Callable[[float, int], None]] = {
            _Kind.NODE_UP: self._node_up,
            _Kind.NODE_LOST: self._node_lost,
            _Kind.SPARK_JOB: self._submit_spark_job,
            _Kind.RESUBMIT: self._resubmit,
            _Kind.CHECK: self._check_size,
        }
        events, finish = self._events, int(_Kind.FINISH)
        while not self.is_over:
            at_s, _, kind, first, second = heapq.heappop(events)
            if kind == finish:
                self._finish(at_s, first, second)
                continue
            self.now_s = max(self.now_s, at_s)
            if self.now_s > MAX_RUN_S:
                self._abort(Failure.NODES_LOST, "The run was stopped at its time limit.")
                return
            handlers[kind](self.now_s, first)
            self._dispatch()

    def _push(self, at_s: float, kind: int, which: int = 0) -> None:
        heapq.heappush(self._events, (at_s, next(self._sequence), kind, which, _IDLE))

    # Nodes.

    def _expect(self, ordinal: int, ready_s: float) -> None:
        self._push(ready_s, _Kind.NODE_UP, ordinal)
        lost_s = self.pool.nodes[ordinal].lost_s
        if lost_s < float("inf"):
            self._push(lost_s, _Kind.NODE_LOST, ordinal)

    def request_nodes(self, now_s: float, how_many: int, *, is_replacement: bool) -> None:
        """Ask for more workers."""
        for _ in range(how_many):
            ordinal = self.pool.request(now_s, is_replacement=is_replacement)
            self._expect(ordinal, self.pool.nodes[ordinal].ready_s + EXECUTOR_START_S)

    def _node_up(self, now_s: float, ordinal: int) -> None:
        if self.pool.nodes[ordinal].is_gone:
            return
        self.pool.join(ordinal, now_s)
        width = self.slots_per_node
        while len(self.busy) <= ordinal:
            self.busy.append(0)
            self._slot_row.extend([_IDLE] * width)
        for place in range(width):
            heapq.heappush(self._free, (place, ordinal))
        if ordinal >= self.pool.cluster.worker_count:
            self.pool.note(now_s, ClusterEventKind.UPSIZE_COMPLETED)

    def _node_lost(self, now_s: float, ordinal: int) -> None:
        if self.pool.nodes[ordinal].is_gone:
            return
        self.take_out(ordinal, now_s, NodeEnd.SPOT_LOSS)
        self.pool.note(now_s, ClusterEventKind.NODES_LOST, self.pool.nodes[ordinal].span.node_id)
        self.request_nodes(now_s, 1, is_replacement=True)

    def take_out(self, ordinal: int, now_s: float, end: NodeEnd) -> None:
        """Remove a node with all that runs and lies there."""
        was_alive = self.pool.nodes[ordinal].is_alive
        self.pool.leave(ordinal, now_s, end)
        if not was_alive:
            return
        width = self.slots_per_node
        for slot in range(ordinal * width, (ordinal + 1) * width):
            row = self._slot_row[slot]
            if row != _IDLE:
                stage = self._end_row(row, now_s, SparkTaskEnd.EXECUTOR_LOST)
                stage.pending.appendleft(self.rows.index[row])
        self._free = [each for each in self._free if each[1] != ordinal]
        heapq.heapify(self._free)
        self._lose_cache()
        self._lose_outputs(ordinal, now_s)

    def _lose_cache(self) -> None:
        left = self.pool.alive_count
        for stage_id, held in self.cached.items():
            kept = held.held_bytes * left / (left + 1)
            self.cached[stage_id] = replace(held, held_bytes=kept)

    def _lose_outputs(self, ordinal: int, now_s: float) -> None:
        """Find which shuffle outputs have to be made again, the latest stages first."""
        for stage in reversed(self.stages):
            readers = self._unfinished_readers(stage)
            is_open = stage.state is StageState.ACTIVE and self._children[stage.stage.stage_id]
            if not readers and not is_open:
                continue
            lost = stage.lose(ordinal)
            if not lost:
                continue
            if stage.state is StageState.ACTIVE:
                self._repeat(stage, lost, now_s)
                continue
            for reader in readers:
                if reader.state is StageState.ACTIVE:
                    self._fail_fetch(reader, now_s)
            if stage.state is StageState.DONE:
                stage.reopen()
                self._entries[stage.stage.spark_job_id].open_stages += 1
            self._push(now_s + RESUBMIT_S, _Kind.RESUBMIT, stage.position)

    def _repeat(self, stage: StageProgress, lost: Iterable[int], now_s: float) -> None:
        """Queue spark tasks again whose output went before their stage ended."""
        gone = sorted(lost)
        stage.pending.extendleft(reversed(gone))
        self.rows.lost_s |= {stage.made_in[index]: now_s for index in gone}

    def _unfinished_readers(self, stage: StageProgress) -> list[StageProgress]:
        """Return stages of the same spark job that still need this one's output.

        What later spark jobs read is taken as safe by then; Spark would notice its loss there.
        """
        return [
            reader
            for reader in map(self._by_id.__getitem__, self._children[stage.stage.stage_id])
            if reader.state is not StageState.DONE
            and reader.stage.spark_job_id == stage.stage.spark_job_id
        ]

    def _fail_fetch(self, stage: StageProgress, now_s: float) -> None:
        for row in list(stage.running):
            self._end_row(row, now_s, SparkTaskEnd.FETCH_FAILED)
            self._release_slot(self.rows.slot[row])
        stage.end_attempt(now_s, "FetchFailed: shuffle blocks were lost with their executor")
        self.active.remove(stage)

    def _check_size(self, now_s: float, _: int) -> None:
        autoscaling.adjust(self, now_s)
        self._push(now_s + CHECK_PERIOD_S, _Kind.CHECK)

    def holds_needed_output(self, ordinal: int) -> bool:
        """Say whether shuffle blocks lie on the node that will be read."""
        return any(
            ordinal in stage.lies_on
            for stage in self.stages
            if stage.done_count
            and (self._unfinished_readers(stage) or stage.state is StageState.ACTIVE)
        )

    # Spark jobs and stages.

    def _plan_spark_job(self, spark_job_id: int, after_s: float) -> None:
        driver_s = self._entries[spark_job_id].driver_s * self._driver_factor
        self._push(after_s + driver_s, _Kind.SPARK_JOB, spark_job_id)

    def _submit_spark_job(self, now_s: float, spark_job_id: int) -> None:
        entry = self._entries[spark_job_id]
        entry.is_submitted, entry.submitted_s = True, now_s
        self._activate_ready(now_s)

    def _resubmit(self, now_s: float, _: int) -> None:
        self._activate_ready(now_s)

    def _activate_ready(self, now_s: float) -> None:
        for stage in self.stages:
            if stage.state is StageState.WAITING and self._is_ready(stage):
                stage.submit(now_s, self._load(stage.stage))
                insort(self.active, stage, key=self._order)

    def _is_ready(self, stage: StageProgress) -> bool:
        parents = (self._by_id[parent].state for parent in stage.stage.parent_ids)
        is_submitted = self._entries[stage.stage.spark_job_id].is_submitted
        return is_submitted and all(state is StageState.DONE for state in parents)

    def _order(self, stage: StageProgress) -> tuple[int, int]:
        return self._entries[stage.stage.spark_job_id].position, stage.position

    def _load(self, stage: SimulatedStage) -> StageLoad:
        """Return what the stage's spark tasks have to do as the cluster is now."""
        nodes = max(1, self.pool.alive_count)
        cpu_s, input_bytes = stage.cpu_s, stage.input_bytes
        source = (
            self.cached.get(stage.cache_source_id) if stage.cache_source_id is not None else None
        )
        if source is not None and source.wanted_bytes > 0:
            missing = 1.0 - source.held_bytes / source.wanted_bytes
            maker = self._by_id[source.stage_id].stage
            cpu_s += missing * maker.cpu_s
            input_bytes += missing * (maker.input_bytes + maker.shuffle_read_bytes)
        if self.pool.cluster.is_photon:
            cpu_s *= 1.0 - stage.photon_fraction * (1.0 - 1.0 / physics.PHOTON_GAIN)
        return StageLoad(
            stage=stage,
            share=physics.shares(stage),
            cpu_s=cpu_s,
            input_bytes=input_bytes,
            cached_per_node_bytes=sum(c.held_bytes for c in self.cached.values()) / nodes,
            shuffle_on_disk_fraction=physics.page_cache_miss_fraction(
                stage.shuffle_read_bytes + stage.shuffle_write_bytes, self.machine, nodes
            ),
        )

    def _complete(self, stage: StageProgress) -> None:
        stage.end_attempt(self.now_s)
        self.active.remove(stage)
        if stage.stage.cached_bytes > 0 and stage.stage.stage_id not in self.cached:
            self._keep(stage.stage)
        spark_job_id = stage.stage.spark_job_id
        entry = self._entries[spark_job_id]
        entry.open_stages -= 1
        if entry.open_stages == 0:
            self._end_spark_job(spark_job_id)
        self._activate_ready(self.now_s)

    def _keep(self, stage: SimulatedStage) -> None:
        nodes = max(1, self.pool.alive_count)
        room = physics.storage_bytes_per_node(stage, self.machine, self.slots_per_node) * nodes
        used = sum(held.held_bytes for held in self.cached.values())
        held = min(stage.cached_bytes, max(0.0, room - used))
        self.cached[stage.stage_id] = CachedOutput(stage.stage_id, stage.cached_bytes, held)

    def _end_spark_job(self, spark_job_id: int) -> None:
        submitted_s = self._entries[spark_job_id].submitted_s
        self.spark_jobs[spark_job_id] = SparkJobSpan(spark_job_id, submitted_s, self.now_s)
        self.is_over = len(self.spark_jobs) == len(self._entries)
        for later, waits_for in self._waits_for.items():
            if spark_job_id in waits_for:
                waits_for.discard(spark_job_id)
                if not waits_for:
                    self._plan_spark_job(later, self.now_s)

    def _abort(self, failure: Failure, message: str) -> None:
        """End everything that runs, as Spark does when a spark job fails."""
        self.failure, self.message, self.is_over = failure, message, True
        for stage in self.active:
            for row in list(stage.running):
                self._end_row(row, self.now_s, SparkTaskEnd.KILLED)
            stage.end_attempt(self.now_s, message)
        for spark_job_id, entry in self._entries.items():
            if entry.is_submitted and spark_job_id not in self.spark_jobs:
                self.spark_jobs[spark_job_id] = SparkJobSpan(
                    spark_job_id, entry.submitted_s, self.now_s, is_failed=True
                )

    # Spark tasks.

    def _dispatch(self) -> None:
        """Give every free slot a spark task that waits, and start them together."""
        if not self._free or not self.active:
            return
        begun: list[tuple[int, StageProgress, int]] = []
        for stage in self.active:
            while stage.pending and self._free:
                place, ordinal = heapq.heappop(self._free)
                self.busy[ordinal] += 1
                begun.append((
                    ordinal * self.slots_per_node + place,
                    stage,
                    stage.pending.popleft(),
                ))
            if not self._free:
                break
        # Only now is it known how crowded each node is.
        node_count = self.pool.alive_count if begun else 0
        for slot, stage, index in begun:
            self._launch(slot, stage, index, node_count=node_count)

    def _launch(self, slot: int, stage: StageProgress, index: int, *, node_count: int) -> None:
        rows, timings, load = self.rows, self._timings, stage.load
        if load is None:
            raise InternalError(f"Stage {stage.stage.stage_id} runs without a load.")
        number = timings.number(load, self.busy[slot // self.slots_per_node], node_count)
        before = stage.known_slots.get(slot, 0)
        stage.known_slots[slot] = before + 1
        pace = stage.pace[index]
        warm_up_s = timings.warm_up_s[number][index] / (before + 1) ** physics.WARM_UP_DECAY
        fetch_s = 0.0 if before else physics.FIRST_FIXED_S
        self._driver_free_s = max(self._driver_free_s, self.now_s) + physics.DRIVER_EVENT_S
        duration_s = (timings.run_s[number][index] + warm_up_s + fetch_s) * pace
        if timings.is_out_of_memory[number][index]:
            duration_s *= OUT_OF_MEMORY_AT_FRACTION
        row = len(rows.stage)
        rows.stage.append(stage.position)
        rows.stage_attempt.append(stage.attempt_id)
        rows.index.append(index)
        rows.attempt.append(stage.failures.get(index, 0) if stage.failures else 0)
        rows.slot.append(slot)
        rows.timing.append(number)
        rows.warm_up_s.append(warm_up_s)
        rows.fetch_s.append(fetch_s)
        rows.pace.append(pace)
        rows.launch_s.append(self._driver_free_s)
        rows.finish_s.append(0.0)
        rows.end.append(_RUNNING)
        stage.running.add(row)
        self._slot_row[slot] = row
        heapq.heappush(
            self._events, (self._driver_free_s + duration_s, next(self._sequence), 0, slot, row)
        )

    def _finish(self, at_s: float, slot: int, row: int) -> None:
        if self._slot_row[slot] != row or self.rows.end[row] != _RUNNING:
            return  # It went with its node or its stage.
        self._driver_free_s = max(self._driver_free_s, at_s) + physics.DRIVER_EVENT_S
        now_s = self.now_s = max(self.now_s, self._driver_free_s)
        rows, stage = self.rows, self.stages[self.rows.stage[row]]
        index = rows.index[row]
        if self._timings.is_out_of_memory[rows.timing[row]][index]:
            self._out_of_memory(stage, row)
        else:
            rows.end[row], rows.finish_s[row] = 0, now_s
            stage.running.discard(row)
            stage.succeed(index, slot // self.slots_per_node, row)
        self._release_slot(slot)
        if not self.is_over and stage.is_finished:
            self._complete(stage)
        self._dispatch()

    def _release_slot(self, slot: int) -> None:
        ordinal, place = divmod(slot, self.slots_per_node)
        self._slot_row[slot] = _IDLE
        self.busy[ordinal] -= 1
        heapq.heappush(self._free, (place, ordinal))

    def _end_row(self, row: int, now_s: float, end: SparkTaskEnd) -> StageProgress:
        """End a spark task that did not succeed; its slot is the caller's business."""
        stage = self.stages[self.rows.stage[row]]
        stage.running.discard(row)
        self.rows.end[row] = _ENDS[end]
        self.rows.finish_s[row] = max(now_s, self.rows.launch_s[row])
        return stage

    def _out_of_memory(self, stage: StageProgress, row: int) -> None:
        index = self.rows.index[row]
        self._end_row(row, self.now_s, SparkTaskEnd.OUT_OF_MEMORY)
        failures = stage.failures[index] = stage.failures.get(index, 0) + 1
        if failures < MAX_FAILURES:
            stage.pending.append(index)
            return
        self._abort(
            Failure.OUT_OF_MEMORY,
            f"Job aborted due to stage failure: Task {index} in stage "
            f"{stage.stage.stage_id}.{stage.attempt_id} failed {MAX_FAILURES} times, most recent "
            "failure: org.apache.spark.memory.SparkOutOfMemoryError: Unable to acquire memory",
        )


def _children(workload: Workload) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {stage.stage_id: [] for stage in workload.stages}
    for stage in workload.stages:
        for parent in stage.parent_ids:
            children[parent].append(stage.stage_id)
    return children


def _factor(rng: np.random.Generator, cv: float) -> float:
    """Return how much longer than usual this run takes; log-normal with mean 1."""
    sigma = float(np.sqrt(np.log1p(cv**2)))
    return float(np.exp(rng.normal(-(sigma**2) / 2, sigma)))
