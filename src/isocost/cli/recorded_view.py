"""A measurement in; tables for people and JSON for machines out."""

from collections.abc import Callable

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost.jobbank.measured.figures import COST_AFTER, PolicyFigures, SearchFigures
from isocost.jobbank.measured.measurement import Measurement
from isocost.jobbank.measured.plan import Terms
from isocost.jobbank.summary import Mean
from isocost.units import PERCENT

_COLUMNS = (
    "Steps to 1.2×",
    "to 1.1×",
    "Regret 10",
    "Cost 10",
    "Cost 25",
    "Cost 50",
    "Missed 2–10",
    "in all",
    "Failures",
    "Error",
    "In 80 %",
    "In 95 %",
    "ms",
)


def policy_table(result: Measurement) -> Table:
    """Return one line a policy."""
    terms = result.terms
    seen = f"{len(result.workloads)} workloads, {terms.seeds} starts each, {terms.runs} runs"
    table = _titled(seen, "Policy")
    for heading in _COLUMNS:
        table.add_column(heading, justify="right")
    table.caption = (
        "Means over workloads of means over starts, ± standard error. Steps count the cold start "
        "as 1; costs are those of so many runs over as many of the cheapest cluster in time; "
        "missed is the share of runs after the cold start that missed the SLA; failures are per "
        "project; errors and intervals are those of runtimes predicted for clusters tried for "
        "the first time; ms is the time per recommendation."
    )
    for policy, figures in result.policies.items():
        table.add_row(policy, *_cells(figures))
    return table


def workload_table(result: Measurement) -> Table:
    """Return one line a workload, with three columns for each policy."""
    table = _titled("Each workload", "Workload")
    table.caption = "Steps by the search protocol; cost after as many runs as were planned."
    for policy in result.policies:
        for heading in ("steps to 1.1×", f"cost after {_last_cost(result)}", "SLA missed"):
            table.add_column(f"{policy}: {heading}", justify="right")
    for workload in result.workloads:
        found = [by_workload[workload.name] for by_workload in result.by_workload.values()]
        cells = [cell for figures in found for cell in _short_cells(figures, _last_cost(result))]
        table.add_row(workload.name, *cells)
    return table


def _last_cost(result: Measurement) -> str:
    """Return the largest count of runs that there is a cost after."""
    within = [count for count in COST_AFTER if count <= result.terms.runs]
    return str(within[-1] if within else COST_AFTER[0])


def _short_cells(figures: PolicyFigures, count: str) -> tuple[str, str, str]:
    return (
        _mean(figures.search.steps_to_within["1.1"], _plain),
        _mean(figures.cost_ratio_after[count], _plain),
        _mean(figures.sla.miss_fraction, _share),
    )


def _titled(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=SIMPLE_HEAD)
    table.add_column(first, no_wrap=True)
    return table


def _cells(figures: PolicyFigures) -> tuple[str, ...]:
    search, cost = figures.search, figures.cost_ratio_after
    prediction = figures.prediction
    return (
        _mean(search.steps_to_within["1.2"], _plain, with_error=True),
        _mean(search.steps_to_within["1.1"], _plain, with_error=True),
        _mean(search.regret_after["10"], _share, with_error=True),
        *(_mean(cost[str(count)], _plain, with_error=True) for count in COST_AFTER),
        _mean(figures.sla.miss_fraction_2_10, _share, with_error=True),
        _mean(figures.sla.miss_fraction, _share, with_error=True),
        _mean(figures.failures_per_project, _plain, with_error=True),
        _mean(prediction.mape, _share, with_error=True),
        _mean(prediction.coverage_80, _share),
        _mean(prediction.coverage_95, _share),
        "–" if figures.decision_ms is None else f"{figures.decision_ms:.1f}",
    )


def _mean(mean: Mean | None, text: Callable[[float], str], *, with_error: bool = False) -> str:
    if mean is None:
        return "–"
    error = f" ±{text(mean.se)}" if with_error and mean.se is not None else ""
    return f"{text(mean.mean)}{error}"


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _share(value: float) -> str:
    return f"{value * PERCENT:.1f} %"


def measurement_json(name: str, result: Measurement, *, seconds: float) -> dict[str, object]:
    """Return the object that `bank run --platform recorded --json` prints."""
    return {
        "experiment": name,
        "projects": sum(figures.projects for figures in result.policies.values()),
        "runs": sum(figures.runs for figures in result.policies.values()),
        "seconds": seconds,
        "terms": _terms_json(result.terms),
        "policies": {policy: figures_json(found) for policy, found in result.policies.items()},
        "workloads": [
            {
                "workload": workload.name,
                "program": workload.program,
                "candidates": len(workload.cells),
                "policies": {
                    policy: figures_json(found[workload.name])
                    for policy, found in result.by_workload.items()
                },
            }
            for workload in result.workloads
        ],
    }


def figures_json(figures: PolicyFigures) -> dict[str, object]:
    """Return one policy's figures."""
    return {
        "projects": figures.projects,
        "runs": figures.runs,
        "prediction": msgspec.to_builtins(figures.prediction),
        "prediction_with_repeats": msgspec.to_builtins(figures.prediction_with_repeats),
        "search": {
            **_search_json(figures.search),
            "cost_ratio_after": msgspec.to_builtins(figures.cost_ratio_after),
        },
        "search_by_own_stop": {
            **_search_json(figures.search_by_own_stop),
            "tried_clusters": msgspec.to_builtins(figures.tried_clusters),
        },
        "sla": msgspec.to_builtins(figures.sla),
        "savings": msgspec.to_builtins(figures.savings),
        "failures_per_project": msgspec.to_builtins(figures.failures_per_project),
        "decision_ms": figures.decision_ms,
        "set_aside": figures.set_aside,
    }


def _search_json(figures: SearchFigures) -> dict[str, object]:
    return {
        "steps_to_within": msgspec.to_builtins(figures.steps_to_within),
        "regret_after": msgspec.to_builtins(figures.regret_after),
    }


def _terms_json(terms: Terms) -> dict[str, object]:
    deadline = terms.deadline
    sla: dict[str, object] | None = None if deadline is None else msgspec.to_builtins(deadline)
    return {
        "cold_start": terms.cold_start,
        "seeds": terms.seeds,
        "runs": terms.runs,
        "sla": sla,
        "miss_fraction": terms.miss_fraction,
        "prior": terms.prior.value,
        "working_set": terms.knows_working_set,
        "failures": "keep" if terms.keeps_failures else "remove",
        "noise_sd": terms.noise_sd,
        "horizon_runs": terms.horizon_runs,
    }
