"""An experiment's lineages and summary in; tables for people and JSON for machines out."""

from collections.abc import Mapping, Sequence

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost.cli.console import OUT
from isocost.domain.run import Run
from isocost.jobbank.lineage import Lineage
from isocost.jobbank.plots.wording import ran_on
from isocost.jobbank.reached import Reached, reached_json
from isocost.jobbank.summary import POLICY, Summary
from isocost.units import MILLI_USD_PER_USD, PERCENT


def show_note(found: Reached) -> None:
    """Say how far an experiment has come, unless all of it is over."""
    if found.note is not None:
        OUT.print(found.note, highlight=False, markup=False, soft_wrap=True)


def lineage_table(found: Sequence[Lineage]) -> Table:
    """Return the table of parent → recommendation → child."""
    table = Table(
        title="Parent run → recommendation → child run", title_justify="left", box=SIMPLE_HEAD
    )
    table.caption = "Times in seconds; list costs of the cold start and of the child in 10⁻³ USD."
    table.caption_justify = "left"
    table.add_column("Application")
    table.add_column("Parent cluster")
    table.add_column("Recommended")
    for heading in ("Deadline", "Predicted (80 %)", "Actual", "Error", "Cost"):
        table.add_column(heading, justify="right", no_wrap=heading != "Predicted (80 %)")
    table.add_column("SLA")
    for lineage in found:
        table.add_row(*_cells(lineage))
    return table


def _cells(lineage: Lineage) -> tuple[str, ...]:
    p = lineage.prediction
    error = lineage.error_fraction
    actual_s = lineage.child.runtime_s
    return (
        lineage.trial.workload,
        f"{ran_on(lineage.parent)}: {_seconds(lineage.parent)}",
        ran_on(lineage.child),
        f"{lineage.max_runtime_s:.1f}",
        f"{p.runtime_s:.1f} ({p.runtime_80_s.low:.1f}–{p.runtime_80_s.high:.1f})",
        "failed" if actual_s is None else f"{actual_s:.1f}",
        "–" if error is None else f"{error:+.0%}",
        f"{_milli_usd(lineage.baseline)} → {_milli_usd(lineage.child)}",
        _sla_cell(lineage),
    )


def _seconds(run: Run) -> str:
    return "–" if run.runtime_s is None else f"{run.runtime_s:.1f}"


def _milli_usd(run: Run) -> str:
    return "–" if run.cost is None else f"{run.cost.total_usd * MILLI_USD_PER_USD:.3f}"


def _sla_cell(lineage: Lineage) -> str:
    if lineage.is_sla_met:
        return "[green]met[/]"
    if not lineage.recommendation.evidence.meets_sla:
        return "[yellow]late, foretold[/]"
    return "[red]late[/]"


def summary_lines(summary: Summary) -> list[str]:
    """Return the figures as sentences, each with what it counts."""
    p, m = summary.prediction, summary.model
    lines = [f"{summary.runs} runs of {summary.projects} projects."]
    if p.median_ape is not None and p.coverage_80 is not None:
        lines.append(
            f"Recommended runs: median runtime error {p.median_ape:.1%}; "
            f"{p.coverage_80.mean:.0%} fell into their 80 % interval."
        )
    if m.replay_median_ape is not None:
        lines.append(
            f"Replay of the very cluster that ran: median error {m.replay_median_ape:.1%}."
        )
    if m.other_cores_median_ape is not None:
        lines.append(
            f"Prediction for the other core count, same memory "
            f"({m.other_cores_count} predictions): median error {m.other_cores_median_ape:.1%}."
        )
    s = summary.savings
    if s.median_saving_fraction is not None:
        lines.append(
            "All projects: list cost of the newest recommended run against the cold start, median "
            f"{s.median_saving_fraction * -PERCENT:+.0f} %."
        )
    if s.idle_median_saving_fraction is not None:
        lines.append(
            "Projects with time to spare: list cost against the cold start, median "
            f"{s.idle_median_saving_fraction * -PERCENT:+.0f} %."
        )
    if s.late_projects:
        lines.append(
            f"Projects late on their cold start: {s.recovered_projects} of {s.late_projects} are "
            "in time now."
        )
    return lines


def summary_json(found: Reached, summary: Summary, *, seconds: float) -> dict[str, object]:
    """Return the object that `bank run` and `bank report` print."""
    unknown = {"1.2": None, "1.1": None, "1.05": None, "1.0": None}
    return {
        "experiment": found.experiment.name,
        "trials": reached_json(found),
        "projects": summary.projects,
        "runs": summary.runs,
        "seconds": seconds,
        "policies": {
            POLICY: {
                "prediction": msgspec.to_builtins(summary.prediction),
                # Real Spark runs on no grid of known optima, so steps and regret mean nothing.
                "search": {
                    "steps_to_within": unknown,
                    "regret_after": dict.fromkeys(("1", "2", "3", "5", "10")),
                    "cost_ratio_after": dict.fromkeys(("10", "25", "50")),
                },
                "sla": msgspec.to_builtins(summary.sla),
                "savings": msgspec.to_builtins(summary.savings),
                "model": msgspec.to_builtins(summary.model),
                "failures_per_project": msgspec.to_builtins(summary.failures_per_project),
            }
        },
    }


def lineage_json(lineage: Lineage) -> Mapping[str, object]:
    """Return one row of the table."""
    return {
        "project_id": lineage.trial.project_id,
        "workload": lineage.trial.workload,
        "parent_run_id": lineage.parent.run_id,
        "parent_cluster": str(lineage.parent.spec),
        "parent_runtime_s": lineage.parent.runtime_s,
        "recommendation_id": lineage.recommendation.recommendation_id,
        "recommended_cluster": str(lineage.child.spec),
        "max_runtime_s": lineage.max_runtime_s,
        "predicted_s": lineage.prediction.runtime_s,
        "predicted_80_s": msgspec.to_builtins(lineage.prediction.runtime_80_s),
        "predicted_95_s": msgspec.to_builtins(lineage.prediction.runtime_95_s),
        "child_run_id": lineage.child.run_id,
        "actual_s": lineage.child.runtime_s,
        "error_fraction": lineage.error_fraction,
        "baseline_run_id": lineage.baseline.run_id,
        "cost_before_usd": lineage.baseline.cost and lineage.baseline.cost.total_usd,
        "cost_after_usd": lineage.child.cost and lineage.child.cost.total_usd,
        "saving_fraction": lineage.saving_fraction,
        "is_sla_met": lineage.is_sla_met,
        "reason": lineage.recommendation.evidence.reason,
        "verdict": lineage.recommendation.verdict,
        "rejected": [str(r) for r in lineage.recommendation.evidence.rejections],
    }
