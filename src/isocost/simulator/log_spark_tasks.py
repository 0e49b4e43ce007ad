"""Spark tasks by columns in, their start and end lines out: nine tenths of an event log.

One template a stage and one `%` a line: with Python's `json` module the text would take three
times as long as the whole simulation.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from isocost.simulator.log_lines import Lines, Rank, compact, epoch_ms_array
from isocost.simulator.log_plans import ROW_BYTES, row_metrics
from isocost.simulator.run import (
    Floats,
    Integers,
    SimulatedRun,
    SparkTaskEnd,
    SparkTaskTable,
    StageAttempt,
)
from isocost.units import MS_PER_S, NS_PER_S

# Result of a spark task that returns nothing but its metrics, as in measured logs.
_RESULT_BYTES: Final = 1_976
_MAP_OUTPUT_PORT: Final = 40_000

_INFO: Final = (
    '"Task Info":{"Task ID":%d,"Index":%d,"Attempt":%d,"Partition ID":%d,"Launch Time":%d,'
    '"Executor ID":"%s","Host":"%s","Locality":"PROCESS_LOCAL","Speculative":false,'
    '"Getting Result Time":0,"Finish Time":'
)
_START: Final = (
    '{"Event":"SparkListenerTaskStart","Stage ID":%d,"Stage Attempt ID":%d,'
    + _INFO
    + '0,"Failed":false,"Killed":false,"Accumulables":[]}}'
)
# Spark fills in what is absent here with zero; a heap's peaks are not part of the simulation.
_NO_EXECUTOR_METRICS: Final = '"Task Executor Metrics":{"JVMHeapMemory":0,"JVMOffHeapMemory":0}'
_METRICS: Final = (
    '"Task Metrics":{"Executor Deserialize Time":%d,"Executor Deserialize CPU Time":%d,'
    '"Executor Run Time":%d,"Executor CPU Time":%d,"Peak Execution Memory":%d,'
    f'"Result Size":{_RESULT_BYTES},"JVM GC Time":%d,"Result Serialization Time":0,'
    '"Memory Bytes Spilled":%d,"Disk Bytes Spilled":%d,'
    '"Shuffle Read Metrics":{"Remote Blocks Fetched":%d,"Local Blocks Fetched":%d,'
    '"Fetch Wait Time":%d,"Remote Bytes Read":%d,"Remote Bytes Read To Disk":0,'
    '"Local Bytes Read":%d,"Total Records Read":%d},'
    '"Shuffle Write Metrics":{"Shuffle Bytes Written":%d,"Shuffle Write Time":%d,'
    '"Shuffle Records Written":%d},"Input Metrics":{"Bytes Read":%d,"Records Read":%d},'
    '"Output Metrics":{"Bytes Written":%d,"Records Written":%d},"Updated Blocks":[]}}'
)
_ACCUMULABLE: Final = (
    '{"ID":%d,"Name":"%s","Update":"%%d","Value":"%%d","Internal":true,'
    '"Count Failed Values":true,"Metadata":"sql"}'
)
_ENDS: Final = tuple(SparkTaskEnd)


def spark_task_lines(run: SimulatedRun) -> Iterator[Lines]:
    """Yield the lines of each stage attempt's spark tasks, starts and ends apart."""
    names = np.array([each.executor_id for each in run.executors])
    hosts = np.array([each.host for each in run.executors])
    positions = {stage.stage_id: n for n, stage in enumerate(run.workload.stages)}
    for attempt in run.stages:
        if attempt.row_count:
            writer = _AttemptWriter(run, attempt, positions[attempt.stage_id])
            yield from writer.lines(names, hosts)


