"""Measured grids and terms in; what each policy achieves on them, out.

Every trial goes through the same loop as a real project, in a store of its own, so trials know
nothing of each other and any number of processes gives the same figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isocost import clock
from isocost.domain.grid import GridWorkload, workload_named
from isocost.domain.recommendation import Abstention
from isocost.jobbank.measured.measurement import Measurement, measurement_of
from isocost.jobbank.measured.plan import (
    MeasuredTrial,
    Protocol,
    Terms,
    as_known,
    plan_of,
    trials_of_terms,
)
from isocost.jobbank.measured.policies import policy_named
from isocost.jobbank.measured.trajectory import Trajectory, steps_of
from isocost.jobbank.measured.transfer import transfer_for
from isocost.jobbank.pool import Spread
from isocost.platforms.base import Platform
from isocost.recommend.policy import Advice, Policy, Question, SearchAims
from isocost.space.candidates import CandidateSpace
from isocost.store.base import Store
from isocost.usecases.experiment import Bench, Progress, create_experiment, run_experiment
from isocost.usecases.ingest import ReadProfile
from isocost.usecases.recommend import Offer
from isocost.usecases.report import experiment_record


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one trial takes place.

    Attributes:
        store: an empty one.
    """

    store: Store
    platform: Platform
    read_profile: ReadProfile


SetStage = Callable[[GridWorkload, int, float], Stage]


def measure(
    workloads: Sequence[GridWorkload],
    terms: Terms,
    *,
    set_stage: SetStage,
    spread: Spread,
    progress: Progress,
    judged: Sequence[str] | None = None,
) -> Measurement:
    """Carry every trial to its end and return the figures.

    Args:
        workloads: as measured.
        terms: what to do with them.
        set_stage: makes a stage for a workload, a seed and a scale of noise; has to be picklable.
        spread: over processes.
        progress: told what has ended; counts trials.
        judged: names of those that are carried through; from the others a prior only draws. None
            for all.

    Raises:
        InvalidInput: if the cold start is none of the measured clusters; nothing was run then.
    """
    seen = tuple(as_known(workload, terms) for workload in workloads)
    chosen = [w for w in workloads if judged is None or w.name in judged]
    trials = trials_of_terms(chosen, terms)
    ended: dict[int, Trajectory] = {}
    for place, trajectory in spread(_Carrier(seen, terms, set_stage), trials):
        ended[place] = trajectory
        trial = trajectory.trial
        message = f"{trial.policy} on {trial.workload}"
        progress(message, done=len(ended), total=len(trials))
    names = {workload.name for workload in chosen}
    return measurement_of(
        tuple(workload for workload in seen if workload.name in names),
        terms,
        tuple(ended[place] for place in sorted(ended)),
    )


@dataclass(frozen=True, slots=True)
class _Carrier:
    """Carries one trial through the loop; sent to each process once."""

    workloads: tuple[GridWorkload, ...]
    terms: Terms
    set_stage: SetStage

    def __call__(self, trial: MeasuredTrial) -> Trajectory:
        workload = workload_named(trial.workload, self.workloads)
        stage = self.set_stage(workload, trial.seed, self.terms.noise_sd)
        policy = _TimedPolicy(self._policy(trial, workload))
        bench = Bench(
            store=stage.store,
            platform=stage.platform,
            offer=Offer(workload.node_types, CandidateSpace(workload.specs, ())),
            read_profile=stage.read_profile,
            policy=policy,
            aims=self._aims(trial),
        )
        experiment = create_experiment(stage.store, "trial", plan_of(trial, workload, self.terms))
        run_experiment(bench, experiment, _silent)
        (record,) = experiment_record(stage.store, "trial", lambda _: workload.node_types).trials
        return Trajectory(
            trial=trial,
            steps=steps_of(record),
            decision_s=policy.elapsed_s,
            decision_count=policy.count,
            failure=record.trial.failure,
        )

    def _policy(self, trial: MeasuredTrial, workload: GridWorkload) -> Policy:
        transfer = transfer_for(workload, self.workloads, prior=self.terms.prior, seed=trial.seed)
        return policy_named(trial.policy, seed=trial.policy_seed, transfer=transfer)

    def _aims(self, trial: MeasuredTrial) -> SearchAims:
        return SearchAims(
            horizon_runs=self.terms.horizon_runs,
            is_endless=trial.protocol is Protocol.SEARCH,
        )


class _TimedPolicy:
    """A policy that counts its answers and the time they take."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.elapsed_s = 0.0
        self.count = 0

    def advise(self, question: Question) -> Advice | Abstention:
        began_s = clock.monotonic_s()
        answer = self._policy.advise(question)
        self.elapsed_s += clock.monotonic_s() - began_s
        self.count += 1
        return answer


def _silent(message: str, *, done: int, total: int) -> None:
    """Say nothing: a trial takes less time than reading about it."""
