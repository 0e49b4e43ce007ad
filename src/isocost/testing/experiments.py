"""Builders of whole experiments whose errors, costs and misses are known beforehand."""

from dataclasses import dataclass, replace
from datetime import timedelta
from math import exp
from typing import Final

import numpy as np

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec
from isocost.domain.cost import CostBreakdown
from isocost.domain.experiment import ColdStart, ExperimentPlan, Trial, TrialState, TrialTruth
from isocost.domain.project import Sla
from isocost.domain.recommendation import Interval, Recommendation, RecommendationState
from isocost.domain.run import Run
from isocost.jobbank.lineage import ExperimentRecord, TrialRecord
from isocost.store.base import Store
from isocost.testing.nouns import (
    NOW,
    a_prediction,
    a_profile,
    a_project,
    a_recommendation,
    a_run,
    a_trial,
    an_experiment,
)

_SPECS: Final = tuple(
    ClusterSpec(machine.node_type_id, count) for machine in LOCAL_NODE_TYPES for count in (1, 2, 4)
)
_BASELINE_S: Final = 60.0
_SLA: Final = Sla(max_runtime_s=72.0, miss_fraction=0.1)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a made-up experiment comes to.

    Attributes:
        error_sd: of the logarithm of predicted over actual runtime.
        interval_sd: that the intervals are drawn for.
        cost_ratio: of runs after the cold start over the cold start's cost.
        late_share: of the runs after the cold start.
    """

    error_sd: float = 0.1
    interval_sd: float = 0.1
    cost_ratio: float = 0.6
    late_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it there is."""

    workload_count: int = 12
    cold_start_count: int = 3
    run_count: int = 5


USUAL: Final = Behaviour()
SMALL_SCALE: Final = Scale()


def an_experiment_record(
    name: str = "nightly",
    *,
    behaviour: Behaviour = USUAL,
    platform: str = "workspace",
    scale: Scale = SMALL_SCALE,
    policies: tuple[str, ...] = ("engine",),
    seed: int = 1,
) -> ExperimentRecord:
    """Return a finished experiment with one trial for each workload, cold start and policy."""
    plan = ExperimentPlan(
        platform=platform,
        workloads=tuple(f"w/{n}" for n in range(scale.workload_count)),
        cold_starts=tuple(ColdStart(_SPECS[n]) for n in range(scale.cold_start_count)),
        runs_per_trial=scale.run_count,
        miss_fraction=_SLA.miss_fraction,
        policies=policies,
        seed=seed,
    )
    chance = np.random.default_rng(seed)
    trials = [
        _trial(name, ordinal, plan, behaviour=behaviour, chance=chance)
        for ordinal in range(len(plan.workloads) * len(plan.cold_starts) * len(policies))
    ]
    experiment = an_experiment(name, plan=plan)
    return ExperimentRecord(experiment, trials, LOCAL_NODE_TYPES)


def put_record(store: Store, record: ExperimentRecord) -> None:
    """Store everything of an experiment."""
    with store.transaction() as tx:
        tx.put_experiment(record.experiment)
        for trial in record.trials:
            tx.put_project(trial.project)
            tx.put_trial(trial.trial)
            for run in trial.runs:
                tx.put_run(run)
            for run_id, profile in trial.profiles.items():
                tx.put_profile(run_id, profile)
            for recommendation in trial.recommendations:
                tx.put_recommendation(recommendation)


def _trial(
    name: str,
    ordinal: int,
    plan: ExperimentPlan,
    *,
    behaviour: Behaviour,
    chance: np.random.Generator,
) -> TrialRecord:
    pair, policy = divmod(ordinal, len(plan.policies))
    workload, cold_start = divmod(pair, len(plan.cold_starts))
    trial = a_trial(
        f"{name}-{ordinal:04d}",
        experiment=name,
        ordinal=ordinal,
        project_id=f"{name}-{ordinal:04d}",
        workload=plan.workloads[workload],
        cold_start=plan.cold_starts[cold_start],
        policy=plan.policies[policy],
        state=TrialState.SUCCEEDED,
    )
    baseline_usd = 0.01 * (1 + workload)
    runs = [_run(trial, 0, plan.cold_starts[cold_start].spec, usd=baseline_usd)]
    told: list[Recommendation] = []
    for n in range(1, plan.runs_per_trial):
        child, recommendation = _next(runs[-1], trial, behaviour=behaviour, chance=chance)
        ratio = behaviour.cost_ratio * float(chance.lognormal(sigma=0.05))
        runs.append(replace(child, ordinal=n, cost=CostBreakdown(vm_usd=baseline_usd * ratio)))
        told.append(recommendation)
    project = a_project(trial.project_id, sla=_SLA)
    profiles = {run.run_id: a_profile() for run in runs}
    truth = None if plan.platform != "workspace" else _truth(runs, baseline_usd)
    return TrialRecord(replace(trial, truth=truth), project, runs, told, profiles)


def _run(trial: Trial, ordinal: int, spec: ClusterSpec, *, usd: float) -> Run:
    return a_run(
        f"{trial.trial_id}-r{ordinal}",
        project_id=trial.project_id,
        ordinal=ordinal,
        spec=spec,
        requested_at=NOW + timedelta(days=ordinal),
        runtime_s=_BASELINE_S,
        input_bytes=1e9,
        cost=CostBreakdown(vm_usd=usd),
    )


def _next(
    parent: Run, trial: Trial, *, behaviour: Behaviour, chance: np.random.Generator
) -> tuple[Run, Recommendation]:
    spec = _SPECS[int(chance.integers(len(_SPECS)))]
    is_late = chance.random() < behaviour.late_share
    actual_s = _SLA.max_runtime_s * (1.3 if is_late else 0.8)
    predicted_s = actual_s * float(chance.lognormal(sigma=behaviour.error_sd))
    wide_80, wide_95 = (exp(behaviour.interval_sd * normal) for normal in (1.2816, 1.96))
    child = replace(
        _run(trial, parent.ordinal + 1, spec, usd=1.0),
        runtime_s=actual_s,
        input_bytes=1e9 * float(chance.choice([0.8, 1.0, 1.25])),
        recommendation_id=f"{parent.run_id}-next",
    )
    prediction = a_prediction(
        predicted_s,
        runtime_80_s=Interval(predicted_s / wide_80, predicted_s * wide_80),
        runtime_95_s=Interval(predicted_s / wide_95, predicted_s * wide_95),
    )
    recommendation = a_recommendation(
        f"{parent.run_id}-next",
        project_id=trial.project_id,
        parent_run_id=parent.run_id,
        spec=spec,
        prediction=prediction,
        state=RecommendationState.KEPT,
    )
    return child, recommendation


def _truth(runs: list[Run], baseline_usd: float) -> TrialTruth:
    paid = {run.run_id: run.cost.total_usd for run in runs if run.cost is not None}
    return TrialTruth(
        best_spec=_SPECS[0],
        best_usd=baseline_usd * 0.5,
        billed_usd={run_id: usd * 1.02 for run_id, usd in paid.items()},
        duration_s={run.run_id: run.runtime_s or 0.0 for run in runs},
        expected_usd={run_id: max(usd, baseline_usd * 0.5) for run_id, usd in paid.items()},
    )
