"""Findings: what a person could change about an application, with the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class FindingCode(Enum):
    """What was found; stable, for filters and tests."""

    SKEW = "skew"
    SPILL = "spill"
    SMALL_TASKS = "small_tasks"
    FEW_TASKS = "few_tasks"
    SMALL_INPUT_FILES = "small_input_files"
    SMALL_OUTPUT_FILES = "small_output_files"
    GC_PRESSURE = "gc_pressure"
    IDLE_CORES = "idle_cores"
    OVERSIZED_MEMORY = "oversized_memory"
    UNDERSIZED_MEMORY = "undersized_memory"
    DRIVER_BOUND = "driver_bound"
    LONG_STAGE = "long_stage"
    LOST_EXECUTORS = "lost_executors"
    FAILED_TASKS = "failed_tasks"
    STAGE_RETRIES = "stage_retries"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth changing.

    Attributes:
        message: what was found and what it costs, in one sentence.
        advice: what to do about it, in one sentence.
        weight: what it concerns, as a fraction of the runtime or of all core time (0 to 1).
        numbers: what it was judged by, under names with units.
        threshold: the name of the limit that was passed.
        limit: that limit.
        stage_id, attempt_id: the stage it is about; None if it is about the whole application.
    """

    code: FindingCode
    message: str
    advice: str
    weight: float
    numbers: Mapping[str, float]
    threshold: str
    limit: float
    stage_id: int | None = None
    attempt_id: int | None = None
