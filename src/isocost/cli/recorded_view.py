"""A measurement in; tables for people and JSON for machines out."""

from collections.abc import Callable

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost.jobbank.measured.figures import PolicyFigures, SearchFigures
from isocost.jobbank.measured.plan import Terms
from isocost.jobbank.summary import Mean
from isocost.units import PERCENT
from isocost.usecases.measure import Measurement

_COLUMNS = (
    "Steps to 1.2×",
    "to 1.1×",
    "Regret after 10",
    "Cost after 10",
    "25",
    "50",
    "SLA missed 2–10",
    "in all",
    "Failures",
    "MAPE",
    "80 % holds",
    "95 % holds",
    "ms",
)


def policy_table(result: Measurement) -> Table:
    """Return one line a policy."""
    terms = result.terms
    table = _table(
        f"{len(result.workloads)} workloads, {terms.seeds} starts each, {terms.runs} runs",
        "Policy",
    )
    table.caption = (
        "Means over workloads of means over starts, ± standard error. Steps count the cold start "
        "as 1; costs are those of so many runs over as many of the cheapest cluster in time; "
        "failures are per project; predictions are of clusters tried for the first time; ms is "
        "the time per recommendation."
    )
    for policy, figures in result.policies.items():
        table.add_row(policy, *_cells(figures, with_error=True))
    return table


def workload_table(result: Measurement) -> Table:
    """Return one line a workload and policy."""
    table = _table("Each workload", "Workload")
    for workload in result.workloads:
        for policy, by_workload in result.by_workload.items():
            cells = _cells(by_workload[workload.name], with_error=False)
            table.add_row(f"{workload.name}: {policy}", *cells)
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=SIMPLE_HEAD)
    table.add_column(first)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right")
    return table


def _cells(figures: PolicyFigures, *, with_error: bool) -> tuple[str, ...]:
    def number(mean: Mean | None, text: Callable[[float], str]) -> str:
        if mean is None:
            return "–"
        error = f" ±{text(mean.se)}" if with_error and mean.se is not None else ""
        return f"{text(mean.mean)}{error}"

    def plain(value: float) -> str:
        return f"{value:.2f}"

    def share(value: float) -> str:
        return f"{value * PERCENT:.1f} %"

    search, cost = figures.search, figures.cost_ratio_after
    prediction = figures.prediction
    return (
        number(search.steps_to_within["1.2"], plain),
        number(search.steps_to_within["1.1"], plain),
        number(search.regret_after["10"], share),
        *(number(cost[count], plain) for count in ("10", "25", "50")),
        number(figures.sla.miss_fraction_2_10, share),
        number(figures.sla.miss_fraction, share),
        number(figures.failures_per_project, plain),
        number(prediction.mape, share),
        number(prediction.coverage_80, share),
        number(prediction.coverage_95, share),
        "–" if figures.decision_ms is None else f"{figures.decision_ms:.1f}",
    )


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
