"""What became of each project in the demo in; a table row and a JSON object out."""

from collections.abc import Sequence

from rich.table import Table

from isocost.usecases.rehearse import Outcome

_CHANGES = {"data": "data doubled", "code": "code changed", "spot": "spot storm"}
_FOUND = {True: "found", False: "not found", None: "touched no run"}


def demo_table(found: Sequence[Outcome]) -> Table:
    """Return a table with a row for each project."""
    table = Table(
        title="Mean cost of a run after learning; baseline: the same runs on the clusters that "
        "the jobs came with",
        title_justify="left",
    )
    for name in ("job", "workspace", "injected"):
        table.add_column(name)
    for name in ("runs", "USD baseline → now", "saved", "in time"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("phase", "last event"):
        table.add_column(name)
    for outcome in found:
        table.add_row(*_cells(outcome))
    return table


def _cells(outcome: Outcome) -> tuple[str, ...]:
    view = outcome.view
    return (
        view.project.name,
        view.workspace,
        _injected(outcome),
        str(outcome.run_count),
        f"{_usd(outcome.baseline_usd)} → {_usd(outcome.usd)}",
        "–" if outcome.saving_fraction is None else f"{outcome.saving_fraction:.0%}",
        f"{outcome.in_time_count}/{outcome.run_count}",
        view.phase.value,
        view.last_event,
    )


def _injected(outcome: Outcome) -> str:
    if not outcome.change:
        return ""
    return f"{_CHANGES[outcome.change]}, {_FOUND[outcome.is_found]}"


def _usd(usd: float | None) -> str:
    return "–" if usd is None else f"{usd:.2f}"


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """Return one row of `jobs_table`."""
    view = outcome.view
    return {
        "project_id": view.project.project_id,
        "name": view.project.name,
        "workspace": view.workspace,
        "change": outcome.change or None,
        "is_change_found": outcome.is_found,
        "run_count": outcome.run_count,
        "learning_run_count": outcome.learning_run_count,
        "baseline_usd": outcome.baseline_usd,
        "cost_usd": outcome.usd,
        "saving_fraction": outcome.saving_fraction,
        "in_time_count": outcome.in_time_count,
        "max_runtime_s": view.project.sla and view.project.sla.max_runtime_s,
        "clusters": {key: str(c.spec) for key, c in view.project.clusters.items()},
        "phase": view.phase.value,
        "last_event": view.last_event,
        "notice": view.notice,
        "fault": view.fault,
    }
