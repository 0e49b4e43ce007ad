"""The limits that findings are judged by: each with its name, its default and where it is from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from isocost.errors import InvalidInput
from isocost.units import BYTES_PER_MIB


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When something is worth a finding.

    Attributes:
        stage_share: least fraction of the runtime that all stages with one problem must cost to
            be worth a word; ours: a twentieth is about the noise between two runs.
        skew_ratio: longest over median spark task; `spark.sql.adaptive.skewJoin.
            skewedPartitionFactor` is 5.
        spill_ratio: bytes spilled to disk over bytes read; ours: beyond a tenth the second trip
            to disk shows in the runtime.
        small_task_s: median spark task; Spark's tuning guide: "as short as 200 ms".
        tasks_per_slot: spark tasks a slot should get in a stage; Spark's tuning guide: "2-3 tasks
            per CPU core", of which the lower.
        many_tasks_per_slot: small spark tasks only matter if each slot gets so many; ours.
        small_file_bytes: mean size of files; four times `spark.sql.files.openCostInBytes` (4 MiB),
            so that opening costs a fifth.
        small_file_count: fewer files than this are no burden; ours.
        gc_fraction: of the executors' run time; Spark's web page marks it red beyond 0.1.
        idle_fraction: of all core time, idle while stages ran; ours: beyond a quarter one of four
            cores is paid for nothing.
        driver_fraction: of the runtime without any stage; ours.
        long_stage_fraction: of the runtime in one stage; ours: more cores elsewhere cannot halve
            the runtime any more.
        memory_low_fraction, memory_high_fraction: of the memory that storage and execution share;
            ours: half of it free with spare for twice the data, or nearly full.
        failed_fraction: of the spark task attempts; ours.
    """

    stage_share: float = 0.05
    skew_ratio: float = 5.0
    spill_ratio: float = 0.1
    small_task_s: float = 0.2
    tasks_per_slot: float = 2.0
    many_tasks_per_slot: float = 8.0
    small_file_bytes: float = 16.0 * BYTES_PER_MIB
    small_file_count: float = 100.0
    gc_fraction: float = 0.1
    idle_fraction: float = 0.25
    driver_fraction: float = 0.3
    long_stage_fraction: float = 0.5
    memory_low_fraction: float = 0.25
    memory_high_fraction: float = 0.95
    failed_fraction: float = 0.01

    def __post_init__(self) -> None:
        for item in fields(self):
            if not 0 <= getattr(self, item.name) < math.inf:
                raise InvalidInput(
                    f"Threshold {item.name} must be a number of 0 or more; got "
                    f"{getattr(self, item.name)}. Pass one that is."
                )


def with_changes(thresholds: Thresholds, changes: Mapping[str, float]) -> Thresholds:
    """Return the thresholds with some of them replaced.

    Raises:
        InvalidInput: a name is not one of theirs, or a value is negative.
    """
    names = [item.name for item in fields(thresholds)]
    for name in changes:
        if name not in names:
            raise InvalidInput(
                f"No threshold is called {name!r}. Known: {', '.join(names)}. "
                "Pass one of them as NAME=NUMBER."
            )
    return replace(thresholds, **changes)
