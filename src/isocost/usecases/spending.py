"""An experiment's rows in; what its runs cost so far, and what its next run may cost, out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import fsum
from typing import Final

from isocost.domain.cluster import total_cores
from isocost.domain.execution import Execution
from isocost.domain.experiment import Trial
from isocost.domain.project import Project
from isocost.domain.recommendation import RecommendationState
from isocost.errors import InvalidInput, PlatformError
from isocost.platforms.host import Definition, EndedRun
from isocost.store.base import Store, Transaction
from isocost.usecases.loop import Loop

# The first run on a cluster nobody has tried: twice what the longest recent run took, and more
# where there are fewer cores. Less memory, cold disks and slow machines fit in; it is no bound
# that physics sets, so it errs on the dear side.
FIRST_RUN_MARGIN: Final = 2.0
# Older runs are of another program or other data; as `job list` has it.
_RECENT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Ended:
    """One execution and what its clusters' runs cost; None where that is not known."""

    execution: Execution
    usd: float | None


def spent_usd(store: Store, trials: Sequence[Trial]) -> float:
    """Return the list cost of all runs of some trials, by their rows.

    Where the cost of a run is not known, it counts as long as it took at the highest rate that any
    other run had, in USD per second.

    Raises:
        PlatformError: none of the costs is known, so no limit can be kept.
    """
    with store.transaction(read_only=True) as tx:
        ended = [each for trial in trials for each in _ended(tx, trial.project_id)]
    known = [each.usd for each in ended if each.usd is not None]
    rates = [e.usd / e.execution.duration_s for e in ended if e.usd and e.execution.duration_s]
    unknown = [each.execution for each in ended if each.usd is None]
    if unknown and not rates:
        raise PlatformError(
            f"What run {unknown[0].origin_run_id} cost is not known "
            f"({unknown[0].reason or 'it left no cluster'}), nor what any other did, so no "
            "spending limit can be kept. See why it failed in the workspace, cancel this "
            "experiment and start another one."
        )
    return fsum(known) + max(rates, default=0.0) * fsum(each.duration_s for each in unknown)


def _ended(tx: Transaction, project_id: str) -> Iterator[_Ended]:
    executions = tx.executions_of(project_id)
    costs = tx.costs_of([execution.execution_id for execution in executions])
    for execution in executions:
        yield _Ended(execution, costs[execution.execution_id].cost_usd)


def next_run_usd(loop: Loop, project: Project, source: Definition) -> float:
    """Return an upper bound for the cost of a project's next run.

    On a recommended cluster that has not been tried it is the upper end of the predicted cost's
    95 % interval. Else it is the present clusters' list rate times the deadline, or the project's
    longest run if that took longer; before the first success, the source's longest recent run
    times a margin.

    Args:
        loop: that the project is looked after with.
        project: a copy of `source`.
        source: the definition that was copied.

    Raises:
        InvalidInput: a cluster has no price, or the source has no recent run.
        PlatformError: the workspace refuses or cannot be reached.
    """
    with loop.store.transaction(read_only=True) as tx:
        applied = tx.recommendations_of(project.project_id, states={RecommendationState.APPLIED})
        lasted = [e.duration_s for e in tx.executions_of(project.project_id) if e.is_success]
    foreseen = {r.cluster_key: r.prediction.cost_95_usd for r in applied}
    if foreseen.keys() == project.clusters.keys():
        highs = [interval.high for interval in foreseen.values() if interval is not None]
        if len(highs) == len(foreseen):
            return fsum(highs)
    place = loop.place_of(project)
    present = place.definition()
    offers = {k: loop.offer_for(place.workspace, project, c) for k, c in present.clusters.items()}
    rates = [
        float(offers[key].purchase.usd_per_s([cluster.spec], offers[key].node_types)[0])
        for key, cluster in present.clusters.items()
    ]
    if lasted:
        deadline_s = project.sla.max_runtime_s if project.sla else 0.0
        return fsum(rates) * max(deadline_s, *lasted)
    node_types = next(iter(offers.values())).node_types
    own = sum(total_cores(cluster.spec, node_types) for cluster in source.clusters.values())
    begun = sum(total_cores(cluster.spec, node_types) for cluster in present.clusters.values())
    recent = place.host.ended_runs(source.definition_id, place.now() - _RECENT)
    return fsum(rates) * _longest_s(recent, source) * FIRST_RUN_MARGIN * max(1.0, own / begun)


def _longest_s(recent: Sequence[EndedRun], source: Definition) -> float:
    lasted = [(run.ended_at - run.started_at).total_seconds() for run in recent if run.is_success]
    if not lasted:
        raise InvalidInput(
            f"{source.name!r} ({source.definition_id}) has not succeeded within "
            f"{_RECENT.days} days, so nothing tells what a run of its copy may cost. Run it once, "
            "or leave it out."
        )
    return max(lasted)
