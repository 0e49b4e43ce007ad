"""The names that a workspace gives a run, as its event log repeats them."""

from dataclasses import dataclass
from typing import Final

# 64-bit mixing constants of the splitmix64 generator (Steele, Lea, Flood: "Fast splittable
# pseudorandom number generators", OOPSLA 2014): any seed gives a context ID without a pattern.
_STEP: Final = 0x9E3779B97F4A7C15
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
_BITS_64: Final = (1 << 64) - 1
_BITS_63: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Who a run is in its workspace.

    Attributes:
        application_id: as Spark names it.
        spark_context_id: equal in all parts of one event log.
        cluster_id, cluster_name: of the cluster of this run.
        zone: empty on Azure.
        databricks_job_id, databricks_run_id: empty for a run without a databricks job.
        log_destination: where the cluster delivers its logs; empty for nowhere.
    """

    application_id: str
    spark_context_id: int
    cluster_id: str
    cluster_name: str
    region: str = "us-east-1"
    zone: str = "us-east-1a"
    databricks_job_id: str = ""
    databricks_run_id: str = ""
    log_destination: str = ""


def spark_context_id_from_seed(seed: int) -> int:
    """Return a number as large and as arbitrary as those of Databricks, equal for equal seeds."""
    mixed = (seed + _STEP) & _BITS_64
    for shift, factor in _MIX:
        mixed = ((mixed ^ (mixed >> shift)) * factor) & _BITS_64
    return mixed & _BITS_63
