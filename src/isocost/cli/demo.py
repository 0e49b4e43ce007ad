"""`isocost demo`: the closed loop end to end, with no account and no network."""

import os
from typing import Annotated

import typer

from isocost.cli.bank import ColdStarts, Html, Json, Name, Runs, Workloads
from isocost.errors import InvalidInput

RealSpark = Annotated[
    bool,
    typer.Option("--real-spark", help="Run real Spark on this machine instead of simulated jobs."),
]
Days = Annotated[
    int,
    typer.Option(min=8, max=200, help="Simulated days to live through; not for --real-spark."),
]
Seed = Annotated[int, typer.Option(help="Decides all that is drawn; not for --real-spark.")]


def demo(  # noqa: PLR0913  a command's parameters are its options
    *,
    real_spark: RealSpark = False,
    days: Days = 28,
    seed: Seed = 7,
    workloads: Workloads = None,
    cold_starts: ColdStarts = 2,
    runs: Runs = 2,
    name: Name = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Look after 20 jobs of two simulated workspaces, AWS and Azure, for four weeks.

    They are imported, watched, given cheaper clusters and kept within their deadlines; doubled
    data, changed code and a spot storm come on the way. With --real-spark, applications are run on
    this machine: --workloads, --cold-starts, --runs and --name are for that.

    Example: isocost demo --seed 11
    """
    if real_spark:
        from isocost.cli.demo_spark import SparkDemo, show_on_spark

        show_on_spark(SparkDemo(workloads, cold_starts, runs, name, html), json=json)
        return
    for option, value in {"--workloads": workloads, "--name": name}.items():
        if value is not None:
            raise InvalidInput(
                f"{option} needs --real-spark: the simulated jobs are what they are. Add it, or "
                f"leave {option} out."
            )
    from isocost.cli.demo_workspaces import WorkspacesDemo, show_on_workspaces
    from isocost.settings import read_settings

    chosen = WorkspacesDemo(days, seed, html)
    show_on_workspaces(chosen, read_settings(os.environ), json=json)
