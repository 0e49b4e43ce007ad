"""Rows in; plots of what policies cost, against the baseline, the cheapest and the bill, out."""

from collections.abc import Mapping, Sequence
from typing import Final

import plotly.graph_objects as go

from isocost.jobbank.analysis.billing import Billing, billings
from isocost.jobbank.analysis.regret import Regret, regrets
from isocost.jobbank.analysis.selection import policies_of
from isocost.jobbank.analysis.workloads import WorkloadCost, costs_by_workload, mean_cost
from isocost.jobbank.figures import COLOURS, INK, Plot, blank_figure
from isocost.jobbank.plots.marks import add_estimates
from isocost.jobbank.plots.wording import estimate, percent
from isocost.jobbank.rows import Rows
from isocost.units import PERCENT

SHOWN_WORKLOADS: Final = 30  # as many rows as can be read on one screen


def cost_plots(rows: Rows) -> list[Plot]:
    """Return a plot for each question about costs that these rows can answer."""
    costs = costs_by_workload(rows)
    curves = {policy: regrets(rows, policy) for policy in policies_of(rows)}
    known = {policy: curve for policy, curve in curves.items() if curve}
    billed = billings(rows)
    return [
        *([_against_baseline(costs)] if costs else []),
        *([_regret(known)] if known else []),
        *([_bill(billed)] if billed else []),
    ]


def _against_baseline(costs: Mapping[str, Sequence[WorkloadCost]]) -> Plot:
    first, found = next(iter(costs.items()))
    shown = [each.workload for each in found[:SHOWN_WORKLOADS]]
    figure = blank_figure(x="Mean cost of a run, of the cold start's (%)", y="")
    for colour, (policy, of_policy) in zip(COLOURS, costs.items(), strict=False):
        by_name = {each.workload: each.ratio for each in of_policy if each.workload in shown}
        add_estimates(
            figure,
            list(by_name),
            list(by_name.values()),
            name=policy,
            is_sideways=True,
            marker={"color": colour, "size": 9},
        )
    figure.add_vline(x=PERCENT, line={"color": INK, "width": 1, "dash": "dash"})
    figure.update_layout(height=130 + 20 * len(shown))
    figure.update_yaxes(
        categoryorder="array", categoryarray=shown[::-1], automargin=True, type="category"
    )
    figure.update_xaxes(rangemode="tozero")
    means = {policy: mean_cost(of_policy) for policy, of_policy in costs.items()}
    told = "; ".join(f"{p} {estimate(mean)}" for p, mean in means.items() if mean is not None)
    dearer = sum(each.ratio.mean > 1 for each in found)
    return Plot(
        "cost-workload",
        "Cost against the baseline, workload by workload",
        "Mean list cost of the runs after the cold start, over the cold start's, which is the "
        f"baseline; failed runs are paid for and made up for. Over all workloads: {told}. With "
        f"{first}, {dearer} of {len(found)} workloads cost more than before, the worst of them "
        f"first: {found[0].workload}, {percent(found[0].ratio.mean)}."
        f"{_cut(len(shown), len(found))}",
        figure,
    )


def _regret(curves: Mapping[str, Sequence[Regret]]) -> Plot:
    figure = blank_figure(x="Runs, the cold start included", y="Dearer than the cheapest (%)")
    for colour, (policy, curve) in zip(COLOURS, curves.items(), strict=False):
        add_estimates(
            figure,
            [each.runs for each in curve],
            [each.excess for each in curve],
            name=policy,
            mode="lines+markers",
            line={"color": colour},
            marker={"color": colour, "size": 7},
        )
    figure.update_xaxes(dtick=1)
    figure.update_yaxes(rangemode="tozero")
    told = "; ".join(
        f"{policy}: {estimate(curve[0].excess)} after the first run, "
        f"{estimate(curve[-1].excess)} after {curve[-1].runs}"
        for policy, curve in curves.items()
    )
    return Plot(
        "cost-regret",
        "Regret against the cheapest cluster that the simulator knows",
        "How much dearer the best cluster tried so far is than the cheapest in time, by costs "
        f"without noise; of projects that had one in time by then. {told}.",
        figure,
    )


def _bill(found: Sequence[Billing]) -> Plot:
    figure = blank_figure(x="The bill over the list-cost estimate, less 1 (%)", y="")
    for colour, each in zip(COLOURS, found, strict=False):
        figure.add_box(
            x=[excess * PERCENT for excess in each.excesses],
            name=each.purchase,
            marker={"color": colour, "size": 4, "opacity": 0.5},
            boxpoints="outliers",
            showlegend=False,
        )
    _add_zero(figure)
    figure.update_layout(height=150 + 50 * len(found))
    figure.update_yaxes(automargin=True)
    told = "; ".join(f"{each.purchase}: {estimate(each.excess)}" for each in found)
    return Plot(
        "cost-bill",
        "The bill against the list-cost estimate",
        "What the simulator's books say a run cost, against what public rates and the cluster's "
        f"timeline say. Left of the line it was billed less. Means: {told}.",
        figure,
    )


def _add_zero(figure: go.Figure) -> None:
    figure.add_vline(x=0, line={"color": INK, "width": 1})


def _cut(shown: int, count: int) -> str:
    return f" The {shown} worst are shown." if shown < count else ""
