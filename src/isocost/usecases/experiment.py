"""A stored experiment in; every trial carried as far as it will go, out.

The trial's rows say what to do next (`jobbank.steps`), this file does it, and each step ends in
one transaction. So the process may die anywhere, and the same call goes on from there.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol, assert_never

from isocost import clock
from isocost.domain.experiment import (
    Experiment,
    ExperimentPlan,
    ExperimentState,
    Trial,
    TrialEvent,
    TrialState,
)
from isocost.domain.project import DEFAULT_CLUSTER_KEY, Sla
from isocost.domain.recommendation import (
    Abstention,
    AppliedRecommendation,
    RecommendationEvent,
)
from isocost.domain.run import Run, RunEvent, RunState
from isocost.errors import (
    InvalidInput,
    MissingDependency,
    PlatformError,
    UserError,
)
from isocost.jobbank import steps
from isocost.jobbank.plans import project_of_trial, trials_of_plan
from isocost.platforms.base import Platform, RunOutcome, RunRequest
from isocost.recommend.guard import judge, last_good_spec
from isocost.recommend.policy import DEFAULT_AIMS, Policy, SearchAims
from isocost.store.base import Store
from isocost.usecases.ingest import ReadProfile, failed_run, ingest
from isocost.usecases.orchestrate import check_open
from isocost.usecases.recommend import Offer, recommend

# Where the user has set no deadline, one that no run can miss: 30,000 years.
NO_DEADLINE: Final = Sla(max_runtime_s=1e12, miss_fraction=0.5)


class Progress(Protocol):
    """Told what happens, as it happens; `done` and `total` count runs."""

    def __call__(self, message: str, *, done: int, total: int) -> None:
        """Show it."""
        ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What an experiment is carried out with."""

    store: Store
    platform: Platform
    offer: Offer
    read_profile: ReadProfile
    policy: Policy
    aims: SearchAims = DEFAULT_AIMS


def create_experiment(store: Store, name: str, plan: ExperimentPlan) -> Experiment:
    """Store an experiment with its trials and projects, or return the one already there.

    Raises:
        InvalidInput: if the name is taken by an experiment with another plan, or cannot be one.
    """
    wanted = Experiment(name, plan, clock.now())
    with store.transaction() as tx:
        existing = next((e for e in tx.experiments() if e.name == name), None)
        if existing is not None:
            return same_plan(existing, plan)
        tx.put_experiment(wanted)
        for trial in trials_of_plan(wanted):
            tx.put_project(project_of_trial(trial, miss_fraction=plan.miss_fraction))
            tx.put_trial(trial)
    return wanted


def same_plan(existing: Experiment, plan: ExperimentPlan) -> Experiment:
    """Return an experiment that is there already; raises InvalidInput if its plan is another."""
    if existing.plan != plan:
        raise InvalidInput(
            f"Experiment {existing.name!r}, made {existing.created_at:%Y-%m-%d %H:%M} UTC, has "
            "another plan. Repeat its options to resume it, or choose another --name."
        )
    return existing


def run_experiment(bench: Bench, experiment: Experiment, progress: Progress) -> None:
    """Carry out every trial that is not over; one that fails never stops the rest.

    Raises:
        InvalidInput: if it is paused or was cancelled.
        MissingDependency: if software that is needed is not installed; what was asked for is
            open again, so the same call goes on once it is.
        UnknownName: if the platform does not know one of the workloads.
    """
    check_open(experiment)
    with bench.store.transaction(read_only=True) as tx:
        trials = tx.trials_of(experiment.name)
        done = sum(run.is_over for trial in trials for run in tx.runs_of(trial.project_id))
    to_carry = [trial for trial in trials if not trial.is_over]
    if not to_carry:
        return
    bench.platform.prepare(tuple(dict.fromkeys(trial.workload for trial in to_carry)))
    tally = _Tally(progress, done, len(trials) * experiment.plan.runs_per_trial)
    for trial in to_carry:
        if _may_begin(bench.store, trial):
            _TrialRunner(bench, experiment, tally).carry_through(trial)


