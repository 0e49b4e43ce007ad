"""What a person decides of a project or does to its job: it counts, and the loop tells of it."""

import os
import time
from datetime import timedelta

import pytest

from isocost.settings import read_settings
from isocost.testing.workspaces import client_of
from isocost.usecases.loop import PATIENCE
from isocost.usecases.reconcile import look_after
from isocost.usecases.watch import Watch
from isocost.wiring import open_loop
from tests.acceptance.user import job_id_of, looked_after, shown

pytest.importorskip("databricks.sdk")

REFUSED = (
    (("--min-cores", "-3"), "from 1 core on"),
    (("--max-cores", "0"), "from 1 core on"),
    (("--min-cores", "8", "--max-cores", "4"), "No node has 8 cores or more and 4 or fewer"),
    (("--min-workers", "-1"), "from 1 worker on"),
    (("--min-workers", "9", "--max-workers", "8"), "from 1 worker on"),
    (("--max-workers", "1.5"), "takes a whole number"),
    (("--largest-step", "-2"), "a factor above 1"),
    (("--budget", "-1"), "0 runs of the baseline or more"),
    (("--budget", "nan"), "takes a number"),
    (("--max-runtime", "0s"), "above 0 s"),
    (("--max-runtime", "1h", "--miss", "-0.1"), "between 0 and 1"),
)


@pytest.fixture
def loop(here, home):
    """What one server looks after all projects with, as long as it lives."""
    with open_loop(read_settings(os.environ), now_in=lambda _: here[1].now()) as opened:
        yield opened


@pytest.fixture
def rolled_back(here, isocost, imported):
    """A project with auto-apply on that was rolled back by hand, and what that said."""
    project_id = imported[1]
    assert isocost("project", "set", project_id, "--auto-apply").code == 0
    assert looked_after(here[1], [project_id]) == [True]
    [applied] = recommended(isocost, project_id)
    done = isocost("recommendation", "rollback", applied["recommendation_id"], "--yes")
    return project_id, done


def recommended(isocost, project_id):
    return isocost("recommendation", "list", project_id, "--json").json["recommendations"]


def test_a_roll_back_by_hand_is_not_undone_by_the_next_run(here, isocost, rolled_back):
    project_id, _ = rolled_back
    here[1].advance(timedelta(days=1))
    assert looked_after(here[1], [project_id]) == [True]
    states = [each["state"] for each in recommended(isocost, project_id)]
    assert states == ["rolled_back", "issued"]  # a person's no taught the model nothing
    [cluster] = shown(isocost, project_id)["clusters"].values()
    assert cluster["recommendation_id"] is None


def test_a_roll_back_by_hand_says_that_nothing_is_applied_any_more(isocost, rolled_back):
    project_id, done = rolled_back
    assert done.code == 0, done.err
    told = f"isocost project set {project_id} --auto-apply"
    assert "auto-apply: on → off" in done.err
    assert told in done.err.replace("\n", " ")
    found = shown(isocost, project_id)
    assert (found["is_auto_apply"], told in found["notice"]) == (False, True)


def test_auto_apply_is_turned_on_again_as_the_notice_says(isocost, rolled_back):
    project_id, _ = rolled_back
    assert isocost("project", "set", project_id, "--auto-apply").code == 0
    found = shown(isocost, project_id)
    assert (found["is_auto_apply"], found["notice"]) == (True, None)


def test_the_poller_notices_within_minutes_that_a_job_was_deleted(here, isocost, imported, loop):
    address, control = here
    gone, other = imported
    assert [look_after(loop, each) for each in (gone, other, gone)] == [True] * 3
    client_of(address).jobs.delete(job_id_of(isocost, gone))
    assert look_after(loop, gone)  # its runs are listed still
    control.advance(PATIENCE.unseen)
    with Watch(loop, period=timedelta(seconds=0.1)):
        assert until(lambda: shown(isocost, gone)["fault"] is not None)
    assert str(job_id_of(isocost, gone)) in shown(isocost, gone)["fault"]
    assert shown(isocost, other)["fault"] is None


def until(is_so, patience_s=60.0):
    """Wait until something is so; says whether that came in time."""
    end_s = time.monotonic() + patience_s
    while not is_so() and time.monotonic() < end_s:
        time.sleep(0.05)
    return is_so()


def test_an_idle_project_asks_for_its_definition_once_in_five_minutes(here, imported, loop):
    _, control = here
    assert look_after(loop, imported[0])
    control.fault(path="/api/2.2/jobs/get", times=1_000_000)  # counts, and lets all through
    for _ in range(10):
        assert look_after(loop, imported[0])
        control.advance(timedelta(minutes=1))
    assert [fault["seen"] for fault in control.state()["pending_faults"]] == [2]


def test_limits_that_nothing_can_keep_are_refused_and_not_stored(isocost, imported):
    before = shown(isocost, imported[0])
    for given, message in REFUSED:
        done = isocost("project", "set", imported[0], *given, "--yes")
        assert (done.code, done.err.count("Error (")) == (2, 1), given
        assert message in done.err.replace("\n", " ")
    assert shown(isocost, imported[0]) == before
