"""The choices that a rate depends on beside cloud and plan: kind of compute, engine, disk."""

from enum import StrEnum


class Compute(StrEnum):
    """What Databricks bills a classic cluster as: by a run, or by anybody who attaches to it."""

    JOBS_COMPUTE = "jobs_compute"
    ALL_PURPOSE_COMPUTE = "all_purpose_compute"


class Engine(StrEnum):
    """What executes the queries: Spark's own operators, or Photon, which multiplies the DBUs."""

    STANDARD = "standard"
    PHOTON = "photon"


class Disk(StrEnum):
    """Volumes that Databricks attaches; Azure's are sold by size, E10 being 128 GiB.

    Standard SSDs cost the same per GiB at each size; premium ones less, the larger they are.
    """

    GP2 = "gp2"
    GP3 = "gp3"
    STANDARD_SSD_E10 = "standard_ssd_e10"
    STANDARD_SSD_E20 = "standard_ssd_e20"
    STANDARD_SSD_E30 = "standard_ssd_e30"
    PREMIUM_SSD_P10 = "premium_ssd_p10"
    PREMIUM_SSD_P20 = "premium_ssd_p20"
    PREMIUM_SSD_P30 = "premium_ssd_p30"
