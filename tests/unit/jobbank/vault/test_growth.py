"""Growth: laws that hold for any recording and any size."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.errors import InvalidInput
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.growth import (
    LEAST_SPARK_TASKS,
    MOST_CPU_S,
    MOST_SKEW,
    MOST_SPARK_TASKS,
    PARTITION_BYTES,
    default_gb,
    scaled,
)
from isocost.jobbank.vault.recording import SPLIT_BYTES, spark_task_count
from isocost.simulator.workload import SimulatedStage
from isocost.units import BYTES_PER_GB
from tests.unit.jobbank.vault.builders import (
    DIMENSION,
    FACTS,
    MIB,
    a_recording,
    stage_of,
)

SIZES_GB = st.floats(1.0, 50_000.0)
RECORDINGS = st.sampled_from([*shelf.shipped(), a_recording()])
AMOUNTS = ("cpu_s", "input_bytes", "output_bytes", "shuffle_read_bytes", "shuffle_write_bytes")


def read_gb(workload):
    return sum(stage.input_bytes for stage in workload.stages) / BYTES_PER_GB


@given(size_gb=SIZES_GB)
def test_scans_read_the_gigabytes_asked_for(size_gb):
    assert read_gb(scaled(a_recording(), size_gb)) == pytest.approx(size_gb, rel=1e-6)


@given(recording=RECORDINGS, size_gb=SIZES_GB, more=st.floats(1.0, 100.0))
def test_more_data_are_never_less_of_anything(recording, size_gb, more):
    small, large = scaled(recording, size_gb), scaled(recording, size_gb * more)
    for before, after in zip(small.stages, large.stages, strict=True):
        assert after.spark_task_count >= before.spark_task_count
        for name in AMOUNTS:
            assert getattr(after, name) >= getattr(before, name) * (1 - 1e-9)


@given(recording=RECORDINGS, size_gb=SIZES_GB)
def test_the_shape_stays(recording, size_gb):
    grown, recorded = scaled(recording, size_gb), recording.workload
    assert grown.spark_jobs == recorded.spark_jobs
    assert [s.parent_ids for s in grown.stages] == [s.parent_ids for s in recorded.stages]
    assert [s.operators for s in grown.stages] == [s.operators for s in recorded.stages]


@given(recording=RECORDINGS, size_gb=SIZES_GB)
def test_no_spark_task_reads_more_than_spark_would_give_it(recording, size_gb):
    for stage in scaled(recording, size_gb).stages:
        if stage.cache_source_id is None:
            assert stage.input_bytes / stage.spark_task_count <= SPLIT_BYTES * 1.001
            assert stage.shuffle_read_bytes / stage.spark_task_count <= PARTITION_BYTES * 1.001


@given(recording=RECORDINGS, size_gb=SIZES_GB)
def test_no_spark_task_takes_more_than_a_minute_of_cpu_time(recording, size_gb):
    for stage in scaled(recording, size_gb).stages:
        if stage.cache_source_id is None:
            assert stage.cpu_s / stage.spark_task_count <= MOST_CPU_S * 1.001


@given(recording=RECORDINGS, size_gb=SIZES_GB)
def test_exponents_go_on_as_the_rules_do(recording, size_gb):
    grown = scaled(recording, size_gb)
    twice = grown.at_scale(2.0)
    ruled = scaled(recording, 2.0 * size_gb)
    assert spark_task_count(twice) == pytest.approx(spark_task_count(ruled), rel=0.25, abs=20)


def test_recorded_size_gives_the_recorded_work_back():
    recording = a_recording()
    grown = scaled(recording, recording.data_bytes / BYTES_PER_GB)
    assert [s.cpu_s for s in grown.stages] == pytest.approx([
        s.cpu_s for s in recording.workload.stages
    ])
    assert spark_task_count(grown) == spark_task_count(recording.workload)


def test_dimension_grows_with_the_root_of_the_facts():
    grown = scaled(a_recording(), 100.0)
    facts = stage_of(grown, 0).input_bytes / FACTS.input_bytes
    assert stage_of(grown, 1).input_bytes / DIMENSION.input_bytes == pytest.approx(facts**0.5)


def test_calendar_stays():
    calendar = replace(DIMENSION, input_bytes=0.5 * MIB)
    grown = scaled(a_recording((FACTS, calendar)), 100.0)
    assert stage_of(grown, 1).input_bytes == calendar.input_bytes


def test_groups_grow_with_the_root_of_their_rows():
    grown = scaled(a_recording(), 100.0)
    rows, groups = stage_of(grown, 2), stage_of(grown, 3)
    factor = rows.shuffle_read_bytes / (41 * MIB)
    assert groups.shuffle_read_bytes / (0.1 * MIB) == pytest.approx(factor**0.5)


def test_skew_ends_where_spark_splits_partitions():
    assert stage_of(scaled(a_recording(), 100.0), 2).skew == MOST_SKEW


def test_reader_of_a_cache_has_as_many_spark_tasks_as_its_maker():
    made = replace(FACTS, cached_bytes=80 * MIB)
    reads = SimulatedStage(1, 1, "fit", 8, 4.0, cache_source_id=0)
    grown = scaled(a_recording((made, reads)), 100.0)
    assert stage_of(grown, 1).spark_task_count == stage_of(grown, 0).spark_task_count > 700


def test_application_that_makes_its_data_grows_with_what_it_makes():
    made = replace(FACTS, input_bytes=0.0)
    grown = scaled(a_recording((made,)), 100.0)
    assert stage_of(grown, 0).shuffle_write_bytes == pytest.approx(100 * BYTES_PER_GB)


@pytest.mark.parametrize("size_gb", [0.0, -1.0, float("nan"), float("inf")])
def test_size_must_be_one(size_gb):
    with pytest.raises(InvalidInput, match=r"more than 0 GB.*Pass a size such as 100"):
        scaled(a_recording(), size_gb)


@pytest.mark.parametrize("is_own", [True, False])
def test_large_recording_of_the_user_stays_at_its_size(is_own):
    large = replace(FACTS, spark_task_count=500)
    recording = a_recording((large,), is_own=is_own)
    has_stayed = default_gb(recording) == recording.data_bytes / BYTES_PER_GB
    assert has_stayed is is_own


@pytest.mark.parametrize("recording", shelf.shipped(), ids=lambda r: r.name)
def test_default_size_gives_as_many_spark_tasks_as_experiments_are_meant_for(recording):
    count = spark_task_count(scaled(recording, default_gb(recording)))
    assert LEAST_SPARK_TASKS <= count <= MOST_SPARK_TASKS
