"""A store with one imported project and some of its runs, for tests of whoever shows them."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import CauseOfDeviation, Deviation, Share
from isocost.domain.execution import Execution, ExecutionState
from isocost.domain.project import Origin, Project
from isocost.domain.recommendation import RecommendationState
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.store.base import Store, Transaction
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import LARGE, NOW, SMALL, a_project, a_recommendation, a_run

DAY: Final = timedelta(days=1)
WORKSPACE: Final = Workspace(
    "lake", "https://lake.example.com", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW
)
IMPORTED: Final = replace(
    a_project(), name="Nightly <orders>", origin=Origin("lake", "17", settings="{}")
)
DATA_DOUBLED: Final = Deviation(
    expected_s=30.0,
    actual_s=60.0,
    sds=5.0,
    is_anomaly=True,
    shares=(
        Share(CauseOfDeviation.DATA, 0.9, 0.6, "input 2.1 GiB instead of 1.0 GiB"),
        Share(CauseOfDeviation.NOISE, 0.1, 0.1),
    ),
)


def a_store(*projects: Project, runs: int = 0) -> Store:
    """Return a store that holds these projects of one workspace, the first with some runs.

    The first two runs are the baseline; from the third on a recommended cluster is in force, which
    costs half. The last run deviates, and missed its SLA of 60 s.
    """
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_workspace(WORKSPACE)
        for project in projects:
            tx.put_project(project)
    for ordinal in range(runs):
        _add_run(store, projects[0], ordinal, is_last=ordinal == runs - 1)
    return store


def _add_run(store: Store, project: Project, ordinal: int, *, is_last: bool) -> None:
    begin = NOW + ordinal * DAY
    end = begin + timedelta(seconds=70.0 if is_last else 50.0)
    execution_id = f"e-{ordinal}"
    is_recommended = ordinal > 1
    usd = 2.0 if is_recommended else 4.0
    spec = LARGE if is_recommended else SMALL
    run = a_run(
        f"{execution_id}-main",
        project_id=project.project_id,
        ordinal=ordinal,
        execution_id=execution_id,
        requested_at=begin,
        spec=spec,
        asked_spec=spec,
        cost=CostBreakdown(vm_usd=usd * 0.5, dbu_usd=usd * 0.25, disk_usd=usd * 0.25),
        deviation=DATA_DOUBLED if is_last else None,
    )
    with store.transaction() as tx:
        if ordinal == 2:
            _put_recommendation(tx, project)
        tx.put_run(replace(run, recommendation_id="r-next" if is_recommended else None))
        tx.put_execution(
            Execution(
                execution_id,
                project.project_id,
                ordinal,
                str(ordinal),
                heard_at=end,
                started_at=begin,
                ended_at=end,
                is_success=True,
                state=ExecutionState.CONCLUDED,
                run_ids=(run.run_id,),
            )
        )
        if not is_recommended:
            stored = tx.project(project.project_id)
            tx.put_project(replace(stored, baseline_ids=(*stored.baseline_ids, execution_id)))


def _put_recommendation(tx: Transaction, project: Project) -> None:
    at = NOW + 2 * DAY - timedelta(hours=8)
    tx.put_recommendation(
        a_recommendation(
            "r-next",
            project_id=project.project_id,
            parent_run_id="e-1-main",
            drafted_at=at,
            state=RecommendationState.KEPT,
            verdict="it cost half of its parent",
        )
    )
    tx.put_change(
        Change(
            "c-1",
            project.project_id,
            ChangeKind.APPLY,
            "17",
            before="{}",
            after="{}",
            planned_at=at,
            recommendation_ids=("r-next",),
            difference=("new_cluster.num_workers: 2 → 1",),
            state=ChangeState.MADE,
            made_at=at,
        )
    )