def _may_begin(store: Store, trial: Trial) -> bool:
    """Whether nobody has paused or cancelled the experiment in the meantime."""
    with store.transaction(read_only=True) as tx:
        is_open = tx.experiment(trial.experiment).state is ExperimentState.OPEN
        return is_open and not tx.trial(trial.trial_id).is_over


@dataclass(slots=True)
class _Tally:
    """Counts the runs that are over and passes messages on with the count."""

    progress: Progress
    done: int
    total: int

    def tell(self, message: str) -> None:
        self.progress(message, done=self.done, total=self.total)

    def tell_over(self, message: str) -> None:
        self.done += 1
        self.tell(message)


class _TrialRunner:
    """Carries one trial through the loop, one stored step at a time."""

    def __init__(self, bench: Bench, experiment: Experiment, tally: _Tally) -> None:
        self._bench = bench
        self._experiment = experiment
        self._plan = experiment.plan
        self._tally = tally

    def carry_through(self, trial: Trial) -> None:
        """Do the next step until there is none."""
        if trial.state is TrialState.RUNNING:  # its process died
            trial = trial.after(TrialEvent.INTERRUPT)
        self._put_trial(trial.after(TrialEvent.LEASE))
        rows = self._rows(trial)
        while not rows.trial.is_over:
            try:
                self._do(steps.next_step(rows, self._plan), rows.trial)
            except MissingDependency:  # nobody's trial is at fault
                self._put_trial(rows.trial.after(TrialEvent.INTERRUPT))
                raise
            except UserError as error:
                self._put_trial(rows.trial.after(TrialEvent.GIVE_UP, failure=str(error)))
            rows = self._rows(trial)

    def _rows(self, trial: Trial) -> steps.TrialRows:
        with self._bench.store.transaction(read_only=True) as tx:
            stored = tx.trials_of(self._experiment.name)[trial.ordinal]
            return steps.TrialRows(
                stored,
                tx.project(trial.project_id),
                tx.runs_of(trial.project_id),
                tx.recommendations_of(trial.project_id),
            )

    def _do(self, step: steps.Step, trial: Trial) -> None:
        match step:
            case steps.RequestRun():
                self._request(step, trial)
            case steps.ExecuteRun(run=run):
                self._execute(run, trial)
            case steps.InterruptRun(run=run):
                self._put_run(run.after(RunEvent.INTERRUPT))
            case steps.IngestRun(run=run):
                self._ingest(run, trial)
            case steps.SetDeadline(max_runtime_s=max_runtime_s):
                self._set_deadline(trial, max_runtime_s)
            case steps.Recommend(parent=parent):
                self._recommend(parent, trial)
            case _:
                self._conclude(step, trial)

    def _conclude(
        self,
        step: steps.ObserveRecommendation | steps.FinishTrial | steps.SetTrialAside,
        trial: Trial,
    ) -> None:
        match step:
            case steps.ObserveRecommendation():
                self._observe(step)
            case steps.FinishTrial():
                self._put_trial(trial.after(TrialEvent.FINISH))
            case steps.SetTrialAside(reason=reason):
                self._put_trial(trial.after(TrialEvent.GIVE_UP, failure=reason))
            case _:
                assert_never(step)

    def _request(self, step: steps.RequestRun, trial: Trial) -> None:
        applied = step.recommendation
        run = Run(
            run_id=f"{trial.trial_id}-r{step.ordinal}",
            project_id=trial.project_id,
            cluster_key=DEFAULT_CLUSTER_KEY,
            ordinal=step.ordinal,
            spec=step.spec,
            state=RunState.REQUESTED,
            requested_at=clock.now(),
            recommendation_id=applied.recommendation_id if applied else None,
        )
        with self._bench.store.transaction() as tx:
            project = tx.project(trial.project_id)
            tx.put_project(project.with_spec(DEFAULT_CLUSTER_KEY, step.spec))
            if applied is not None:
                tx.put_recommendation(applied.after(RecommendationEvent.APPLY))
            tx.put_run(run)

    def _execute(self, run: Run, trial: Trial) -> None:
        running = run.after(RunEvent.START)
        self._put_run(running)
        self._tally.tell(f"{trial.workload} on {run.spec}")
        try:
            request = RunRequest(run.run_id, trial.workload, run.spec)
            outcome = self._bench.platform.execute(request)
        except MissingDependency:
            self._put_run(running.after(RunEvent.INTERRUPT))
            raise
        except (UserError, PlatformError) as error:
            self._put_failed(running, str(error))
            return
        self._put_outcome(running, outcome)

    def _put_outcome(self, running: Run, outcome: RunOutcome) -> None:
        ran = replace(running, timeline=outcome.timeline)
        measured = outcome.measured
        if measured is not None:
            ran = replace(
                ran,
                input_bytes=measured.input_bytes,
                working_set_gib=measured.working_set_gib,
            )
        if outcome.failure is not None or (outcome.event_log is None and measured is None):
            failed = replace(
                ran,
                failed_after_s=None if measured is None else measured.runtime_s,
                is_timed_out=outcome.is_timed_out,
            )
            self._put_failed(failed, outcome.failure or "the application left no event log")
            return
        event_log = None if outcome.event_log is None else str(outcome.event_log)
        runtime_s = None if measured is None else measured.runtime_s
        self._put_run(
            replace(ran.after(RunEvent.FINISH), event_log=event_log, runtime_s=runtime_s)
        )

    def _ingest(self, run: Run, trial: Trial) -> None:
        try:
            ingested = ingest(
                self._bench.store,
                run,
                read_profile=self._bench.read_profile,
                node_types=self._bench.offer.node_types,
            )
        except MissingDependency:  # the run stays finished, to be ingested another time
            raise
        except (UserError, PlatformError) as error:
            self._put_failed(run, str(error))
            return
        took = f"took {ingested.runtime_s:.1f} s"
        self._tally.tell_over(f"{trial.workload} on {ingested.spec} {took}")

    def _set_deadline(self, trial: Trial, max_runtime_s: float) -> None:
        with self._bench.store.transaction() as tx:
            project = tx.project(trial.project_id)
            tx.put_project(replace(project, sla=Sla(max_runtime_s, self._plan.miss_fraction)))

    def _recommend(self, parent: Run, trial: Trial) -> None:
        answer = recommend(
            self._bench.store,
            parent,
            offer=self._bench.offer,
            policy=self._bench.policy,
            aims=self._bench.aims,
            now=clock.now(),
        )
        if isinstance(answer, Abstention):
            self._put_trial(trial.with_abstention(parent.run_id, answer.reason))

    def _observe(self, step: steps.ObserveRecommendation) -> None:
        with self._bench.store.transaction() as tx:
            project = tx.project(step.run.project_id)
            applied = AppliedRecommendation(step.recommendation, step.run.run_id)
            sla = project.sla or NO_DEADLINE
            parent = tx.run(step.recommendation.parent_run_id)
            verdict = judge(applied, step.run, parent=parent, sla=sla)
            observed = step.recommendation.after(RecommendationEvent.OBSERVE)
            judged = replace(observed.after(verdict.event), verdict=verdict.reason)
            tx.put_recommendation(judged)
            if verdict.event is RecommendationEvent.ROLL_BACK:
                before = tx.runs_of(project.project_id)[: step.run.ordinal]
                good = last_good_spec(before, parent, sla)
                tx.put_project(project.with_spec(step.run.cluster_key, good))

    def _put_run(self, run: Run) -> None:
        with self._bench.store.transaction() as tx:
            tx.put_run(run)

    def _put_failed(self, run: Run, failure: str) -> None:
        self._put_run(failed_run(run, failure, self._bench.offer.node_types))
        self._tally.tell_over(f"{run.spec} failed")

    def _put_trial(self, trial: Trial) -> None:
        with self._bench.store.transaction() as tx:
            tx.put_trial(trial)
