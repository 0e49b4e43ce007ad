"""One trial's record in, its rows of trials, runs and predictions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.experiment import ExperimentPlan
from isocost.domain.profile import RunProfile
from isocost.domain.project import Phase
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run, RunState
from isocost.jobbank.lineage import ExperimentRecord, TrialRecord, first_children
from isocost.jobbank.tables import PredictionRow, RunRow, TrialRow
from isocost.space.families import family_of

COLD_START: Final = "cold_start"
# Local workers are one machine's, however its cores and memory are cut.
_LOCAL: Final = "local"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of three tables; those of the stages (`stage_rows`) are too many to be kept."""

    trials: Sequence[TrialRow]
    runs: Sequence[RunRow]
    predictions: Sequence[PredictionRow]


def rows_of(record: ExperimentRecord) -> Rows:
    """Return all rows of an experiment, trial by trial."""
    tabulator = Tabulator(record.experiment.plan, record.node_types)
    trials: list[TrialRow] = []
    runs: list[RunRow] = []
    predictions: list[PredictionRow] = []
    for trial in record.trials:
        rows = tabulator.rows_of_trial(trial)
        trials += rows.trials
        runs += rows.runs
        predictions += rows.predictions
    return Rows(trials, runs, predictions)


@dataclass(slots=True)
class Tabulator:
    """Makes rows, trial by trial in their order, for it counts their cold starts."""

    plan: ExperimentPlan
    node_types: Sequence[NodeType]
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def rows_of_trial(self, record: TrialRecord) -> Rows:
        """Return the next trial's rows."""
        trial = record.trial
        pair = (trial.workload, trial.policy)
        cold_start = self._seen.get(pair, 0)
        self._seen[pair] = cold_start + 1
        machines = {each.node_type_id: each for each in self.node_types}
        of_trial = _OfTrial(record, cold_start, machines)
        return Rows([of_trial.trial_row(self.plan)], of_trial.runs(), of_trial.predictions())


