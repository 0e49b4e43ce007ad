"""Measured workloads and terms in; the trials that compare policies from the same starts out.

Each workload, seed and policy makes two projects, one for each protocol:

- production: so many runs, by the policy's own stop rule; tells cost, deadlines and failures;
- search: as published evaluations do it, the policy explores clusters never tried, whatever it
  costs, until it meets the truly cheapest; tells steps and regret. Until a policy stops, both are
  the same trajectory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Final
from zlib import crc32

import numpy as np

from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import (
    MAX_SLA_FACTOR,
    ColdStart,
    ExperimentPlan,
    check_run_count,
)
from isocost.domain.grid import GridCell, GridWorkload
from isocost.errors import InvalidInput
from isocost.jobbank.measured.policies import STATIC, check_policies
from isocost.jobbank.plans import spec_from_text
from isocost.recommend.policy import DEFAULT_HORIZON_RUNS
from isocost.units import PERCENT

RANDOM_START: Final = "random"
CHEAPEST_START: Final = "cheapest"
# The smallest number of starts that the published searches were compared with, and the horizon
# that an improvement is expected to be enjoyed for.
DEFAULT_SEEDS: Final = 10
DEFAULT_RUNS: Final = DEFAULT_HORIZON_RUNS
MAX_SEEDS: Final = 10_000  # an hour of blind search; beyond it, a slip of the finger


class Protocol(Enum):
    """What a project is carried through."""

    PRODUCTION = "production"
    SEARCH = "search"


class Prior(Enum):
    """Which of the other workloads' runs a policy may learn from beforehand."""

    NONE = "none"
    OTHER_PROGRAMS = "other-programs"
    SAME_PROGRAM = "same-program"


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline relative to measurements: a factor of the cold start's, or a percentile of all.

    Attributes:
        factor: of the cold start's measured runtime.
        percentile: of the workload's measured runtimes, above 0 and at most 100.
    """

    factor: float | None = None
    percentile: float | None = None

    def max_runtime_s(self, workload: GridWorkload, start: GridCell) -> float:
        """Return the deadline of a project that begins on `start`."""
        if self.factor is not None:
            return self.factor * start.runtime_s
        runtimes_s = [cell.runtime_s for cell in workload.succeeding]
        return float(np.percentile(runtimes_s, self.percentile or 0.0))


@dataclass(frozen=True, slots=True)
class Terms:
    """What all trials of a measured experiment have in common.

    Attributes:
        cold_start: `random`, `cheapest` by the hour, or a cluster as `TYPE:COUNT`.
        seeds: how many starts each workload is tried from.
        runs: of each project in production.
        knows_working_set: each run tells the workload's working set.
        keeps_failures: clusters on which the workload fails are candidates too.
        noise_sd: scale of the noise that is added to the logarithm of each runtime.
    """

    policies: tuple[str, ...]
    cold_start: str = RANDOM_START
    seeds: int = DEFAULT_SEEDS
    runs: int = DEFAULT_RUNS
    deadline: Deadline | None = None
    miss_fraction: float = 0.1
    prior: Prior = Prior.NONE
    knows_working_set: bool = False
    keeps_failures: bool = False
    noise_sd: float = 0.0
    horizon_runs: int = DEFAULT_HORIZON_RUNS

    def __post_init__(self) -> None:
        check_policies(self.policies)
        if not 1 <= self.seeds <= MAX_SEEDS:
            raise InvalidInput(f"--seeds takes 1 to {MAX_SEEDS}; got {self.seeds}.")
        check_run_count(self.runs)
        if self.horizon_runs < 1:
            raise InvalidInput(f"--horizon takes 1 or more; got {self.horizon_runs}.")
        if not 0 <= self.noise_sd <= 1:
            raise InvalidInput(
                f"--noise takes 0 to 1; got {self.noise_sd}. 0.03 lets runtimes vary by about 3 %."
            )


@dataclass(frozen=True, slots=True)
class MeasuredTrial:
    """One project of a measured experiment."""

    workload: str
    policy: str
    protocol: Protocol
    seed: int
    start: ColdStart

    @property
    def policy_seed(self) -> int:
        """What the policy's own chance follows from; another one for each workload."""
        return crc32(f"{self.workload}, seed {self.seed}".encode())


