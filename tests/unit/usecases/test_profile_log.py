"""Many logs are profiled side by side; a bad one stops none of the others."""

import pytest

from isocost.clouds.local import LocalStore
from isocost.errors import NotAnEventLog, NotFound
from isocost.eventlog.summarize import ReadOptions
from isocost.eventlog.thresholds import Thresholds
from isocost.testing import event_logs as log
from isocost.usecases.profile_log import ProfileOptions, profile_logs

OPTIONS = ProfileOptions(ReadOptions(), Thresholds())


def a_log(application_id="app-1", **fields):
    start = log.application_start(**{"App ID": application_id} | fields)
    lines = [line for line in log.an_application() if b"ApplicationStart" not in line]
    return log.joined([lines[0], start, *lines[1:]])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one").write_bytes(a_log("app-1"))
    (tmp_path / "two").write_bytes(a_log("app-2"))
    return tmp_path


def profiled(path, **changes):
    options = ProfileOptions(ReadOptions(), Thresholds(), **changes)
    return profile_logs(str(path), [LocalStore()], options)


def test_one_log_gives_one_profile(folder):
    found = profiled(folder / "one")
    assert [log.profile.application_id for log in found.logs] == ["app-1"]
    assert found.failed == ()


def test_folder_gives_one_profile_for_each_application(folder):
    found = profiled(folder)
    assert [log.profile.application_id for log in found.logs] == ["app-1", "app-2"]


def test_several_processes_give_the_same(folder):
    assert profiled(folder, process_count=2) == profiled(folder)


def test_bad_log_stops_none_of_the_others(folder):
    (folder / "three").write_bytes(b'{"Event":"SparkListenerLogStart","Spark Version":"3"}\n')
    found = profiled(folder)
    assert len(found.logs) == 2
    assert [bad.location for bad in found.failed] == [str(folder / "three")]


def test_the_only_log_being_bad_is_an_error(tmp_path):
    (tmp_path / "bad").write_bytes(b"no events here\n")
    with pytest.raises(NotAnEventLog):
        profiled(tmp_path / "bad")


def test_nothing_there_is_an_error(tmp_path):
    with pytest.raises(NotFound):
        profiled(tmp_path / "absent")


def test_each_outcome_is_told_as_it_comes(folder):
    told = []
    profile_logs(
        str(folder),
        [LocalStore()],
        OPTIONS,
        on_done=lambda outcome, done, total: told.append((outcome.location, done, total)),
    )
    assert told == [(str(folder / "one"), 1, 2), (str(folder / "two"), 2, 2)]


def test_newest_attempt_is_marked(tmp_path):
    (tmp_path / "a_1").write_bytes(a_log("app-1", **{"App Attempt ID": "1"}))
    second = {"App Attempt ID": "2", "Timestamp": log.at(0.5)}
    (tmp_path / "a_2").write_bytes(a_log("app-1", **second))
    found = profiled(tmp_path)
    assert [(x.profile.attempt_id, x.is_newest_attempt) for x in found.logs] == [
        ("1", False),
        ("2", True),
    ]


def test_copy_of_a_log_is_no_older_attempt(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(a_log())
    assert [x.is_newest_attempt for x in profiled(tmp_path).logs] == [True, True]
