"""Each finding appears beyond its threshold, stays silent below it, and shows its numbers."""

import math
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from isocost.domain.finding import FindingCode
from isocost.domain.profile import (
    CoreTime,
    CriticalStep,
    ExecutorSpan,
    FailureCount,
    Operator,
    OperatorKind,
    RemovalCause,
    SqlExecution,
    TaskTotals,
)
from isocost.errors import InvalidInput
from isocost.eventlog.findings import findings_of
from isocost.eventlog.thresholds import Thresholds, with_changes
from isocost.testing.nouns import a_profile, a_stage

MIB = 1024**2


def on_path(*stages):
    return tuple(CriticalStep(s.stage_id, s.attempt_id, 1.0) for s in stages)


def codes(profile, **thresholds):
    return {f.code for f in findings_of(profile, Thresholds(**thresholds))}


def test_even_application_has_no_findings():
    stage = a_stage(0, 1.0, 1.0, 1.0, 1.0)
    assert (
        findings_of(
            a_profile(stage, critical_path=on_path(stage)), Thresholds(long_stage_fraction=2)
        )
        == ()
    )


def test_application_without_a_runtime_has_no_findings():
    assert findings_of(a_profile(a_stage(0, 1.0, 9.0), runtime_s=0.0)) == ()


def test_skew_names_the_stage_and_both_durations():
    stage = a_stage(3, 1.0, 1.0, 1.0, 9.0)
    (finding,) = findings_of(
        a_profile(stage, critical_path=on_path(stage)), Thresholds(long_stage_fraction=2)
    )
    assert (finding.code, finding.stage_id) == (FindingCode.SKEW, 3)
    assert (finding.numbers["longest_s"], finding.numbers["median_s"]) == (9.0, 1.0)
    assert (finding.threshold, finding.limit) == ("skew_ratio", 5.0)


def test_skew_off_the_critical_path_is_no_finding():
    assert FindingCode.SKEW not in codes(a_profile(a_stage(3, 1.0, 1.0, 1.0, 9.0)))


def test_threshold_can_be_changed():
    stage = a_stage(3, 1.0, 1.0, 1.0, 3.0)
    profile = a_profile(stage, critical_path=on_path(stage))
    assert FindingCode.SKEW not in codes(profile)
    assert FindingCode.SKEW in codes(profile, skew_ratio=2.0)


def test_every_threshold_is_documented():
    page = Path(__file__).parents[3] / "docs" / "explanation" / "profile-numbers.md"
    documented = set(re.findall(r"`([a-z_]+)`", page.read_text(encoding="utf-8")))
    assert {item.name for item in fields(Thresholds)} <= documented


@pytest.mark.parametrize(
    "changes", [{"no_such": 1.0}, {"skew_ratio": -1.0}, {"skew_ratio": math.nan}]
)
def test_wrong_threshold_says_which_are_known(changes):
    with pytest.raises(InvalidInput, match=r"Known: stage_share|must be a number of 0"):
        with_changes(Thresholds(), changes)


def test_many_stages_with_one_problem_are_one_finding():
    stages = [a_stage(n, 1.0, 1.0, 1.0, 9.0) for n in range(30)]
    found = findings_of(a_profile(*stages, critical_path=on_path(*stages)))
    assert [f.numbers["stage_count"] for f in found if f.code is FindingCode.SKEW] == [30]


def test_spill_is_judged_by_what_was_read():
    totals = TaskTotals(input_bytes=1000, disk_spilled_bytes=101)
    assert FindingCode.SPILL in codes(a_profile(a_stage(0, 5.0, totals=totals)))
    less = replace(totals, disk_spilled_bytes=100)
    assert FindingCode.SPILL not in codes(a_profile(a_stage(0, 5.0, totals=less)))


def test_many_small_tasks_on_few_slots():
    stage = a_stage(0, *[0.1] * 40)
    assert FindingCode.SMALL_TASKS in codes(a_profile(stage, core_count_peak=4))
    assert FindingCode.SMALL_TASKS not in codes(a_profile(stage, core_count_peak=40))


def test_fewer_tasks_than_slots():
    stage = a_stage(0, 5.0, 5.0)
    profile = a_profile(stage, core_count_peak=16, critical_path=on_path(stage))
    (finding,) = [f for f in findings_of(profile) if f.code is FindingCode.FEW_TASKS]
    assert (finding.numbers["task_count"], finding.numbers["slot_count"]) == (2, 16)
    assert finding.weight == pytest.approx(1 - 2 / 16)


def test_long_stage_is_half_the_runtime():
    assert FindingCode.LONG_STAGE in codes(a_profile(a_stage(0, 5.0), runtime_s=9.0))
    assert FindingCode.LONG_STAGE not in codes(a_profile(a_stage(0, 5.0), runtime_s=11.0))


def test_repeated_stage_is_told():
    assert FindingCode.STAGE_RETRIES in codes(a_profile(a_stage(0, 1.0, attempt_id=1)))


