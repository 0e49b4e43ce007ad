"""`isocost demo --real-spark`: the loop on real Spark, on this machine."""

import os
from dataclasses import dataclass
from pathlib import Path

from isocost.cli.bank import name_or_new, split_names
from isocost.cli.console import print_json
from isocost.cli.experiment_run import Result, carry_out, show
from isocost.cli.experiment_view import lineage_json
from isocost.settings import read_settings
from isocost.usecases.conduct import Asked
from isocost.wiring import demo_workloads

MISS_FRACTION = 0.1  # the deadline of a demo is no contract: one miss in ten is what is asked for


@dataclass(frozen=True, slots=True)
class SparkDemo:
    """What of the demo on real Spark can be chosen."""

    workloads: list[str] | None
    cold_starts: int
    runs: int
    name: str | None
    html: Path | None


def show_on_spark(chosen: SparkDemo, *, json: bool) -> None:
    """Run applications on cold-start clusters, and again on what is recommended after that."""
    asked = Asked(
        name=name_or_new(chosen.name, "demo"),
        workloads=split_names(chosen.workloads, "--workloads") or demo_workloads(),
        cold_start_count=chosen.cold_starts,
        runs_per_trial=chosen.runs,
        sla_factors=(),
        miss_fraction=MISS_FRACTION,
    )
    result = carry_out(asked, "spark_local", read_settings(os.environ), html=chosen.html)
    if json:
        print_json(_as_json(result))
    else:
        show(result)


def _as_json(result: Result) -> dict[str, object]:
    savings, sla = result.summary.savings, result.summary.sla
    return {
        "jobs": result.summary.projects,
        "runs": result.summary.runs,
        "seconds": result.seconds,
        "median_saving_fraction": savings.median_saving_fraction,
        "sla_met_fraction": None if sla.miss_fraction is None else 1 - sla.miss_fraction.mean,
        "dearer_jobs": savings.dearer_projects,
        # Nothing is injected into real runs, so there is nothing to find.
        "causes": {"injected": 0, "found": 0},
        "report": str(result.report),
        "jobs_table": [lineage_json(lineage) for lineage in result.lineages],
    }
