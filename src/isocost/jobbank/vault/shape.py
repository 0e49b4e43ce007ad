"""A workload in, a word for its shape out: what most of it is."""

from typing import Final

from isocost.simulator.workload import Workload

# On one slot; what takes the larger part of the time names the shape.
_MANY_STAGES: Final = 30
_REPEATED_STAGES: Final = 4
_DRIVER_FRACTION: Final = 0.5
_SHUFFLED_FRACTION: Final = 0.5


def shape_of(workload: Workload) -> str:
    """Return one of: iterative, driver, many stages, write, skewed, shuffle, scan."""
    stages = workload.stages
    read = sum(stage.input_bytes for stage in stages)
    written = sum(stage.output_bytes for stage in stages)
    shuffled = sum(stage.shuffle_write_bytes for stage in stages)
    work_s = sum(stage.cpu_s for stage in stages)
    driver_s = sum(each.driver_s for each in workload.spark_jobs)
    heaviest = max(stages, key=lambda stage: stage.cpu_s)
    rules = (
        ("iterative", _cache_reads(workload) >= _REPEATED_STAGES),
        ("many stages", len(stages) >= _MANY_STAGES),
        ("driver", driver_s > _DRIVER_FRACTION * (driver_s + work_s)),
        ("write", written > _SHUFFLED_FRACTION * max(read, shuffled)),
        ("skewed", heaviest.skew >= 3.0),
        ("shuffle", shuffled > _SHUFFLED_FRACTION * read),
    )
    return next((word for word, holds in rules if holds), "scan")


def _cache_reads(workload: Workload) -> int:
    return sum(stage.cache_source_id is not None for stage in workload.stages)
