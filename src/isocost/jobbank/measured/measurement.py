"""Every trajectory of a measured experiment in; its figures, by policy and by workload, out."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocost.domain.grid import GridWorkload
from isocost.jobbank.measured.figures import PolicyFigures, policy_figures
from isocost.jobbank.measured.plan import Terms
from isocost.jobbank.measured.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, by policy.

    Attributes:
        workloads: as the policies saw them.
        by_workload: the same figures for each workload alone, by policy and workload.
        trajectories: all trials, in the order they were planned.
    """

    workloads: tuple[GridWorkload, ...]
    terms: Terms
    policies: dict[str, PolicyFigures]
    by_workload: dict[str, dict[str, PolicyFigures]]
    trajectories: tuple[Trajectory, ...]


def measurement_of(
    workloads: tuple[GridWorkload, ...], terms: Terms, trajectories: tuple[Trajectory, ...]
) -> Measurement:
    """Return all figures of trials that are over."""

    def figures(policy: str, names: Sequence[str]) -> PolicyFigures:
        chosen = [
            t for t in trajectories if t.trial.policy == policy and t.trial.workload in names
        ]
        return policy_figures(chosen, workloads)

    names = [workload.name for workload in workloads]
    return Measurement(
        workloads,
        terms,
        policies={policy: figures(policy, names) for policy in terms.policies},
        by_workload={
            policy: {name: figures(policy, [name]) for name in names} for policy in terms.policies
        },
        trajectories=trajectories,
    )
