"""Fuzz the event-log reader: any bytes give a profile that adds up, or a typed error.

Run by `make fuzz`, for at least a minute. Hypothesis mutates built and measured logs (bytes,
lines, JSON values, cuts, chunks and codecs) and shrinks what breaks the reader to a small case.
"""

import argparse
import json
import os
import sys
import time
import traceback
from itertools import pairwise
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from isocost.domain.profile import RunProfile
from isocost.errors import IsocostError
from isocost.eventlog.codecs.detect import decompress
from isocost.eventlog.document import profile_document
from isocost.eventlog.findings import findings_of
from isocost.eventlog.summarize import ReadOptions, read_profile_from_chunks
from isocost.testing import event_logs as log
from isocost.testing import framings
from isocost.usecases.open_log import open_one
from isocost.wiring import log_stores

MIN_SECONDS = 60.0
EXAMPLES_PER_ROUND = 300

MEASURED = (
    "nvidia/rp_nosql_eventlog.gz",
    "nvidia/spark2-eventlog.zstd",
    "nvidia/cluster_information/eventlog_3nodes_12cores_exec_removed.gz",
    "misc/kubeflow__application_1713000000000_0001_1.gz",
)
ENCODERS = (
    framings.gzip_stream,
    framings.zstd_stream,
    framings.lz4_stream,
    framings.snappy_stream,
    framings.lzf_stream,
)
ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.sampled_from([0, -1, 2**31, 2**63, 1e308, "", "9" * 400, "\x00", [], {}, [[]]]),
    st.text(max_size=8),
)


def a_query() -> list[bytes]:
    """A log with a SQL execution whose plan adaptive execution changes."""
    plan = log.a_plan("Scan parquet t", "FileScan parquet t", metrics=[log.a_metric(1)])
    info = log.stage_info(0, 2, Accumulables=[{"ID": 1, "Value": "3", "Metadata": "sql"}])
    start = [log.log_start(), log.application_start(), log.environment(spark_master="local[2]")]
    return [
        *start,
        log.sql_start(0, plan),
        log.job_start(0, [info], Properties={"spark.sql.execution.id": "0"}),
        log.sql_update(0, log.a_plan("AdaptiveSparkPlan", "x", [plan])),
        log.stage_submitted(info),
        log.task_end(0),
        log.task_end(1, reason={"Reason": "ExceptionFailure", "Class Name": "a.B"}),
        log.stage_completed(info),
        log.sql_end(0),
        log.job_end(0),
        log.executor_removed("1", 9.0, "Executor heartbeat timed out"),
        log.application_end(),
    ]


def corpus() -> list[list[bytes]]:
    """Lines of built logs, and of measured ones where they are there."""
    found = [log.an_application(), a_query()]
    root = Path(os.environ.get("ISOCOST_SHARED_DATA", "../shared/data")) / "eventlogs"
    for name in MEASURED:
        if (root / name).exists():
            parts = open_one(str(root / name), log_stores()).parts
            data = b"".join(chunk for part in parts for chunk in part.open())
            found.append(data.splitlines()[:120])
    return found


def with_odd_value(line: bytes, draw: st.DrawFn) -> bytes:
    """Replace, remove or rename one value somewhere in an event."""
    try:
        node = event = json.loads(line)
    except ValueError:
        return line
    while isinstance(node, dict) and node:
        key = draw(st.sampled_from(sorted(node)))
        if isinstance(node[key], dict) and node[key] and draw(st.booleans()):
            node = node[key]
            continue
        choice = draw(st.integers(0, 5))
        value = node.pop(key)
        if choice:
            node[key if choice > 1 else draw(st.text(max_size=5))] = (
                draw(ODD_VALUES) if choice > 1 else value
            )
        break
    return json.dumps(event, separators=(",", ":")).encode()


