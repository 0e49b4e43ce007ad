"""A recording and a size in gigabytes in, the application on that much data out.

Rules of growth. `f` is the factor of the tables that grow with the business; it is chosen such
that all scans together read the gigabytes asked for.

1. A scan that reads at least 5 % of what the largest scan reads is one of facts: × f. A smaller
   one reads a dimension: × √f, as TPC-DS lets customers, items and stores grow. One that reads
   less than 1 MiB is a calendar or a list of codes, and stays. (A wide dimension beside few
   columns of facts thus counts as facts.) Where nothing is read, what the first stages make
   takes the place of what they read.
2. A stage that reads shuffles or cached data grows as the mean of what it reads, by bytes.
3. CPU seconds grow as what the stage reads. Sorting's logarithm is left out: partitions keep
   their size, see 5.
4. What a stage writes grows as what it reads if it was at least a hundredth of it. Less than that
   is groups, not rows, and there are √ as many more of them.
5. Spark tasks become more, not larger: one for each 128 MiB of a scan and 64 MiB of a shuffle,
   Spark's own targets, and never fewer than were recorded; where that would be more than a
   minute of CPU time each, one for each minute. A stage on cached data has as many as the stage
   that cached them.
6. Memory of a spark task grows as its bytes do (√ of that where it holds groups), to at most 8
   times those bytes, or what was recorded.
7. Skew stays, up to 5: from there on Spark splits partitions when it joins.
8. The number of stages, spark jobs and queries and the driver's time stay. So do what is
   broadcast, and how often a loop goes round.

The result's `Growth` exponents say how it goes on from there, between this size and twice it.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite, log, log2, sqrt
from typing import Final

from isocost.errors import InvalidInput
from isocost.jobbank.vault.recording import (
    SPLIT_BYTES,
    Recording,
    is_leaf,
    spark_task_count,
    written_bytes,
)
from isocost.simulator.workload import Growth, SimulatedStage, Workload
from isocost.units import BYTES_PER_GB, BYTES_PER_MIB

# At scale factor 1 of TPC-DS, customers are 3.5 % of the rows of store sales, their returns 10 %.
FACT_FRACTION: Final = 0.05
FIXED_BYTES: Final = 1.0 * BYTES_PER_MIB
# spark.sql.adaptive.advisoryPartitionSizeInBytes.
PARTITION_BYTES: Final = 64.0 * BYTES_PER_MIB
# Python takes this long over a split; whoever makes more of tiny data asks for more partitions.
MOST_CPU_S: Final = 60.0
GROUPS_FRACTION: Final = 0.01
# spark.sql.adaptive.skewJoin.skewedPartitionFactor.
MOST_SKEW: Final = 5.0
# Bytes as they travel are packed rows; unpacked, with pointers and a sort's prefixes, they take
# several times as much. The shipped stages whose spark tasks read 4 MiB and more hold 4 times
# that in the median, a tenth of them 13 and more; smaller ones hold whole pages, however empty.
MEMORY_PER_BYTE: Final = 8.0

# What a recording is scaled to unless somebody says: as many spark tasks as the experiments are
# meant for, and sizes a person would name.
LEAST_SPARK_TASKS: Final = 200
MOST_SPARK_TASKS: Final = 20_000
# No query of TPC-DS or TPC-H has as many.
LOOP_STAGES: Final = 40
_LEAST_AIM, _MOST_AIM = 400.0, 8_000.0
SIZES_GB: Final = tuple(
    digit * 10.0**power
    for power in range(-1, 5)
    for digit in (1, 2, 5)
    if digit * 10**power <= 5e4
)


@dataclass(frozen=True, slots=True)
class _Factors:
    """How much more of everything a stage has; against the recording."""

    read: float
    written: float
    spark_task_count: int
    memory: float


def scaled(recording: Recording, input_gb: float) -> Workload:
    """Return the application as it would be on `input_gb` gigabytes, by this module's rules.

    Raises:
        InvalidInput: if the size is no number above 0.
    """
    if not (isfinite(input_gb) and input_gb > 0):
        raise InvalidInput(
            f"A workload's data are more than 0 GB; got {input_gb}. Pass a size such as 100."
        )
    factor = fact_factor(recording, input_gb * BYTES_PER_GB)
    stages = recording.workload.stages
    now, doubled = factors_of(stages, factor), factors_of(stages, 2.0 * factor)
    return replace(
        recording.workload,
        stages=tuple(
            _grown(stage, now[stage.stage_id], doubled[stage.stage_id]) for stage in stages
        ),
    )


def default_gb(recording: Recording) -> float:
    """Return the size at which experiments run the workload unless they say otherwise.

    One of 0.1, 0.2, 0.5, 1, … 50,000 GB at which it has 200 to 20,000 spark tasks. Its name says
    how many of these to aim for, so that a vault holds small, middling and large applications.
    The recorded size where that has so many already: of the user's own, and of loops, whose many
    small stages are what they are about.
    """
    is_loop = len(recording.workload.stages) >= LOOP_STAGES
    recorded_count = spark_task_count(recording.workload)
    is_large = LEAST_SPARK_TASKS <= recorded_count <= MOST_SPARK_TASKS
    if is_large and (is_loop or recording.is_own):
        return recording.data_bytes / BYTES_PER_GB
    share = zlib.crc32(recording.name.encode()) / 2**32
    aim = _LEAST_AIM * (_MOST_AIM / _LEAST_AIM) ** share
    counts = {size: spark_task_count(scaled(recording, size)) for size in SIZES_GB}
    fitting = [
        size for size, count in counts.items() if LEAST_SPARK_TASKS <= count <= MOST_SPARK_TASKS
    ]
    if not fitting:
        return recording.data_bytes / BYTES_PER_GB
    return min(fitting, key=lambda size: (abs(log(counts[size] / aim)), size))


def fact_factor(recording: Recording, data_bytes: float) -> float:
    """Return the factor of the fact tables with which all scans read so many bytes."""
    parts = {1.0: 0.0, 0.5: 0.0, 0.0: 0.0}
    leaves = [stage for stage in recording.workload.stages if is_leaf(stage)]
    sizes = _leaf_sizes(leaves)
    for stage in leaves:
        parts[_leaf_exponent(stage, sizes)] += sizes[stage.stage_id]
    facts, dimensions, fixed = parts[1.0], parts[0.5], parts[0.0]
    if facts <= 0:
        return data_bytes / recording.data_bytes
    # facts·f + dimensions·√f + fixed = data; what stays cannot be all of it.
    left = max(data_bytes - fixed, 0.01 * data_bytes)
    root = (sqrt(dimensions**2 + 4.0 * facts * left) - dimensions) / (2.0 * facts)
    return root**2


def factors_of(stages: Sequence[SimulatedStage], factor: float) -> dict[int, _Factors]:
    """Return how each stage grows where the facts grow by `factor`; parents come first."""
    sizes = _leaf_sizes([stage for stage in stages if is_leaf(stage)])
    by_id = {stage.stage_id: stage for stage in stages}
    found: dict[int, _Factors] = {}
    for stage in stages:
        own = factor ** _leaf_exponent(stage, sizes)
        parents = [(by_id[i], found[i]) for i in stage.parent_ids]
        source = found[stage.cache_source_id] if stage.cache_source_id is not None else None
        read = _read_factor(stage, own, parents, source=source)
        groups = _holds_groups(stage)
        count = _spark_task_count(stage, read, source=source)
        found[stage.stage_id] = _Factors(
            read=read,
            written=min(read, sqrt(read)) if groups and read > 1 else read,
            spark_task_count=count,
            memory=_memory_factor(stage, read, count, has_groups=groups),
        )
    return found


def _leaf_sizes(leaves: Sequence[SimulatedStage]) -> dict[int, float]:
    """Return what each leaf reads; where none reads anything, what each makes or simply is."""
    for size in (
        lambda s: s.input_bytes,
        written_bytes,
        lambda s: s.spark_task_count * SPLIT_BYTES,
    ):
        sizes = {stage.stage_id: float(size(stage)) for stage in leaves}
        if any(sizes.values()):
            return sizes
    return {}


def _leaf_exponent(stage: SimulatedStage, sizes: dict[int, float]) -> float:
    """Return rule 1's exponent; what a stage with parents scans itself is a dimension at most."""
    largest = max(sizes.values(), default=0.0)
    size = sizes.get(stage.stage_id, stage.input_bytes)
    if size > 0 and size >= FACT_FRACTION * largest:
        return 1.0
    return 0.5 if size >= FIXED_BYTES else 0.0


