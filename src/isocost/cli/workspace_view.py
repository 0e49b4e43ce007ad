"""What an experiment on simulated workspaces came to in; one object, or a table, out."""

from collections.abc import Mapping
from typing import Final

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost.domain.experiment import WORKSPACE
from isocost.jobbank.reached import Reached, reached_json
from isocost.jobbank.summary import Mean
from isocost.jobbank.workspace_figures import WorkspaceFigures

# A line for each column that its heading does not explain, as wide as the table.
_LEGEND: Final = (
    "Error: of the predicted runtimes, the median.",
    "In 80 %: how many runtimes lay in their prediction's 80 % interval.",
    "Saving: of the last run's bill against the first one's, the median.",
    "Cost: of all runs, over as many on the cheapest cluster in time.",
    "Late: how many runs after the first missed the deadline or failed.",
    "Aside: projects given up; isocost bank status tells why.",
)


def figures_json(
    found: Reached, figures: Mapping[str, WorkspaceFigures], *, seconds: float | None
) -> dict[str, object]:
    """Return the object that `bank run` prints."""
    return {
        "experiment": found.experiment.name,
        "trials": reached_json(found),
        "platform": WORKSPACE,
        "projects": sum(each.projects for each in figures.values()),
        "runs": sum(each.runs for each in figures.values()),
        "seconds": seconds,
        "policies": {policy: _policy_json(each) for policy, each in figures.items()},
    }


def _policy_json(figures: WorkspaceFigures) -> dict[str, object]:
    return {
        "projects": figures.projects,
        "runs": figures.runs,
        "prediction": msgspec.to_builtins(figures.prediction),
        "search": {
            "steps_to_within": msgspec.to_builtins(figures.search.steps_to_within),
            "regret_after": msgspec.to_builtins(figures.search.regret_after),
            "cost_ratio_after": msgspec.to_builtins(figures.cost_ratio_after),
            "cost_ratio": msgspec.to_builtins(figures.cost_ratio),
        },
        "sla": msgspec.to_builtins(figures.sla),
        "savings": msgspec.to_builtins(figures.savings),
        "failures_per_project": msgspec.to_builtins(figures.failures_per_project),
        "set_aside": figures.set_aside,
    }


def told_runs(count: int, seconds: float) -> str:
    """Return in a sentence how long runs took to be carried out."""
    return f"{count} run{'' if count == 1 else 's'} in {seconds:.0f} s."


def figures_table(figures: Mapping[str, WorkspaceFigures]) -> Table:
    """Return a row for each policy."""
    table = Table(box=SIMPLE_HEAD)
    table.caption = "\n".join(_LEGEND)
    table.caption_justify = "left"
    table.add_column("Policy")
    for heading in ("Projects", "Runs", "Error", "In 80 %", "Saving", "Cost", "Late", "Aside"):
        table.add_column(heading, justify="right")
    for policy, each in figures.items():
        table.add_row(
            policy,
            str(each.projects),
            str(each.runs),
            _percent(each.prediction.median_ape),
            _percent(_of(each.prediction.coverage_80)),
            _percent(each.savings.median_saving_fraction),
            "–" if each.cost_ratio is None else f"{each.cost_ratio.mean:.2f}",
            _percent(_of(each.sla.miss_fraction)),
            str(each.set_aside),
        )
    return table


def _of(mean: Mean | None) -> float | None:
    return None if mean is None else mean.mean


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{fraction:.0%}"
