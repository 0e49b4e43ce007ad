"""A run profile and what is known of its machine in; a recording that says where it came from."""

from dataclasses import dataclass

from isocost.domain.profile import RunProfile
from isocost.jobbank.vault.distil import workload_from_profile
from isocost.jobbank.vault.recording import Provenance, Recording
from isocost.units import BYTES_PER_GIB


@dataclass(frozen=True, slots=True)
class RecordedOn:
    """What a profile does not say of the run it shows.

    Attributes:
        machine: in words.
        cpu_speed: of one core against the simulator's reference machine; 1.0 if unknown.
        scale_factor: of the benchmark's data; None where there is none.
    """

    machine: str
    cpu_speed: float = 1.0
    scale_factor: float | None = None


def recording_from_profile(profile: RunProfile, name: str, on: RecordedOn) -> Recording:
    """Return the application as a vault keeps it; raises as `workload_from_profile` does."""
    return Recording(
        name=name,
        provenance=Provenance(
            spark_version=profile.spark_version,
            scale_factor=on.scale_factor,
            machine=on.machine,
            cluster=_cluster(profile),
            core_count=profile.core_count_peak,
            cpu_speed=on.cpu_speed,
            recorded_at=profile.started_at,
            runtime_s=profile.runtime_s,
        ),
        workload=workload_from_profile(profile, name, cpu_speed=on.cpu_speed),
    )


def _cluster(profile: RunProfile) -> str:
    executors, cores = profile.executor_count_peak, profile.core_count_peak
    held = [span.memory_bytes for span in profile.executors if span.memory_bytes]
    memory = f", {max(held) / BYTES_PER_GIB:.1f} GiB for Spark each" if held else ""
    return f"{executors} {_plural('executor', executors)} with {cores} cores in all{memory}"


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"
