"""Projects in; what is stored that tells how each stands, in a few questions for them all, out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isocost.domain.change import Change
from isocost.domain.cluster import ClusterSpec
from isocost.domain.execution import Execution
from isocost.domain.project import Project
from isocost.domain.run import Run
from isocost.store.base import ExecutionCost, Tally, Transaction

# As many as the baseline has: means of equally many runs are equally unsure.
NEWEST_COUNT: Final = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored that tells how one project stands.

    Attributes:
        baseline: what its baseline's executions cost, by ordinal.
        newest: what the last executions that were concluded and succeeded cost, by ordinal.
        last: its newest execution.
        failed: its newest execution that failed.
        explained: its newest run whose deviation has a main cause.
        explained_in: the execution of that run.
        change: the newest one.
        changed_to: the specs that this change was for.
    """

    tally: Tally
    baseline: Sequence[ExecutionCost]
    newest: Sequence[ExecutionCost]
    last: Execution | None
    failed: Execution | None
    explained: Run | None
    explained_in: Execution | None
    change: Change | None
    changed_to: Sequence[ClusterSpec]


def standings(tx: Transaction, projects: Sequence[Project]) -> list[Standing]:
    """Return how projects stand, in their order; the number of questions is always the same."""
    ids = [project.project_id for project in projects]
    tallies = tx.tallies(ids)
    baseline = tx.costs_of([each for project in projects for each in project.baseline_ids])
    newest = tx.newest_costs_of_each(ids, newest=NEWEST_COUNT)
    last, failed = (
        tx.newest_execution_of_each(ids),
        tx.newest_execution_of_each(ids, is_failed=True),
    )
    explained = tx.newest_explained_run_of_each(ids)
    explained_in = tx.executions([run.execution_id or "" for run in explained.values()])
    changes = tx.newest_change_of_each(ids)
    specs = tx.recommended_specs([i for c in changes.values() for i in c.recommendation_ids])
    return [
        Standing(
            tally=tallies.get(project.project_id, Tally()),
            baseline=sorted(
                (baseline[each] for each in project.baseline_ids if each in baseline),
                key=lambda cost: cost.ordinal,
            ),
            newest=newest.get(project.project_id, ()),
            last=last.get(project.project_id),
            failed=failed.get(project.project_id),
            explained=(run := explained.get(project.project_id)),
            explained_in=explained_in.get(run.execution_id or "") if run else None,
            change=(change := changes.get(project.project_id)),
            changed_to=[specs[i] for i in change.recommendation_ids] if change else (),
        )
        for project in projects
    ]
