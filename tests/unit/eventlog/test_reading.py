"""Laws of the reader: any chunking, any cut, any order, any loss."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.domain.profile import MissingFact, RunProfile
from isocost.errors import IsocostError, NotAnEventLog, UnreadableLog
from isocost.eventlog.parts import ApplicationLog, DamagedPart, LogPart
from isocost.eventlog.summarize import read_profile, read_profile_from_chunks
from isocost.testing import event_logs as log

LINES = log.an_application(stage_count=3, task_count=5)
WHOLE = log.joined(LINES)


def read(data: bytes) -> RunProfile:
    return read_profile_from_chunks([data])


def missing(profile: RunProfile) -> str:
    return "; ".join(fact.what for fact in profile.missing)


def test_whole_log_is_complete():
    profile = read(WHOLE)
    assert (profile.is_complete, profile.missing) == (True, ())
    assert (profile.runtime_s, profile.task_count) == (11.0, 15)
    assert profile.is_runtime_estimated is False


@given(st.lists(st.integers(0, len(WHOLE)), max_size=20))
def test_any_chunking_gives_the_same_profile(cuts):
    edges = [0, *sorted(cuts), len(WHOLE)]
    chunks = [WHOLE[a:b] for a, b in pairwise(edges)]
    assert read_profile_from_chunks(chunks) == read(WHOLE)


@settings(max_examples=400)
@given(st.integers(0, len(WHOLE) - 2))
def test_cut_at_any_byte_is_an_error_or_flagged(cut):
    try:
        profile = read(WHOLE[:cut])
    except IsocostError:
        return
    assert not profile.is_complete
    assert profile.missing


def test_only_the_last_line_break_lost_loses_nothing():
    assert read(WHOLE[:-1]) == read(WHOLE)


@settings(max_examples=50)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=40))
def test_damage_in_the_middle_never_raises_anything_untyped(place, garbage):
    try:
        read(WHOLE[:place] + garbage + WHOLE[place + len(garbage) :])
    except IsocostError:
        pass


@given(st.randoms(use_true_random=False))
def test_order_of_events_does_not_matter(shuffle):
    assert read(log.joined(shuffle.sample(LINES, len(LINES)))) == read(WHOLE)


@given(st.sets(st.integers(0, len(LINES) - 1), max_size=6))
def test_doubled_events_change_no_number(doubled):
    lines = [entry for i, line in enumerate(LINES) for entry in [line] * (1 + (i in doubled))]
    profile = read(log.joined(lines))
    assert profile.stages == read(WHOLE).stages
    assert profile.is_complete


def test_doubled_task_ends_are_told():
    ends = [line for line in LINES if b"TaskEnd" in line]
    profile = read(log.joined([*LINES, ends[0]]))
    assert "1 ends of spark tasks stand there twice" in profile.missing[0].reason


@given(st.sets(st.integers(0, 14), min_size=1, max_size=5))
def test_dropped_task_ends_are_counted_stage_by_stage(dropped):
    ends = [i for i, line in enumerate(LINES) if b"TaskEnd" in line]
    lost = {ends[n] for n in dropped}
    profile = read(log.joined(line for i, line in enumerate(LINES) if i not in lost))
    assert not profile.is_complete
    assert sum(stage.lost_task_count for stage in profile.stages) == len(lost)
    assert profile.runtime_s == 11.0


def test_lost_end_of_a_failed_attempt_is_told_though_no_partition_misses_it():
    extra = [log.task_start(1000), log.task_start(1001)]
    profile = read(log.joined([*LINES[:-1], *extra, LINES[-1]]))
    assert "ends of 2 started spark task attempts" in missing(profile)
    assert profile.is_complete


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ("ApplicationStart", "application start"),
        ("ApplicationEnd", "application end"),
        ("JobStart", "start of spark jobs 0"),
        ("JobEnd", "end of spark jobs 0"),
        ("StageSubmitted", "submission of stages 0.0, 1.0, 2.0"),
        ("StageCompleted", "end of stages 0.0, 1.0, 2.0"),
        ("ExecutorAdded", "start of executors 1"),
    ],
)
def test_every_lost_kind_of_event_is_named(event, named):
    profile = read(
        log.joined(line for line in LINES if f"SparkListener{event}".encode() not in line)
    )
    assert named in missing(profile)
    assert not profile.is_complete


def test_runtime_without_an_end_is_up_to_the_last_finished_work():
    lines = [*LINES[:-1], log.task_start(9999, 2, 30.0)]
    profile = read(log.joined(lines))
    assert (profile.runtime_s, profile.is_runtime_estimated) == (10.0, True)


def test_runtime_without_any_end_is_up_to_the_latest_time():
    lines = [line for line in LINES if b"JobEnd" not in line and b"ApplicationEnd" not in line]
    assert read(log.joined(lines)).runtime_s == 10.0


def test_databricks_log_needs_no_end_to_be_complete():
    profile = read(log.joined([log.databricks_start(), *LINES[1:-1]]))
    assert (profile.is_complete, profile.is_runtime_estimated) == (True, True)
    assert missing(profile) == "application end"


def test_databricks_log_that_stops_inside_a_spark_job_is_not_complete():
    profile = read(log.joined([log.databricks_start(), *LINES[1:-2]]))
    assert not profile.is_complete


def test_empty_log_says_what_to_do_next():
    with pytest.raises(NotAnEventLog, match=r"is empty; expected .* wait until it has run"):
        read(b"")


@pytest.mark.parametrize(
    "data",
    [b"\n\n", b"hello, world\n" * 5, b'{"Event":"click"}\n', b"a,b\n1,2\n" * 2000, b"\0" * 5000],
)
def test_foreign_file_is_no_event_log(data):
    with pytest.raises(NotAnEventLog, match="holds no Spark events"):
        read(data)


def test_foreign_file_is_not_read_to_its_end():
    def endless():
        while True:
            yield b"not,an,event\n" * 1000

    with pytest.raises(NotAnEventLog):
        read_profile_from_chunks(endless())


def test_log_without_any_time_cannot_be_read():
    with pytest.raises(UnreadableLog, match="none with a time"):
        read(log.joined([log.log_start()]))


def test_unknown_events_and_fields_are_passed_over():
    extra = [
        log.line("SparkListenerSomethingNew", Value=1),
        log.line("com.databricks.Whatever", Deep={"a": [1, {"b": None}]}),
    ]
    assert read(log.joined([*LINES, *extra])).stages == read(WHOLE).stages


@pytest.mark.parametrize(
    "bad",
    [
        log.task_end(700, 0, **{"Task Info": {"Task ID": "seven"}}),
        log.task_end(700, 0)[:-30],
        b'{"Event":"SparkListenerTaskEnd","Stage ID":' + b"[" * 5000,
        b'{"Event":"SparkListenerJobStart","Job ID":"\xff\xfe"}',
        log.line("SparkListenerStageSubmitted", **{"Stage Info": None}),
    ],
)
def test_line_that_cannot_be_decoded_is_counted(bad):
    profile = read(log.joined([*LINES, bad]))
    assert missing(profile) == "1 events"
    assert profile.stages == read(WHOLE).stages


@pytest.mark.parametrize(
    "times",
    [
        {"Launch Time": 0, "Finish Time": 0},
        {"Launch Time": -5, "Finish Time": 5},
        {"Launch Time": log.at(5), "Finish Time": log.at(3)},
        {"Launch Time": log.at(5), "Finish Time": 10**30},
        {"Launch Time": 10**18, "Finish Time": 10**18},
    ],
)
def test_impossible_times_are_flagged_and_left_out(times):
    info = {"Task ID": 4, "Index": 4, "Executor ID": "1", "Host": "h", **times}
    lines = [x for x in LINES if b'"Task ID":4,' not in x]
    profile = read(log.joined([*lines, log.task_end(4, 0, **{"Task Info": info})]))
    assert "durations of 1 spark tasks of stage 0.0" in missing(profile)
    assert profile.stages[0].durations.count == 4
    assert profile.runtime_s == 11.0


@pytest.mark.parametrize("value", [-(10**9), 10**25])
def test_impossible_metrics_are_flagged(value):
    metrics = log.task_metrics(**{"Disk Bytes Spilled": value})
    lines = [*LINES, log.task_end(700, 0, **{"Task Metrics": metrics})]
    assert "plausible metrics of stage 0.0" in missing(read(log.joined(lines)))


def test_second_application_in_one_log_is_told():
    other = log.application_start(5.0, **{"App ID": "app-2"})
    profile = read(log.joined([*LINES, other]))
    assert profile.application_id == "app-1"
    assert "the log also holds app-2" in profile.missing[0].reason


def test_events_spelled_with_spaces_and_other_key_order_are_read():
    spaced = [json.dumps(dict(reversed(json.loads(x).items()))).encode() for x in LINES]
    assert read(log.joined(spaced)) == read(WHOLE)


def a_part(data: bytes, damage: DamagedPart | None = None) -> LogPart:
    def chunks():
        if data:
            yield data
        if damage:
            raise damage

    return LogPart("part", chunks)


def test_parts_are_read_as_one_log():
    middle = len(LINES) // 2
    parts = (a_part(log.joined(LINES[:middle])), a_part(log.joined(LINES[middle:])))
    assert read_profile(ApplicationLog("here", parts)) == read(WHOLE)


def test_damaged_part_keeps_what_came_before_and_is_told():
    damage = DamagedPart("the zstd stream ends inside a frame", offset_bytes=99)
    profile = read_profile(ApplicationLog("here", (a_part(WHOLE, damage),)))
    assert profile.stages == read(WHOLE).stages
    assert profile.missing[0].reason == "the zstd stream ends inside a frame"
    assert not profile.is_complete


def test_part_damaged_before_its_first_event_raises_its_damage():
    damage = DamagedPart("it is not zstd", offset_bytes=0)
    with pytest.raises(DamagedPart, match="it is not zstd"):
        read_profile(ApplicationLog("here", (a_part(b"", damage),)))


def test_faults_of_the_layout_make_the_profile_incomplete_and_notes_do_not():
    fact = MissingFact("part 1", "no such file", "Lower bounds.")
    parts = (a_part(WHOLE),)
    assert not read_profile(ApplicationLog("here", parts, missing=(fact,))).is_complete
    noted = read_profile(ApplicationLog("here", parts, notes=(fact,)))
    assert (noted.is_complete, noted.missing) == (True, (fact,))
