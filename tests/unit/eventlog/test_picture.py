"""The page stands on its own and shows what it was given, whatever that is."""

import re

import pytest

from isocost.domain.profile import (
    CoreTime,
    CriticalStep,
    ExecutorSpan,
    MissingFact,
    RemovalCause,
    StageStatus,
)
from isocost.eventlog import figures
from isocost.eventlog.findings import findings_of
from isocost.eventlog.picture import picture
from isocost.testing.nouns import a_profile, a_stage


def a_rich_profile(**changes):
    stages = (
        a_stage(0, 1.0, 2.0, submitted_s=0.0, completed_s=2.0),
        a_stage(1, 1.0, submitted_s=1.0, completed_s=3.0),
        a_stage(2, 1.0, submitted_s=2.0, completed_s=4.0, status=StageStatus.FAILED),
    )
    left = ExecutorSpan("1", "h<1>", 4, 0.0, 3.0, "gone", RemovalCause.SPOT_LOSS)
    known = {
        "critical_path": (CriticalStep(0, 0, 2.0),),
        "executors": (left, ExecutorSpan("2", "h2", 4, 1.0, None)),
        "core_time": CoreTime(10.0, 4.0, 3.0, 2.0, 1.0),
    }
    return a_profile(*stages, **known | changes)


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_page_loads_nothing_from_elsewhere():
    page = picture(a_rich_profile(), ())
    text = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)=["']?https?:""", text)
    assert "plotly" in page


def test_page_shows_findings_and_what_is_missing():
    profile = a_rich_profile(
        missing=(MissingFact("the end", "cut", "Estimated."),), is_complete=False, driver_s=4.0
    )
    page = picture(profile, findings_of(profile))
    assert "This profile is not complete" in page
    assert "waits for the driver" in page


def test_page_of_an_application_without_work_says_so():
    profile = a_profile(stages=(), executors=(), runtime_s=5.0)
    assert "nothing to draw" in picture(profile, ())


def test_names_cannot_become_markup():
    profile = a_rich_profile(application_name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in picture(profile, ())


def test_gantt_marks_the_critical_path_and_failures():
    shown = traces(figures.stage_gantt(a_rich_profile()))
    assert list(shown["on the critical path"].base) == [0.0]
    assert list(shown["failed"].base) == [2.0]


def test_stages_at_the_same_time_stand_in_different_rows():
    shown = traces(figures.stage_gantt(a_rich_profile()))
    rows = {name: list(trace.y) for name, trace in shown.items()}
    assert rows == {"on the critical path": [0], "other stages": [1], "failed": [0]}


def test_timeline_tells_who_left():
    shown = traces(figures.executor_timeline(a_rich_profile()))
    assert list(shown["left"].text) == ["1 on h&lt;1&gt;"]
    assert list(shown["left"].x) == [3.0]
    assert "spot loss" in shown["left"].customdata[0][0]


def test_cores_rise_and_fall_with_the_executors():
    there = traces(figures.cores_over_time(a_rich_profile()))["there"]
    assert list(zip(there.x, there.y, strict=True)) == [(0, 0), (0, 4), (1, 8), (3, 4), (4, 4)]


def test_boxes_are_drawn_from_the_quantiles_of_all_tasks():
    shown = traces(figures.task_durations(a_rich_profile()))
    assert list(shown["longest"].x) == [2.0, 1.0, 1.0]


@pytest.mark.parametrize("count", [0, 1, figures.MAX_STAGES + 5])
def test_any_number_of_stages_can_be_drawn(count):
    stages = tuple(a_stage(n, 1.0) for n in range(count))
    assert picture(a_profile(stages=stages, runtime_s=9.0), ())