def _read_factor(
    stage: SimulatedStage,
    own: float,
    parents: Sequence[tuple[SimulatedStage, _Factors]],
    *,
    source: _Factors | None,
) -> float:
    """Return rule 2's mean."""
    parts = [(stage.input_bytes, own)]
    if parents:
        written = sum(parent.shuffle_write_bytes for parent, _ in parents)
        grown = sum(parent.shuffle_write_bytes * f.written for parent, f in parents)
        mean = grown / written if written else max(f.written for _, f in parents)
        parts.append((stage.shuffle_read_bytes, mean))
    if source is not None:
        # Nobody counted the bytes that came from storage; they are most of what there was.
        parts.append((max(stage.shuffle_read_bytes, FIXED_BYTES), source.read))
    whole = sum(size for size, _ in parts)
    if not whole:
        return parts[-1][1]
    return sum(size * part for size, part in parts) / whole


def _holds_groups(stage: SimulatedStage) -> bool:
    read = stage.input_bytes + stage.shuffle_read_bytes
    return 0.0 < written_bytes(stage) < GROUPS_FRACTION * read


def _spark_task_count(stage: SimulatedStage, read: float, *, source: _Factors | None) -> int:
    """Return rule 5's number."""
    if source is not None:
        return max(stage.spark_task_count, source.spark_task_count)
    made = written_bytes(stage) if is_leaf(stage) and not stage.input_bytes else 0.0
    splits = (stage.input_bytes + made) * read / SPLIT_BYTES
    partitions = stage.shuffle_read_bytes * read / PARTITION_BYTES
    is_pure_work = is_leaf(stage) and not (stage.input_bytes or made)
    if is_pure_work:
        splits = stage.spark_task_count * read
    minutes = stage.cpu_s * read / MOST_CPU_S
    return max(stage.spark_task_count, ceil(splits), ceil(partitions), ceil(minutes))


