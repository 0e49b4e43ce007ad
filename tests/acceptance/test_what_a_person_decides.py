"""What a person decides of a project or does to its job: it counts, and the loop tells of it."""

from datetime import timedelta

import pytest

from isocost.testing.workspaces import client_of
from isocost.usecases.loop import PATIENCE
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


def run_once(here, isocost, project_id):
    """Have the project's job run, and the run looked after."""
    address, control = here
    client_of(address).jobs.run_now(job_id_of(isocost, project_id))
    assert looked_after(control, [project_id]) == [True]


@pytest.fixture
def rolled_back(here, isocost, imported):
    """A project with auto-apply on, its cluster rolled back by hand, and what that said."""
    project_id = imported[0]
    assert isocost("project", "set", project_id, "--auto-apply").code == 0
    assert looked_after(here[1], [project_id]) == [True]
    listed = isocost("recommendation", "list", project_id, "--state", "applied", "--json").json
    applied = listed["recommendations"][0]
    done = isocost("recommendation", "rollback", applied["recommendation_id"], "--yes")
    return project_id, applied["cluster_key"], done


def test_a_roll_back_by_hand_is_not_undone_by_the_next_run(here, isocost, rolled_back):
    project_id, key, _ = rolled_back
    run_once(here, isocost, project_id)
    run_once(here, isocost, project_id)
    assert shown(isocost, project_id)["clusters"][key]["recommendation_id"] is None


def test_a_roll_back_by_hand_says_that_nothing_is_applied_any_more(isocost, rolled_back):
    project_id, _, done = rolled_back
    assert done.code == 0, done.err
    told = f"isocost project set {project_id} --auto-apply"
    assert "auto-apply: on → off" in done.err
    assert told in done.err.replace("\n", " ")
    found = shown(isocost, project_id)
    assert (found["is_auto_apply"], told in found["notice"]) == (False, True)


def test_auto_apply_is_turned_on_again_as_the_notice_says(isocost, rolled_back):
    project_id, *_ = rolled_back
    assert isocost("project", "set", project_id, "--auto-apply").code == 0
    found = shown(isocost, project_id)
    assert (found["is_auto_apply"], found["notice"]) == (True, None)


def test_a_job_deleted_between_two_runs_is_noticed_within_minutes(here, isocost, imported):
    address, control = here
    for _ in range(2):  # whatever there is to do is done, and the definition was seen
        assert looked_after(control, imported) == [True, True]
    client_of(address).jobs.delete(job_id_of(isocost, imported[0]))
    assert looked_after(control, imported) == [True, True]
    control.advance(PATIENCE.unseen)
    assert looked_after(control, imported) == [False, True]
    assert str(job_id_of(isocost, imported[0])) in shown(isocost, imported[0])["fault"]


def test_an_idle_project_asks_for_its_definition_once_in_five_minutes(here, imported):
    _, control = here
    looked_after(control, imported[:1])
    control.fault(path="/api/2.2/jobs/get", times=1_000_000)  # counts, and lets all through
    for _ in range(10):
        control.advance(timedelta(minutes=1))
        assert looked_after(control, imported[:1]) == [True]
    assert [fault["seen"] for fault in control.state()["pending_faults"]] == [2]


def test_limits_that_nothing_can_keep_are_refused_and_not_stored(isocost, imported):
    before = shown(isocost, imported[0])
    for given, message in REFUSED:
        done = isocost("project", "set", imported[0], *given, "--yes")
        assert (done.code, done.err.count("Error (")) == (2, 1), given
        assert message in done.err.replace("\n", " ")
    assert shown(isocost, imported[0]) == before
