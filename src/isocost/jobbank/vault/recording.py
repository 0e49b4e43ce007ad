"""A workload with where it came from: what one line of a vault holds."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isocost.errors import InvalidInput
from isocost.simulator.workload import SimulatedStage, Workload
from isocost.units import BYTES_PER_MIB

# A split of a file that Spark reads as one spark task (spark.sql.files.maxPartitionBytes).
SPLIT_BYTES: Final = 128.0 * BYTES_PER_MIB

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a workload was recorded from.

    Attributes:
        scale_factor: of the benchmark's data; None for an event log that somebody brought.
        machine: processor, cores, memory and system; for somebody's log what it says itself.
        cluster: workers, cores and memory that Spark had.
        cpu_speed: of one core against the simulator's reference machine; 1.0 where nobody
            measured it.
        runtime_s: of the recorded run.
    """

    spark_version: str
    scale_factor: float | None
    machine: str
    cluster: str
    core_count: int
    cpu_speed: float
    recorded_at: datetime
    runtime_s: float


@dataclass(frozen=True, slots=True)
class Recording:
    """One application of a vault.

    Attributes:
        workload: as recorded: its amounts are those of the recorded run.
        is_own: whether the user recorded it, rather than that it shipped.
    """

    name: str
    provenance: Provenance
    workload: Workload
    is_own: bool = False

    def __post_init__(self) -> None:
        if len(self.name) > _LONGEST_NAME or not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"{self.name!r} is no name of a workload: use lower-case letters, digits, '.', "
                f"'_', '-' and '/' between them, at most {_LONGEST_NAME}. Pass another --name."
            )

    @property
    def data_bytes(self) -> float:
        """How much it read; of one that makes its data, how much it made.

        An application that neither reads nor moves anything counts one split a spark task.
        """
        leaves = [stage for stage in self.workload.stages if is_leaf(stage)]
        read = sum(stage.input_bytes for stage in leaves)
        made = sum(written_bytes(stage) for stage in leaves)
        return read or made or sum(stage.spark_task_count * SPLIT_BYTES for stage in leaves)


def is_leaf(stage: SimulatedStage) -> bool:
    """Say whether a stage begins a chain: it reads no other stage's output."""
    return not stage.parent_ids and stage.cache_source_id is None


def written_bytes(stage: SimulatedStage) -> float:
    """Return what a stage leaves to others, in whatever way."""
    return stage.shuffle_write_bytes + stage.output_bytes + stage.cached_bytes


def spark_task_count(workload: Workload) -> int:
    """Return how many spark tasks a run without failures has."""
    return sum(stage.spark_task_count for stage in workload.stages)
