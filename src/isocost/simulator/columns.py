"""The scheduler's rows in, the table of spark tasks with all their metrics out."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from isocost.simulator.nodes import NodePool
from isocost.simulator.physics import LATER_FIXED_S, SPILL_DISK_FRACTION, Timing
from isocost.simulator.run import Floats, Integers, SparkTaskTable, StageAttempt
from isocost.simulator.schedule import Rows, Scheduler


def empty_table() -> SparkTaskTable:
    """Return a table without a row."""
    columns: dict[str, Any] = {
        each.name: np.zeros(0, dtype=np.int64 if each.type is Integers else np.float64)
        for each in fields(SparkTaskTable)
    }
    return SparkTaskTable(**columns)


def table_from_rows(
    scheduler: Scheduler, pool: NodePool
) -> tuple[SparkTaskTable, list[StageAttempt]]:
    """Return all spark tasks in order of stage attempt, and the attempts with their rows."""
    rows = scheduler.rows
    if not rows.stage:
        return empty_table(), [each for stage in scheduler.stages for each in stage.attempts]
    position, attempt = np.array(rows.stage), np.array(rows.stage_attempt)
    order = np.lexsort((np.arange(len(position)), attempt, position))
    table = _table(scheduler, pool, order)
    return table, _attempts(scheduler, position[order], attempt[order])


def _attempts(scheduler: Scheduler, position: Integers, attempt: Integers) -> list[StageAttempt]:
    """Return every stage attempt with the rows that are its own."""
    found = []
    for stage in scheduler.stages:
        begin = int(np.searchsorted(position, stage.position))
        end = int(np.searchsorted(position, stage.position, side="right"))
        for each in stage.attempts:
            first = begin + int(np.searchsorted(attempt[begin:end], each.attempt_id))
            after = begin + int(np.searchsorted(attempt[begin:end], each.attempt_id, side="right"))
            found.append(replace(each, first_row=first, row_count=after - first))
    return found


def _table(scheduler: Scheduler, pool: NodePool, order: Integers) -> SparkTaskTable:
    rows = scheduler.rows
    timing, index = np.array(rows.timing)[order], np.array(rows.index)[order]
    pace, warm_s = np.array(rows.pace)[order], np.array(rows.warm_up_s)[order]
    position = np.array(rows.stage)[order]
    gathered = _Gathered(scheduler.timings, timing, index)
    fetch_s = np.array(rows.fetch_s)[order]
    planned_s = gathered(lambda each: each.run_s) + warm_s + fetch_s
    launch_s, finish_s = np.array(rows.launch_s)[order], np.array(rows.finish_s)[order]
    end = np.array(rows.end)[order]
    # What was cut short did and measured that part of its work.
    done = np.clip((finish_s - launch_s) / np.maximum(planned_s * pace, 1e-9), 0.0, 1.0)
    done[end == 0] = 1.0
    factor = pace * done
    deserialize_s = (LATER_FIXED_S + fetch_s) * factor
    run_s = planned_s * factor - deserialize_s
    spilled = gathered(lambda each: each.spilled_bytes) * done
    ids = np.arange(len(order))[order]
    slot = np.array(rows.slot)[order]
    return SparkTaskTable(
        spark_task_id=ids,
        stage_id=np.array([each.stage.stage_id for each in scheduler.stages])[position],
        stage_attempt_id=np.array(rows.stage_attempt)[order],
        index=index,
        attempt=np.array(rows.attempt)[order],
        executor=_executors(scheduler, pool, slot),
        slot=slot,
        end=end,
        launch_s=launch_s,
        finish_s=finish_s,
        lost_s=_lost(rows, ids),
        deserialize_s=deserialize_s,
        run_s=run_s,
        cpu_s=np.minimum((gathered(lambda each: each.cpu_s) + warm_s) * factor, run_s),
        gc_s=np.minimum(gathered(lambda each: each.gc_s) * factor, run_s),
        fetch_wait_s=np.minimum(gathered(lambda each: each.fetch_wait_s) * factor, run_s),
        shuffle_write_s=np.minimum(gathered(lambda each: each.write_s) * factor, run_s),
        input_bytes=gathered(lambda each: each.input_bytes) * done,
        output_bytes=gathered(lambda each: each.output_bytes) * done,
        shuffle_read_bytes=gathered(lambda each: each.shuffle_read_bytes) * done,
        shuffle_remote_fraction=gathered(lambda each: _filled(each, each.remote_fraction)),
        shuffle_write_bytes=gathered(lambda each: each.shuffle_write_bytes) * done,
        memory_spilled_bytes=spilled,
        disk_spilled_bytes=spilled * SPILL_DISK_FRACTION,
        peak_memory_bytes=gathered(lambda each: each.peak_bytes),
    )


class _Gathered:
    """Reads one column of each row's own timing."""

    def __init__(self, timings: list[Timing], timing: Integers, index: Integers) -> None:
        lengths = np.array([len(each.run_s) for each in timings])
        self._timings = timings
        self._places = (np.cumsum(lengths) - lengths)[timing] + index

    def __call__(self, column: Callable[[Timing], Floats]) -> Floats:
        joined: Floats = np.concatenate([column(each) for each in self._timings])
        result: Floats = joined[self._places]
        return result


def _filled(each: Timing, value: float) -> Floats:
    return np.full(len(each.run_s), value)


def _executors(scheduler: Scheduler, pool: NodePool, slot: Integers) -> Integers:
    """Return the executor that each slot belongs to."""
    node, place = np.divmod(slot, scheduler.slots_per_node)
    first = np.array([each.first_executor for each in pool.nodes])
    executors: Integers = first[node] + place // pool.cluster.cores_per_executor
    return executors


def _lost(rows: Rows, ids: Integers) -> Floats:
    lost = np.full(len(ids), np.nan)
    for row, at_s in rows.lost_s.items():
        lost[row] = at_s
    result: Floats = lost[ids]
    return result