def _memory_factor(stage: SimulatedStage, read: float, count: int, *, has_groups: bool) -> float:
    """Return rule 6's factor."""
    if stage.memory_bytes <= 0:
        return 1.0
    growth = read * stage.spark_task_count / count
    held = (stage.input_bytes + stage.shuffle_read_bytes) * read / count
    most = max(1.0, MEMORY_PER_BYTE * held / stage.memory_bytes)
    return min(max(1.0, sqrt(growth) if has_groups else growth), most)


def _grown(stage: SimulatedStage, now: _Factors, doubled: _Factors) -> SimulatedStage:
    return replace(
        stage,
        spark_task_count=now.spark_task_count,
        cpu_s=stage.cpu_s * now.read,
        input_bytes=stage.input_bytes * now.read,
        shuffle_read_bytes=stage.shuffle_read_bytes * now.read,
        output_bytes=stage.output_bytes * now.written,
        shuffle_write_bytes=stage.shuffle_write_bytes * now.written,
        cached_bytes=stage.cached_bytes * now.written,
        memory_bytes=stage.memory_bytes * now.memory,
        skew=min(stage.skew, MOST_SKEW),
        growth=Growth(
            spark_task_count=log2(doubled.spark_task_count / now.spark_task_count),
            work=log2(doubled.read / now.read),
            data=log2(doubled.read / now.read),
            memory=log2(doubled.memory / now.memory),
        ),
    )
