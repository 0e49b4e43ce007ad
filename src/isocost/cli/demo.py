"""`isocost demo`: the closed loop end to end, with no account and no network."""

import os

from isocost.cli.bank import (
    ColdStarts,
    Html,
    Json,
    Name,
    Runs,
    Workloads,
    name_or_new,
    split_names,
)
from isocost.cli.console import print_json
from isocost.cli.experiment_run import Result, carry_out, show
from isocost.cli.experiment_view import lineage_json
from isocost.settings import read_settings
from isocost.usecases.conduct import Asked
from isocost.wiring import demo_workloads

MISS_FRACTION = 0.1  # the deadline of a demo is no contract: one miss in ten is what is asked for


def demo(
    *,
    workloads: Workloads = None,
    cold_starts: ColdStarts = 2,
    runs: Runs = 2,
    name: Name = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Run the closed loop on real Spark, on this machine.

    Each application is run on a cold-start cluster (parent), its event log is read, a cluster is
    recommended, and the application is run on that (child).

    Example: isocost demo --runs 3
    """
    asked = Asked(
        name=name_or_new(name, "demo"),
        workloads=split_names(workloads, "--workloads") or demo_workloads(),
        cold_start_count=cold_starts,
        runs_per_trial=runs,
        sla_factors=(),
        miss_fraction=MISS_FRACTION,
    )
    result = carry_out(asked, "spark_local", read_settings(os.environ), html=html)
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
