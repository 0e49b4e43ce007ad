"""An experiment on simulated workspaces in; its trials, cold starts drawn or named, out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Final, Protocol

from isocost.catalog.catalog import Catalog
from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.experiment import ColdShape, ColdStart, Experiment, Trial
from isocost.domain.workspace import Cloud
from isocost.errors import ClusterTooLarge
from isocost.jobbank.plans import trial_of
from isocost.jobbank.vault.growth import scaled
from isocost.jobbank.vault.recording import Recording
from isocost.jobbank.vault.shelf import find
from isocost.jobbank.workspace_draw import drawn_cold_starts, drawn_gb
from isocost.jobbank.workspace_truth import Judge
from isocost.simulator.workspace.compute import Machinery
from isocost.simulator.workspace.workspace import REGIONS
from isocost.units import S_PER_HOUR

# A recurring job that takes longer is not started anew each day.
LONGEST_S: Final = 12 * S_PER_HOUR
# Ours, for the simulated cloud has no end: on 5,000 m5.xlarge, TPC-DS query 1 and TPC-H query 1 on
# 500 GB take as long as on 1,000, within 0.2 %.
MOST_WORKERS: Final = 1000
# What is rented where nothing else is said: on demand, of fixed size.
PLAIN: Final = ColdShape()


class Drawing(Protocol):
    """Told how far the drawing of trials is."""

    def __call__(self, *, done: int, total: int) -> None:
        """Take for how many of all workloads they are drawn."""
        ...


def unheard(*, done: int, total: int) -> None:
    """Tell nobody how far the drawing is."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What trials are drawn from, the same in every process."""

    recordings: Sequence[Recording]
    catalog: Catalog

    def judge_of(self, workload: str, input_gb: float, cloud: Cloud) -> Judge:
        """Return who knows what a workload takes; raises UnknownName if the vault has it not."""
        return Judge(scaled(find(workload, self.recordings), input_gb), machinery_of(cloud))

    def node_types(self, cloud: Cloud) -> tuple[NodeType, ...]:
        """Return what can be rented in the region of simulated workspaces."""
        return self.catalog.node_types(cloud, REGIONS[cloud])


def machinery_of(cloud: Cloud) -> Machinery:
    """Return the machines of simulated workspaces of a cloud."""
    return Machinery(cloud, REGIONS[cloud])


def drawn_trials(
    experiment: Experiment, grounds: Grounds, *, tell: Drawing = unheard
) -> list[Trial]:
    """Return a queued trial for each workload, cold start and policy, in this order.

    Args:
        experiment: whose plan says what to draw.
        grounds: what is drawn from.
        tell: hears of each workload before its cold starts are drawn, seconds each if many.

    Raises:
        ClusterTooLarge: if a workload succeeds on none of the clusters drawn or named.
        UnknownName: if the vault lacks a workload.
    """
    plan = experiment.plan
    trials: list[Trial] = []
    for done, workload in enumerate(plan.workloads):
        tell(done=done, total=len(plan.workloads))
        input_gb = drawn_gb(find(workload, grounds.recordings), plan.seed)
        starts = _starts(experiment, workload, input_gb, grounds=grounds)
        for start in starts:
            for policy in plan.policies:
                trial = trial_of(experiment, len(trials), workload=workload, start=start)
                trials.append(replace(trial, policy=policy, input_gb=input_gb))
    return trials


def _starts(
    experiment: Experiment, workload: str, input_gb: float, *, grounds: Grounds
) -> Sequence[ColdStart]:
    plan, cloud = experiment.plan, experiment.plan.cloud or Cloud.AWS
    judge = grounds.judge_of(workload, input_gb, cloud)

    def takes_s(start: ColdStart) -> float:
        return judge.truth(start.spec, start.shape or PLAIN).duration_s

    if plan.cold_starts:
        for start in plan.cold_starts:
            if not isfinite(takes_s(start)):
                raise ClusterTooLarge(
                    f"{workload} on {input_gb:g} GB does not succeed on {start.spec}: it runs out "
                    "of memory. Name a cluster with more, or leave --cold-start out to have "
                    "clusters drawn on which it does."
                )
        return plan.cold_starts
    return drawn_cold_starts(
        workload,
        grounds.node_types(cloud),
        count=plan.drawn_count,
        seed=plan.seed,
        runs=lambda start: takes_s(start) <= LONGEST_S,
    )


def named_start(spec: ClusterSpec) -> ColdStart:
    """Return a cluster that the user named as a cold start; raises ClusterTooLarge."""
    if spec.worker_count > MOST_WORKERS:
        raise ClusterTooLarge(
            f"A cluster of simulated workspaces has at most {MOST_WORKERS} workers; --cold-start "
            f"asks for {spec}. Name fewer, larger nodes."
        )
    return ColdStart(spec, shape=PLAIN)
