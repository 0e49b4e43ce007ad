"""Builders of domain values with plain defaults, so that a test shows only what matters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from isocost.domain.cluster import ClusterSpec, steady_timeline
from isocost.domain.cost import CostBreakdown
from isocost.domain.experiment import ColdStart, Experiment, ExperimentPlan, Trial
from isocost.domain.profile import (
    QUANTILE_LEVELS,
    Distribution,
    ExecutorSpan,
    RunProfile,
    StageProfile,
    StageStatus,
    TaskTotals,
)
from isocost.domain.project import DEFAULT_CLUSTER_KEY, Project, ProjectCluster, Sla
from isocost.domain.recommendation import Evidence, Interval, Prediction, Recommendation
from isocost.domain.run import Run, RunState

NOW: Final = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SMALL: Final = ClusterSpec("local-1c-2g", 1)
LARGE: Final = ClusterSpec("local-2c-2g", 1)


def a_project(project_id: str = "p-1", **changes: Any) -> Project:
    """Return a project on the small cluster with an SLA of 60 s."""
    project = Project(
        project_id=project_id,
        name=f"project {project_id}",
        clusters={DEFAULT_CLUSTER_KEY: ProjectCluster(DEFAULT_CLUSTER_KEY, SMALL)},
        sla=Sla(max_runtime_s=60.0, miss_fraction=0.1),
    )
    return replace(project, **changes)


def a_run(run_id: str = "r-1", **changes: Any) -> Run:
    """Return an ingested run of 30 s on the small cluster."""
    run = Run(
        run_id=run_id,
        project_id="p-1",
        cluster_key=DEFAULT_CLUSTER_KEY,
        ordinal=0,
        spec=SMALL,
        state=RunState.INGESTED,
        requested_at=NOW,
        timeline=steady_timeline(SMALL, NOW, NOW + timedelta(seconds=32)),
        event_log="eventlog",
        runtime_s=30.0,
        cost=CostBreakdown(vm_usd=0.001),
    )
    return replace(run, **changes)


def a_prediction(runtime_s: float = 30.0, **changes: Any) -> Prediction:
    """Return a prediction whose intervals are 10 and 20 % to either side."""
    prediction = Prediction(
        runtime_s=runtime_s,
        runtime_80_s=Interval(runtime_s * 0.9, runtime_s * 1.1),
        runtime_95_s=Interval(runtime_s * 0.8, runtime_s * 1.2),
        cost_usd=0.001,
        cost_80_usd=Interval(0.0009, 0.0011),
        sla_probability=0.95,
    )
    return replace(prediction, **changes)


def a_recommendation(recommendation_id: str = "r-1-next", **changes: Any) -> Recommendation:
    """Return a drafted recommendation of the large cluster after run r-1."""
    recommendation = Recommendation(
        recommendation_id=recommendation_id,
        project_id="p-1",
        cluster_key=DEFAULT_CLUSTER_KEY,
        parent_run_id="r-1",
        spec=LARGE,
        prediction=a_prediction(),
        evidence=Evidence(
            history_run_ids=("r-1",),
            replay_error_fraction=0.01,
            reason="the cheapest of 2 candidates",
            meets_sla=True,
            considered=(),
            rejections=(),
        ),
        drafted_at=NOW,
    )
    return replace(recommendation, **changes)


def a_plan(**changes: Any) -> ExperimentPlan:
    """Return a plan of one workload, one cold start and two runs."""
    plan = ExperimentPlan(
        platform="spark_local",
        workloads=("tpcds/q1",),
        cold_starts=(ColdStart(SMALL, sla_factor=2.0),),
        runs_per_trial=2,
        miss_fraction=0.1,
    )
    return replace(plan, **changes)


def an_experiment(name: str = "nightly", **changes: Any) -> Experiment:
    """Return an experiment of the default plan."""
    return replace(Experiment(name, a_plan(), NOW), **changes)


def a_trial(trial_id: str = "t-1", **changes: Any) -> Trial:
    """Return a queued trial of project p-1."""
    trial = Trial(
        trial_id=trial_id,
        experiment="nightly",
        ordinal=0,
        project_id="p-1",
        workload="tpcds/q1",
        cold_start=ColdStart(SMALL, sla_factor=2.0),
    )
    return replace(trial, **changes)


def some_durations(*values_s: float) -> Distribution:
    """Return the distribution of these spark task durations, in launch order."""
    ordered = sorted(values_s)
    last = len(ordered) - 1
    return Distribution(
        count=len(values_s),
        total_s=sum(values_s),
        quantiles_s=tuple(ordered[round(q * last)] for q in QUANTILE_LEVELS) if values_s else (),
        values_s=values_s,
    )


def a_stage(stage_id: int = 0, *task_s: float, **changes: Any) -> StageProfile:
    """Return a stage submitted at 0 s that ran these spark tasks one after the other."""
    durations = some_durations(*(task_s or (1.0,)))
    stage = StageProfile(
        stage_id=stage_id,
        attempt_id=0,
        name=f"stage {stage_id}",
        parent_ids=(),
        spark_job_id=0,
        status=StageStatus.SUCCEEDED,
        submitted_s=0.0,
        completed_s=durations.total_s,
        expected_task_count=durations.count,
        task_count=durations.count,
        failed_task_count=0,
        durations=durations,
        totals=TaskTotals(executor_run_s=durations.total_s),
        peak_execution_memory_bytes=None,
    )
    return replace(stage, **changes)


def a_profile(*stages: StageProfile, **changes: Any) -> RunProfile:
    """Return the profile of an application that ran `stages` on one executor with one core."""
    ran = stages or (a_stage(),)
    profile = RunProfile(
        application_id="app-1",
        attempt_id=None,
        application_name="nightly",
        spark_version="3.5.1",
        started_at=NOW,
        runtime_s=max(stage.completed_s or 0.0 for stage in ran),
        is_runtime_estimated=False,
        is_complete=True,
        driver_s=0.0,
        slots_per_core=1.0,
        stages=ran,
        executors=(ExecutorSpan("0", "host-0", 1, 0.0, None),),
        sql_execution_count=0,
        resource_profile_count=1,
        core_count_peak=1,
        executor_count_peak=1,
        node_count_peak=1,
    )
    return replace(profile, **changes)
