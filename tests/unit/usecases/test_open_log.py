"""Whatever layout a location has, its applications are found, and its faults are named."""

import pickle

import pytest

from isocost.clouds.local import LocalStore
from isocost.errors import InvalidInput, NotAnEventLog, NotFound, UnreadableLog
from isocost.eventlog.parts import DamagedPart
from isocost.testing.framings import ENCODERS
from isocost.usecases.open_log import open_logs, open_one

STORES = [LocalStore()]


def events(text="SparkListenerLogStart"):
    return b'{"Event":"%s"}\n' % text.encode()


def rollover(number, context=7):
    line = (
        '{"Event":"DBCEventLoggingListenerMetadata","Rollover Number":%d,"SparkContext Id":%d}\n'
    )
    return (line % (number, context)).encode() + events(f"Event{number}")


def lay(root, files):
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return str(root)


def opened(root, files):
    return open_logs(lay(root, files), STORES)


def text_of(log):
    return b"".join(chunk for part in log.parts for chunk in part.open())


def names(log):
    return [part.name.rsplit("/", 1)[-1] for part in log.parts]


def whats(log):
    return [fact.what for fact in log.missing]


@pytest.mark.parametrize("codec", ENCODERS)
def test_single_file_of_any_name_and_codec_is_one_application(tmp_path, codec):
    location = lay(tmp_path, {"whatever.txt": ENCODERS[codec](events())})
    assert text_of(open_one(f"{location}/whatever.txt", STORES)) == events()


def test_file_url_names_a_local_path(tmp_path):
    lay(tmp_path, {"my log": events()})
    assert text_of(open_one(f"file://{tmp_path}/my%20log", STORES)) == events()


def test_file_in_progress_is_marked(tmp_path):
    lay(tmp_path, {"app-1.zstd.inprogress": events()})
    assert open_one(str(tmp_path), STORES).is_in_progress


def test_rolled_parts_are_ordered_by_number_not_by_name(tmp_path):
    files = {
        f"eventlog_v2_a/events_{n}_a": events(f"E{n}") for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    }
    log = opened(tmp_path, files | {"eventlog_v2_a/appstatus_a": b""}).applications[0]
    assert text_of(log) == b"".join(events(f"E{n}") for n in range(1, 11))
    assert log.missing == ()


def test_gap_in_rolled_parts_is_missing(tmp_path):
    log = opened(
        tmp_path, {"events_1_a": events(), "events_3_a": events(), "events_7_a": events()}
    )
    assert whats(log.applications[0]) == ["rolled part 2, 4 to 6"]


def test_damaged_number_costs_no_time(tmp_path):
    log = opened(tmp_path, {"events_1_a": events(), f"events_{10**17}_a": events()})
    assert whats(log.applications[0]) == [f"rolled part 2 to {10**17 - 1}"]


def test_newest_rolled_part_may_be_empty(tmp_path):
    log = opened(tmp_path, {"events_1_a": events(), "events_2_a": b""}).applications[0]
    assert names(log) == ["events_1_a", "events_2_a"]


def test_compacted_parts_replace_earlier_ones_and_are_named(tmp_path):
    files = {"events_2_a": b"", "events_3_a.zstd.compact": events(), "events_4_a.zstd": events()}
    log = opened(tmp_path, files).applications[0]
    assert names(log) == ["events_3_a.zstd.compact", "events_4_a.zstd"]
    assert whats(log) == ["events of finished spark jobs in rolled parts 1 to 3"]


def test_attempts_are_applications_of_their_own(tmp_path):
    files = {f"eventlog_v2_app_{n}/events_1_app_{n}": events(f"Attempt{n}") for n in (1, 2)}
    assert [text_of(log) for log in opened(tmp_path, files).applications] == [
        events("Attempt1"),
        events("Attempt2"),
    ]


def test_databricks_parts_are_ordered_by_rollover_number(tmp_path):
    files = {
        "eventlog": rollover(2),
        "eventlog-2022-01-14--17-00.gz": ENCODERS["gzip"](rollover(1)),
        "eventlog-2022-01-14--18-00.gz": ENCODERS["gzip"](rollover(0)),
    }
    log = opened(tmp_path, files).applications[0]
    assert text_of(log) == rollover(0) + rollover(1) + rollover(2)
    assert (log.missing, log.notes) == ((), ())


def test_databricks_parts_without_number_are_ordered_by_date(tmp_path):
    files = {
        "eventlog": events("Third"),
        "eventlog-2021-06-15--16-00.gz": events("Second"),
        "eventlog-2021-06-15--15-00.gz": events("First"),
    }
    log = opened(tmp_path, files).applications[0]
    assert text_of(log) == events("First") + events("Second") + events("Third")
    assert log.missing == ()


def test_gap_in_rollover_numbers_is_missing(tmp_path):
    log = opened(tmp_path, {"eventlog-a": rollover(0), "eventlog": rollover(2)}).applications[0]
    assert whats(log) == ["part of SparkContext 7 with rollover number 1"]


def test_newest_databricks_part_is_missed(tmp_path):
    files = {f"eventlog-2022-01-14--1{n}-00": rollover(n) for n in (0, 1)}
    assert whats(opened(tmp_path, files).applications[0]) == [
        "the newest part of the event log, called `eventlog`"
    ]


def test_part_that_lost_its_first_line_is_placed_by_date_and_flagged(tmp_path):
    files = {
        "eventlog-2022-01-14--17-00": rollover(0),
        "eventlog-2022-01-14--18-00": events("Second"),
        "eventlog": rollover(2),
    }
    log = opened(tmp_path, files).applications[0]
    assert text_of(log) == rollover(0) + events("Second") + rollover(2)
    assert whats(log) == [f"rollover number of {tmp_path}/eventlog-2022-01-14--18-00"]


