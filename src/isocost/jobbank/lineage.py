"""An experiment's rows in; its lineages, parent run → recommendation → child run, out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of, total_cores
from isocost.domain.execution import Execution
from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Interval, Prediction, Recommendation
from isocost.domain.run import Run
from isocost.jobbank.reached import Reached, reached
from isocost.model.predict import interval_of
from isocost.model.replayed import observed_run, shape_of
from isocost.model.runtime import RuntimeModel


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """All that is stored about one trial.

    Attributes:
        profiles: by run id, of the ingested runs that left an event log; none where they were not
            asked for.
        executions: of a project that lives in a workspace.
    """

    trial: Trial
    project: Project
    runs: Sequence[Run]
    recommendations: Sequence[Recommendation]
    profiles: Mapping[str, RunProfile]
    executions: Sequence[Execution] = ()

    @property
    def max_runtime_s(self) -> float | None:
        """The SLA, if there is one by now."""
        return None if self.project.sla is None else self.project.sla.max_runtime_s

    def took_s(self, run: Run) -> float | None:
        """Return what is held against the SLA: request to end, or the application where unknown.

        None for a failed run.
        """
        if run.runtime_s is None:
            return None
        truth = self.trial.truth
        if truth is not None:
            return truth.duration_s.get(run.run_id, run.runtime_s)
        whole = (e.duration_s for e in self.executions if e.execution_id == run.execution_id)
        return next(whole, run.runtime_s)

    def is_late(self, run: Run) -> bool | None:
        """Return whether a run that is over missed the SLA or failed; None without an SLA."""
        if self.max_runtime_s is None:
            return None
        took_s = self.took_s(run)
        return took_s is None or took_s > self.max_runtime_s

    def paid_usd(self, run: Run) -> float | None:
        """Return the bill of a run where it is known, else its list cost."""
        listed = None if run.cost is None else run.cost.total_usd
        truth = self.trial.truth
        return listed if truth is None else truth.billed_usd.get(run.run_id, listed)


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """An experiment with all of its trials, and the node types it ran on."""

    experiment: Experiment
    trials: Sequence[TrialRecord]
    node_types: Sequence[NodeType]

    @property
    def reached(self) -> Reached:
        """How far it has come."""
        return reached(self.experiment, Counter(each.trial.state for each in self.trials))


@dataclass(frozen=True, slots=True)
class Lineage:
    """One recommendation with the run it followed from and the run that tried it.

    Attributes:
        baseline: the trial's cold start, which savings are measured against.
        max_runtime_s: the SLA.
        took_s: what is held against the SLA of the child, start-up included where that is known;
            None of a failed one.
        is_sla_met: whether the child ended in time; a failed one did not.
    """

    trial: Trial
    baseline: Run
    parent: Run
    child: Run
    recommendation: Recommendation
    max_runtime_s: float
    took_s: float | None
    is_sla_met: bool

    @property
    def prediction(self) -> Prediction:
        """What was expected of the child."""
        return self.recommendation.prediction

    @property
    def error_fraction(self) -> float | None:
        """Predicted over actual runtime, less 1; None if the child failed or took no time."""
        if not self.child.runtime_s:
            return None
        return self.prediction.runtime_s / self.child.runtime_s - 1.0

    @property
    def saving_fraction(self) -> float | None:
        """What the child cost less than the baseline; None if a cost is unknown or free.

        A failed child was paid for and gave nothing, so it counts on top of the baseline's run,
        which has to be made after all: a failure never is a saving.
        """
        if self.child.cost is None or self.baseline.cost is None:
            return None
        before_usd = self.baseline.cost.total_usd
        if before_usd == 0:
            return None
        instead_usd = before_usd if self.child.runtime_s is None else 0.0
        return 1.0 - (self.child.cost.total_usd + instead_usd) / before_usd


@dataclass(frozen=True, slots=True)
class CrossPrediction:
    """One cold start predicted from another one of the same workload, as a check of the model.

    Nobody chose these clusters, so the errors hold no luck of the choice.
    """

    workload: str
    observed: ClusterSpec
    predicted: ClusterSpec
    predicted_s: float
    interval_80_s: Interval
    actual_s: float

    @property
    def error_fraction(self) -> float:
        """Predicted over actual runtime, less 1."""
        return self.predicted_s / self.actual_s - 1.0


def lineages(record: ExperimentRecord) -> list[Lineage]:
    """Return the recommendations whose child run is over, trial by trial, oldest first."""
    return [lineage for trial in record.trials for lineage in _lineages_of(trial)]


def _lineages_of(record: TrialRecord) -> list[Lineage]:
    by_id = {run.run_id: run for run in record.runs}
    children = first_children(record.runs)
    if record.max_runtime_s is None:
        return []
    return [
        Lineage(
            trial=record.trial,
            baseline=record.runs[0],
            parent=by_id[recommendation.parent_run_id],
            child=children[recommendation.recommendation_id],
            recommendation=recommendation,
            max_runtime_s=record.max_runtime_s,
            took_s=record.took_s(children[recommendation.recommendation_id]),
            is_sla_met=not record.is_late(children[recommendation.recommendation_id]),
        )
        for recommendation in record.recommendations
        if recommendation.recommendation_id in children
    ]


def first_children(runs: Sequence[Run]) -> dict[str, Run]:
    """Return, by recommendation id, the first run over that tried it; later ones repeat it."""
    children: dict[str, Run] = {}
    for run in runs:
        if run.recommendation_id is not None and run.is_over:
            children.setdefault(run.recommendation_id, run)
    return children


def replay_errors(record: ExperimentRecord) -> dict[str, float]:
    """Return, by run id, how far the replay of the observed cluster is off."""
    return {
        run.run_id: observed_run(
            run.spec, trial.profiles[run.run_id], record.node_types, run_id=run.run_id
        ).replay_error_fraction
        for trial in record.trials
        for run in trial.runs
        if run.run_id in trial.profiles
    }


def cross_predictions(record: ExperimentRecord) -> list[CrossPrediction]:
    """Return every cold start predicted from one with other cores and the same total memory."""
    starts: dict[str, list[TrialRecord]] = {}
    for trial in record.trials:
        if trial.runs and trial.runs[0].run_id in trial.profiles:
            starts.setdefault(trial.trial.workload, []).append(trial)
    return [
        _crossed(observed, other, record.node_types)
        for trials in starts.values()
        for observed, other in permutations(trials, 2)
        if _differ_in_cores_alone(observed.runs[0].spec, other.runs[0].spec, record.node_types)
    ]


def _differ_in_cores_alone(a: ClusterSpec, b: ClusterSpec, node_types: Sequence[NodeType]) -> bool:
    def memory_gib(spec: ClusterSpec) -> float:
        return node_type_of(spec, node_types).memory_gib * spec.worker_count

    has_same_memory = memory_gib(a) == memory_gib(b)
    return has_same_memory and total_cores(a, node_types) != total_cores(b, node_types)


def _crossed(
    observed: TrialRecord, other: TrialRecord, node_types: Sequence[NodeType]
) -> CrossPrediction:
    run, target = observed.runs[0], other.runs[0]
    profile = observed.profiles[run.run_id]
    model = RuntimeModel([observed_run(run.spec, profile, node_types, run_id=run.run_id)])
    runtime = model.runtime_on(shape_of(target.spec, node_types, profile.slots_per_core))
    return CrossPrediction(
        workload=observed.trial.workload,
        observed=run.spec,
        predicted=target.spec,
        predicted_s=runtime.median,
        interval_80_s=interval_of(runtime, 0.80),
        actual_s=other.profiles[target.run_id].runtime_s,
    )


def busy_s(record: ExperimentRecord) -> float:
    """Return the seconds from the first node's start to the last one's end; 0.0 without runs."""
    nodes = [
        node
        for trial in record.trials
        for run in trial.runs
        if run.timeline is not None
        for node in run.timeline.nodes
    ]
    if not nodes:
        return 0.0
    started_at = min(node.started_at for node in nodes)
    return (max(node.ended_at for node in nodes) - started_at).total_seconds()