def deadline_from_text(text: str) -> Deadline:
    """Return the deadline that `1.25` or `p25` stands for; raises InvalidInput for others."""
    is_percentile = text[:1] in {"p", "P"}
    try:
        number = float(text[1:] if is_percentile else text)
    except ValueError as error:
        raise InvalidInput(
            f"--sla {text!r} is no deadline. Write a factor of the cold start's runtime, as 1.25, "
            "or a percentile of all measured runtimes, as p25."
        ) from error
    largest = PERCENT if is_percentile else MAX_SLA_FACTOR
    if not isfinite(number) or not 0 < number <= largest:
        raise InvalidInput(
            f"--sla {text} is out of range: {'a percentile' if is_percentile else 'a factor'} is "
            f"above 0 and at most {largest:.0f}."
        )
    return Deadline(percentile=number) if is_percentile else Deadline(factor=number)


def as_known(workload: GridWorkload, terms: Terms) -> GridWorkload:
    """Return the workload as the terms let it be seen."""
    seen = workload if terms.keeps_failures else workload.without_failing()
    return seen if terms.knows_working_set else seen.without_working_set()


def trials_of_terms(workloads: Sequence[GridWorkload], terms: Terms) -> list[MeasuredTrial]:
    """Return all trials, the same starts for every policy, of workloads as they were measured.

    Raises:
        InvalidInput: if the cold start is none of the measured clusters.
    """
    return [
        MeasuredTrial(workload.name, policy, protocol, seed, start)
        for workload in workloads
        for seed in range(terms.seeds)
        for start in [_cold_start(workload, terms, seed)]
        for policy in terms.policies
        for protocol in _protocols(workload, policy, start)
    ]


def plan_of(trial: MeasuredTrial, workload: GridWorkload, terms: Terms) -> ExperimentPlan:
    """Return the plan of one trial."""
    is_search = trial.protocol is Protocol.SEARCH
    goal = workload.optimum(trial.start.max_runtime_s) if is_search else None
    return ExperimentPlan(
        platform="recorded",
        workloads=(workload.name,),
        cold_starts=(trial.start,),
        runs_per_trial=len(workload.cells) if is_search else terms.runs,
        miss_fraction=terms.miss_fraction,
        goal=None if goal is None else goal.spec,
    )


def _protocols(workload: GridWorkload, policy: str, start: ColdStart) -> tuple[Protocol, ...]:
    # Who never moves searches nothing, and where no cluster keeps the deadline none is the best.
    if policy == STATIC or workload.optimum(start.max_runtime_s) is None:
        return (Protocol.PRODUCTION,)
    return (Protocol.PRODUCTION, Protocol.SEARCH)


def _cold_start(workload: GridWorkload, terms: Terms, seed: int) -> ColdStart:
    cell = _start_cell(workload, terms.cold_start, seed)
    deadline = terms.deadline
    max_runtime_s = None if deadline is None else deadline.max_runtime_s(workload, cell)
    return ColdStart(cell.spec, max_runtime_s=max_runtime_s)


def _start_cell(workload: GridWorkload, cold_start: str, seed: int) -> GridCell:
    """Return the cell to begin on: one that succeeds, for a job that never ran is none yet."""
    cells = workload.succeeding
    if cold_start == RANDOM_START:
        # By name, so that a workload's starts depend neither on the others nor on their order.
        chance = np.random.default_rng([seed, crc32(workload.name.encode())])
        return cells[int(chance.integers(len(cells)))]
    if cold_start == CHEAPEST_START:
        return min(cells, key=lambda cell: (cell.usd_per_hour, cell.spec))
    return _nearest(workload, spec_from_text(cold_start, workload.node_types))


def _nearest(workload: GridWorkload, spec: ClusterSpec) -> GridCell:
    """Return the cell of `spec`, or of the nearest size of its type if that one fails."""
    alike = [c for c in workload.succeeding if c.spec.node_type_id == spec.node_type_id]
    is_known = spec in workload.specs
    if not alike or not is_known:
        sizes = ", ".join(str(c.spec) for c in alike) or "none of this type"
        raise InvalidInput(
            f"--cold-start {spec.node_type_id}:{spec.worker_count} is not among the clusters that "
            f"{workload.name!r} was measured on. There are: {sizes}."
        )
    return min(alike, key=lambda c: (abs(c.spec.worker_count - spec.worker_count), c.spec))
