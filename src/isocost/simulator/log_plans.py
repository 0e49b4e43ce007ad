"""The SQL executions of a run in, their plans as Spark logs them out.

A plan is drawn from the stages' operators: each stage is a chain from its leaf up, and an exchange
stands between a stage and those that it reads.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from isocost.simulator.run import SimulatedRun
from isocost.simulator.workload import SimulatedSql, SimulatedStage, Workload

SQL_PACKAGE: Final = "org.apache.spark.sql.execution.ui."
# How many accumulators a stage may have; IDs are dealt out by stage, from this number on.
IDS_PER_STAGE: Final = 64
_FIRST_ID: Final = 1_000
_METRICS_PER_OPERATOR: Final = 3
# A row of TPC-H's largest table takes some 100 bytes; only ratios of row counts mean anything.
ROW_BYTES: Final = 100.0
# What one file of a table holds: Databricks writes files of some 128 MiB by default.
FILE_BYTES: Final = 128 * 2**20
_LETTERS: Final = "abcdefghijklmnop"

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OperatorMetric:
    """A metric of one operator: its accumulator, and how often it counted."""

    accumulator_id: int
    name: str
    value: int


def row_metrics(stage: SimulatedStage, position: int) -> tuple[OperatorMetric, ...]:
    """Return the row counts of a stage's operators, from the leaf up."""
    read = stage.input_bytes + stage.shuffle_read_bytes
    written = stage.output_bytes + stage.shuffle_write_bytes
    count = len(stage.operators)
    return tuple(
        OperatorMetric(
            _accumulator_id(position, n),
            "number of output rows",
            # Rows thin out evenly from what is read to what is written.
            round((read + (written - read) * n / max(1, count - 1)) / ROW_BYTES),
        )
        for n in range(count)
    )


def driver_updates(run: SimulatedRun, sql: SimulatedSql) -> list[list[int]]:
    """Return what the driver counted while listing files, as (accumulator, value)."""
    updates = []
    for position, stage in _stages_of(run.workload, sql):
        if stage.operators and stage.input_bytes:
            first = _accumulator_id(position, 0)
            files = max(1, round(stage.input_bytes / FILE_BYTES))
            updates += [[first + 1, files], [first + 2, round(stage.input_bytes)]]
    return updates


def plan_of(run: SimulatedRun, sql: SimulatedSql) -> Node:
    """Return the plan's root as `SparkPlanInfo`."""
    stages = {stage.stage_id: (n, stage) for n, stage in _stages_of(run.workload, sql)}
    read = {parent for _, stage in stages.values() for parent in stage.parent_ids}
    writer = _PlanWriter(run, sql, stages)
    sinks = [writer.stage(stage_id) for stage_id in stages if stage_id not in read]
    return _node("AdaptiveSparkPlan", "AdaptiveSparkPlan isFinalPlan=true", sinks)


class _PlanWriter:
    """Writes each stage once; whoever reads it again reads a reused exchange."""

    def __init__(
        self,
        run: SimulatedRun,
        sql: SimulatedSql,
        stages: Mapping[int, tuple[int, SimulatedStage]],
    ) -> None:
        self._is_photon = run.cluster.is_photon
        self._rule = _word(run.workload.code_version)
        self._source = sql.source
        self._stages = stages
        self._written: set[int] = set()

    def stage(self, stage_id: int) -> Node:
        """Return the topmost operator of a stage."""
        position, stage = self._stages[stage_id]
        self._written.add(stage_id)
        below = [self._exchange(parent) for parent in stage.parent_ids if parent in self._stages]
        for n, name in enumerate(stage.operators or ("Project",)):
            below = [self._operator(stage, position, n=n, name=name, children=below)]
        return below[0]

    def _exchange(self, parent_id: int) -> Node:
        if parent_id in self._written:
            return _node("ReusedExchange", "ReusedExchange [key], Exchange hashpartitioning", [])
        return _node("Exchange", "Exchange hashpartitioning(key)", [self.stage(parent_id)])

    def _operator(
        self, stage: SimulatedStage, position: int, *, n: int, name: str, children: list[Node]
    ) -> Node:
        is_photon = self._is_photon and stage.photon_fraction > 0
        shown = f"Photon{name}" if is_photon else name
        first = _accumulator_id(position, n)
        metrics = [_metric("number of output rows", first)]
        if "Scan" not in name:
            return _node(shown, f"{shown} [{self._rule}, key]", children, metrics=metrics)
        metrics += [
            _metric("number of files read", first + 1),
            _metric("size of files read", first + 2, "size"),
        ]
        location = f"InMemoryFileIndex(1 paths)[{self._source}/{_word(stage.name)}]"
        text = f"FileScan parquet [key] Batched: true, Format: Parquet, Location: {location}"
        found = _node(shown, text, children, metrics=metrics)
        found["metadata"] = {"Location": location, "Format": "Parquet", "Batched": "true"}
        return found


def _stages_of(workload: Workload, sql: SimulatedSql) -> Iterator[tuple[int, SimulatedStage]]:
    ids = {
        each.spark_job_id
        for each in workload.spark_jobs
        if each.sql_execution_id == sql.sql_execution_id
    }
    for position, stage in enumerate(workload.stages):
        if stage.spark_job_id in ids:
            yield position, stage


def _accumulator_id(position: int, operator: int) -> int:
    return _FIRST_ID + position * IDS_PER_STAGE + operator * _METRICS_PER_OPERATOR


def _metric(name: str, accumulator_id: int, kind: str = "sum") -> Node:
    return {"name": name, "accumulatorId": accumulator_id, "metricType": kind}


def _node(
    name: str, text: str, children: list[Node], *, metrics: list[Node] | None = None
) -> Node:
    return {
        "nodeName": name,
        "simpleString": text,
        "children": children,
        "metadata": {},
        "metrics": metrics or [],
    }


def _word(text: str) -> str:
    """Return a name for a text, made of letters: numbers in plans vary without the code."""
    number = zlib.crc32(text.encode())
    return "".join(_LETTERS[(number >> shift) & 15] for shift in range(0, 32, 4))
