"""`isocost bank list`: every stored experiment, what it is about and how far it has come."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing

from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost.cli.asking import Json
from isocost.cli.bank_control import told_state
from isocost.cli.console import OUT, print_json, say
from isocost.settings import read_settings
from isocost.usecases.orchestrate import Standing, standings
from isocost.wiring import open_store


def list_(*, json: Json = False) -> None:
    """List the stored experiments, the oldest first.

    Example: isocost bank list
    """
    with closing(open_store(read_settings(os.environ))) as store:
        found = standings(store)
    if json:
        print_json({"experiments": [_json(standing) for standing in found]})
        return
    if not found:
        say("No experiment is stored yet. Begin one with: isocost bank run --platform workspace")
        return
    OUT.print(_table(found))


def _table(found: Sequence[Standing]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    table.add_column("Experiment", style="bold", no_wrap=True)
    table.add_column("Platform", no_wrap=True)
    table.add_column("Policies")
    for heading in ("Workloads", "Projects", "Over"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("State", no_wrap=True)
    for standing in found:
        plan = standing.experiment.plan
        table.add_row(
            standing.experiment.name,
            plan.platform,
            ", ".join(plan.policies),
            str(len(plan.workloads)),
            str(standing.total),
            f"{standing.done}/{standing.total}",
            told_state(standing),
        )
    return table


def _json(standing: Standing) -> Mapping[str, object]:
    experiment = standing.experiment
    return {
        "experiment": experiment.name,
        "platform": experiment.plan.platform,
        "policies": experiment.plan.policies,
        "workloads": len(experiment.plan.workloads),
        "projects": standing.total,
        "done": standing.done,
        "total": standing.total,
        "state": experiment.state.value,
        "is_over": standing.is_over,
        "created_at": experiment.created_at,
    }