class _OfTrial:
    """Makes the rows of one trial."""

    def __init__(
        self, record: TrialRecord, cold_start: int, machines: Mapping[str, NodeType]
    ) -> None:
        self._record = record
        self._trial = record.trial
        self._cold_start = cold_start
        self._machines = machines
        self._over = [run for run in record.runs if run.is_over]
        self._phases = _phases(record)

    def trial_row(self, plan: ExperimentPlan) -> TrialRow:
        trial, record = self._trial, self._record
        start, truth = trial.cold_start, trial.truth
        shape, spec, sla = start.shape, start.spec, record.project.sla
        best = None if truth is None else truth.best_spec
        return TrialRow(
            experiment=trial.experiment,
            trial_id=trial.trial_id,
            ordinal=trial.ordinal,
            platform=plan.platform,
            is_simulated=plan.is_simulated,
            workload=trial.workload,
            policy=trial.policy,
            cold_start=self._cold_start,
            state=trial.state.value,
            failure=trial.failure,
            attempt_count=trial.attempt_count,
            input_gb=trial.input_gb,
            node_type_id=spec.node_type_id,
            family=family_name(spec.node_type_id),
            worker_count=spec.worker_count,
            least_worker_count=None if shape is None else shape.least_worker_count,
            is_spot=None if shape is None else shape.is_spot,
            disk_gib=None if shape is None else shape.disk_gib,
            cores=self._cores(spec),
            memory_gib=self._memory_gib(spec),
            max_runtime_s=None if sla is None else sla.max_runtime_s,
            miss_fraction=None if sla is None else sla.miss_fraction,
            run_count=len(self._over),
            failed_run_count=sum(run.state is RunState.FAILED for run in self._over),
            abstention_count=len(trial.abstentions),
            best_node_type_id=None if best is None else best.node_type_id,
            best_worker_count=None if best is None else best.worker_count,
            best_usd=None if truth is None else truth.best_usd,
        )

    def runs(self) -> list[RunRow]:
        tried: set[ClusterSpec] = set()
        rows = []
        for run in self._over:
            rows.append(self._run_row(run, is_first_try=_spec(run) not in tried))
            tried.add(_spec(run))
        return rows

    def _run_row(self, run: Run, *, is_first_try: bool) -> RunRow:
        record, trial, cost, spec = self._record, self._trial, run.cost, _spec(run)
        profile = record.profiles.get(run.run_id)
        totals = None if profile is None else profile.totals
        truth = trial.truth
        known_phase = self._phases.get(run.run_id)
        return RunRow(
            experiment=trial.experiment,
            trial_id=trial.trial_id,
            workload=trial.workload,
            policy=trial.policy,
            cold_start=self._cold_start,
            run_id=run.run_id,
            ordinal=run.ordinal,
            phase=known_phase or _phase_by_cluster(run, is_first_try=is_first_try),
            is_first_try=is_first_try,
            state=run.state.value,
            failure=run.failure,
            is_timed_out=run.is_timed_out,
            recommendation_id=run.recommendation_id,
            node_type_id=spec.node_type_id,
            family=family_name(spec.node_type_id),
            worker_count=spec.worker_count,
            cores=self._cores(spec),
            memory_gib=self._memory_gib(spec),
            requested_at=run.requested_at,
            runtime_s=run.runtime_s,
            took_s=record.took_s(run),
            max_runtime_s=record.max_runtime_s,
            is_late=record.is_late(run),
            list_usd=None if cost is None else cost.total_usd,
            vm_usd=None if cost is None else cost.vm_usd,
            dbu_usd=None if cost is None else cost.dbu_usd,
            disk_usd=None if cost is None else cost.disk_usd,
            spot_usd=None if cost is None else cost.spot_usd,
            billed_usd=None if truth is None else truth.billed_usd.get(run.run_id),
            expected_usd=None if truth is None else truth.expected_usd.get(run.run_id),
            spot_loss_count=run.spot_loss_count,
            input_bytes=_input_bytes(run, profile),
            stage_count=None if profile is None else profile.completed_stage_count,
            spark_task_count=None if profile is None else profile.task_count,
            executor_run_s=None if totals is None else totals.executor_run_s,
            gc_s=None if totals is None else totals.gc_s,
            shuffle_read_bytes=None if totals is None else totals.shuffle_read_bytes,
            disk_spilled_bytes=None if totals is None else totals.disk_spilled_bytes,
        )

    def predictions(self) -> list[PredictionRow]:
        children = first_children(self._record.runs)
        by_id = {run.run_id: run for run in self._record.runs}
        return [
            self._prediction_row(each, by_id[each.parent_run_id], child)
            for each in self._record.recommendations
            if (child := children.get(each.recommendation_id)) is not None
        ]

    def _prediction_row(self, told: Recommendation, parent: Run, child: Run) -> PredictionRow:
        trial, p, was = self._trial, told.prediction, _spec(parent)
        actual_s = child.runtime_s
        before = {_spec(run) for run in self._over if run.ordinal < child.ordinal}
        return PredictionRow(
            experiment=trial.experiment,
            trial_id=trial.trial_id,
            workload=trial.workload,
            policy=trial.policy,
            cold_start=self._cold_start,
            recommendation_id=told.recommendation_id,
            parent_run_id=parent.run_id,
            child_run_id=child.run_id,
            child_ordinal=child.ordinal,
            history_count=len(told.evidence.history_run_ids),
            is_first_try=_spec(child) not in before,
            parent_node_type_id=was.node_type_id,
            parent_worker_count=was.worker_count,
            node_type_id=told.spec.node_type_id,
            worker_count=told.spec.worker_count,
            is_other_family=family_name(was.node_type_id) != family_name(told.spec.node_type_id),
            node_size_ratio=self._ratio_of_cores(_one(told.spec), _one(was)),
            worker_ratio=told.spec.worker_count / was.worker_count,
            cores_ratio=self._ratio_of_cores(told.spec, was),
            memory_per_core_ratio=self._ratio_of_memory_per_core(told.spec, was),
            input_ratio=_ratio(self._bytes_of(child), self._bytes_of(parent)),
            predicted_s=p.runtime_s,
            low_80_s=p.runtime_80_s.low,
            high_80_s=p.runtime_80_s.high,
            low_95_s=p.runtime_95_s.low,
            high_95_s=p.runtime_95_s.high,
            predicted_usd=p.cost_usd,
            low_80_usd=p.cost_80_usd.low,
            high_80_usd=p.cost_80_usd.high,
            sla_probability=p.sla_probability,
            failure_probability=p.failure_probability,
            is_in_time_promised=told.evidence.meets_sla,
            actual_s=actual_s,
            actual_usd=None if child.cost is None else child.cost.total_usd,
            error_fraction=p.runtime_s / actual_s - 1.0 if actual_s else None,
            is_in_80=None if actual_s is None else actual_s in p.runtime_80_s,
            is_in_95=None if actual_s is None else actual_s in p.runtime_95_s,
            state=told.state.value,
        )

    def _bytes_of(self, run: Run) -> float | None:
        return _input_bytes(run, self._record.profiles.get(run.run_id))

    def _cores(self, spec: ClusterSpec) -> int | None:
        machine = self._machines.get(spec.node_type_id)
        return None if machine is None else machine.cores * spec.worker_count

    def _memory_gib(self, spec: ClusterSpec) -> float | None:
        machine = self._machines.get(spec.node_type_id)
        return None if machine is None else machine.memory_gib * spec.worker_count

    def _ratio_of_cores(self, spec: ClusterSpec, was: ClusterSpec) -> float | None:
        return _ratio(self._cores(spec), self._cores(was))

    def _ratio_of_memory_per_core(self, spec: ClusterSpec, was: ClusterSpec) -> float | None:
        memory = _ratio(self._memory_gib(spec), self._memory_gib(was))
        return _ratio(memory, self._ratio_of_cores(spec, was))


def family_name(node_type_id: str) -> str:
    """Return the family that a table names; local workers are all of one."""
    is_local = node_type_id.startswith(f"{_LOCAL}-")
    return _LOCAL if is_local else family_of(node_type_id)


def _spec(run: Run) -> ClusterSpec:
    """Return what was asked for, which is what was chosen."""
    return run.asked_spec or run.spec


def _one(spec: ClusterSpec) -> ClusterSpec:
    return ClusterSpec(spec.node_type_id, 1)


def _ratio(after: float | None, before: float | None) -> float | None:
    return after / before if after is not None and before else None


def _input_bytes(run: Run, profile: RunProfile | None) -> float | None:
    if run.input_bytes is not None:
        return run.input_bytes
    return None if profile is None else profile.totals.input_bytes or None


def _phases(record: TrialRecord) -> dict[str, str]:
    """Return, by run id, the phase that the execution before it was concluded with."""
    phase: Phase | None = Phase.LEARNING
    found = {}
    for execution in sorted(record.executions, key=lambda each: each.ordinal):
        if phase is not None:
            found.update(dict.fromkeys(execution.run_ids, phase.value))
        phase = execution.phase
    return found | {run.run_id: COLD_START for run in record.runs if run.ordinal == 0}


def _phase_by_cluster(run: Run, *, is_first_try: bool) -> str:
    """Return the phase where nobody wrote it down.

    By the rule of the engine: who tries a cluster is learning, who stays on one is optimizing.
    """
    if run.ordinal == 0:
        return COLD_START
    return Phase.LEARNING.value if is_first_try else Phase.OPTIMIZING.value
