"""What a user asks of the Job Bank on simulated workspaces in; every trial carried, out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from isocost.domain.experiment import (
    WORKSPACE,
    ColdStart,
    Experiment,
    ExperimentPlan,
    SlaRule,
    Trial,
)
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.jobbank.plans import matching_workloads, spec_from_text
from isocost.jobbank.pool import Spread
from isocost.jobbank.workspace_plans import Grounds, drawn_trials, named_start
from isocost.jobbank.workspace_policies import check_policies
from isocost.store.base import Store
from isocost.usecases.experiment import Progress
from isocost.usecases.trials import create_drawn

# With fewer groups than this for each process, trials are handed out one by one, so that no
# process waits at the end for another one's long group.
_LEAST_GROUPS: Final = 12

Work = Callable[[Sequence[str]], list[Trial]]


@dataclass(frozen=True, slots=True)
class AskedOfWorkspaces:
    """What a user wants an experiment on simulated workspaces to be.

    Attributes:
        workloads: names or shell patterns; all of TPC-DS if empty.
        cold_starts: clusters to begin on, as `TYPE:COUNT`; if empty, `cold_start_count` are drawn
            for each workload.
    """

    name: str
    workloads: Sequence[str]
    cold_start_count: int
    cold_starts: Sequence[str]
    runs_per_trial: int
    sla_rule: SlaRule
    miss_fraction: float
    policies: Sequence[str]
    seed: int
    cloud: Cloud


def planned(asked: AskedOfWorkspaces, grounds: Grounds) -> ExperimentPlan:
    """Return the plan; raises UserError if something in it does not exist or contradicts."""
    check_policies(asked.policies)
    if not asked.cold_starts and asked.cold_start_count < 1:
        raise InvalidInput(
            f"A workload needs at least 1 cold start; got {asked.cold_start_count}. Ask for some."
        )
    known = [recording.name for recording in grounds.recordings]
    return ExperimentPlan(
        platform=WORKSPACE,
        workloads=matching_workloads(asked.workloads or ("tpcds/*",), known),
        cold_starts=_named(asked, grounds),
        runs_per_trial=asked.runs_per_trial,
        miss_fraction=asked.miss_fraction,
        policies=tuple(asked.policies),
        seed=asked.seed,
        sla_rule=asked.sla_rule,
        drawn_count=0 if asked.cold_starts else asked.cold_start_count,
        cloud=asked.cloud,
    )


def _named(asked: AskedOfWorkspaces, grounds: Grounds) -> tuple[ColdStart, ...]:
    node_types = grounds.node_types(asked.cloud)
    return tuple(named_start(spec_from_text(text, node_types)) for text in asked.cold_starts)


@dataclass(frozen=True, slots=True)
class Crew:
    """Who carries trials.

    Attributes:
        claim: holds an experiment's name for this process.
        spread: hands out work to processes.
        work: carries the stored trials of an experiment, by their ids.
    """

    claim: Callable[[str], AbstractContextManager[None]]
    spread: Spread
    work: Callable[[str], Work]


def carry_out(
    store: Store, asked: AskedOfWorkspaces, crew: Crew, *, grounds: Grounds, progress: Progress
) -> Experiment:
    """Create an experiment, or go on with the one of this name, and carry every trial to its end.

    Raises:
        Busy: another process is at it.
        UserError: something asked for does not exist or contradicts the stored experiment.
    """
    plan = planned(asked, grounds)
    with crew.claim(asked.name):
        experiment = create_drawn(
            store, asked.name, plan, trials_of=lambda made: drawn_trials(made, grounds)
        )
        _carry_all(store, experiment, crew, progress=progress)
    return experiment


def _carry_all(store: Store, experiment: Experiment, crew: Crew, *, progress: Progress) -> None:
    with store.transaction(read_only=True) as tx:
        trials = tx.trials_of(experiment.name)
    runs = experiment.plan.runs_per_trial
    done = sum(trial.is_over for trial in trials)
    pieces = list(_pieces([trial for trial in trials if not trial.is_over]))
    progress("carrying", done=done * runs, total=len(trials) * runs)
    for place, over in crew.spread(crew.work(experiment.name), pieces):
        done += len(over)
        last = over[-1]
        progress(
            f"{last.workload} {len(pieces[place])} projects",
            done=done * runs,
            total=len(trials) * runs,
        )


def _pieces(trials: Sequence[Trial]) -> Iterator[tuple[str, ...]]:
    """Return trials in groups of one workload, whose truth one process then works out once."""
    groups: dict[str, list[str]] = {}
    for trial in trials:
        groups.setdefault(trial.workload, []).append(trial.trial_id)
    for group in groups.values():
        if len(groups) >= _LEAST_GROUPS:
            yield tuple(group)
        else:
            yield from ((trial_id,) for trial_id in group)
