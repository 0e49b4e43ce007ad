"""What the API answers, as pydantic models; the domain does not know them.

Names carry their unit, as in the domain. A number that is not known is null, never zero.
"""

from datetime import datetime
from math import isfinite

from pydantic import BaseModel, ConfigDict, field_validator

from isocost.domain.cluster import ClusterSpec
from isocost.domain.cost import CostBreakdown
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.domain.workspace import Workspace
from isocost.usecases.orchestrate import Standing
from isocost.usecases.project_view import ExecutionView, ProjectView


class Schema(BaseModel):
    """Reads its fields off the attributes of our values."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Problem(Schema):
    """RFC 9457; `code` is stable, `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Health(Schema):
    """Whether projects are looked after."""

    status: str
    version: str
    swept_at: datetime | None
    waiting_count: int


class Heard(Schema):
    """What came of a webhook's call."""

    is_known: bool
    project_id: str | None


class WorkspaceOut(Schema):
    """A connected workspace."""

    name: str
    host: str
    cloud: str
    region: str
    plan: str
    added_at: datetime
    log_destination: str
    webhook_url: str
    fault: str | None


class WorkspacesOut(Schema):
    """All of them, by name."""

    workspaces: list[WorkspaceOut]

    @classmethod
    def of(cls, workspaces: list[Workspace]) -> "WorkspacesOut":
        """Return the answer about some workspaces."""
        return cls(workspaces=[WorkspaceOut.model_validate(each) for each in workspaces])


class SpecOut(Schema):
    """Workers of one node type."""

    node_type_id: str
    worker_count: int


class SlaOut(Schema):
    """The maximum runtime, and how often it may be missed."""

    max_runtime_s: float
    miss_fraction: float


class ProjectClusterOut(Schema):
    """One cluster of a project, and what is in force for it."""

    cluster_key: str
    spec: SpecOut
    recommendation_id: str | None


class ProjectOut(Schema):
    """A project as it stands; savings are of the baseline executions named beside them."""

    project_id: str
    name: str
    workspace: str
    definition_id: str | None
    phase: str
    sla: SlaOut | None
    clusters: list[ProjectClusterOut]
    execution_count: int
    baseline_usd: float | None
    baseline_ids: list[str]
    newest_usd: float | None
    newest_ids: list[str]
    saving_fraction: float | None
    sla_met_fraction: float | None
    last_event: str
    last_event_at: datetime | None
    is_auto_apply: bool
    notice: str | None
    fault: str | None

    @classmethod
    def of(cls, view: ProjectView) -> "ProjectOut":
        """Return the answer about a project."""
        project: Project = view.project
        return cls(
            project_id=project.project_id,
            name=project.name,
            workspace=view.workspace,
            definition_id=None if project.origin is None else project.origin.definition_id,
            phase=view.phase.value,
            sla=None if project.sla is None else SlaOut.model_validate(project.sla),
            clusters=[
                ProjectClusterOut.model_validate(each) for each in project.clusters.values()
            ],
            execution_count=view.execution_count,
            baseline_usd=view.baseline_usd,
            baseline_ids=list(view.baseline_ids),
            newest_usd=view.newest_usd,
            newest_ids=list(view.newest_ids),
            saving_fraction=view.saving_fraction,
            sla_met_fraction=view.sla_met_fraction,
            last_event=view.last_event,
            last_event_at=view.last_event_at,
            is_auto_apply=view.is_auto_apply,
            notice=view.notice,
            fault=view.fault,
        )


class ProjectsOut(Schema):
    """Projects that are looked after, by id."""

    projects: list[ProjectOut]


class CostOut(Schema):
    """List cost of one cluster's run; the parts sum to the total."""

    total_usd: float
    driver_usd: float
    worker_usd: float
    spot_usd: float
    disk_usd: float
    dbu_usd: float
    missing: list[str]

    @classmethod
    def of(cls, cost: CostBreakdown) -> "CostOut":
        """Return the answer about a cost."""
        return cls.model_validate(cost)


class ShareOut(Schema):
    """One cause's part of a deviation."""

    cause: str
    fraction: float
    log_ratio: float
    detail: str


class DeviationOut(Schema):
    """A run against its expectation."""

    expected_s: float
    actual_s: float
    sds: float
    is_anomaly: bool
    shares: list[ShareOut]


class RunOut(Schema):
    """One cluster's part of an execution."""

    run_id: str
    cluster_key: str
    spec: SpecOut
    asked_spec: SpecOut | None
    state: str
    recommendation_id: str | None
    runtime_s: float | None
    allowed_s: float | None
    cost: CostOut | None
    failure: str | None
    spot_loss_count: int
    input_bytes: float | None
    deviation: DeviationOut | None

    @classmethod
    def of(cls, run: Run) -> "RunOut":
        """Return the answer about a run."""
        deviation = run.deviation
        return cls(
            run_id=run.run_id,
            cluster_key=run.cluster_key,
            spec=_spec(run.spec),
            asked_spec=None if run.asked_spec is None else _spec(run.asked_spec),
            state=run.state.value,
            recommendation_id=run.recommendation_id,
            runtime_s=run.runtime_s,
            allowed_s=run.allowed_s,
            cost=None if run.cost is None else CostOut.of(run.cost),
            failure=run.failure,
            spot_loss_count=run.spot_loss_count,
            input_bytes=run.input_bytes,
            deviation=None if deviation is None else DeviationOut.model_validate(deviation),
        )


class ExecutionOut(Schema):
    """One run of a whole project."""

    execution_id: str
    project_id: str
    ordinal: int
    origin_run_id: str
    state: str
    started_at: datetime
    ended_at: datetime
    duration_s: float
    is_success: bool
    is_sla_met: bool | None
    cost_usd: float | None
    main_cause: str | None
    reason: str | None
    note: str
    runs: list[RunOut]

    @classmethod
    def of(cls, view: ExecutionView) -> "ExecutionOut":
        """Return the answer about an execution."""
        found = view.execution
        return cls(
            execution_id=found.execution_id,
            project_id=found.project_id,
            ordinal=found.ordinal,
            origin_run_id=found.origin_run_id,
            state=found.state.value,
            started_at=found.started_at,
            ended_at=found.ended_at,
            duration_s=found.duration_s,
            is_success=found.is_success,
            is_sla_met=view.is_sla_met,
            cost_usd=view.cost_usd,
            main_cause=None if view.main_cause is None else view.main_cause.value,
            reason=found.reason,
            note=found.note,
            runs=[RunOut.of(run) for run in view.runs],
        )


class ExecutionsOut(Schema):
    """Executions, the newest last."""

    executions: list[ExecutionOut]


class IntervalOut(Schema):
    """A closed range."""

    low: float
    high: float


class PredictionOut(Schema):
    """Medians with their intervals."""

    runtime_s: float
    runtime_80_s: IntervalOut
    runtime_95_s: IntervalOut
    cost_usd: float
    cost_80_usd: IntervalOut
    sla_probability: float | None
    failure_probability: float


class RecommendationOut(Schema):
    """A cluster recommended for the next run, why, and what became of it."""

    recommendation_id: str
    project_id: str
    cluster_key: str
    parent_run_id: str
    spec: SpecOut
    state: str
    drafted_at: datetime
    prediction: PredictionOut
    meets_sla: bool
    reason: str
    explanation: list[str]
    rejections: list[str]
    verdict: str | None

    @classmethod
    def of(cls, found: Recommendation) -> "RecommendationOut":
        """Return the answer about a recommendation."""
        return cls(
            recommendation_id=found.recommendation_id,
            project_id=found.project_id,
            cluster_key=found.cluster_key,
            parent_run_id=found.parent_run_id,
            spec=_spec(found.spec),
            state=found.state.value,
            drafted_at=found.drafted_at,
            prediction=PredictionOut.model_validate(found.prediction),
            meets_sla=found.evidence.meets_sla,
            reason=found.evidence.reason,
            explanation=list(found.evidence.explanation),
            rejections=[str(each) for each in found.evidence.rejections],
            verdict=found.verdict,
        )


class RecommendationsOut(Schema):
    """Recommendations, the newest last."""

    recommendations: list[RecommendationOut]


class ExperimentOut(Schema):
    """An experiment and how far it has come.

    `trial_counts` is by state: queued, running, succeeded, set_aside and cancelled.
    """

    name: str
    platform: str
    is_simulated: bool
    state: str
    created_at: datetime
    workloads: list[str]
    policies: list[str]
    runs_per_trial: int
    trial_counts: dict[str, int]

    @classmethod
    def of(cls, standing: Standing) -> "ExperimentOut":
        """Return the answer about an experiment."""
        made, plan = standing.experiment, standing.experiment.plan
        return cls(
            name=made.name,
            platform=plan.platform,
            is_simulated=plan.is_simulated,
            state=made.state.value,
            created_at=made.created_at,
            workloads=list(plan.workloads),
            policies=list(plan.policies),
            runs_per_trial=plan.runs_per_trial,
            trial_counts={state.value: count for state, count in standing.counts.items()},
        )


class ExperimentsOut(Schema):
    """All of them, the newest last."""

    experiments: list[ExperimentOut]


class EstimateOut(Schema):
    """A mean with its 95 % interval; workloads are the witnesses, and one alone gives none."""

    mean: float
    low: float | None
    high: float | None
    group_count: int
    value_count: int

    @field_validator("low", "high", mode="before")
    @classmethod
    def _finite(cls, end: float) -> float | None:
        return end if isfinite(end) else None


class PolicyOut(Schema):
    """What one policy came to.

    `cost` is of a run after the cold start, over the cold start's; `regret` of the best cluster
    tried, over the cheapest in time that the simulator knows, less 1, without the
    `without_regret` projects that tried no cluster in time; the rest are shares.
    """

    policy: str
    projects: int
    runs: int
    median_error: float | None
    inside: EstimateOut | None
    cost: EstimateOut | None
    misses: EstimateOut | None
    regret: EstimateOut | None
    without_regret: int
    set_aside: int


class ExperimentFiguresOut(Schema):
    """An experiment with the figures of its policies."""

    experiment: ExperimentOut
    policies: list[PolicyOut]


def _spec(spec: ClusterSpec) -> SpecOut:
    return SpecOut.model_validate(spec)
