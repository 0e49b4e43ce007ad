"""The closed loop over a platform of known physics: it ends, it learns, and it survives deaths."""

from contextlib import contextmanager

import pytest

from isocost.domain.experiment import TrialState
from isocost.domain.recommendation import RecommendationState
from isocost.domain.run import RunState
from isocost.errors import InvalidInput, UnknownName
from isocost.jobbank.lineage import lineages
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import a_plan
from isocost.testing.synthetic_platform import SyntheticPlatform
from isocost.usecases.conduct import Asked, conduct
from isocost.usecases.experiment import Bench, create_experiment
from isocost.usecases.recommend import offer_of


class Died(BaseException):
    """What SIGKILL is to a process: nothing catches it."""


class DyingStore:
    """A store whose process dies right after its n-th commit."""

    def __init__(self, store, commits_to_live):
        self._store = store
        self._left = commits_to_live

    @contextmanager
    def transaction(self):
        with self._store.transaction() as tx:
            yield tx
        self._left -= 1
        if self._left == 0:
            raise Died

    def close(self):
        self._store.close()


def a_bench(store=None, platform=None):
    platform = platform or SyntheticPlatform()
    return Bench(store or MemoryStore(), platform, offer_of(platform), platform.read_profile)


def asked(**changes):
    given = {
        "name": "nightly",
        "workloads": ("etl/a",),
        "cold_start_count": 2,
        "runs_per_trial": 2,
        "sla_factors": (),
        "miss_fraction": 0.1,
    }
    return Asked(**{**given, **changes})


@contextmanager
def free_claim(name):
    yield


def silent(message, *, done, total):
    assert 0 <= done <= total


def carry_out(bench, **changes):
    return conduct(bench, asked(**changes), claim=free_claim, progress=silent)


def test_every_trial_ends_with_all_of_its_runs():
    record = carry_out(a_bench(), workloads=("*",), runs_per_trial=3)
    assert [len(t.runs) for t in record.trials] == [3] * 6
    assert {t.trial.state for t in record.trials} == {TrialState.SUCCEEDED}


def test_child_run_is_tied_to_its_recommendation():
    (lineage,) = lineages(carry_out(a_bench(), cold_start_count=1))
    assert lineage.child.recommendation_id == lineage.recommendation.recommendation_id
    assert lineage.child.spec == lineage.recommendation.spec
    assert lineage.parent.run_id == lineage.recommendation.parent_run_id


def test_late_job_gets_more_cores_and_idle_job_fewer():
    late, idle = lineages(carry_out(a_bench()))
    assert late.child.runtime_s < late.parent.runtime_s
    assert idle.child.cost.total_usd < idle.parent.cost.total_usd
    assert late.is_sla_met
    assert idle.is_sla_met


def test_recommendations_in_time_are_kept():
    record = carry_out(a_bench())
    states = {r.state for t in record.trials for r in t.recommendations}
    assert states == {RecommendationState.KEPT}


def test_failing_workload_is_set_aside_and_stops_nobody():
    platform = SyntheticPlatform(failing=["etl/a"])
    record = carry_out(a_bench(platform=platform), workloads=("etl/a", "etl/b"))
    states = [t.trial.state for t in record.trials]
    assert states == [TrialState.SET_ASIDE] * 2 + [TrialState.SUCCEEDED] * 2
    assert "out of memory" in record.trials[0].trial.failure


def test_unreadable_event_log_fails_the_run_with_its_reason():
    platform = SyntheticPlatform(unreadable=["nightly-0000"])
    record = carry_out(a_bench(platform=platform))
    assert record.trials[0].runs[0].state is RunState.FAILED
    assert "decoded" in record.trials[0].trial.failure
    assert record.trials[1].trial.state is TrialState.SUCCEEDED


def test_unknown_workload_stores_nothing():
    bench = a_bench()
    with pytest.raises(UnknownName):
        carry_out(bench, workloads=("nope",))
    with bench.store.transaction() as tx:
        assert tx.experiments() == []


def test_same_name_with_another_plan_is_refused():
    store = MemoryStore()
    create_experiment(store, "nightly", a_plan())
    with pytest.raises(InvalidInput, match="another plan"):
        create_experiment(store, "nightly", a_plan(runs_per_trial=5))


def test_finished_experiment_runs_nothing_again():
    store, platform = MemoryStore(), SyntheticPlatform()
    carry_out(a_bench(store, platform))
    before = list(platform.executed)
    carry_out(a_bench(store, platform))
    assert platform.executed == before


@pytest.mark.parametrize("commits_to_live", range(1, 60))
def test_death_after_any_commit_loses_and_repeats_nothing(commits_to_live):
    undisturbed = carry_out(a_bench(), runs_per_trial=3)
    store, platform = MemoryStore(), SyntheticPlatform()
    finished = []
    try:
        carry_out(a_bench(DyingStore(store, commits_to_live), platform), runs_per_trial=3)
    except Died:
        with store.transaction() as tx:
            for trial in tx.trials_of("nightly"):
                runs = tx.runs_of(trial.project_id)
                finished += [r.run_id for r in runs if r.timeline is not None]
    resumed = carry_out(a_bench(store, platform), runs_per_trial=3)
    assert [[r.spec for r in t.runs] for t in resumed.trials] == [
        [r.spec for r in t.runs] for t in undisturbed.trials
    ]
    assert all(platform.executed.count(run_id) == 1 for run_id in finished)
