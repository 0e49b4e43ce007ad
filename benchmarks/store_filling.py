"""A scale in; a store filled with imported projects that have lived through so many runs, out."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.domain.cluster import ClusterSpec, steady_timeline
from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import CauseOfDeviation, Deviation, Share
from isocost.domain.execution import Execution, ExecutionState, StepSpan
from isocost.domain.profile import RunProfile
from isocost.domain.project import Origin, Project, Sla
from isocost.domain.recommendation import (
    Cause,
    ConsideredCandidate,
    Evidence,
    Prediction,
    Recommendation,
    RecommendationState,
    Rejection,
)
from isocost.domain.run import Run, RunState
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.platforms.host import EndedRun
from isocost.store.base import Store, Transaction
from isocost.testing.nouns import (
    NOW,
    a_prediction,
    a_profile,
    a_project,
    a_recommendation,
    a_run,
    a_stage,
)

SPECS: Final = tuple(ClusterSpec("m5.2xlarge", n) for n in (8, 6, 5, 4, 3))
RUN_LENGTH: Final = timedelta(minutes=40)
PERIOD: Final = timedelta(days=1)
# The loop learns for so many runs, each on a cluster of its own, and then stays on the best, until
# it looks again for another one.
LEARNING_RUNS: Final = 10
RUNS_A_RECOMMENDATION: Final = 20
RUNS_A_FAILURE: Final = 97
RUNS_AN_ANOMALY: Final = 40
BASELINE_RUNS: Final = 5
CONSIDERED: Final = 20  # candidates with predictions in a recommendation's evidence
PROFILES: Final = 60  # as many as the model learns from
STAGES: Final = 30
SPARK_TASKS_A_STAGE: Final = 200
DEFINITION_CHARACTERS: Final = 3_000  # of a Databricks job with two clusters and four steps
DEADLINE: Final = Sla(max_runtime_s=3_000.0, miss_fraction=0.1)
LONG, USUAL = "p-0", "p-1"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much the store holds; `long_runs` of the runs belong to one project."""

    runs: int
    projects: int
    long_runs: int

    def runs_of(self, number: int) -> int:
        """Return how many runs a project gets."""
        if number == 0:
            return self.long_runs
        short, rest = divmod(self.runs - self.long_runs, self.projects - 1)
        return short + (number <= rest)


def an_imported_project(project_id: str, run_count: int) -> Project:
    """Return a project with a definition of the usual length, all of whose runs were heard of."""
    text = "x" * DEFINITION_CHARACTERS
    heard_until = NOW + run_count * PERIOD
    origin = Origin("bank", f"definition-{project_id}", text, heard_until=heard_until)
    baseline_ids = tuple(f"{project_id}-e-{n}" for n in range(min(run_count, BASELINE_RUNS)))
    return a_project(project_id, origin=origin, sla=DEADLINE, baseline_ids=baseline_ids)


def spec_of(ordinal: int) -> ClusterSpec:
    """Return what a run is on: others while it is learned, then one."""
    return SPECS[ordinal % len(SPECS)] if ordinal < LEARNING_RUNS else SPECS[-1]


def advised_after(ordinal: int) -> bool:
    """Whether a recommendation follows from a run."""
    return ordinal < LEARNING_RUNS or ordinal % RUNS_A_RECOMMENDATION == 0


def recommendation_before(project_id: str, ordinal: int) -> str | None:
    """Return the id of the recommendation that a run is on; the first has none."""
    earlier = (n for n in range(ordinal - 1, -1, -1) if advised_after(n))
    parent = next(earlier, None)
    return None if parent is None else f"{project_id}-r-{parent}-next"


def a_long_run(project_id: str, ordinal: int) -> Run:
    """Return a run of 40 minutes on some workers."""
    started_at = NOW + ordinal * PERIOD
    spec = spec_of(ordinal)
    has_failed = ordinal % RUNS_A_FAILURE == RUNS_A_FAILURE - 1
    share = Share(CauseOfDeviation.DATA, 1.0, 0.4, "it read 1.5 times as much as usual")
    is_anomaly = ordinal % RUNS_AN_ANOMALY == RUNS_AN_ANOMALY - 1
    length_s = RUN_LENGTH.total_seconds()
    return a_run(
        f"{project_id}-r-{ordinal}",
        project_id=project_id,
        ordinal=ordinal,
        spec=spec,
        asked_spec=spec,
        recommendation_id=recommendation_before(project_id, ordinal),
        requested_at=started_at,
        timeline=steady_timeline(spec, started_at, started_at + RUN_LENGTH),
        event_log=f"s3://logs/{project_id}/{ordinal}/eventlog",
        runtime_s=None if has_failed else length_s,
        state=RunState.FAILED if has_failed else RunState.INGESTED,
        failure="out of memory" if has_failed else None,
        execution_id=f"{project_id}-e-{ordinal}",
        cost=CostBreakdown(vm_usd=2.0, dbu_usd=1.5, disk_usd=0.1, driver_usd=0.2),
        deviation=Deviation(
            length_s, 1.5 * length_s, 4.0, is_anomaly=is_anomaly, shares=(share,) * is_anomaly
        ),
    )


