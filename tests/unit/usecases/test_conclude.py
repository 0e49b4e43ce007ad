"""A deadline is shared fairly: what lies outside the steps is nobody's, chances to miss add up."""

from datetime import timedelta

import pytest

from isocost.domain.execution import Execution, StepSpan
from isocost.domain.project import Sla
from isocost.testing.nouns import NOW, a_run
from isocost.usecases.conclude import allowed_seconds, shares


def an_execution(*spans, seconds):
    return Execution(
        execution_id="e-1",
        project_id="p-1",
        ordinal=0,
        origin_run_id="1",
        heard_at=NOW,
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=seconds),
        is_success=True,
        spans=spans,
    )


def a_span(key, begin_s, end_s, *depends_on):
    begin, end = (NOW + timedelta(seconds=s) for s in (begin_s, end_s))
    return StepSpan(key, key, begin, end, depends_on)


def test_time_before_the_first_step_is_taken_off_the_deadline():
    execution = an_execution(a_span("x", 50, 150), seconds=150)
    run = a_run(cluster_key="x", runtime_s=100.0)
    assert allowed_seconds(execution, [run], Sla(250.0, 0.05)) == {"x": pytest.approx(200.0)}


def test_clusters_share_what_may_be_missed():
    execution = an_execution(a_span("x", 0, 100), a_span("y", 100, 200, "x"), seconds=200)
    runs = [a_run(k, cluster_key=k, runtime_s=100.0) for k in "xy"]
    found = shares(execution, runs, Sla(400.0, 0.05))
    assert {key: sla.max_runtime_s for key, sla in found.items()} == pytest.approx({
        "x": 200.0,
        "y": 200.0,
    })
    assert {sla.miss_fraction for sla in found.values()} == {0.025}