def test_gc_beyond_a_tenth_of_the_run_time():
    totals = TaskTotals(executor_run_s=10.0, gc_s=1.0)
    assert FindingCode.GC_PRESSURE in codes(a_profile(a_stage(0, 9.0, totals=totals)))
    less = replace(totals, gc_s=0.9)
    assert FindingCode.GC_PRESSURE not in codes(a_profile(a_stage(0, 9.0, totals=less)))


def test_idle_cores_beyond_a_quarter():
    idle = CoreTime(100.0, 60.0, 10.0, 10.0, 20.0)
    assert FindingCode.IDLE_CORES in codes(a_profile(core_time=idle))
    driver = CoreTime(100.0, 60.0, 20.0, 10.0, 10.0)
    assert FindingCode.IDLE_CORES not in codes(a_profile(core_time=driver))


def test_driver_bound_application():
    assert FindingCode.DRIVER_BOUND in codes(a_profile(runtime_s=10.0, driver_s=3.0))
    assert FindingCode.DRIVER_BOUND not in codes(a_profile(runtime_s=10.0, driver_s=2.9))


def an_executor(**changes):
    return replace(ExecutorSpan("1", "h", 4, 0.0, None, memory_bytes=1000), **changes)


def a_memory_profile(peak_bytes, *, spilled=0, **changes):
    stage = a_stage(
        0,
        *[1.0] * 4,
        peak_execution_memory_bytes=peak_bytes,
        totals=TaskTotals(input_bytes=10**6, disk_spilled_bytes=spilled),
    )
    return a_profile(stage, **{"executors": (an_executor(),)} | changes)


def test_memory_mostly_unused():
    assert FindingCode.OVERSIZED_MEMORY in codes(a_memory_profile(60))
    assert FindingCode.OVERSIZED_MEMORY not in codes(a_memory_profile(63))


def test_memory_of_a_partial_log_proves_no_surplus():
    assert FindingCode.OVERSIZED_MEMORY not in codes(a_memory_profile(10, is_complete=False))


def test_photons_memory_is_not_judged():
    photon = Operator("PhotonAgg", OperatorKind.AGGREGATE, is_photon=True, count=1)
    profile = a_memory_profile(10)
    stage = replace(profile.stages[0], operators=(photon,))
    assert FindingCode.OVERSIZED_MEMORY not in codes(replace(profile, stages=(stage,)))


def test_memory_nearly_full_and_spilling():
    assert FindingCode.UNDERSIZED_MEMORY in codes(a_memory_profile(245, spilled=5))
    assert FindingCode.UNDERSIZED_MEMORY not in codes(a_memory_profile(245))


def test_executors_out_of_memory_weigh_most():
    dead = an_executor(removed_s=0.5, removal_cause=RemovalCause.OUT_OF_MEMORY)
    found = findings_of(a_profile(executors=(dead,)))
    assert {f.weight for f in found if f.code is FindingCode.UNDERSIZED_MEMORY} == {1.0}


def test_executor_lost_after_the_work_is_no_finding():
    lost = an_executor(removed_s=0.5, removal_cause=RemovalCause.NODE_LOST)
    assert FindingCode.LOST_EXECUTORS in codes(a_profile(executors=(lost,)))
    late = replace(lost, removed_s=99.0)
    assert FindingCode.LOST_EXECUTORS not in codes(a_profile(executors=(late,)))


def test_idle_executor_that_was_released_is_no_loss():
    released = an_executor(removed_s=0.5, removal_cause=RemovalCause.IDLE)
    assert FindingCode.LOST_EXECUTORS not in codes(a_profile(executors=(released,)))


def test_failed_tasks_are_listed_by_reason():
    stage = a_stage(
        0, 1.0, task_count=100, failed_task_count=1, failures=(FailureCount("FetchFailed", 1),)
    )
    (finding,) = [f for f in findings_of(a_profile(stage)) if f.code is FindingCode.FAILED_TASKS]
    assert "1 × FetchFailed" in finding.message


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"files_read_count": 200, "files_read_bytes": 200 * MIB}, FindingCode.SMALL_INPUT_FILES),
        (
            {"files_written_count": 200, "files_written_bytes": 200 * MIB},
            FindingCode.SMALL_OUTPUT_FILES,
        ),
    ],
)
def test_many_small_files(files, code):
    execution = SqlExecution(0, None, 0.0, 1.0, is_failed=False, **files)
    assert code in codes(a_profile(sql_executions=(execution,)))


def test_few_or_large_files_are_fine():
    few = SqlExecution(0, None, 0.0, 1.0, False, files_read_count=99, files_read_bytes=99)
    large = SqlExecution(
        1, None, 0.0, 1.0, False, files_read_count=200, files_read_bytes=200 * 64 * MIB
    )
    assert FindingCode.SMALL_INPUT_FILES not in codes(a_profile(sql_executions=(few, large)))


def test_weightiest_finding_comes_first():
    stage = a_stage(0, 1.0, 1.0, 1.0, 9.0)
    found = findings_of(
        a_profile(stage, critical_path=on_path(stage), runtime_s=100.0, driver_s=88)
    )
    assert [f.weight for f in found] == sorted([f.weight for f in found], reverse=True)
    assert found[0].code is FindingCode.DRIVER_BOUND
