"""The event-log reader: megabytes a second on one core, plain and zstd, and its peak memory.

A real log is repeated until it has the size asked for. Each copy gets spark job, stage, spark
task and execution IDs of its own and follows the copy before in time, so that the reader has as
much to keep apart as in one long application. Everything is measured in fresh processes on one
core, reading a file from disk to the finished `RunProfile`; beside it stands what Python's `json`
module takes for the same file.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from isocost.eventlog.parts import ApplicationLog
from isocost.eventlog.summarize import ReadOptions
from isocost.eventlog.thresholds import Thresholds
from isocost.testing import event_logs
from isocost.usecases.open_log import open_one
from isocost.usecases.profile_log import ProfileOptions, profile_logs
from isocost.wiring import log_stores

# 84 % of its bytes are ends of spark tasks, as is usual.
TASK_HEAVY: Final = "eventlogs/nvidia/tasks_executors_fail_compressed_eventlog.zstd"
# With one spark task a stage, as small data leave them, two thirds of its bytes are SQL plans.
PLAN_HEAVY: Final = "eventlogs/nvidia/nds_q88_photon_db_13_3.zstd"
# Three quarters of its bytes are plans, spark jobs and stages, with two spark tasks a stage.
STAGE_HEAVY: Final = "eventlogs/misc/kubeflow__application_1713000000000_0001_2.gz"
OTHERS_MB: Final = 300  # enough for a steady figure
BYTES_PER_MB: Final = 1_000_000  # as disks and networks count, not MiB
KIB_PER_MB: Final = BYTES_PER_MB / 1024
_OPTIONS: Final = ProfileOptions(ReadOptions(), Thresholds())

# Numbers that differ between copies: IDs, lists of IDs, and times in milliseconds.
_CHANGING: Final = re.compile(
    rb'"(?:Stage ID|Task ID|Job ID|RDD ID|executionId|rootExecutionId)":(\d+)'
    rb'|"spark\.sql\.execution\.(?:id|root\.id)":"(\d+)'
    rb'|"(?:Stage IDs|Parent IDs)":\[([\d,]+)\]'
    rb'|"(?:(?:Launch|Finish|Submission|Completion) Time|Timestamp|time)":(\d{12,14})'
)
_NUMBER: Final = re.compile(rb"\d+")
_TASK: Final = re.compile(rb'\{"Event":"SparkListenerTask(Start|End)","Stage ID":(\d+)')
_PLAN: Final = re.compile(
    rb'\{"Event":"org\.apache\.spark\.sql\.execution\.ui\.SparkListenerSQL'
    rb'(?:ExecutionStart|AdaptiveExecutionUpdate)"'
)
_FIRST_TIME: Final = 10**11  # no ID is so large, and every time is larger
_ONCE: Final = re.compile(
    rb'\{"Event":"(?:SparkListener(?:LogStart|Application|Environment|ResourceProfile|Executor|'
    rb"BlockManager)|DBC)"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One reading of one file."""

    seconds: float
    peak_rss_mb: float
    task_count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is printed; MB are 10^6 bytes of uncompressed text."""

    mb_per_s_plain: float
    mb_per_s_zstd: float
    peak_rss_mb: float
    json_mb_per_s: float
    uncompressed_mb: float
    zstd_mb: float
    task_end_share: float
    task_count: int
    log: str
    plan_heavy_mb_per_s_plain: float | None
    plan_heavy_mb_per_s_zstd: float | None
    plan_share: float | None
    stage_heavy_mb_per_s_plain: float | None
    stage_heavy_mb_per_s_zstd: float | None


@dataclass(frozen=True, slots=True)
class Readings:
    """All readings of one log, plain and as zstd."""

    plain_mb: float
    zstd_mb: float
    plain: tuple[Measured, ...]
    zstd: tuple[Measured, ...]
    json: Measured | None

    @property
    def mb_per_s_plain(self) -> float:
        """Of the fastest reading."""
        return self.plain_mb / min(run.seconds for run in self.plain)

    @property
    def mb_per_s_zstd(self) -> float:
        """Of the fastest reading, in MB of plain text."""
        return self.plain_mb / min(run.seconds for run in self.zstd)


class Repeater:
    """A log cut where copies differ: at IDs, which are made unique, and times, which move on."""

    def __init__(self, data: bytes) -> None:
        lines = data.splitlines(keepends=True)
        self.head = b"".join(line for line in lines if _ONCE.match(line) and not _is_end(line))
        self.tail = b"".join(line for line in lines if _is_end(line))
        self._pieces, self._numbers = _cut(b"".join(x for x in lines if not _ONCE.match(x)))
        ids = [number for number in self._numbers if number < _FIRST_TIME]
        times = [number for number in self._numbers if number >= _FIRST_TIME]
        self._id_step = max(ids, default=0) + 1
        self._time_step = max(times, default=0) - min(times, default=0) + 1

    def copy(self, ordinal: int) -> bytes:
        """Return the body with the IDs and times of copy `ordinal`."""
        steps = (ordinal * self._id_step, ordinal * self._time_step)
        numbers = [b"%d" % (n + steps[n >= _FIRST_TIME]) for n in self._numbers]
        woven = [part for pair in zip(self._pieces, numbers, strict=False) for part in pair]
        return b"".join([*woven, self._pieces[-1]])


def _cut(body: bytes) -> tuple[list[bytes], list[int]]:
    """Return what stands between the changing numbers, and the numbers."""
    pieces, numbers, done = [], [], 0
    for match in _CHANGING.finditer(body):
        for number in _NUMBER.finditer(body, *match.span(match.lastindex or 0)):
            pieces.append(body[done : number.start()])
            numbers.append(int(number.group()))
            done = number.end()
    return [*pieces, body[done:]], numbers


def _is_end(line: bytes) -> bool:
    return line.startswith(b'{"Event":"SparkListenerApplicationEnd"')


def repeated(data: bytes, size_bytes: int) -> Iterator[bytes]:
    """Yield a log of at least `size_bytes`."""
    repeater = Repeater(data)
    yield repeater.head
    done, ordinal = len(repeater.head), 0
    while done < size_bytes:
        copy = repeater.copy(ordinal)
        yield copy
        done, ordinal = done + len(copy), ordinal + 1
    yield repeater.tail


def plain_bytes(log: ApplicationLog) -> bytes:
    """Return a log's decompressed bytes, all parts after each other."""
    return b"".join(chunk for part in log.parts for chunk in part.open())


