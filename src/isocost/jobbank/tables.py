"""The four tables of an experiment: each a frozen row whose fields are the columns, described.

What the columns mean stands in their types, so that a Parquet file and the reference say the same.
Analysis reads these rows and nothing else: whatever the report shows can be computed anew from an
export.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from types import NoneType
from typing import Annotated, Final, get_args, get_type_hints

ColumnType = type[str] | type[int] | type[float] | type[bool] | type[datetime]

_Experiment = Annotated[str, "name of the experiment"]
_TrialId = Annotated[str, "the trial; joins all four tables"]
_Workload = Annotated[str, "name of the workload"]
_Policy = Annotated[str, "who chooses the clusters"]
_ColdStart = Annotated[
    int, "which cold start of this workload and policy, from 0; pairs trials of two experiments"
]
_RunId = Annotated[str, "the run"]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One project carried through the experiment."""

    experiment: _Experiment
    trial_id: _TrialId
    ordinal: Annotated[int, "place in the experiment, from 0"]
    platform: Annotated[str, "who ran it"]
    is_simulated: Annotated[bool, "no machine was rented: all times come from the simulator"]
    workload: _Workload
    policy: _Policy
    cold_start: _ColdStart
    state: Annotated[str, "queued, running, succeeded, set_aside or cancelled"]
    failure: Annotated[str | None, "why it was set aside"]
    attempt_count: Annotated[int, "how often a process died, or failed, while carrying it"]
    input_gb: Annotated[float | None, "size of the workload's data, 10⁹ bytes; null for its own"]
    node_type_id: Annotated[str, "node type of the cold start's workers"]
    family: Annotated[str, "family of that node type"]
    worker_count: Annotated[int, "workers of the cold start, the most where it scales by itself"]
    least_worker_count: Annotated[int | None, "fewest workers; null where the number is fixed"]
    is_spot: Annotated[bool | None, "whether the cold start's workers are spot machines"]
    disk_gib: Annotated[int | None, "volumes attached to each worker of the cold start"]
    cores: Annotated[int | None, "cores of the cold start's workers in sum"]
    memory_gib: Annotated[float | None, "memory of the cold start's workers in sum"]
    max_runtime_s: Annotated[float | None, "the SLA; null until the first run set it"]
    miss_fraction: Annotated[float | None, "how often the SLA may be missed, 0 to 1"]
    run_count: Annotated[int, "runs that are over, the cold start included"]
    failed_run_count: Annotated[int, "of these, those that failed"]
    abstention_count: Annotated[int, "how often the policy declined to recommend"]
    best_node_type_id: Annotated[str | None, "node type of the cheapest cluster in time"]
    best_worker_count: Annotated[int | None, "its workers; the simulator's knowledge"]
    best_usd: Annotated[float | None, "what a run on it costs without noise; null if unknown"]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run that is over."""

    experiment: _Experiment
    trial_id: _TrialId
    workload: _Workload
    policy: _Policy
    cold_start: _ColdStart
    run_id: _RunId
    ordinal: Annotated[int, "0 for the cold start, counted within the trial"]
    phase: Annotated[str, "cold_start, learning, optimizing or rebasing: that it was started in"]
    is_first_try: Annotated[bool, "no run of the trial before it was on this cluster"]
    state: Annotated[str, "ingested or failed"]
    failure: Annotated[str | None, "why it failed"]
    is_timed_out: Annotated[bool, "it was stopped, so it would have taken longer"]
    recommendation_id: Annotated[str | None, "the recommendation it tried, if any"]
    node_type_id: Annotated[str, "node type of its workers"]
    family: Annotated[str, "family of that node type"]
    worker_count: Annotated[int, "workers asked for, the most where it scales by itself"]
    cores: Annotated[int | None, "cores of these workers in sum"]
    memory_gib: Annotated[float | None, "memory of these workers in sum"]
    requested_at: Annotated[datetime, "when it was asked for, UTC"]
    runtime_s: Annotated[float | None, "start to end of the application; null if it failed"]
    took_s: Annotated[
        float | None,
        "what is held against the SLA: request to end where that is known, else runtime_s",
    ]
    max_runtime_s: Annotated[float | None, "the SLA"]
    is_late: Annotated[bool | None, "it missed the SLA or failed; null where there is no SLA"]
    list_usd: Annotated[float | None, "cost by public rates; null if a rate is unknown"]
    vm_usd: Annotated[float | None, "share of list_usd: machines, spot ones and driver included"]
    dbu_usd: Annotated[float | None, "share of list_usd: Databricks units"]
    disk_usd: Annotated[float | None, "share of list_usd: volumes"]
    spot_usd: Annotated[float | None, "share of vm_usd: spot workers"]
    billed_usd: Annotated[float | None, "the bill, by the simulator's own books"]
    expected_usd: Annotated[
        float | None,
        "what a run on this cluster costs without noise, by the simulator; null if that is late",
    ]
    spot_loss_count: Annotated[int, "nodes that the cloud took away"]
    input_bytes: Annotated[float | None, "how much it read"]
    stage_count: Annotated[int | None, "stage attempts that completed; null without its profile"]
    spark_task_count: Annotated[int | None, "ended attempts of spark tasks"]
    executor_run_s: Annotated[float | None, "sum over spark tasks"]
    gc_s: Annotated[float | None, "sum over spark tasks"]
    shuffle_read_bytes: Annotated[int | None, "sum over spark tasks"]
    disk_spilled_bytes: Annotated[int | None, "sum over spark tasks"]


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """One recommendation whose run is over: parent run → recommendation → child run."""

    experiment: _Experiment
    trial_id: _TrialId
    workload: _Workload
    policy: _Policy
    cold_start: _ColdStart
    recommendation_id: Annotated[str, "the recommendation"]
    parent_run_id: Annotated[str, "the run it was made after"]
    child_run_id: Annotated[str, "the first run that tried it"]
    child_ordinal: Annotated[int, "the child's place among the trial's runs, 1 or more"]
    history_count: Annotated[int, "runs that the model had learned from"]
    is_first_try: Annotated[bool, "no run of the trial before the child was on this cluster"]
    parent_node_type_id: Annotated[str, "node type of the parent's workers"]
    parent_worker_count: Annotated[
        int, "workers asked for of the parent, the most where it scales by itself"
    ]
    node_type_id: Annotated[str, "recommended node type"]
    worker_count: Annotated[int, "recommended workers"]
    is_other_family: Annotated[bool, "whether parent and child are of different families"]
    node_size_ratio: Annotated[float | None, "cores of one worker, child over parent"]
    worker_ratio: Annotated[float, "workers asked for, child over parent"]
    cores_ratio: Annotated[float | None, "cores in sum, child over parent"]
    memory_per_core_ratio: Annotated[float | None, "GiB per core, child over parent"]
    input_ratio: Annotated[float | None, "bytes read, child over parent; null if unknown"]
    predicted_s: Annotated[float, "predicted runtime, the median"]
    low_80_s: Annotated[float, "lower end of the 80 % interval"]
    high_80_s: Annotated[float, "upper end of the 80 % interval"]
    low_95_s: Annotated[float, "lower end of the 95 % interval"]
    high_95_s: Annotated[float, "upper end of the 95 % interval"]
    predicted_usd: Annotated[float, "predicted list cost, the median"]
    low_80_usd: Annotated[float, "lower end of the cost's 80 % interval"]
    high_80_usd: Annotated[float, "upper end of the cost's 80 % interval"]
    sla_probability: Annotated[float | None, "predicted chance to keep the SLA, 0 to 1"]
    failure_probability: Annotated[float, "predicted chance to fail, 0 to 1"]
    is_in_time_promised: Annotated[bool, "false where no candidate was expected to keep the SLA"]
    actual_s: Annotated[float | None, "the child's runtime; null if it failed"]
    actual_usd: Annotated[float | None, "the child's list cost"]
    error_fraction: Annotated[float | None, "predicted over actual runtime, less 1"]
    is_in_80: Annotated[bool | None, "whether the runtime fell into its 80 % interval"]
    is_in_95: Annotated[bool | None, "whether the runtime fell into its 95 % interval"]
    state: Annotated[str, "what became of it: observed, kept, rolled_back, expired …"]


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage attempt of a run that left an event log."""

    experiment: _Experiment
    trial_id: _TrialId
    run_id: _RunId
    stage_id: Annotated[int, "Spark's own"]
    attempt_id: Annotated[int, "Spark's own, from 0"]
    spark_job_id: Annotated[int | None, "the first spark job that submitted it"]
    status: Annotated[str, "succeeded, failed or unfinished"]
    submitted_s: Annotated[float | None, "after the application's start"]
    completed_s: Annotated[float | None, "after the application's start"]
    spark_task_count: Annotated[int, "ended attempts of its spark tasks"]
    failed_spark_task_count: Annotated[int, "of these, those that failed"]
    median_s: Annotated[float | None, "median duration of those that succeeded"]
    p95_s: Annotated[float | None, "their 95th percentile"]
    longest_s: Annotated[float | None, "the longest of them"]
    executor_run_s: Annotated[float, "sum over its spark tasks"]
    executor_cpu_s: Annotated[float | None, "sum; null where Spark records none"]
    gc_s: Annotated[float, "sum over its spark tasks"]
    shuffle_fetch_wait_s: Annotated[float, "sum over its spark tasks"]
    input_bytes: Annotated[int, "sum over its spark tasks"]
    output_bytes: Annotated[int, "sum over its spark tasks"]
    shuffle_read_bytes: Annotated[int, "sum over its spark tasks"]
    shuffle_write_bytes: Annotated[int, "sum over its spark tasks"]
    memory_spilled_bytes: Annotated[int, "sum over its spark tasks"]
    disk_spilled_bytes: Annotated[int, "sum over its spark tasks"]


Row = TrialRow | RunRow | PredictionRow | StageRow

TABLES: Final[Mapping[str, type[Row]]] = {
    "trials": TrialRow,
    "runs": RunRow,
    "predictions": PredictionRow,
    "stages": StageRow,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: ColumnType
    is_nullable: bool
    meaning: str


def columns_of(row: type[Row]) -> tuple[Column, ...]:
    """Return a table's columns in their order."""
    hints = get_type_hints(row, include_extras=True)
    return tuple(_column(field.name, hints[field.name]) for field in fields(row))


def _column(name: str, hint: object) -> Column:
    kind, meaning = get_args(hint)
    known = [each for each in get_args(kind) or (kind,) if each is not NoneType]
    return Column(name, known[0], is_nullable=NoneType in get_args(kind), meaning=meaning)