@st.composite
def damaged_logs(draw: st.DrawFn, lines_of: list[list[bytes]]) -> bytes:
    """A log that was cut, doubled, shuffled, spliced or scribbled over."""
    lines = list(draw(st.sampled_from(lines_of)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        action = draw(
            st.sampled_from(["odd", "odd", "odd", "drop", "double", "swap", "cut", "raw"])
        )
        if action == "odd":
            lines[place] = with_odd_value(lines[place], draw)
        elif action == "drop" and len(lines) > 1:
            del lines[place]
        elif action == "double":
            lines.insert(draw(st.integers(0, len(lines))), lines[place])
        elif action == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[place], lines[other] = lines[other], lines[place]
        elif action == "cut":
            lines[place] = lines[place][: draw(st.integers(0, len(lines[place])))]
        elif action == "raw":
            lines[place] = draw(st.binary(max_size=40))
    data = b"\n".join(lines) + b"\n" * draw(st.booleans())
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@st.composite
def chunked(draw: st.DrawFn, logs: st.SearchStrategy[bytes]) -> list[bytes]:
    """A damaged log in chunks of any size."""
    data = draw(logs)
    cuts = draw(st.lists(st.integers(0, len(data)), max_size=5))
    return [data[a:b] for a, b in pairwise([0, *sorted(cuts), len(data)])]


@st.composite
def encoded(draw: st.DrawFn, logs: st.SearchStrategy[bytes]) -> list[bytes]:
    """A log in any codec, with some of its stored bytes changed or gone."""
    packed = bytearray(draw(st.sampled_from(ENCODERS))(draw(logs)[:20_000]))
    for _ in range(draw(st.integers(0, 3))):
        if packed:
            packed[draw(st.integers(0, len(packed) - 1))] = draw(st.integers(0, 255))
    kept = packed[: draw(st.integers(0, len(packed)))] if draw(st.booleans()) else packed
    return [bytes(kept)] if kept else []


def check(profile: RunProfile) -> None:
    """Fail where a profile contradicts itself."""
    assert profile.runtime_s >= 0
    assert 0 <= profile.driver_s <= profile.runtime_s + 1e-6
    assert (profile.ideal_runtime_s or 0.0) <= profile.runtime_s + 1e-6
    assert profile.is_complete or profile.missing
    for stage in profile.stages:
        assert stage.durations.count <= stage.task_count
        assert len(stage.durations.values_s) <= stage.durations.count
        assert all(seconds >= 0 for seconds in stage.durations.quantiles_s)
    time_ = profile.core_time
    if time_ is not None:
        parts = time_.busy_core_s + time_.driver_core_s + time_.skew_core_s + time_.idle_core_s
        assert abs(parts - time_.total_core_s) <= 1e-6 * max(1.0, time_.total_core_s)
    msgspec.json.encode(profile_document(profile, findings_of(profile)))


def one_round(number: int, lines_of: list[list[bytes]]) -> None:
    """Try some hundred damaged logs; raises what breaks the reader, shrunk."""
    rounds = settings(
        max_examples=EXAMPLES_PER_ROUND,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    @seed(number)
    @rounds
    @given(chunked(damaged_logs(lines_of)), st.booleans())
    def plain(chunks: list[bytes], keep_sql: bool) -> None:
        try:
            check(read_profile_from_chunks(chunks, options=ReadOptions(keep_sql=keep_sql)))
        except IsocostError:
            return

    @seed(number)
    @rounds
    @given(encoded(damaged_logs(lines_of)))
    def packed(blocks: list[bytes]) -> None:
        try:
            check(read_profile_from_chunks(decompress(iter(blocks))))
        except IsocostError:
            return

    plain()
    packed()


def main() -> int:
    """Fuzz until the time is over; 1 if anything broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=MIN_SECONDS)
    parser.add_argument("--first-round", type=int, default=0, help="to repeat a round that failed")
    arguments = parser.parse_args()
    lines_of = corpus()
    begin_s, number = time.monotonic(), arguments.first_round
    while time.monotonic() - begin_s < arguments.seconds:
        try:
            one_round(number, lines_of)
        except Exception:  # noqa: BLE001  any untyped error is what is looked for
            traceback.print_exc()
            sys.stdout.write(f"Round {number} failed; repeat it with --first-round {number}.\n")
            return 1
        number += 1
    cases = 2 * EXAMPLES_PER_ROUND * (number - arguments.first_round)
    sys.stdout.write(f"{cases:,} damaged logs in {time.monotonic() - begin_s:.0f} s, all typed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
