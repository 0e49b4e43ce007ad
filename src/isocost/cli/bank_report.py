"""`isocost bank report`: a stored experiment's figures, and its page."""

import os
from pathlib import Path
from typing import Annotated

import typer

from isocost import clock
from isocost.cli.console import OUT, print_json
from isocost.cli.experiment_run import Result, report_path, show, write_page, write_report
from isocost.cli.experiment_view import show_note, summary_json
from isocost.cli.workspace_view import figures_json, figures_table
from isocost.jobbank.lineage import ExperimentRecord
from isocost.jobbank.report import report_html
from isocost.jobbank.workspace_figures import workspace_figures
from isocost.settings import read_settings
from isocost.usecases.report import experiment_record
from isocost.wiring import node_types_of, open_store


def report(
    experiment: Annotated[str, typer.Argument(help="Its name.")],
    *,
    html: Annotated[Path | None, typer.Option(help="Where to write the HTML report.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show an experiment's figures and write its HTML report.

    Example: isocost bank report first
    """
    settings = read_settings(os.environ)
    path = report_path(experiment, settings, html=html)
    store = open_store(settings)
    try:
        record = experiment_record(store, experiment, lambda p: node_types_of(p, settings))
    finally:
        store.close()
    if record.experiment.plan.is_simulated:
        _present_simulated(record, path, as_json=json)
    else:
        present(write_report(record, path), as_json=json)


def present(result: Result, *, as_json: bool) -> None:
    """Print an experiment on real Spark for people or for machines."""
    if as_json:
        print_json(summary_json(result.reached, result.summary, seconds=result.seconds))
    else:
        show(result)


def _present_simulated(record: ExperimentRecord, path: Path, *, as_json: bool) -> None:
    """Write the page and print each policy's figures, as `bank run` does.

    How long carrying it out took is not stored, so `seconds` is null.
    """
    write_page(report_html(record, made_at=clock.now()), path)
    figures = workspace_figures(record.trials)
    if as_json:
        told = figures_json(record.reached, figures, seconds=None)
        print_json({**told, "report": str(path)})
        return
    OUT.print(figures_table(figures))
    show_note(record.reached)
    OUT.print(f"Report: {path}", highlight=False, soft_wrap=True)
