"""Layouts as Databricks and Spark really wrote them, faults included, are understood."""

import pytest

from isocost.clouds.local import LocalStore
from isocost.usecases.open_log import open_logs, open_one


@pytest.fixture
def opened(shared_data):
    return lambda path: open_logs(str(shared_data / "eventlogs" / path), [LocalStore()])


def text_of(log):
    return b"".join(chunk for part in log.parts for chunk in part.open())


def test_two_layouts_of_one_run_hold_the_same_bytes(opened):
    (rolled,) = opened("nvidia/eventlog_v2_local-1623876083964").applications
    (dated,) = opened("nvidia/db_sim_eventlog").applications
    assert text_of(rolled) == text_of(dated)
    assert rolled.missing + rolled.notes + dated.missing + dated.notes == ()


def test_databricks_archive_is_one_application_in_rollover_order(opened):
    logs = opened("sync/databricks-rollover.zip")
    (log,) = logs.applications
    assert [part.name.rsplit("/", 1)[-1] for part in log.parts] == [
        "eventlog-2022-01-14--17-00.gz",
        "eventlog-2022-01-14--18-00.gz",
        "eventlog",
    ]
    assert (log.missing, log.notes, logs.failed) == ((), (), ())
    assert [stray.rsplit("/", 1)[-1] for stray in logs.strays] == ["databricks_pricing.json"]


def test_missing_part_is_named(opened):
    (log,) = opened("sync/bad/missing-part.zip").applications
    (fact,) = log.missing
    assert fact.what == "part of SparkContext 4990884153077848559 with rollover number 1"


def test_duplicate_part_is_named_and_passed_over(opened):
    (log,) = opened("sync/bad/duplicate-part.tgz").applications
    assert (len(log.parts), log.missing) == (4, ())
    assert "extra/eventlog-2022-01-18--19-00 is a duplicate" in log.notes[0].reason


def test_two_contexts_are_named_and_kept_apart(opened):
    one, other = opened("sync/bad/non-unique-context-id.zip").applications
    assert (len(one.parts), len(other.parts)) == (4, 1)
    assert one.notes[0].what == "SparkContext 5990884153077848559"
    assert other.notes[0].what == "SparkContext 4990884153077848559"


@pytest.mark.parametrize("folder", ["misc", "nvidia", "sync"])
def test_every_measured_log_is_found_and_read_to_its_end(opened, folder):
    logs = opened(folder)
    assert logs.failed == ()
    assert all(text_of(log) for log in logs.applications)


def test_file_is_one_application_whatever_its_name(shared_data):
    for path in (shared_data / "eventlogs" / "misc").iterdir():
        assert len(open_one(str(path), [LocalStore()]).parts) == 1
