"""Rows in; how often deadlines were missed, by policy and phase, out."""

from dataclasses import dataclass
from typing import Final

from isocost.domain.project import Phase
from isocost.jobbank.analysis.estimates import Estimate, clustered_mean
from isocost.jobbank.rows import COLD_START, Rows

PHASES: Final = (
    COLD_START,
    Phase.LEARNING.value,
    Phase.OPTIMIZING.value,
    Phase.REBASING.value,
)


@dataclass(frozen=True, slots=True)
class Misses:
    """Runs of one policy that were started in one phase.

    Attributes:
        share: of them that were late or failed.
    """

    policy: str
    phase: str
    share: Estimate


def misses_by_phase(rows: Rows) -> list[Misses]:
    """Return the shares, policy by policy, the phases in the order of a project's life."""
    late: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for run in rows.runs:
        if run.is_late is not None:
            key = run.policy, run.phase
            late.setdefault(key, []).append((run.workload, float(run.is_late)))
    policies = dict.fromkeys(policy for policy, _ in late)
    return [
        Misses(policy, phase, share)
        for policy in policies
        for phase in PHASES
        if (share := clustered_mean(late.get((policy, phase), []))) is not None
    ]


def misses_after_cold_start(rows: Rows, policy: str) -> Estimate | None:
    """Return the share of a policy's runs after the cold start that were late or failed."""
    return clustered_mean(
        (run.workload, float(run.is_late))
        for run in rows.runs
        if run.policy == policy and run.ordinal > 0 and run.is_late is not None
    )
