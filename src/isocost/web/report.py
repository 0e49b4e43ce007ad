"""A store in, one self-contained HTML file about all its projects out; it needs no network."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from plotly.offline import get_plotlyjs

from isocost.errors import InvalidInput
from isocost.store.base import Store
from isocost.usecases.project_history import project_histories
from isocost.usecases.project_view import ProjectView
from isocost.web.rendering import page, static_text
from isocost.web.wording import change, percent


def write_report(path: Path, store: Store, *, title: str, notes: Sequence[str]) -> None:
    """Write the report; what a file of that name held is replaced.

    Args:
        path: of the file; its directory is made where there is none.
        store: whose imported projects are told of.
        title: of the page.
        notes: sentences to stand above the table.

    Raises:
        InvalidInput: the file cannot be written.
    """
    html = report_html(store, title=title, notes=notes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"The report cannot be written to {path}: {error.strerror}. Name a file in a "
            "directory that can be written."
        ) from error


def report_html(store: Store, *, title: str, notes: Sequence[str]) -> str:
    """Return the report's text; the same for the same store."""
    histories = project_histories(store)
    return page(
        "report.html",
        title=title,
        notes=notes,
        histories=histories,
        tiles=tiles([history.view for history in histories]),
        css=static_text("isocost.css"),
        js=static_text("isocost.js"),
        plotly_js=get_plotlyjs(),
    )


def tiles(views: Sequence[ProjectView]) -> list[tuple[str, str]]:
    """Return what is told first: a name and a value each."""
    savings = [v.saving_fraction for v in views if v.saving_fraction is not None]
    judged = [v for v in views if v.sla_met_fraction is not None]
    runs = sum(v.execution_count for v in judged)
    met = sum((v.sla_met_fraction or 0.0) * v.execution_count for v in judged)
    return [
        ("projects", str(len(views))),
        ("runs", f"{sum(v.execution_count for v in views):,}"),
        (
            "median change of the cost per run against each project's own baseline",
            change(median(savings)) if savings else "–",
        ),
        ("of all runs met their SLA, learning included", percent(met / runs if runs else None)),
        ("projects with a fault", str(sum(v.fault is not None for v in views))),
    ]
