"""Rows in; a plot of missed deadlines by phase out."""

from statistics import median

from isocost.jobbank.analysis.deadlines import PHASES, misses_after_cold_start, misses_by_phase
from isocost.jobbank.figures import COLOURS, Plot, blank_figure
from isocost.jobbank.plots.marks import add_estimates
from isocost.jobbank.plots.wording import estimate, percent, phase_name
from isocost.jobbank.rows import Rows
from isocost.units import PERCENT


def deadline_plots(rows: Rows) -> list[Plot]:
    """Return the plot; none where there are no deadlines."""
    found = misses_by_phase(rows)
    if not found:
        return []
    figure = blank_figure(x="Phase that the run was started in", y="Late or failed (%)")
    told = []
    for colour, policy in zip(COLOURS, dict.fromkeys(m.policy for m in found), strict=False):
        mine = [each for each in found if each.policy == policy]
        add_estimates(
            figure,
            [phase_name(each.phase) for each in mine],
            [each.share for each in mine],
            name=policy,
            most=1.0,
            marker={"color": colour, "size": 10},
        )
        after = misses_after_cold_start(rows, policy)
        phases = ", ".join(f"{phase_name(m.phase)} {estimate(m.share)}" for m in mine)
        told.append(
            f"{policy}: {phases}" + (f"; after the cold start {estimate(after)}" if after else "")
        )
    allowed = [row.miss_fraction for row in rows.trials if row.miss_fraction is not None]
    line = {"color": COLOURS[1], "width": 1.5, "dash": "dash"}
    figure.add_hline(y=median(allowed) * PERCENT, line=line)
    figure.update_xaxes(
        type="category", categoryorder="array", categoryarray=[phase_name(p) for p in PHASES]
    )
    figure.update_layout(scattermode="group")
    figure.update_yaxes(rangemode="tozero")
    return [
        Plot(
            "deadlines-phase",
            "Missed deadlines by phase",
            f"Share of the runs that were late or failed; the dashed line is what was allowed, "
            f"{percent(median(allowed))}. {'. '.join(told)}.",
            figure,
        )
    ]
