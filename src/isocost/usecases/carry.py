"""A trial in; its project lived through in a simulated workspace of its own, out.

The project is imported, run and looked after as any user's: over the REST API, by the loop that
the server uses. Only time is the workspace's own, and only afterwards the simulator is asked what
was true. All chance follows from the plan's seed and the trial's place in the experiment.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from math import inf, isfinite
from typing import Any, Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import (
    ColdShape,
    ExperimentPlan,
    SlaBasis,
    Trial,
    TrialTruth,
)
from isocost.domain.project import Sla
from isocost.domain.run import Run
from isocost.domain.workspace import Cloud
from isocost.errors import ClusterTooLarge, PlatformError
from isocost.jobbank.lineage import TrialRecord
from isocost.jobbank.workspace_plans import Grounds
from isocost.jobbank.workspace_policies import begun_on, policy_of
from isocost.jobbank.workspace_truth import Judge, new_cluster
from isocost.simulator.conditions import Scenario
from isocost.simulator.workspace.estate import SPOT_LOSSES, WEEK
from isocost.simulator.workspace.values import seed_of
from isocost.units import S_PER_MINUTE
from isocost.usecases.adopt import Intent, adopt
from isocost.usecases.reconcile import look_after
from isocost.usecases.stand import OpenStand, Stand, StandPlan
from isocost.usecases.trial_rows import trial_rows

# One run a day, as recurring jobs have them.
_PERIOD: Final = timedelta(days=1)
# After a run's end: the last delivery of its log, and the calm after it, are over by then.
_DELIVERY: Final = timedelta(minutes=15)
# A look may find that something is still to come; the loop's own patience ends before so many.
_MOST_LOOKS: Final = 6
_NOISE_CV: Final = 0.03
_TASK_KEY: Final = "main"
_CLUSTER_KEY: Final = "main"
_WORKLOADS_KEPT: Final = 2
# NumPy's generators take seeds of any size, others 32 bits.
_MOST_SEED: Final = 2**32


def carrier(
    grounds: Grounds, open_stand: OpenStand
) -> Callable[[Trial, ExperimentPlan], TrialRecord]:
    """Return what carries trials, and remembers what is true of the workload it was at last."""

    @lru_cache(maxsize=_WORKLOADS_KEPT)
    def known(name: str, input_gb: float, cloud: Cloud) -> Judge:
        return grounds.judge_of(name, input_gb, cloud)

    def carry_one(trial: Trial, plan: ExperimentPlan) -> TrialRecord:
        judge = known(trial.workload, trial.input_gb or 1.0, plan.cloud or Cloud.AWS)
        return carry(trial, plan, judge=judge, open_stand=open_stand)

    return carry_one


def carry(
    trial: Trial, plan: ExperimentPlan, *, judge: Judge, open_stand: OpenStand
) -> TrialRecord:
    """Live through a trial's runs; its state stays as it was.

    Args:
        trial: of the plan; it begins on its cold start.
        plan: says how many runs.
        judge: of its workload at its size of data.
        open_stand: makes a workspace.

    Raises:
        ClusterTooLarge: the workload does not succeed on the cold start.
        PlatformError: the project could not be looked after.
    """
    seed = seed_of(plan.seed, trial.ordinal // len(plan.policies))
    policy = policy_of(trial.policy, seed % _MOST_SEED)
    with open_stand(StandPlan(plan.cloud or Cloud.AWS, seed, policy)) as stand:
        return _Carrying(stand, trial, plan, judge=judge).through()


class _Carrying:
    """One trial under way."""

    def __init__(self, stand: Stand, trial: Trial, plan: ExperimentPlan, *, judge: Judge) -> None:
        self._stand = stand
        self._loop = stand.loop
        self._trial = trial
        self._plan = plan
        self._judge = judge
        self._shape = trial.cold_start.shape or ColdShape()
        self._fixed = replace(self._shape, least_worker_count=None)

    def through(self) -> TrialRecord:
        """Import the project, let it run, and return what came of it."""
        loop, workspace = self._loop, self._stand.workspace
        definition_id = self._defined()
        project = adopt(loop, workspace, definition_id, intent=Intent(is_auto_apply=True))
        defined = loop.place_of(project).definition().clusters[_CLUSTER_KEY]
        candidates = loop.offer_for(workspace, project, defined).space.candidates
        max_runtime_s = self._deadline_s(candidates)
        if isfinite(max_runtime_s):
            sla = Sla(max_runtime_s, self._plan.miss_fraction)
            with loop.store.transaction() as tx:
                tx.put_project(replace(tx.project(project.project_id), sla=sla))
        self._live(project.project_id, definition_id)
        return self._told(project.project_id, candidates, max_runtime_s)

    def _defined(self) -> str:
        start = begun_on(self._trial.cold_start, self._trial.policy)
        stand = self._stand
        cluster = new_cluster(start.spec, start.shape or ColdShape(), stand.workspace.cloud)
        settings: dict[str, Any] = {
            "name": "w",
            "tasks": [
                {
                    "task_key": _TASK_KEY,
                    "job_cluster_key": _CLUSTER_KEY,
                    "notebook_task": {"notebook_path": f"/Shared/{self._trial.workload}"},
                }
            ],
            "job_clusters": [{"job_cluster_key": _CLUSTER_KEY, "new_cluster": cluster}],
        }
        scenario = Scenario(
            begin_at=stand.time.now(),
            weekday_factors=WEEK,
            noise_cv=_NOISE_CV,
            spot_losses_per_node_hour=SPOT_LOSSES,
        )
        workloads = {_TASK_KEY: self._judge.workload}
        return str(stand.control.add_job(settings, workloads=workloads, scenario=scenario))

    def _deadline_s(self, candidates: Sequence[ClusterSpec]) -> float:
        """Return the deadline by the plan's rule; infinite where there is none."""
        rule, start = self._plan.sla_rule, self._trial.cold_start
        begun = self._judge.truth(start.spec, self._shape)
        if not isfinite(begun.duration_s):
            raise ClusterTooLarge(
                f"{self._trial.workload} does not succeed on its cold start, {start.spec}. Draw "
                "others with another --seed, or name some with --cold-start."
            )
        if rule is None:
            return inf
        match rule.basis:
            case SlaBasis.COLD_START:
                return rule.amount * begun.duration_s
            case SlaBasis.FASTEST:
                return rule.amount * self._judge.fastest(self._fixed, candidates).duration_s
            case SlaBasis.MINUTES:
                return rule.amount * S_PER_MINUTE

    def _live(self, project_id: str, definition_id: str) -> None:
        stand = self._stand
        begin = stand.time.now()
        for ordinal in range(self._plan.runs_per_trial):
            stand.time.advance(max(stand.time.now(), begin + ordinal * _PERIOD))
            stand.run_now(definition_id, f"run-{ordinal}")
            stand.time.forget()
            self._look_after(project_id)

    def _look_after(self, project_id: str) -> None:
        for _ in range(_MOST_LOOKS):
            self._stand.time.advance(self._stand.time.now() + _DELIVERY)
            is_well = look_after(self._loop, project_id)
            with self._loop.store.transaction(read_only=True) as tx:
                waiting = tx.executions_of(project_id, is_open=True)
                fault = tx.project(project_id).guarding.fault
            if not waiting and is_well:
                return
        raise PlatformError(
            f"Project {self._trial.project_id} ({self._trial.workload}) could not be looked "
            f"after: {fault or waiting[0].reason}. Repeat the command to try it again."
        )

    def _told(
        self, project_id: str, candidates: Sequence[ClusterSpec], max_runtime_s: float
    ) -> TrialRecord:
        with self._loop.store.transaction(read_only=True) as tx:
            record = trial_rows(tx, project_id, self._trial)
        deadline_s = max_runtime_s if isfinite(max_runtime_s) else None
        start = replace(self._trial.cold_start, max_runtime_s=deadline_s)
        truth = self._truth(record, candidates, max_runtime_s=max_runtime_s)
        return replace(record, trial=replace(self._trial, cold_start=start, truth=truth))

    def _truth(
        self, record: TrialRecord, candidates: Sequence[ClusterSpec], *, max_runtime_s: float
    ) -> TrialTruth:
        billed = {str(t["run_id"]): float(t["total_usd"]) for t in self._stand.control.truths()}
        of_run = {run_id: e for e in record.executions for run_id in e.run_ids}
        best = self._judge.best(self._fixed, candidates, max_runtime_s=max_runtime_s)
        return TrialTruth(
            best_spec=best.spec if best else None,
            best_usd=best.usd if best else None,
            billed_usd={run_id: billed[e.origin_run_id] for run_id, e in of_run.items()},
            duration_s={run_id: e.duration_s for run_id, e in of_run.items()},
            expected_usd=self._expected_usd(record.runs, max_runtime_s),
        )

    def _expected_usd(self, runs: Sequence[Run], max_runtime_s: float) -> dict[str, float]:
        """Return what runs on these clusters cost without noise, of those that are in time."""
        shape = begun_on(self._trial.cold_start, self._trial.policy).shape or ColdShape()
        found = {}
        for run in runs:
            if run.recommendation_id is not None:
                shape = self._fixed  # from the first recommendation on nothing scales by itself
            truth = self._judge.truth(run.asked_spec or run.spec, shape)
            usd = truth.usd_in_time(max_runtime_s)
            if isfinite(usd):
                found[run.run_id] = usd
        return found
