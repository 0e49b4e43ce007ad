"""Databricks jobs and cold starts in; copies of them run for real within a spending limit, out.

A trial is a copy of a definition that begins on a cold start, imported and looked after as any
project. Its rows go straight to the shared store, so whoever dies anywhere has lost nothing: what
is stored is not run again, and a run that was started but not stored yet has the same token.
Trials are carried one after the other: the limit is checked before every run, and no other run is
under way then.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import (
    DATABRICKS,
    MOST_ATTEMPTS,
    ColdStart,
    Experiment,
    ExperimentPlan,
    SlaBasis,
    SlaRule,
    Trial,
    TrialEvent,
    TrialState,
    check_run_count,
)
from isocost.domain.project import Project, Sla
from isocost.domain.workspace import Workspace
from isocost.errors import (
    Busy,
    InvalidInput,
    NotFound,
    PlatformError,
    SpendingLimitReached,
    Unavailable,
    UnknownName,
    UserError,
)
from isocost.jobbank.plans import MOST_NAMED, trials_of_plan
from isocost.platforms.copies import COPY_PREFIX, Copies
from isocost.platforms.host import Definition, EndedRun
from isocost.units import S_PER_MINUTE
from isocost.usecases.adopt import Intent, adopt
from isocost.usecases.loop import Loop
from isocost.usecases.orchestrate import Standing, Watcher, check_open, standing_of
from isocost.usecases.reconcile import is_left_alone, look_after
from isocost.usecases.spending import next_run_usd, spent_usd
from isocost.usecases.trials import create_drawn

# Between two looks at a run that is under way: soon at first, then once a minute.
_FIRST_REST_S: Final = 5.0
_LONGEST_REST_S: Final = 60.0
_REST_GROWTH: Final = 1.5
# A recurring job that takes longer is not started anew each day.
_LONGEST_RUN: Final = timedelta(hours=24)
# Three times what the loop itself waits for a log: then something else is wrong.
_LONGEST_LOOK: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AskedOfRealWorkspace:
    """What a user wants an experiment on a real workspace to be.

    Attributes:
        workloads: names of databricks jobs, or shell patterns of them.
        cold_starts: clusters to begin on.
        limit_usd: that the list cost of all runs shall not exceed.
    """

    name: str
    workloads: Sequence[str]
    cold_starts: Sequence[ClusterSpec]
    runs_per_trial: int
    sla_rule: SlaRule
    miss_fraction: float
    limit_usd: float

    def __post_init__(self) -> None:
        if not 0 < self.limit_usd < float("inf"):
            raise InvalidInput(
                f"A spending limit is an amount of USD above 0; got {self.limit_usd:g}. Write "
                "--spending-limit 50."
            )
        if self.sla_rule.basis is SlaBasis.FASTEST:
            raise InvalidInput(
                "What the fastest cluster takes is known of simulated workspaces only. Write "
                "--sla 1.2 (times what the cold start takes) or --sla 30min."
            )


@dataclass(frozen=True, slots=True)
class RealBench:
    """What real trials are carried with.

    Attributes:
        rest: waits so many seconds.
        claim: holds the experiment's name for this process.
        tell: hears how the experiment stands.
        say: hears, in a sentence, how to go on with it, and of each run before it starts.
    """

    loop: Loop
    workspace: Workspace
    copies: Copies
    rest: Callable[[float], None]
    claim: Callable[[str], AbstractContextManager[None]]
    tell: Watcher
    say: Callable[[str], None]


def carry_out_real(bench: RealBench, asked: AskedOfRealWorkspace) -> Standing:
    """Create an experiment, or go on with the one of this name, and carry its trials.

    Raises:
        Busy: another process is at it, or the workspace asks for patience.
        PlatformError: the workspace refuses or cannot be reached; what is done is kept.
        SpendingLimitReached: the next run might exceed the limit; it was not started.
        UserError: something asked for does not exist or contradicts the stored experiment.
    """
    with bench.claim(asked.name):
        definitions = bench.loop.host_of(bench.workspace).definitions()
        plan = _planned(asked, bench.workspace, definitions)
        _check_rentable(bench, asked.cold_starts)
        store = bench.loop.store
        experiment = create_drawn(store, asked.name, plan, trials_of=trials_of_plan)
        check_open(experiment)
        bench.say(f"Experiment {asked.name}. If interrupted, the same command goes on.")
        sources = {workload_of(each): each for each in definitions}
        for trial in _trials(bench, experiment.name):
            if not trial.is_over:
                source = sources[trial.workload]
                _carry(bench, experiment, trial, source=source, limit_usd=asked.limit_usd)
                bench.tell(standing_of(store, experiment.name))
        return standing_of(store, experiment.name)


def workload_of(definition: Definition) -> str:
    """Return what an experiment calls a definition."""
    return f"{definition.name} ({definition.definition_id})"


def _planned(
    asked: AskedOfRealWorkspace, workspace: Workspace, definitions: Sequence[Definition]
) -> ExperimentPlan:
    check_run_count(asked.runs_per_trial)
    return ExperimentPlan(
        platform=DATABRICKS,
        workloads=_matching(asked.workloads, definitions, workspace),
        cold_starts=tuple(ColdStart(spec) for spec in asked.cold_starts),
        runs_per_trial=asked.runs_per_trial,
        miss_fraction=asked.miss_fraction,
        sla_rule=asked.sla_rule,
        cloud=workspace.cloud,
        workspace=workspace.name,
    )


def _matching(
    patterns: Sequence[str], definitions: Sequence[Definition], workspace: Workspace
) -> tuple[str, ...]:
    known = [d for d in definitions if not d.obstacles and not d.name.startswith(COPY_PREFIX)]
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [workload_of(d) for d in known if fnmatchcase(d.name, pattern)]
        if not matches:
            few = ", ".join(sorted({d.name for d in known})[:MOST_NAMED]) or "none"
            raise UnknownName(
                f"Workspace {workspace.name!r} has no job that can be imported and is called "
                f"{pattern!r}. It has {few}. See all, and why others cannot be: isocost job list "
                f"{workspace.name}"
            )
        found.update(dict.fromkeys(matches))
    return tuple(found)


def _check_rentable(bench: RealBench, specs: Sequence[ClusterSpec]) -> None:
    rentable = bench.loop.host_of(bench.workspace).node_type_ids()
    for spec in specs:
        if spec.node_type_id not in rentable:
            raise UnknownName(
                f"Workspace {bench.workspace.name!r} does not rent {spec.node_type_id}. Name "
                "another cluster with --cold-start."
            )


def _trials(bench: RealBench, name: str) -> Sequence[Trial]:
    with bench.loop.store.transaction(read_only=True) as tx:
        return tx.trials_of(name)


def _carry(
    bench: RealBench,
    experiment: Experiment,
    trial: Trial,
    *,
    source: Definition,
    limit_usd: float,
) -> None:
    """Carry a trial to its end; one that goes wrong by its own fault is set aside."""
    trial = _leased(bench, trial)
    with _handed_back(bench, trial.trial_id):
        try:
            trial = _adopted(bench, experiment.plan, trial, source=source)
            _RealCarrying(bench, experiment, trial, source, limit_usd).through()
        except SpendingLimitReached:
            raise
        except UserError as error:
            _check_going_on(bench, experiment.name)  # cancelled meanwhile, it is nobody's fault
            _end(bench, trial.trial_id, TrialEvent.GIVE_UP, failure=str(error))
        except Unavailable:  # nobody's fault: the same command goes on
            raise
        except PlatformError as error:
            if trial.attempt_count + 1 < MOST_ATTEMPTS:
                _count_attempt(bench, trial.trial_id)
                raise
            _end(bench, trial.trial_id, TrialEvent.GIVE_UP, failure=str(error))
        else:
            _end(bench, trial.trial_id, TrialEvent.FINISH)


def _leased(bench: RealBench, trial: Trial) -> Trial:
    with bench.loop.store.transaction() as tx:
        trial = tx.trial(trial.trial_id)
        if trial.state is TrialState.RUNNING:  # its process died; all that it did is stored
            return trial
        trial = trial.after(TrialEvent.LEASE)
        tx.put_trial(trial)
    return trial


@contextmanager
def _handed_back(bench: RealBench, trial_id: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(PlatformError, Busy), bench.loop.store.transaction() as tx:
            trial = tx.trial(trial_id)
            if trial.state is TrialState.RUNNING:
                tx.put_trial(trial.after(TrialEvent.HAND_BACK))
        raise


def _count_attempt(bench: RealBench, trial_id: str) -> None:
    """Queue a trial again; one that fails too often must not stop the others for ever."""
    with bench.loop.store.transaction() as tx:
        trial = tx.trial(trial_id)
        if trial.state is TrialState.RUNNING:
            tx.put_trial(trial.after(TrialEvent.INTERRUPT))


def _adopted(bench: RealBench, plan: ExperimentPlan, trial: Trial, *, source: Definition) -> Trial:
    """Return the trial with the project that its copy was imported as."""
    loop = bench.loop
    with loop.store.transaction(read_only=True) as tx:
        if tx.project(trial.project_id).origin is not None:
            return trial
    spec = trial.cold_start.spec
    wanted = dict.fromkeys(source.clusters, (spec, None))
    begun = loop.host_of(bench.workspace).planned_specs(source, wanted)
    if begun.refusal is not None:
        raise InvalidInput(f"{source.name!r} may not run on {spec}: {begun.refusal}")
    copy_id = bench.copies.make(begun.settings, _copy_name(trial))
    rule = plan.sla_rule
    sla = None
    if rule is not None and rule.basis is SlaBasis.MINUTES:
        sla = Sla(rule.amount * S_PER_MINUTE, plan.miss_fraction)
    project = adopt(loop, bench.workspace, copy_id, intent=Intent(sla, is_auto_apply=True))
    with loop.store.transaction() as tx:
        placeholder, trial = trial.project_id, tx.trial(trial.trial_id)
        trial = replace(trial, project_id=project.project_id)
        tx.put_trial(trial)
        tx.remove_project(placeholder)
    return trial


def _copy_name(trial: Trial) -> str:
    return f"{COPY_PREFIX}{trial.trial_id}"


def _end(
    bench: RealBench, trial_id: str, event: TrialEvent, *, failure: str | None = None
) -> None:
    """Remove a trial's copy and store its end; nobody looks after its project any more."""
    with bench.loop.store.transaction(read_only=True) as tx:
        trial = tx.trial(trial_id)
    _remove_copy(bench, trial)
    with bench.loop.store.transaction() as tx:
        trial = tx.trial(trial_id)
        if not trial.is_over:
            tx.put_trial(trial.after(event, failure=failure))