def test_duplicate_with_equal_content_is_passed_over_and_noted(tmp_path):
    files = {"eventlog": rollover(0), "extra/eventlog.gz": ENCODERS["gzip"](rollover(0))}
    log = opened(tmp_path, files).applications[0]
    assert text_of(log) == rollover(0)
    assert log.missing == ()
    assert "duplicate" in log.notes[0].reason


def test_duplicate_with_other_content_is_a_fault(tmp_path):
    files = {"a/eventlog": rollover(0), "b/eventlog": rollover(0) + events()}
    log = opened(tmp_path, files).applications[0]
    assert text_of(log) == rollover(0) + events()
    assert "differ" in log.missing[0].reason


def test_two_contexts_are_two_applications_and_name_each_other(tmp_path):
    logs = opened(tmp_path, {"eventlog": rollover(0, 7), "eventlog-b": rollover(0, 8)})
    assert [text_of(log) for log in logs.applications] == [rollover(0, 7), rollover(0, 8)]
    assert [log.notes[0].what for log in logs.applications] == ["SparkContext 8", "SparkContext 7"]


def test_log_destination_gives_one_application_for_each_context(tmp_path):
    files = {
        f"0101-cluster{c}/eventlog/0101-cluster{c}_10_0_0_1/{c}77/{name}": rollover(n, c)
        for c in (1, 2)
        for n, name in enumerate(["eventlog-2022-01-14--17-00", "eventlog"])
    }
    junk = {"0101-cluster1/driver/stdout": b"hello\n", "0101-cluster1/driver/log4j.log": b"INFO\n"}
    logs = opened(tmp_path, files | junk)
    assert [text_of(log) for log in logs.applications] == [
        rollover(0, c) + rollover(1, c) for c in (1, 2)
    ]
    assert [log.notes for log in logs.applications] == [(), ()]


def test_one_bad_log_stops_no_other(tmp_path):
    files = {"app-1": events(), "app-2": b"\x1f\x8b\x08 cut", "app-3.zstd": b""}
    logs = opened(tmp_path, files)
    assert [log.location for log in logs.applications] == [f"{tmp_path}/app-1"]
    assert [(log.location[-5:], type(log.error)) for log in logs.failed] == [
        ("app-2", UnreadableLog),
        (".zstd", NotAnEventLog),
    ]


def test_stray_files_are_passed_over(tmp_path):
    files = {"app-1": events(), "prices.json": b'{"usd": 1}', ".DS_Store": b"\0", "._app-1": b"\0"}
    logs = opened(tmp_path, files)
    assert len(logs.applications) == 1
    assert logs.strays == (f"{tmp_path}/prices.json",)
    assert logs.failed == ()


def test_damage_names_the_part(tmp_path):
    lay(tmp_path, {"app-1": ENCODERS["lz4"](events() * 9_000)[:-50]})
    log = open_one(str(tmp_path / "app-1"), STORES)
    with pytest.raises(DamagedPart, match="app-1 is damaged: the lz4 stream ends inside a block"):
        text_of(log)


def test_application_log_can_be_sent_to_another_process(tmp_path):
    lay(tmp_path, {"app-1": ENCODERS["snappy"](events())})
    log = pickle.loads(pickle.dumps(open_one(str(tmp_path), STORES)))
    assert text_of(log) == events()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'{"Records": []}', "JSON, but not Spark's"),
        (b"PAR1\x15\x00", "a Parquet file"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        (b"2024-01-01 INFO started\n", "text without any"),
        (bytes(range(256)), "binary data"),
    ],
)
def test_file_that_is_no_event_log_is_named_and_the_next_step_told(tmp_path, content, words):
    lay(tmp_path, {"x": content})
    with pytest.raises(NotAnEventLog, match=words) as caught:
        open_one(str(tmp_path / "x"), STORES)
    assert "spark.eventLog.dir" in str(caught.value)


def test_damaged_head_is_unreadable(tmp_path):
    lay(tmp_path, {"x": b"\x28\xb5\x2f\xfd\x00"})
    with pytest.raises(UnreadableLog, match="damaged before its first event"):
        open_one(str(tmp_path / "x"), STORES)


def test_absent_path_tells_the_nearest_folder(tmp_path):
    with pytest.raises(NotFound, match=f"nearest folder that exists is {tmp_path}"):
        open_one(str(tmp_path / "no" / "such"), STORES)


@pytest.mark.parametrize("content", [{}, {"README": b"nothing"}])
def test_folder_without_logs_tells_where_logs_are(tmp_path, content):
    with pytest.raises(NotAnEventLog, match=r"spark\.eventLog\.dir"):
        opened(tmp_path, content)


@pytest.mark.parametrize("location", ["gs://bucket/x", "s3:/bucket", "ftp://x/y"])
def test_unknown_scheme_lists_the_known_ones(location):
    with pytest.raises(InvalidInput, match="abfss://"):
        open_one(location, STORES)


@pytest.mark.parametrize("location", ["", " ", "a\0b", "file://host/x"])
def test_location_that_is_no_path_is_refused(location):
    with pytest.raises(InvalidInput):
        open_one(location, STORES)


def test_several_logs_where_one_is_expected_are_named(tmp_path):
    lay(tmp_path, {"app-1": events(), "app-2": events()})
    with pytest.raises(InvalidInput, match=r"holds 2 event logs.*app-1"):
        open_one(str(tmp_path), STORES)
