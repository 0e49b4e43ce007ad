"""Trials of an experiment on simulated workspaces."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from isocost.catalog.shipped import load
from isocost.domain.cluster import ClusterSpec
from isocost.domain.experiment import Experiment, ExperimentPlan
from isocost.domain.workspace import Cloud
from isocost.errors import ClusterTooLarge, UnknownName
from isocost.jobbank.vault import shelf
from isocost.jobbank.workspace_plans import PLAIN, Grounds, drawn_trials, named_start

GROUNDS = Grounds(shelf.shipped(), load())
PLAN = ExperimentPlan(
    platform="workspace",
    workloads=("tpcds/q9", "tpcds/q96"),
    cold_starts=(),
    runs_per_trial=3,
    miss_fraction=0.1,
    policies=("engine", "static"),
    seed=7,
    drawn_count=2,
    cloud=Cloud.AWS,
)


def trials(grounds=GROUNDS, **changes):
    made_at = datetime(2026, 1, 5, tzinfo=UTC)
    return drawn_trials(Experiment("nightly", replace(PLAN, **changes), made_at), grounds)


def greedy():
    """Return grounds on which q9's spark tasks need more memory than small nodes have."""
    recording = shelf.find("tpcds/q9", shelf.shipped())
    stages = [
        replace(stage, memory_bytes=64e9, rigid_memory_fraction=1.0)
        for stage in recording.workload.stages
    ]
    workload = replace(recording.workload, stages=tuple(stages))
    return Grounds((replace(recording, workload=workload),), load())


def test_each_workload_has_each_cold_start_under_each_policy():
    found = trials()
    assert [trial.ordinal for trial in found] == list(range(8))
    assert [trial.workload for trial in found] == ["tpcds/q9"] * 4 + ["tpcds/q96"] * 4
    assert [trial.policy for trial in found] == ["engine", "static"] * 4


def test_each_workload_is_told_before_its_cold_starts_are_drawn():
    heard = []
    made_at = datetime(2026, 1, 5, tzinfo=UTC)
    drawn_trials(
        Experiment("nightly", PLAN, made_at), GROUNDS, tell=lambda **said: heard.append(said)
    )
    assert heard == [{"done": 0, "total": 2}, {"done": 1, "total": 2}]


def test_policies_share_cold_start_and_data():
    for engine, static in zip(trials()[::2], trials()[1::2], strict=True):
        assert engine.cold_start == static.cold_start
        assert engine.input_gb == static.input_gb


def test_same_seed_draws_the_same_trials_and_another_one_others():
    assert trials() == trials()
    assert trials(seed=8) != trials()


def test_other_workloads_change_no_draw():
    alone = trials(workloads=("tpcds/q96",))
    assert [t.cold_start for t in alone] == [t.cold_start for t in trials()[4:]]


def test_named_cold_starts_are_begun_on_as_they_are():
    start = named_start(ClusterSpec("m5.2xlarge", 4))
    found = trials(cold_starts=(start,), drawn_count=0)
    assert {trial.cold_start for trial in found} == {start}
    assert start.shape == PLAIN


def test_cold_start_that_a_workload_fails_on_is_named():
    start = named_start(ClusterSpec("c5.xlarge", 1))
    with pytest.raises(ClusterTooLarge, match=r"tpcds/q9 on .* GB does not succeed on 1 × c5"):
        trials(greedy(), workloads=("tpcds/q9",), cold_starts=(start,), drawn_count=0)


def test_unknown_workload_is_named():
    with pytest.raises(UnknownName, match="'tpcds/q999'"):
        trials(workloads=("tpcds/q999",))
