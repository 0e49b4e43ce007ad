"""What became of each project in the demo in; table rows, sentences and JSON objects out."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from isocost.cli.listing import Heading, Listing
from isocost.domain.project import Phase
from isocost.usecases.rehearse import Outcome

_CHANGES = {"data": "data doubled", "code": "code changed", "spot": "spot storm"}
_FOUND = {True: "found", False: "not found", None: "touched no run"}

# Two comparisons of the same weeks; who sees both should know why they differ.
TABLE_NOTE: Final = (
    "Baseline → now: the same runs after learning, by the simulator's own books; what they would "
    "have cost on the clusters that the jobs came with, and what they did cost. The report and "
    "isocost project list differ: they know no such twin, and compare the first runs with the "
    "last five, as for real jobs, so that doubled data in between count as a dearer run."
)
REPORT_NOTE: Final = (
    "Baseline → now on this page compares the first runs with the last five that succeeded, which "
    "is all that can be known of real jobs; where data doubled in between, a run became dearer by "
    "that. The table that isocost demo prints in the terminal differs: it compares the same runs "
    "after learning with what they would have cost on the clusters that the jobs came with, by "
    "the simulator's own books."
)


def demo_listing(found: Sequence[Outcome]) -> Listing:
    """Return a row for each project."""
    return Listing(
        title="Mean cost of a run after learning, in USD",
        headings=(
            *(Heading(name) for name in ("Job", "Workspace", "Injected")),
            *(
                Heading(name, is_right=True)
                for name in ("Runs", "Baseline → now", "Saved", "In time")
            ),
            *(Heading(name) for name in ("Phase", "Last event")),
        ),
        rows=[_cells(outcome) for outcome in found],
        caption=TABLE_NOTE,
    )


def _cells(outcome: Outcome) -> tuple[str, ...]:
    view = outcome.view
    return (
        view.project.name,
        view.workspace,
        _injected(outcome) or "–",
        str(outcome.run_count),
        _costs(outcome),
        "–" if outcome.saving_fraction is None else f"{outcome.saving_fraction:.0%}",
        f"{outcome.in_time_count}/{outcome.run_count}",
        view.phase.value,
        view.last_event,
    )


def _injected(outcome: Outcome) -> str:
    if not outcome.change:
        return ""
    return f"{_CHANGES[outcome.change]}, {_FOUND[outcome.is_found]}"


def _costs(outcome: Outcome) -> str:
    if outcome.baseline_usd is None or outcome.usd is None:
        is_learning = outcome.view.phase is Phase.LEARNING
        return "still learning" if is_learning else "no run since learning"
    return f"{outcome.baseline_usd:.2f} → {outcome.usd:.2f}"


def change_notes(found: Sequence[Outcome], changed_at: datetime) -> Iterator[str]:
    """Yield what was injected, when, into which jobs, and whether its true cause was found."""
    told = [
        f"{outcome.view.project.name} in {outcome.view.workspace}: {_injected(outcome)}"
        for outcome in found
        if outcome.change
    ]
    if told:
        yield (
            f"Injected on {changed_at:%Y-%m-%d at %H:%M} UTC, unknown to Isocost (found: its true "
            f"cause was named in one of the first two runs that it touched). {'; '.join(told)}."
        )


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
