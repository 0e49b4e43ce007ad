"""Answers about runs and definitions as plain values, some of them real ones."""

import json
from datetime import UTC, datetime

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.platforms.databricks.clusters import attached_gib
from isocost.platforms.databricks.endings import Result
from isocost.platforms.databricks.listing import definition_of, schedule_of
from isocost.platforms.databricks.runs import attempts_of, ended_run, spans_of
from isocost.platforms.databricks.timeline import change_of
from isocost.platforms.host import DefinedCluster

AT_MS = 1_767_592_800_000
AT = datetime(2026, 1, 5, 6, tzinfo=UTC)


def a_state(result="SUCCESS"):
    return {"life_cycle_state": "TERMINATED", "result_state": result}


def a_run(result="SUCCESS", **fields):
    times = {"start_time": AT_MS, "end_time": AT_MS + 60_000}
    return {"run_id": 7, "state": a_state(result), **times, **fields}


def a_step(key, result="SUCCESS", start=0, **fields):
    times = {"start_time": AT_MS + start * 1_000, "end_time": AT_MS + (start + 10) * 1_000}
    return {"task_key": key, "run_id": 8, "state": a_state(result), **times, **fields}


@pytest.fixture
def answer(shared_data):
    def read(name):
        return json.loads((shared_data / "api" / name).read_text())

    return read


def test_an_ended_run_is_read_from_a_list():
    run = ended_run(a_run())
    assert (run.origin_run_id, run.started_at, run.is_success) == ("7", AT, True)
    assert (run.ended_at - run.started_at).total_seconds() == 60


@pytest.mark.parametrize("result", ["CANCELED", "EXCLUDED", "UPSTREAM_CANCELED"])
def test_a_run_that_was_stopped_or_left_out_is_cancelled(result):
    run = ended_run(a_run(result))
    assert (run.is_cancelled, run.is_success) == (True, False)


def test_a_failure_without_a_word_still_has_a_sentence():
    assert ended_run(a_run("FAILED")).failure == "The run failed."


def test_a_run_under_way_has_not_ended():
    assert ended_run(a_run(state={"life_cycle_state": "RUNNING"})) is None


def test_attempts_stand_in_order_of_their_start():
    steps = [a_step("b", start=20), a_step("a", start=5), a_step("c", start_time=0)]
    assert [a.step.step_key for a in attempts_of(a_run(tasks=steps))] == ["a", "b", "c"]


def test_a_step_cut_by_the_time_limit_of_its_run_timed_out():
    [attempt] = attempts_of(a_run("TIMEDOUT", tasks=[a_step("a", "CANCELED")]))
    assert attempt.ending.result is Result.TIMED_OUT


def test_steps_that_never_began_have_no_span():
    steps = [a_step("a"), a_step("b", "UPSTREAM_FAILED", start_time=0, end_time=0)]
    assert [s.step_key for s in spans_of(attempts_of(a_run(tasks=steps)))] == ["a"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ""),
        ({"schedule": {"quartz_cron_expression": "0 0 1 * * ?", "timezone_id": "UTC",
                       "pause_status": "PAUSED"}}, "0 0 1 * * ? UTC (paused)"),
        ({"trigger": {"periodic": {"interval": 6, "unit": "HOURS"}}}, "every 6 hours"),
        ({"trigger": {"file_arrival": {"url": "s3://b/"}}}, "on file arrival"),
    ],
)  # fmt: skip
def test_a_schedule_is_told_in_words(settings, expected):
    assert schedule_of(settings) == expected


def test_nodes_on_aws_always_have_volumes():
    asked = DefinedCluster("a", ClusterSpec("m5.xlarge", 2), disk_gib=100.0)
    assert attached_gib(asked) == 280.0


def test_a_real_cancelled_run_is_read(answer):
    view = answer("azclient__JobApi__TestRunsGetReturnsCanceledRun__response.json")
    run = ended_run({"start_time": AT_MS, **view})
    assert run.is_cancelled
    [attempt] = attempts_of(view)
    assert attempt.cluster_id == "0923-164208-meows279"


def test_real_definitions_are_read(answer):
    pages = [answer(f"azclient__JobApi__TestListPageable__response{n}.json") for n in (1, 2, 3)]
    views = [view for page in pages for view in page.get("jobs") or ()]
    found = [definition_of(view, lambda _: {}) for view in views]
    assert found
    assert all(each.obstacles or each.clusters for each in found)


def test_a_real_event_is_read(answer):
    page = answer("azclient__ClustersApi__TestEvents__expectedResponse.json")
    [change] = [change_of(event) for event in page["events"]]
    assert (change.kind, change.current) == ("RUNNING", 2)
