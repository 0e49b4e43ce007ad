"""The store's contract as tests; an adapter is finished when a subclass of this passes."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from isocost.domain.experiment import ColdStart, TrialState
from isocost.domain.project import Origin
from isocost.domain.run import RunState
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.errors import InternalError, NotFound
from isocost.store.base import Store
from isocost.testing.nouns import (
    LARGE,
    NOW,
    SMALL,
    a_plan,
    a_profile,
    a_project,
    a_recommendation,
    a_run,
    a_trial,
    an_experiment,
)

_WORKSPACE = Workspace("bank", "https://bank.example", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW)


class StoreSuite:
    """Give a subclass a fixture `store` that returns an empty store."""

    def test_project_comes_back_equal(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
        with store.transaction() as tx:
            assert tx.project("p-1") == a_project()

    def test_put_replaces_by_id(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_project(a_project(name="renamed"))
            assert tx.project("p-1").name == "renamed"

    def test_run_comes_back_equal(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_run(a_run())
        with store.transaction() as tx:
            assert tx.run("r-1") == a_run()

    def test_run_without_an_event_log_comes_back_equal(self, store: Store) -> None:
        run = a_run(event_log=None, input_bytes=1e9, working_set_gib=0.0)
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_run(run)
        with store.transaction() as tx:
            assert tx.run("r-1") == run

    def test_failed_run_comes_back_equal(self, store: Store) -> None:
        run = a_run(state=RunState.FAILED, runtime_s=None, failed_after_s=12.5, is_timed_out=True)
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_run(run)
        with store.transaction() as tx:
            assert tx.run("r-1") == run

    def test_plan_with_a_goal_and_no_deadline_comes_back_equal(self, store: Store) -> None:
        plan = a_plan(cold_starts=(ColdStart(SMALL), ColdStart(SMALL, max_runtime_s=60.0)))
        experiment = an_experiment(plan=replace(plan, goal=LARGE))
        with store.transaction() as tx:
            tx.put_experiment(experiment)
        with store.transaction() as tx:
            assert tx.experiment("nightly") == experiment

    def test_runs_come_in_order_of_their_ordinal(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
            for ordinal in (2, 0, 10, 1):
                tx.put_run(a_run(f"r-{ordinal}", ordinal=ordinal))
            assert [run.ordinal for run in tx.runs_of("p-1")] == [0, 1, 2, 10]

    def test_runs_of_another_project_are_not_returned(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project("p-1"))
            tx.put_project(a_project("p-2"))
            tx.put_run(a_run("r-1"))
            tx.put_run(a_run("r-2", project_id="p-2"))
            assert [run.run_id for run in tx.runs_of("p-2")] == ["r-2"]

    def test_newest_runs_of_all_projects_come_newest_first(self, store: Store) -> None:
        with store.transaction() as tx:
            for minute, project_id in enumerate(["p-2", "p-1", "p-2"]):
                tx.put_project(a_project(project_id))
                asked_at = NOW + timedelta(minutes=minute)
                run = a_run(f"r-{minute}", project_id=project_id, requested_at=asked_at)
                tx.put_run(run)
            assert [run.run_id for run in tx.newest_runs(2)] == ["r-2", "r-1"]

    def test_newest_run_of_each_imported_project_comes_by_project_id(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_workspace(_WORKSPACE)
            for project_id in ("p-b", "p-a", "p-B"):
                tx.put_project(a_project(project_id, origin=Origin("bank", project_id, "{}")))
                tx.put_run(a_run(f"{project_id}-0", project_id=project_id, ordinal=0))
            tx.put_project(a_project("p-c", origin=Origin("bank", "has no run", "{}")))
            tx.put_project(a_project("p-d"))
            tx.put_run(a_run("is not imported", project_id="p-d"))
            tx.put_run(a_run("p-a-10", project_id="p-a", ordinal=10))
            tx.put_run(a_run("p-a-9", project_id="p-a", ordinal=9))
            found = [run.run_id for run in tx.newest_run_of_each()]
        assert found == ["p-B-0", "p-a-10", "p-b-0"]

    def test_run_without_project_is_refused(self, store: Store) -> None:
        with pytest.raises(NotFound, match="p-1"), store.transaction() as tx:
            tx.put_run(a_run())

    def test_profile_comes_back_equal(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_run(a_run())
            tx.put_profile("r-1", a_profile())
        with store.transaction() as tx:
            assert tx.profile("r-1") == a_profile()

    def test_recommendations_come_oldest_first(self, store: Store) -> None:
        younger = a_recommendation("a", drafted_at=NOW + timedelta(minutes=1))
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_run(a_run())
            tx.put_recommendation(younger)
            tx.put_recommendation(a_recommendation("b"))
            assert tx.recommendations_of("p-1") == [a_recommendation("b"), younger]

    def test_recommendation_after_an_unknown_run_is_refused(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
        with pytest.raises(NotFound, match="r-1"), store.transaction() as tx:
            tx.put_recommendation(a_recommendation())

    def test_experiment_and_trials_come_back_equal(self, store: Store) -> None:
        trial = a_trial().with_abstention("r-1", "off by 30 %")
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_experiment(an_experiment())
            tx.put_trial(trial)
        with store.transaction() as tx:
            assert tx.experiment("nightly") == an_experiment()
            assert tx.experiments() == [an_experiment()]
            assert tx.trials_of("nightly") == [trial]
            assert tx.trial(trial.trial_id) == trial

    def test_trials_come_in_order_of_their_ordinal(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_experiment(an_experiment())
            for ordinal in (1, 0):
                tx.put_trial(a_trial(f"t-{ordinal}", ordinal=ordinal))
            assert [trial.ordinal for trial in tx.trials_of("nightly")] == [0, 1]
            assert tx.trial_counts("nightly") == {TrialState.QUEUED: 2}
            assert tx.trial_counts("another") == {}

    def test_unknown_id_names_what_there_is(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_experiment(an_experiment("nightly"))
            with pytest.raises(NotFound, match="nightly"):
                tx.experiment("nightli")

    def test_unknown_id_in_an_empty_store_says_so(self, store: Store) -> None:
        with store.transaction() as tx, pytest.raises(NotFound, match="none is stored yet"):
            tx.project("p-1")

    def test_failed_transaction_leaves_nothing(self, store: Store) -> None:
        def fail_halfway() -> None:
            with store.transaction() as tx:
                tx.put_project(a_project())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail_halfway()
        with store.transaction() as tx, pytest.raises(NotFound):
            tx.project("p-1")

    def test_concurrent_changes_are_not_lost(self, store: Store) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
            tx.put_run(a_run(ordinal=0, state=RunState.REQUESTED))

        def count_up() -> None:
            for _ in range(20):
                with store.transaction() as tx:
                    run = tx.run("r-1")
                    tx.put_run(replace(run, ordinal=run.ordinal + 1))

        threads = [threading.Thread(target=count_up) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with store.transaction() as tx:
            assert tx.run("r-1").ordinal == 80

    def test_reader_waits_for_no_writer_and_sees_what_was_before(self, store: Store) -> None:
        found: list[str] = []

        def read() -> None:
            with store.transaction(read_only=True) as tx:
                found.extend(e.name for e in tx.experiments())

        with store.transaction() as tx:
            tx.put_experiment(an_experiment("before"))
        with store.transaction() as tx:
            tx.put_experiment(an_experiment("unfinished"))
            reader = threading.Thread(target=read)
            reader.start()
            reader.join(timeout=5)
            assert found == ["before"]

    def test_write_in_a_read_only_transaction_is_refused(self, store: Store) -> None:
        with (
            pytest.raises(InternalError, match="read-only"),
            store.transaction(read_only=True) as tx,
        ):
            tx.put_project(a_project())
        with store.transaction() as tx, pytest.raises(NotFound):
            tx.project("p-1")

    @pytest.mark.parametrize("read_only", [False, True])
    def test_transaction_inside_another_is_refused(self, store: Store, read_only: bool) -> None:
        with store.transaction() as tx:
            tx.put_project(a_project())
            with (
                pytest.raises(InternalError, match="inside another"),
                store.transaction(read_only=read_only),
            ):
                pass
        with store.transaction() as tx:
            assert tx.project("p-1") == a_project()

    def test_closing_twice_is_fine(self, store: Store) -> None:
        store.close()
        store.close()
