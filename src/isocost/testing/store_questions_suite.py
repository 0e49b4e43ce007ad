"""The bounded questions of the store's contract as tests: the newest few, by ids, counted."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.domain.cost import CostBreakdown
from isocost.domain.deviation import CauseOfDeviation, Deviation, Share
from isocost.domain.execution import Execution, ExecutionState
from isocost.domain.project import Origin, Sla
from isocost.domain.recommendation import RecommendationState
from isocost.domain.run import Run
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.errors import NotFound
from isocost.store.base import ExecutionCost, Store, Tally, Transaction
from isocost.testing.nouns import (
    LARGE,
    NOW,
    SMALL,
    a_profile,
    a_project,
    a_recommendation,
    a_run,
)

WORKSPACE: Final = Workspace(
    "bank", "https://bank.example", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW
)
DATA: Final = Deviation(
    30.0, 60.0, 5.0, is_anomaly=True, shares=(Share(CauseOfDeviation.DATA, 1.0, 0.7),)
)
_AS_EXPECTED: Final = Deviation(30.0, 31.0, 0.3, is_anomaly=False)


def an_execution(project_id: str, ordinal: int, **changes: Any) -> Execution:
    """Return a concluded execution that succeeded and took 50 s."""
    begin = NOW + timedelta(days=ordinal)
    end = begin + timedelta(seconds=50)
    execution = Execution(
        f"{project_id}-{ordinal}", project_id, ordinal, str(ordinal), end, begin, end, True
    )
    return replace(execution, **{"state": ExecutionState.CONCLUDED, **changes})


def a_change(project_id: str, ordinal: int, **changes: Any) -> Change:
    """Return a change that was made."""
    change = Change(
        f"{project_id}-c{ordinal}",
        project_id,
        ChangeKind.APPLY,
        "17",
        "{}",
        "{}",
        NOW + timedelta(days=ordinal),
    )
    return replace(change, **{"state": ChangeState.MADE, **changes})


def _put(tx: Transaction, executions: Iterable[Execution]) -> None:
    for execution in executions:
        tx.put_execution(execution)


def _ids(runs: Iterable[Run]) -> list[str]:
    return [run.run_id for run in runs]


class StoreQuestionsSuite:
    """Give a subclass a fixture `store` that returns an empty store."""

    @pytest.fixture
    def filled(self, store: Store) -> Store:
        with store.transaction() as tx:
            tx.put_project(a_project("p-1"))
            tx.put_project(a_project("p-2", sla=None))
            tx.put_project(a_project("p-3"))
        return store

    def test_rows_are_found_by_many_ids_and_unknown_ones_left_out(self, filled: Store) -> None:
        execution, run = an_execution("p-1", 0), a_run()
        with filled.transaction() as tx:
            tx.put_execution(execution)
            tx.put_run(run)
            tx.put_recommendation(a_recommendation())
            assert tx.executions(["p-1-0", "p-1-0", "other"]) == {"p-1-0": execution}
            assert tx.runs(["r-1", "other"]) == {"r-1": run}
            assert tx.recommendations(["r-1-next", "other"]) == {"r-1-next": a_recommendation()}
            assert tx.recommended_specs(["r-1-next", "other"]) == {"r-1-next": LARGE}
            assert tx.executions([]) == {}

    def test_profiles_are_found_by_many_ids_as_they_are_now(self, filled: Store) -> None:
        later = a_profile(runtime_s=99.0)
        with filled.transaction() as tx:
            for n in range(3):
                tx.put_run(a_run(f"r-{n}"))
                tx.put_profile(f"r-{n}", a_profile())
            assert tx.profiles(["r-0", "r-2", "other"]) == {"r-0": a_profile(), "r-2": a_profile()}
            tx.put_profile("r-0", later)
            assert tx.profiles(["r-0"]) == {"r-0": later}

    def test_more_ids_than_a_statement_takes_are_answered(self, filled: Store) -> None:
        with filled.transaction() as tx:
            tx.put_run(a_run())
            assert list(tx.runs([f"r-{n}" for n in range(70_000)])) == ["r-1"]

    def test_newest_execution_of_each_has_the_highest_ordinal(self, filled: Store) -> None:
        with filled.transaction() as tx:
            _put(tx, (an_execution("p-1", n) for n in (2, 10, 9)))
            _put(tx, [an_execution("p-2", 0, is_success=False)])
            newest = tx.newest_execution_of_each(["p-1", "p-2", "p-3", "other"])
            assert {key: e.ordinal for key, e in newest.items()} == {"p-1": 10, "p-2": 0}
            assert list(tx.newest_execution_of_each(["p-1"])) == ["p-1"]

    def test_newest_failed_execution_of_each_is_that(self, filled: Store) -> None:
        with filled.transaction() as tx:
            _put(tx, [an_execution("p-1", n, is_success=n > 1) for n in range(4)])
            _put(tx, [an_execution("p-2", 0)])
            failed = tx.newest_execution_of_each(["p-1", "p-2"], is_failed=True)
            assert {key: e.ordinal for key, e in failed.items()} == {"p-1": 1}

    def test_newest_costs_are_of_concluded_successes(self, filled: Store) -> None:
        with filled.transaction() as tx:
            _put(tx, (an_execution("p-1", n) for n in range(4)))
            _put(tx, [an_execution("p-1", 4, is_success=False)])
            _put(tx, [an_execution("p-1", 5, state=ExecutionState.HEARD)])
            _put(tx, [an_execution("p-2", 0)])
            costs = tx.newest_costs_of_each(["p-1", "p-2", "p-3"], newest=3)
        assert {key: [c.ordinal for c in each] for key, each in costs.items()} == {
            "p-1": [1, 2, 3],
            "p-2": [0],
        }

    def test_cost_of_an_execution_is_that_of_all_its_runs(self, filled: Store) -> None:
        runs = [
            a_run("r-1", execution_id="p-1-0", cost=CostBreakdown(vm_usd=1.0, dbu_usd=0.5)),
            a_run("r-2", execution_id="p-1-0", cost=CostBreakdown(vm_usd=2.0)),
            a_run("r-3", execution_id="p-1-1", cost=CostBreakdown(vm_usd=4.0)),
            a_run("r-4", execution_id="p-1-1", cost=None),
        ]
        with filled.transaction() as tx:
            _put(tx, (an_execution("p-1", n) for n in range(3)))
            for run in runs:
                tx.put_run(run)
            costs = tx.costs_of(["p-1-0", "p-1-1", "p-1-2", "other"])
        assert costs == {
            "p-1-0": ExecutionCost("p-1-0", 0, 3.5),
            "p-1-1": ExecutionCost("p-1-1", 1, None),
            "p-1-2": ExecutionCost("p-1-2", 2, None),
        }

    def test_tally_counts_all_and_those_within_the_deadline(self, filled: Store) -> None:
        late = NOW + timedelta(seconds=61)
        with filled.transaction() as tx:
            _put(tx, [an_execution("p-1", 0), an_execution("p-1", 1, is_success=False)])
            _put(tx, [an_execution("p-1", 2, started_at=NOW, ended_at=late)])
            _put(tx, [an_execution("p-2", 0)])
            assert tx.tallies(["p-1", "p-2", "p-3"]) == {"p-1": Tally(3, 1), "p-2": Tally(1, 0)}
            tx.put_project(replace(tx.project("p-1"), sla=Sla(61.0, 0.1)))
            assert tx.tallies(["p-1"]) == {"p-1": Tally(3, 2)}

    def test_rewritten_execution_is_counted_as_it_is_now(self, filled: Store) -> None:
        with filled.transaction() as tx:
            tx.put_execution(an_execution("p-1", 0, is_success=False))
            tx.put_execution(an_execution("p-1", 0))
            assert tx.tallies(["p-1"]) == {"p-1": Tally(1, 1)}
            assert tx.newest_execution_of_each(["p-1"], is_failed=True) == {}

    def test_changes_are_found_by_id_counted_and_the_newest_returned(self, filled: Store) -> None:
        planned = a_change("p-1", 1, state=ChangeState.PLANNED)
        with filled.transaction() as tx:
            for change in (a_change("p-1", 10), a_change("p-1", 2), planned, a_change("p-2", 3)):
                tx.put_change(change)
            assert tx.change("p-1-c2") == a_change("p-1", 2)
            assert tx.change_count("p-1") == 3
            found = tx.changes_of("p-1", newest=2)
            assert [c.change_id for c in found] == ["p-1-c2", "p-1-c10"]
            assert tx.changes_of("p-1", is_planned=True) == [planned]
            newest = tx.newest_change_of_each(["p-1", "p-2", "p-3"])
            assert {k: c.change_id for k, c in newest.items()} == {
                "p-1": "p-1-c10",
                "p-2": "p-2-c3",
            }

    def test_unknown_change_is_told(self, filled: Store) -> None:
        with filled.transaction() as tx, pytest.raises(NotFound, match="c-1"):
            tx.change("c-1")

    def test_newest_runs_of_a_cluster_are_of_that_cluster(self, filled: Store) -> None:
        with filled.transaction() as tx:
            for n in range(4):
                key = "after" if n == 3 else "main"
                tx.put_run(a_run(f"r-{n}", ordinal=n, cluster_key=key))
            assert _ids(tx.runs_of("p-1", cluster_key="main", newest=2)) == ["r-1", "r-2"]
            assert _ids(tx.runs_of("p-1", cluster_key="after")) == ["r-3"]

    def test_runs_elsewhere_were_asked_for_on_another_spec(self, filled: Store) -> None:
        asked = (LARGE, SMALL, LARGE, None, LARGE)
        with filled.transaction() as tx:
            for n, spec in enumerate(asked):
                tx.put_run(a_run(f"r-{n}", ordinal=n, cluster_key="main", asked_spec=spec))
            tx.put_run(a_run("r-9", ordinal=9, cluster_key="after", asked_spec=LARGE))
            found = tx.runs_elsewhere("p-1", "main", not_on=SMALL, newest=2)
            first = tx.first_run_elsewhere("p-1", "main", not_on=SMALL)
            other = tx.first_run_elsewhere("p-1", "main", not_on=LARGE)
            none = tx.first_run_elsewhere("p-2", "main", not_on=LARGE)
        assert _ids(found) == ["r-2", "r-4"]
        assert [each and each.run_id for each in (first, other, none)] == ["r-0", "r-1", None]

    def test_newest_explained_run_has_a_main_cause(self, filled: Store) -> None:
        with filled.transaction() as tx:
            for n, deviation in enumerate((DATA, DATA, _AS_EXPECTED, None)):
                tx.put_run(a_run(f"r-{n}", ordinal=n, deviation=deviation))
            tx.put_run(a_run("r-9", project_id="p-2"))
            found = tx.newest_explained_run_of_each(["p-1", "p-2"])
            assert {key: run.run_id for key, run in found.items()} == {"p-1": "r-1"}

    def test_recommendations_are_found_by_state_and_counted_by_run(self, filled: Store) -> None:
        states = (
            RecommendationState.KEPT,
            RecommendationState.ISSUED,
            RecommendationState.EXPIRED,
        )
        with filled.transaction() as tx:
            tx.put_run(a_run())
            tx.put_run(a_run("r-2"))
            for n, each in enumerate(states):
                drafted_at = NOW + timedelta(minutes=n)
                tx.put_recommendation(
                    a_recommendation(f"n-{n}", state=each, drafted_at=drafted_at)
                )
            found = tx.recommendations_of("p-1", states=states[1:])
            newest = tx.recommendations_of("p-1", states=states[:2], newest=1)
            assert tx.recommendation_count("r-1") == 3
            assert tx.recommendation_count("r-2") == 0
            assert tx.recommendations_of("p-1", states=()) == []
        assert [r.recommendation_id for r in found] == ["n-1", "n-2"]
        assert [r.recommendation_id for r in newest] == ["n-1"]

    def test_newest_recommendations_are_of_imported_projects(self, filled: Store) -> None:
        state = RecommendationState
        with filled.transaction() as tx:
            tx.put_workspace(WORKSPACE)
            for project_id in ("p-1", "p-2"):
                tx.put_project(a_project(project_id, origin=Origin("bank", project_id, "{}")))
            for n, project_id in enumerate(("p-1", "p-2", "p-1", "p-3")):
                tx.put_run(a_run(f"r-{n}", project_id=project_id))
                tx.put_recommendation(
                    a_recommendation(
                        f"n-{n}",
                        project_id=project_id,
                        parent_run_id=f"r-{n}",
                        state=state.ISSUED if n == 1 else state.KEPT,
                        drafted_at=NOW + timedelta(minutes=n),
                    )
                )
            newest = tx.newest_recommendations(2)
            issued = tx.newest_recommendations(9, states={state.ISSUED})
        assert [r.recommendation_id for r in newest] == ["n-2", "n-1"]
        assert [r.recommendation_id for r in issued] == ["n-1"]
