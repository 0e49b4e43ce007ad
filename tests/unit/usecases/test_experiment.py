"""The closed loop over a platform of known physics: it ends, it learns, and it survives deaths."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import ColdStart, TrialState
from isocost.domain.recommendation import RecommendationState
from isocost.domain.run import RunState
from isocost.errors import (
    ClusterTooLarge,
    InvalidInput,
    MissingDependency,
    PlatformError,
    UnknownName,
)
from isocost.jobbank.lineage import lineages
from isocost.jobbank.report import report_html
from isocost.queue.inline import InlineQueue
from isocost.recommend.engine import Engine
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import NOW, a_plan
from isocost.testing.synthetic_platform import SyntheticOracle, SyntheticPlatform
from isocost.usecases.conduct import Asked, conduct
from isocost.usecases.experiment import Bench, create_experiment, run_experiment
from isocost.usecases.orchestrate import pause, resume
from isocost.usecases.recommend import offer_of
from isocost.usecases.report import experiment_record


class Died(BaseException):
    """What SIGKILL is to a process: nothing catches it."""


class DyingStore:
    """A store whose process dies right after its n-th commit; reading commits nothing."""

    def __init__(self, store, commits_to_live):
        self._store = store
        self._left = commits_to_live

    @contextmanager
    def transaction(self, *, read_only=False):
        with self._store.transaction(read_only=read_only) as tx:
            yield tx
        self._left -= not read_only
        if self._left == 0 and not read_only:
            raise Died

    def close(self):
        self._store.close()


def a_bench(store=None, platform=None):
    platform = platform or SyntheticPlatform()
    return Bench(
        store or MemoryStore(),
        platform,
        offer_of(platform),
        platform.read_profile,
        SyntheticOracle(),
    )


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


def test_engine_brings_a_late_job_in_time():
    bench = replace(a_bench(), policy=Engine())
    record = carry_out(bench, cold_start_count=1, runs_per_trial=4)
    assert lineages(record)[-1].is_sla_met


def unlogged_platform(**changes):
    platform = SyntheticPlatform(**changes)
    platform.unlogged = {"etl/a"}
    return platform


def test_run_without_event_log_keeps_what_was_measured():
    record = carry_out(a_bench(platform=unlogged_platform()), cold_start_count=1)
    run = record.trials[0].runs[0]
    assert (run.state, run.runtime_s) == (RunState.INGESTED, 26.0)
    assert (run.input_bytes, run.working_set_gib) == (1e9, 2.0)
    assert record.trials[0].profiles == {}


def test_engine_advises_on_runs_without_event_logs():
    bench = replace(a_bench(platform=unlogged_platform()), policy=Engine())
    assert len(lineages(carry_out(bench, cold_start_count=1, runs_per_trial=3))) == 2


def test_failed_run_keeps_how_long_it_ran():
    record = carry_out(a_bench(platform=unlogged_platform(failing=["etl/a"])), cold_start_count=1)
    run = record.trials[0].runs[0]
    assert (run.state, run.runtime_s, run.failed_after_s) == (RunState.FAILED, None, 26.0)


def test_trial_without_a_deadline_goes_on_without_one():
    bench = a_bench()
    start = ColdStart(ClusterSpec("local-1c-1g", 1))
    experiment = create_experiment(bench.store, "nightly", synthetic_plan(cold_starts=(start,)))
    run_experiment(bench, experiment, silent)
    record = experiment_record(bench.store, "nightly", lambda _: bench.offer.node_types)
    assert record.trials[0].project.sla is None
    assert [len(t.runs) for t in record.trials] == [3]


def test_trial_ends_when_its_goal_is_met():
    bench = a_bench()
    start = ColdStart(ClusterSpec("local-1c-1g", 1), max_runtime_s=20.0)
    plan = synthetic_plan(cold_starts=(start,), goal=DOOMED)
    experiment = create_experiment(bench.store, "nightly", plan)
    run_experiment(bench, experiment, silent)
    with bench.store.transaction() as tx:
        (trial,) = tx.trials_of("nightly")
        assert [run.spec for run in tx.runs_of(trial.project_id)] == [start.spec, DOOMED]


def synthetic_plan(**changes):
    given = {"platform": "synthetic", "workloads": ("etl/a",), "runs_per_trial": 3}
    return a_plan(**{**given, **changes})


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


class DyingPlatform(SyntheticPlatform):
    """A platform whose process dies when its n-th run has ended, before anybody notes it down."""

    def __init__(self, runs_to_live):
        super().__init__()
        self.failing_specs = {DOOMED}
        self._left = runs_to_live

    def execute(self, request):
        outcome = super().execute(request)
        self._left -= 1
        if self._left == 0:
            raise Died
        return outcome


class CountingStore(DyingStore):
    """A store that never dies and counts its commits."""

    def __init__(self):
        super().__init__(MemoryStore(), 0)

    @property
    def commits(self):
        return -self._left


# What is recommended after the late cold start of the small cluster; here it always fails.
DOOMED = ClusterSpec("local-2c-1g", 1)


def doomed_platform():
    platform = SyntheticPlatform()
    platform.failing_specs = {DOOMED}
    return platform


def undisturbed():
    store = CountingStore()
    record = carry_out(a_bench(store, doomed_platform()), runs_per_trial=3)
    return record, store.commits


def specs_and_states(record):
    return [[(run.spec, run.state) for run in trial.runs] for trial in record.trials]


UNDISTURBED, COMMITS = undisturbed()


def test_undisturbed_experiment_holds_a_failed_child():
    states = {run.state for trial in UNDISTURBED.trials for run in trial.runs[1:]}
    assert states == {RunState.FAILED, RunState.INGESTED}


@pytest.mark.parametrize("commits_to_live", range(1, COMMITS + 1))
def test_death_after_any_commit_loses_and_repeats_nothing(commits_to_live):
    store, platform = MemoryStore(), doomed_platform()
    with pytest.raises(Died):
        carry_out(a_bench(DyingStore(store, commits_to_live), platform), runs_per_trial=3)
    with store.transaction() as tx:
        runs = [run for trial in tx.trials_of("nightly") for run in tx.runs_of(trial.project_id)]
    resumed = carry_out(a_bench(store, platform), runs_per_trial=3)
    assert specs_and_states(resumed) == specs_and_states(UNDISTURBED)
    ended = [run.run_id for run in runs if run.timeline is not None]
    assert all(platform.executed.count(run_id) == 1 for run_id in ended)


@pytest.mark.parametrize("runs_to_live", range(1, 7))
def test_death_between_a_run_and_its_commit_executes_only_that_run_afresh(runs_to_live):
    store, dying = MemoryStore(), DyingPlatform(runs_to_live)
    with pytest.raises(Died):
        carry_out(a_bench(store, dying), runs_per_trial=3)
    resumed = carry_out(a_bench(store, dying), runs_per_trial=3)
    assert specs_and_states(resumed) == specs_and_states(UNDISTURBED)
    repeated = [run_id for run_id in set(dying.executed) if dying.executed.count(run_id) > 1]
    assert repeated == [dying.executed[runs_to_live - 1]]


def test_failed_child_is_rolled_back_and_its_cluster_never_asked_for_again():
    trial = next(t for t in UNDISTURBED.trials if t.runs[1].state is RunState.FAILED)
    assert trial.trial.state is TrialState.SUCCEEDED
    assert [run.spec for run in trial.runs].count(DOOMED) == 1
    first, second = trial.recommendations
    assert (first.state, second.state) == (
        RecommendationState.ROLLED_BACK,
        RecommendationState.KEPT,
    )
    assert first.verdict == "the run failed: executor lost: out of memory"
    assert second.recommendation_id == f"{first.recommendation_id}-2"
    assert "failed before" in str(second.evidence.rejections[0])


def test_failed_run_is_costed():
    trial = next(t for t in UNDISTURBED.trials if t.runs[1].state is RunState.FAILED)
    assert trial.runs[1].cost.total_usd > 0


@pytest.mark.parametrize("error", [PlatformError("no machine left"), ClusterTooLarge("too big")])
def test_refused_run_fails_with_the_platforms_words(error):
    platform = SyntheticPlatform()
    platform.refusing = {"etl/a": error}
    record = carry_out(a_bench(platform=platform), cold_start_count=1)
    (run,) = record.trials[0].runs
    assert (run.state, run.failure) == (RunState.FAILED, str(error))
    assert record.trials[0].trial.state is TrialState.SET_ASIDE


def test_event_log_that_cannot_be_fetched_fails_the_run():
    def read_profile(path):
        raise PlatformError(f"{path}: access denied")

    bench = replace(a_bench(), read_profile=read_profile)
    record = carry_out(bench, cold_start_count=1)
    assert record.trials[0].runs[0].failure.endswith("access denied")


def test_missing_software_leaves_everything_open_for_the_next_call():
    store, platform = MemoryStore(), SyntheticPlatform()
    platform.refusing = {"etl/a": MissingDependency("no Spark here")}
    with pytest.raises(MissingDependency):
        carry_out(a_bench(store, platform), cold_start_count=1)
    with store.transaction() as tx:
        (trial,) = tx.trials_of("nightly")
        (run,) = tx.runs_of(trial.project_id)
    assert (trial.state, run.state) == (TrialState.QUEUED, RunState.REQUESTED)
    platform.refusing = {}
    record = carry_out(a_bench(store, platform), cold_start_count=1)
    assert record.trials[0].trial.state is TrialState.SUCCEEDED


def test_run_of_no_time_fails_and_leaves_the_report_possible():
    platform = SyntheticPlatform()
    bench = replace(
        a_bench(platform=platform),
        read_profile=lambda path: replace(platform.read_profile(path), runtime_s=0.0),
    )
    record = carry_out(bench)
    assert "runtime of 0.0 s" in record.trials[0].runs[0].failure
    assert "nightly" in report_html(record, made_at=NOW)


def test_data_is_made_for_open_trials_alone():
    store, platform = MemoryStore(), SyntheticPlatform()
    carry_out(a_bench(store, platform))
    carry_out(a_bench(store, platform))
    assert platform.prepared == [("etl/a",)]


def test_paused_experiment_begins_no_other_trial_and_goes_on_when_resumed():
    store = MemoryStore()

    def pause_at_once(message, *, done, total):
        if done == 0:
            pause(store, InlineQueue(), "nightly")

    conduct(a_bench(store), asked(), claim=free_claim, progress=pause_at_once)
    with store.transaction() as tx:
        states = [trial.state for trial in tx.trials_of("nightly")]
    assert states == [TrialState.SUCCEEDED, TrialState.QUEUED]
    with pytest.raises(InvalidInput, match="bank resume nightly"):
        carry_out(a_bench(store))
    resume(store, InlineQueue(), "nightly")
    assert len(lineages(carry_out(a_bench(store)))) == 2


def test_progress_counts_every_run_once():
    counts = []

    def count(message, *, done, total):
        counts.append((done, total))

    conduct(a_bench(), asked(), claim=free_claim, progress=count)
    assert counts == [(0, 4), (1, 4), (1, 4), (2, 4), (2, 4), (3, 4), (3, 4), (4, 4)]


def test_more_runs_than_anybody_wants_are_refused():
    with pytest.raises(InvalidInput, match="at most 1000; got 1001"):
        carry_out(a_bench(), runs_per_trial=1001)


def test_how_to_go_on_is_told_once_the_experiment_is_stored_and_open():
    store, heard = MemoryStore(), []
    given = {"claim": free_claim, "progress": silent, "begun": heard.append}
    conduct(a_bench(store), asked(cold_start_count=1), **given)
    assert heard == ["nightly"]
    with pytest.raises(InvalidInput, match="another plan"):
        conduct(a_bench(store), asked(cold_start_count=2), **given)
    assert heard == ["nightly"]
