"""What a user asks of the Job Bank in; a finished experiment's record out."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from isocost.domain.cluster import NodeType
from isocost.domain.experiment import (
    ColdStart,
    ExperimentPlan,
    check_experiment_name,
    check_run_count,
)
from isocost.jobbank.lineage import ExperimentRecord
from isocost.jobbank.plans import (
    check_any_fits,
    check_fits,
    cold_starts,
    matching_workloads,
    spec_from_text,
    with_deadlines,
)
from isocost.usecases.experiment import Bench, Progress, create_experiment, run_experiment
from isocost.usecases.orchestrate import check_open
from isocost.usecases.recommend import Offer
from isocost.usecases.report import NodeTypesOf, experiment_record

Claim = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user wants an experiment to be.

    Attributes:
        workloads: names or shell patterns.
        sla_factors: handed to the cold starts in turn; by situation if empty.
        cold_starts: clusters to begin on, as `TYPE:COUNT`; if empty, `cold_start_count` of the
            platform's own, spread over its sizes.
    """

    name: str
    workloads: Sequence[str]
    cold_start_count: int
    runs_per_trial: int
    sla_factors: Sequence[float]
    miss_fraction: float
    cold_starts: Sequence[str] = ()


def conduct(
    bench: Bench,
    asked: Asked,
    *,
    claim: Claim,
    progress: Progress,
    begun: Callable[[str], None] = lambda _: None,
) -> ExperimentRecord:
    """Create the experiment, or resume the one of this name, and carry it to its end.

    Args:
        bench: what it is carried out with.
        asked: by the user.
        claim: holds an experiment's name for this process.
        progress: told what happens.
        begun: told the name once the experiment is stored and may go on.

    Raises:
        UserError: if something asked for does not exist or contradicts the stored experiment;
            nothing was stored then. Or if it is paused or was cancelled.
        Busy: if another process is at this experiment.
        MissingDependency: if the platform's software is not installed.
    """
    check_experiment_name(asked.name)
    plan = plan_for(bench, asked)
    with claim(asked.name):
        experiment = create_experiment(bench.store, asked.name, plan)
        check_open(experiment)
        begun(asked.name)
        run_experiment(bench, experiment, progress)
    return experiment_record(bench.store, asked.name, _same_for_all(bench.offer.node_types))


def plan_for(bench: Bench, asked: Asked) -> ExperimentPlan:
    """Return the plan; raises UserError if something in it does not exist here."""
    check_run_count(asked.runs_per_trial)
    return ExperimentPlan(
        platform=bench.platform.name,
        workloads=matching_workloads(asked.workloads, bench.platform.workloads()),
        cold_starts=_cold_starts(bench.offer, asked),
        runs_per_trial=asked.runs_per_trial,
        miss_fraction=asked.miss_fraction,
    )


def _cold_starts(offer: Offer, asked: Asked) -> tuple[ColdStart, ...]:
    check_any_fits(offer.space)
    candidates = offer.space.candidates
    if not asked.cold_starts:
        return cold_starts(
            candidates,
            offer.node_types,
            count=asked.cold_start_count,
            sla_factors=asked.sla_factors,
        )
    specs = [spec_from_text(text, offer.node_types) for text in asked.cold_starts]
    for spec in specs:
        check_fits(spec, offer.space, offer.node_types)
    return with_deadlines(specs, candidates, offer.node_types, sla_factors=asked.sla_factors)


def _same_for_all(node_types: Sequence[NodeType]) -> NodeTypesOf:
    return lambda _: node_types