def a_concluded_execution(run: Run) -> Execution:
    """Return the execution that a run was part of."""
    ended_at = run.requested_at + RUN_LENGTH
    return Execution(
        execution_id=f"{run.project_id}-e-{run.ordinal}",
        project_id=run.project_id,
        ordinal=run.ordinal,
        origin_run_id=f"e-{run.ordinal}",
        heard_at=ended_at,
        started_at=run.requested_at,
        ended_at=ended_at,
        is_success=run.state is RunState.INGESTED,
        state=ExecutionState.CONCLUDED,
        spans=(StepSpan("main", run.cluster_key, run.requested_at, ended_at),),
        run_ids=(run.run_id,),
        note=f"stays on {run.spec}: it is the cheapest of 4,000 candidates that meet the deadline",
    )


def a_long_recommendation(run: Run) -> Recommendation:
    """Return a kept recommendation after a run, with as much evidence as the engine gives."""
    prediction: Prediction = replace(
        a_prediction(), causes=tuple(Cause(name, 0.25) for name in ("noise", "law", "kin", "new"))
    )
    evidence = Evidence(
        history_run_ids=tuple(f"{run.project_id}-r-{n}" for n in range(min(run.ordinal, 30))),
        replay_error_fraction=0.02,
        reason="the cheapest of 4,000 candidates that meet the deadline",
        meets_sla=True,
        considered=tuple(
            ConsideredCandidate(ClusterSpec("m5.2xlarge", n + 1), prediction)
            for n in range(CONSIDERED)
        ),
        rejections=tuple(
            Rejection(ClusterSpec("r5.large", n + 1), "memory", 12.0, 16.0, "GiB")
            for n in range(CONSIDERED)
        ),
        candidate_count=4_000,
    )
    return a_recommendation(
        f"{run.run_id}-next",
        project_id=run.project_id,
        parent_run_id=run.run_id,
        spec=spec_of(run.ordinal + 1),
        evidence=evidence,
        drafted_at=run.requested_at + RUN_LENGTH,
        state=RecommendationState.KEPT,
    )


def a_change_to(recommendation: Recommendation, ordinal: int) -> Change:
    """Return the change that applied a recommendation."""
    project_id = recommendation.project_id
    return Change(
        change_id=f"{project_id}-c{ordinal}",
        project_id=project_id,
        kind=ChangeKind.APPLY,
        definition_id=f"definition-{project_id}",
        before="x" * DEFINITION_CHARACTERS,
        after="y" * DEFINITION_CHARACTERS,
        planned_at=recommendation.drafted_at,
        recommendation_ids=(recommendation.recommendation_id,),
        difference=("job_clusters[0].new_cluster.num_workers: 8 → 6",),
        state=ChangeState.MADE,
        made_at=recommendation.drafted_at,
    )


def a_long_profile() -> RunProfile:
    """Return the profile of an application of some thousand spark tasks."""
    durations_s = [1.0 + n % 7 for n in range(SPARK_TASKS_A_STAGE)]
    return a_profile(*(a_stage(stage_id, *durations_s) for stage_id in range(STAGES)))


def fill(store: Store, scale: Scale) -> None:
    """Put everything into an empty store, one transaction for each project."""
    with store.transaction() as tx:
        tx.put_workspace(
            Workspace("bank", "https://bank.example", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW)
        )
    for number in range(scale.projects):
        with store.transaction() as tx:
            _put_project(tx, f"p-{number}", scale.runs_of(number))
    for project_id in (LONG, USUAL):
        with store.transaction() as tx:
            for run in tx.runs_of(project_id, newest=PROFILES):
                tx.put_profile(run.run_id, a_long_profile())


def _put_project(tx: Transaction, project_id: str, run_count: int) -> None:
    tx.put_project(an_imported_project(project_id, run_count))
    changes = 0
    for ordinal in range(run_count):
        run = a_long_run(project_id, ordinal)
        tx.put_run(run)
        tx.put_execution(a_concluded_execution(run))
        if advised_after(ordinal):
            advised = a_long_recommendation(run)
            tx.put_recommendation(advised)
            changes += 1
            tx.put_change(a_change_to(advised, changes))


def heard_again(project_id: str, run_count: int) -> Sequence[EndedRun]:
    """Return a project's last runs as the workspace lists them at each look, all known already."""
    runs = (a_long_run(project_id, n) for n in range(run_count - 3, run_count))
    executions = map(a_concluded_execution, runs)
    return [EndedRun(e.origin_run_id, e.started_at, e.ended_at, e.is_success) for e in executions]


def add_scale_options(parser: ArgumentParser) -> None:
    """Add the options that say how much is stored, and how often each question is asked."""
    parser.add_argument("--runs", type=int, default=100_000, help="default 100000")
    parser.add_argument("--projects", type=int, default=51, help="default 51")
    parser.add_argument("--long", type=int, default=20_000, help="of project 0; default 20000")
    parser.add_argument("--repetitions", type=int, default=15, help="of each; default 15")