class _AttemptWriter:
    """Writes the spark tasks of one stage attempt."""

    def __init__(self, run: SimulatedRun, attempt: StageAttempt, position: int) -> None:
        self._run, self._attempt = run, attempt
        self._stage = run.workload.stages[position]
        self._metrics = row_metrics(self._stage, position)
        self._rows = slice(attempt.first_row, attempt.first_row + attempt.row_count)
        is_map = self._stage.shuffle_write_bytes > 0 or any(
            self._stage.stage_id in each.parent_ids for each in run.workload.stages
        )
        self._kind = "ShuffleMapTask" if is_map else "ResultTask"

    def lines(self, names: Integers, hosts: Integers) -> Iterator[Lines]:
        """Yield starts, ends, and ends that were taken back later."""
        table, rows = self._run.spark_tasks, self._rows
        executor = table.executor[rows]
        info = [
            table.spark_task_id[rows].tolist(),
            table.index[rows].tolist(),
            table.attempt[rows].tolist(),
            table.index[rows].tolist(),
            epoch_ms_array(self._run, table.launch_s[rows]).tolist(),
            names[executor].tolist(),
            hosts[executor].tolist(),
        ]
        head = (self._attempt.stage_id, self._attempt.attempt_id)
        start = _START.replace("%d", str(head[0]), 1).replace("%d", str(head[1]), 1)
        begun = [start % each for each in zip(*info, strict=True)]
        yield Lines(Rank.TASK_START, table.launch_s[rows], begun)
        ends = self._ends(info)
        yield Lines(Rank.TASK_END, table.finish_s[rows], ends)
        yield from self._taken_back(ends)

    def _ends(self, info: list[list[int]]) -> list[str]:
        table, rows = self._run.spark_tasks, self._rows
        finish_ms = epoch_ms_array(self._run, table.finish_s[rows]).tolist()
        columns = [*info, finish_ms, *self._accumulables(), *_metric_columns(table, rows)]
        end = table.end[rows]
        success = self._template(SparkTaskEnd.SUCCESS, "")
        if not end.any():
            return [success % each for each in zip(*columns, strict=True)]
        texts = []
        for code, each in zip(end.tolist(), zip(*columns, strict=True), strict=True):
            kind = _ENDS[code]
            template = success if code == 0 else self._template(kind, self._reason(kind, each))
            texts.append(template % each)
        return texts

    def _template(self, end: SparkTaskEnd, details: str) -> str:
        accumulables = ",".join(
            _ACCUMULABLE % (each.accumulator_id, each.name) for each in self._metrics
        )
        is_failed = str(end not in {SparkTaskEnd.SUCCESS, SparkTaskEnd.KILLED}).lower()
        is_killed = str(end is SparkTaskEnd.KILLED).lower()
        return (
            f'{{"Event":"SparkListenerTaskEnd","Stage ID":{self._attempt.stage_id},'
            f'"Stage Attempt ID":{self._attempt.attempt_id},"Task Type":"{self._kind}",'
            f'"Task End Reason":{{"Reason":"{end.value}"{details}}},{_INFO}%d,'
            f'"Failed":{is_failed},"Killed":{is_killed},"Accumulables":[{accumulables}]}},'
            f"{_NO_EXECUTOR_METRICS},{_METRICS}"
        )

    def _reason(self, end: SparkTaskEnd, row: tuple[object, ...]) -> str:
        """Return the fields that Spark adds to an end that is no success, `%` doubled."""
        executor_id, host = str(row[5]), str(row[6])
        details: dict[SparkTaskEnd, dict[str, object]] = {
            SparkTaskEnd.OUT_OF_MEMORY: {
                "Class Name": "org.apache.spark.memory.SparkOutOfMemoryError",
                "Description": "Unable to acquire memory",
                "Stack Trace": [],
                "Full Stack Trace": "org.apache.spark.memory.SparkOutOfMemoryError: Unable to "
                "acquire memory\n\tat org.apache.spark.memory.MemoryConsumer.throwOom",
                "Accumulator Updates": [],
            },
            SparkTaskEnd.EXECUTOR_LOST: {
                "Executor ID": executor_id,
                "Exit Caused By App": False,
                "Loss Reason": "Executor decommissioned: worker lost due to spot instance "
                "preemption",
            },
            SparkTaskEnd.FETCH_FAILED: {
                "Block Manager Address": {
                    "Executor ID": executor_id,
                    "Host": host,
                    "Port": _MAP_OUTPUT_PORT,
                },
                "Shuffle ID": (self._stage.parent_ids or (0,))[0],
                "Map ID": 0,
                "Map Index": 0,
                "Reduce ID": row[1],
                "Message": "org.apache.spark.shuffle.FetchFailedException: connection closed",
            },
            SparkTaskEnd.KILLED: {"Kill Reason": "Stage cancelled", "Accumulator Updates": []},
        }
        return "," + compact(details[end])[1:-1].replace("%", "%%")

    def _accumulables(self) -> list[list[int]]:
        """Return for each metric its update and its running value."""
        table, rows = self._run.spark_tasks, self._rows
        share = (table.end[rows] == 0) / self._stage.spark_task_count
        columns: list[list[int]] = []
        for metric in self._metrics:
            update = np.rint(metric.value * share).astype(np.int64)
            columns += [update.tolist(), np.cumsum(update).tolist()]
        return columns

    def _taken_back(self, ends: list[str]) -> Iterator[Lines]:
        lost_s = self._run.spark_tasks.lost_s[self._rows]
        places = np.flatnonzero(~np.isnan(lost_s))
        if len(places):
            texts = [
                ends[n].replace('"Reason":"Success"', '"Reason":"Resubmitted"') for n in places
            ]
            yield Lines(Rank.TASK_END, lost_s[places], texts)


def _metric_columns(table: SparkTaskTable, rows: slice) -> list[list[int]]:
    """Return the numbers of `_METRICS`, in its order."""
    read = table.shuffle_read_bytes[rows]
    remote = read * table.shuffle_remote_fraction[rows]
    has_read = read > 0
    run_s, cpu_s = table.run_s[rows], table.cpu_s[rows]
    columns = [
        table.deserialize_s[rows] * MS_PER_S,
        table.deserialize_s[rows] * (NS_PER_S / 2),
        run_s * MS_PER_S,
        cpu_s * NS_PER_S,
        table.peak_memory_bytes[rows],
        table.gc_s[rows] * MS_PER_S,
        table.memory_spilled_bytes[rows],
        table.disk_spilled_bytes[rows],
        (has_read & (remote > 0)).astype(np.float64),
        has_read.astype(np.float64),
        table.fetch_wait_s[rows] * MS_PER_S,
        remote,
        read - remote,
        read / ROW_BYTES,
        table.shuffle_write_bytes[rows],
        table.shuffle_write_s[rows] * NS_PER_S,
        table.shuffle_write_bytes[rows] / ROW_BYTES,
        table.input_bytes[rows],
        table.input_bytes[rows] / ROW_BYTES,
        table.output_bytes[rows],
        table.output_bytes[rows] / ROW_BYTES,
    ]
    return [_whole(column) for column in columns]


def _whole(column: Floats) -> list[int]:
    whole: list[int] = np.rint(column).astype(np.int64).tolist()
    return whole
