"""What an event log says of memory, processors and the run's soundness; worked out by hand."""

from dataclasses import replace

import pytest

from isocost.domain.profile import CachedRdd, ExecutorSpan, RemovalCause, TaskTotals
from isocost.model.log_evidence import (
    MemoryEvidence,
    cpu_share,
    has_other_code,
    is_disturbed,
    memory_evidence,
)
from isocost.testing.nouns import a_profile, a_stage
from tests.unit.model.clusters import COMPUTE, GENERAL, MEMORY, a_model, a_run, median_s, on

GIB = 2**30


def an_rdd(cached=10, memory_gib=4, disk_gib=0, **changes):
    rdd = CachedRdd(7, "cache", 10, cached, memory_gib * GIB, disk_gib * GIB, is_unpersisted=False)
    return replace(rdd, **changes)


def profiled(*rdds, spilled=0, read=1000, removal=None, **changes):
    totals = TaskTotals(input_bytes=read, disk_spilled_bytes=spilled, executor_run_s=10.0)
    executor = ExecutorSpan("0", "h", 4, 0.0, None, removal_cause=removal, memory_bytes=8 * GIB)
    return a_profile(
        a_stage(0, 1.0, totals=totals),
        executors=(executor,),
        cached_rdds=rdds,
        **changes,
    )


def test_run_that_neither_caches_nor_spills_fits():
    assert memory_evidence(profiled(), 14.0) == MemoryEvidence(fits_gib=14.0)


def test_spilled_run_exceeds_its_memory():
    assert memory_evidence(profiled(spilled=500), 14.0) == MemoryEvidence(exceeds_gib=14.0)


def test_spilling_next_to_nothing_is_no_evidence():
    assert memory_evidence(profiled(spilled=5), 14.0).exceeds_gib is None


def test_whole_cache_is_measured_in_the_share_of_the_region_it_takes():
    told = memory_evidence(profiled(an_rdd()), 14.0)
    assert told == MemoryEvidence(measured_gib=4 / 8 * 14.0, fits_gib=14.0)


def test_half_a_cache_exceeds_and_is_measured_at_its_full_size():
    told = memory_evidence(profiled(an_rdd(cached=5)), 14.0)
    assert told == MemoryEvidence(measured_gib=14.0, exceeds_gib=14.0)


def test_cache_on_disk_exceeds():
    told = memory_evidence(profiled(an_rdd(memory_gib=4, disk_gib=12)), 14.0)
    assert told == MemoryEvidence(measured_gib=28.0, exceeds_gib=14.0)


def test_cache_of_unknown_size_measures_nothing():
    told = memory_evidence(profiled(an_rdd(), an_rdd(memory_bytes=None)), 14.0)
    assert told.measured_gib is None


def test_unpersisted_cache_that_was_not_whole_is_no_want_of_memory():
    assert memory_evidence(profiled(an_rdd(cached=5, is_unpersisted=True)), 14.0).fits_gib == 14.0


@pytest.mark.parametrize(("cpu_s", "share"), [(4.0, 0.4), (12.0, 1.0)])
def test_cpu_share_is_of_run_time(cpu_s, share):
    totals = TaskTotals(executor_run_s=10.0, executor_cpu_s=cpu_s)
    assert cpu_share(a_profile(a_stage(0, 1.0, totals=totals))) == share


def test_cpu_share_is_unknown_where_spark_does_not_tell():
    assert cpu_share(a_profile(is_cpu_known=False)) is None


@pytest.mark.parametrize(
    ("cause", "disturbs"),
    [
        (RemovalCause.SPOT_LOSS, True),
        (RemovalCause.OUT_OF_MEMORY, True),
        (RemovalCause.IDLE, False),
    ],
)
def test_lost_executors_disturb_and_idle_ones_do_not(cause, disturbs):
    assert is_disturbed(profiled(removal=cause)) is disturbs


@pytest.mark.parametrize(("failed", "disturbs"), [(1, False), (5, True)])
def test_many_retries_disturb(failed, disturbs):
    stage = a_stage(0, *[1.0] * 100, failed_task_count=failed)
    assert is_disturbed(a_profile(stage)) is disturbs


def test_code_is_other_only_where_both_runs_say_so():
    a, b = a_profile(plan_fingerprint="a"), a_profile(plan_fingerprint="b")
    assert has_other_code(a, b)
    assert not has_other_code(a, None)
    assert not has_other_code(a, a_profile())


def lean_over_roomy(profile):
    model = a_model([a_run(on(4, GENERAL), profile=profile)])
    lean, roomy = median_s(model, on(4, COMPUTE), on(4, MEMORY))
    return lean / roomy


def test_cache_larger_than_small_clusters_makes_them_slower_in_predictions():
    assert lean_over_roomy(profiled(an_rdd(memory_gib=6))) > 1.3 * lean_over_roomy(profiled())


def test_spilling_makes_more_memory_promising():
    def gain(profile):
        model = a_model([a_run(on(4, GENERAL), profile=profile)])
        here, roomy = median_s(model, on(4, GENERAL), on(4, MEMORY))
        return here / roomy

    assert gain(profiled(spilled=500)) > 1.03 * gain(profiled())
