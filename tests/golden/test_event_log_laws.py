"""Laws that hold for every measured event log: any codec, any chunking, any cut, any loss."""

import random
from functools import cache
from pathlib import Path

import pytest

from isocost.domain.profile import RunProfile
from isocost.errors import IsocostError
from isocost.eventlog.codecs.detect import decompress
from isocost.eventlog.summarize import read_profile_from_chunks
from isocost.testing import framings
from isocost.usecases.open_log import open_one
from isocost.wiring import log_stores

SMALL = (
    "misc/kubeflow__application_1713000000000_0001_1.gz",
    "misc/kubeflow__application_1713000000000_0001_2.gz",
    "misc/kubeflow__events_1_spark-110be3a8424d4a2789cb88134418217b.gz",
    "misc/sparklint__spark_event_log_example.gz",
    "nvidia/cluster_information/databricks-aws.gz",
    "nvidia/cluster_information/eventlog_3nodes_12cores_exec_removed.gz",
    "nvidia/empty_eventlog.gz",
    "nvidia/eventlog_minimal_events.gz",
    "nvidia/rdd_only_eventlog.gz",
    "nvidia/rp_nosql_eventlog.gz",
    "nvidia/spark2-eventlog.zstd",
    "nvidia/truncated_eventlog.gz",
)
DATABRICKS = "sync/databricks.json.gz"
TASK_HEAVY = (
    "nvidia/db_sim_eventlog",
    "nvidia/tasks_executors_fail_compressed_eventlog.zstd",
    "sync/databricks-rollover.zip",
)


@cache
def plain(path: Path) -> bytes:
    """A log's decompressed bytes, all parts after each other."""
    log = open_one(str(path), log_stores())
    return b"".join(chunk for part in log.parts for chunk in part.open())


@pytest.fixture(params=SMALL)
def data(request, shared_data: Path) -> bytes:
    return plain(shared_data / "eventlogs" / request.param)


def read(*chunks: bytes) -> RunProfile:
    return read_profile_from_chunks(chunks)


@pytest.mark.parametrize(
    "encode",
    [
        framings.gzip_stream,
        framings.zstd_stream,
        framings.lz4_stream,
        framings.snappy_stream,
        framings.lzf_stream,
    ],
)
@pytest.mark.parametrize("stream_count", [1, 3])
def test_every_codec_gives_the_same_profile(data, encode, stream_count):
    step = len(data) // stream_count + 1
    packed = b"".join(encode(data[i : i + step]) for i in range(0, len(data), step))
    blocks = (packed[i : i + 4096] for i in range(0, len(packed), 4096))
    assert read_profile_from_chunks(decompress(blocks)) == read(data)


@pytest.mark.parametrize("size", [97, 4096, 1 << 16])
def test_any_chunk_size_gives_the_same_profile(data, size):
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    assert read(*chunks) == read(data)


def test_cut_at_any_byte_is_an_error_or_flagged(data):
    chance = random.Random(len(data))
    whole = read(data)
    for cut in sorted(chance.sample(range(len(data) - 1), 25)):
        try:
            profile = read(data[:cut])
        except IsocostError:
            continue
        assert not profile.is_complete, cut
        assert profile.missing
        assert profile.task_count <= whole.task_count


@pytest.mark.parametrize("encode", [framings.snappy_stream, framings.lzf_stream])
def test_cut_exactly_between_blocks_is_flagged_though_the_codec_has_no_end_mark(data, encode):
    whole_count = len(data) // framings.BLOCK_BYTES
    for block_count in {1, whole_count // 2, whole_count} - {0}:
        packed = encode(data[: block_count * framings.BLOCK_BYTES])
        profile = read_profile_from_chunks(decompress([packed]))
        assert not profile.is_complete, block_count


def test_databricks_log_cut_at_any_byte_is_flagged(shared_data):
    data = plain(shared_data / "eventlogs" / DATABRICKS)
    chance = random.Random(11)
    for cut in chance.sample(range(1000, len(data) - 1), 25):
        profile = read(data[:cut])
        assert not profile.is_complete, cut
        assert profile.is_runtime_estimated


@pytest.mark.parametrize("name", TASK_HEAVY)
def test_one_percent_of_task_ends_lost_is_found_and_runtime_right(shared_data, name):
    data = plain(shared_data / "eventlogs" / name)
    lines = data.splitlines(keepends=True)
    chance = random.Random(3)
    kept = [x for x in lines if b"TaskEnd" not in x[:40] or chance.random() >= 0.01]
    whole, lossy = read(data), read(*kept)
    lost_count = sum(stage.lost_task_count for stage in lossy.stages)
    assert not lossy.is_complete
    assert lost_count == pytest.approx(len(lines) - len(kept), rel=0.1)
    assert lossy.runtime_s == pytest.approx(whole.runtime_s, rel=0.01)


def test_no_text_of_a_query_is_kept_unless_asked_for(shared_data):
    path = shared_data / "eventlogs/misc/kubeflow__application_1713000000000_0001_2.gz"
    profile = read(plain(path))
    assert profile.sql_executions
    assert all(e.description is None and e.plan is None for e in profile.sql_executions)