def _remove_copy(bench: RealBench, trial: Trial) -> None:
    copy_id = bench.copies.find(_copy_name(trial))
    if copy_id is not None:
        bench.copies.remove(copy_id)
    with bench.loop.store.transaction() as tx:
        tx.put_project(replace(tx.project(trial.project_id), origin=None))


def remove_copies(bench: RealBench, name: str) -> None:
    """Delete all copies that a cancelled experiment left in its workspace."""
    for trial in _trials(bench, name):
        _remove_copy(bench, trial)


def _check_going_on(bench: RealBench, name: str) -> None:
    with bench.loop.store.transaction(read_only=True) as tx:
        check_open(tx.experiment(name))


@dataclass(frozen=True, slots=True)
class _RealCarrying:
    """One trial under way, whose copy is imported."""

    bench: RealBench
    experiment: Experiment
    trial: Trial
    source: Definition
    limit_usd: float

    def through(self) -> None:
        """Start what runs are missing, one after the other, each within the limit."""
        self._await_active()
        self._settle()
        while (count := self._run_count()) < self.experiment.plan.runs_per_trial:
            _check_going_on(self.bench, self.experiment.name)
            self._check_limit(count)
            copy_id = self._copy_id()
            run_id = self.bench.copies.start(copy_id, f"isocost-bank-{copy_id}-{count}")
            ended = self._ended(copy_id, run_id)
            if ended.is_cancelled:
                raise InvalidInput(
                    f"Somebody cancelled run {run_id} of {_copy_name(self.trial)!r}. Start "
                    "another experiment with a new --name."
                )
            self._settle()
            self.bench.tell(standing_of(self.bench.loop.store, self.experiment.name))

    def _project(self) -> Project:
        with self.bench.loop.store.transaction(read_only=True) as tx:
            return tx.project(self.trial.project_id)

    def _copy_id(self) -> str:
        origin = self._project().origin
        if origin is None:
            raise NotFound(f"The copy {_copy_name(self.trial)!r} is gone. Use another --name.")
        return origin.definition_id

    def _run_count(self) -> int:
        with self.bench.loop.store.transaction(read_only=True) as tx:
            return len(tx.executions_of(self.trial.project_id))

    def _check_limit(self, count: int) -> None:
        store = self.bench.loop.store
        spent = spent_usd(store, _trials(self.bench, self.experiment.name))
        following = next_run_usd(self.bench.loop, self._project(), self.source)
        if spent + following > self.limit_usd:
            raise SpendingLimitReached(
                f"The spending limit of {self.limit_usd:.2f} USD is reached: {spent:.2f} USD are "
                f"spent, and the next run ({self.trial.workload}, run {count + 1}) may cost up to "
                f"{following:.2f} USD. It was not started; all else is kept. Go on with the same "
                f"command and --spending-limit {spent + following + 0.01:.2f} or more, or end it: "
                f"isocost bank cancel {self.experiment.name}"
            )
        self.bench.say(
            f"{self.trial.trial_id}: run {count + 1} of {self.experiment.plan.runs_per_trial} of "
            f"{self.trial.workload} may cost up to {following:.2f} USD; {spent:.2f} of "
            f"{self.limit_usd:.2f} USD are spent."
        )

    def _await_active(self) -> None:
        """Wait for a run that another process started: it is paid for already."""
        host, copy_id = self.bench.loop.host_of(self.bench.workspace), self._copy_id()
        self._await(lambda: not host.active_recommendations(copy_id), "A run")

    def _ended(self, copy_id: str, run_id: str) -> EndedRun:
        """Wait for a run's end."""
        host = self.bench.loop.host_of(self.bench.workspace)
        found: list[EndedRun] = []

        def is_over() -> bool:
            found.extend(r for r in host.ended_runs(copy_id, None) if r.origin_run_id == run_id)
            return bool(found)

        self._await(is_over, f"Run {run_id}")
        return found[0]

    def _await(self, is_over: Callable[[], bool], what: str) -> None:
        bench = self.bench
        begin_at = bench.loop.now_in(bench.workspace)
        rest_s = _FIRST_REST_S
        while not is_over():
            if bench.loop.now_in(bench.workspace) > begin_at + _LONGEST_RUN:
                raise Unavailable(
                    f"{what} of {_copy_name(self.trial)!r} goes on after {_LONGEST_RUN}. Cancel "
                    "it in the workspace if it hangs; then repeat the command."
                )
            bench.rest(rest_s)
            rest_s = min(_LONGEST_REST_S, rest_s * _REST_GROWTH)

    def _settle(self) -> None:
        """Look after the project until all that ended is taken in and acted upon."""
        loop, project_id = self.bench.loop, self.trial.project_id
        begin_at = loop.now_in(self.bench.workspace)
        while loop.now_in(self.bench.workspace) < begin_at + _LONGEST_LOOK:
            self._set_deadline()
            is_well = look_after(loop, project_id)
            with loop.store.transaction(read_only=True) as tx:
                is_waiting = bool(tx.executions_of(project_id, is_open=True))
            if is_well and not is_waiting:
                return
            if is_left_alone(loop, self._project()):
                break
            self.bench.rest(_LONGEST_REST_S)
        raise PlatformError(
            f"Project {project_id} could not be looked after: "
            f"{self._project().guarding.fault or 'its last run could not be taken in'}. Mend what "
            "it names and repeat the command."
        )

    def _set_deadline(self) -> None:
        """Derive the deadline from the first success, before anything is concluded from it."""
        rule, project = self.experiment.plan.sla_rule, self._project()
        if rule is None or project.sla is not None:
            return
        host = self.bench.loop.host_of(self.bench.workspace)
        ended = [run for run in host.ended_runs(self._copy_id(), None) if run.is_success]
        if not ended:
            return
        took_s = (ended[0].ended_at - ended[0].started_at).total_seconds()
        sla = Sla(rule.amount * took_s, self.experiment.plan.miss_fraction)
        with self.bench.loop.store.transaction() as tx:
            tx.put_project(replace(tx.project(project.project_id), sla=sla))