def measure(path: Path, *, with_json: bool = False) -> Measured:
    """Read a file in a process of its own, on one core.

    Raises:
        RuntimeError: the process failed.
    """
    command = [sys.executable, "-m", "benchmarks.eventlog", "--read", str(path)]
    done = subprocess.run(  # noqa: S603  our own module
        [*command, "--with-json"] if with_json else command,
        capture_output=True,
        text=True,
        check=False,
        # NumPy's threads spin for a while after its import, here on the one core measured.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"Reading {path} failed: {done.stderr[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Measured)


def read_here(path: Path, *, with_json: bool) -> Measured:
    """Read a file in this process, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    begin_s = time.perf_counter()
    if with_json:
        with path.open("rb") as lines:
            count = sum(json.loads(line)["Event"] == "SparkListenerTaskEnd" for line in lines)
    else:
        (log,) = profile_logs(str(path), log_stores(), _OPTIONS).logs
        count = log.profile.task_count
    return Measured(time.perf_counter() - begin_s, _peak_rss_mb(), count)


def _peak_rss_mb() -> float:
    """Return this process's own peak; `getrusage` would tell its parent's if that is higher."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak_kib,) = re.findall(r"VmHWM:\s*(\d+) kB", status)
    return int(peak_kib) / KIB_PER_MB


def readings(data: bytes, size_mb: int, repetitions: int, *, with_json: bool) -> Readings:
    """Return the readings of a log repeated to `size_mb`."""
    with tempfile.TemporaryDirectory(prefix="isocost-bench-") as folder:
        plain, packed = Path(folder, "eventlog"), Path(folder, "eventlog.zstd")
        plain_mb, zstd_mb = _write(plain, packed, repeated(data, size_mb * BYTES_PER_MB))
        return Readings(
            plain_mb=plain_mb,
            zstd_mb=zstd_mb,
            plain=tuple(measure(plain) for _ in range(repetitions)),
            zstd=tuple(measure(packed) for _ in range(repetitions)),
            json=measure(plain, with_json=True) if with_json else None,
        )


def with_one_task_a_stage(data: bytes) -> bytes:
    """Return a log with the first start and the first end of each stage's spark tasks only."""
    seen: set[tuple[bytes, ...]] = set()
    kept = []
    for line in data.splitlines(keepends=True):
        if match := _TASK.match(line):
            if match.groups() in seen:
                continue
            seen.add(match.groups())
        kept.append(line)
    return b"".join(kept)


def figures(log: ApplicationLog, data: Path | None, size_mb: int, *, repetitions: int) -> Figures:
    """Return all figures for a log repeated to `size_mb`; the fastest of some repetitions.

    Args:
        log: the one whose bytes are mostly ends of spark tasks.
        data: the folder of measured data, where the others are; None for the usual one.
        size_mb: size of the log; the others have less.
        repetitions: how often each is read.
    """
    text = plain_bytes(log)
    main = readings(text, size_mb, repetitions, with_json=True)
    planned = _measured(data, PLAN_HEAVY)
    plan_text = with_one_task_a_stage(planned) if planned else None
    small_mb = min(size_mb, OTHERS_MB)
    plans = readings(plan_text, small_mb, repetitions, with_json=False) if plan_text else None
    stage_text = _measured(data, STAGE_HEAVY)
    stages = readings(stage_text, small_mb, repetitions, with_json=False) if stage_text else None
    return Figures(
        mb_per_s_plain=main.mb_per_s_plain,
        mb_per_s_zstd=main.mb_per_s_zstd,
        peak_rss_mb=max(run.peak_rss_mb for run in (*main.plain, *main.zstd)),
        json_mb_per_s=main.plain_mb / main.json.seconds if main.json else 0.0,
        uncompressed_mb=main.plain_mb,
        zstd_mb=main.zstd_mb,
        task_end_share=_share(text, lambda line: b"SparkListenerTaskEnd" in line[:40]),
        task_count=main.plain[0].task_count,
        log=log.location,
        plan_heavy_mb_per_s_plain=plans.mb_per_s_plain if plans else None,
        plan_heavy_mb_per_s_zstd=plans.mb_per_s_zstd if plans else None,
        plan_share=_share(plan_text, _PLAN.match) if plan_text else None,
        stage_heavy_mb_per_s_plain=stages.mb_per_s_plain if stages else None,
        stage_heavy_mb_per_s_zstd=stages.mb_per_s_zstd if stages else None,
    )


def _share(data: bytes, is_counted: Callable[[bytes], object]) -> float:
    """Return what fraction of a log's bytes is in certain lines."""
    return sum(len(line) for line in data.splitlines() if is_counted(line)) / len(data)


def _write(plain: Path, packed: Path, parts: Iterator[bytes]) -> tuple[float, float]:
    """Write a log twice and return both sizes in MB; zstd at the level that Spark uses, 1."""
    compressor = zstandard.ZstdCompressor(level=1)
    with plain.open("wb") as text, packed.open("wb") as file:
        with compressor.stream_writer(file, closefd=False) as stream:
            for part in parts:
                text.write(part)
                stream.write(part)
    return plain.stat().st_size / BYTES_PER_MB, packed.stat().st_size / BYTES_PER_MB


def _log(data: Path | None) -> ApplicationLog:
    """Return the log to repeat: as asked for, or the measured one, or one built here."""
    for path in (_root(data) / TASK_HEAVY, data):
        if path is not None and path.exists():
            return open_one(str(path), log_stores())
    return event_logs.as_log(event_logs.an_application(stage_count=20, task_count=200))


def _measured(data: Path | None, name: str) -> bytes | None:
    """Return a measured log's bytes; None without the measured data."""
    path = _root(data) / name
    return plain_bytes(open_one(str(path), log_stores())) if path.exists() else None


def _root(data: Path | None) -> Path:
    return data or Path(os.environ.get("ISOCOST_SHARED_DATA", "../shared/data"))


def main() -> None:
    """Parse the arguments and print one JSON object."""
    parser = argparse.ArgumentParser(prog="benchmarks.eventlog", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--data", type=Path, help="an event log, or the folder of measured data")
    parser.add_argument("--size-mb", type=int, default=1000, help="uncompressed; default 1000")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--with-json", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    result: Measured | Figures
    if arguments.read is not None:
        result = read_here(arguments.read, with_json=arguments.with_json)
    else:
        result = figures(
            _log(arguments.data),
            arguments.data,
            arguments.size_mb,
            repetitions=arguments.repetitions,
        )
    sys.stdout.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
