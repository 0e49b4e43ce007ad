"""`isocost run`: what the runs of projects took and cost, and what explains their deviations."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from isocost.cli.asking import Json
from isocost.cli.console import OUT, print_json, say
from isocost.cli.listing import show_listing
from isocost.cli.run_tables import execution_json, execution_lines, execution_listing, run_json
from isocost.domain.execution import Execution
from isocost.errors import NotFound
from isocost.settings import read_settings
from isocost.store.base import Transaction
from isocost.usecases.project_view import (
    ExecutionView,
    execution_view,
    execution_views,
    newest_execution_views,
)
from isocost.wiring import open_store

app = typer.Typer(help="See the runs of projects.", no_args_is_help=True)

Newest = Annotated[int, typer.Option(min=1, help="How many to show, the newest.")]


@app.callback()
def runs() -> None:
    """See the runs of projects."""


@app.command("list")
def list_command(
    project_id: Annotated[
        str | None, typer.Argument(metavar="PROJECT", help="Of one instead of all.")
    ] = None,
    *,
    newest: Newest = 20,
    json: Json = False,
) -> None:
    """List runs with their duration, cost, whether they met the SLA, and what made them deviate.

    Example: isocost run list prod-nightly-17
    """
    store = open_store(read_settings(os.environ))
    try:
        with store.transaction(read_only=True) as tx:
            views = _views(tx, project_id, newest)
    finally:
        store.close()
    if json:
        print_json({"runs": [execution_json(view) for view in views]})
    elif not views:
        say("No run has ended yet. Runs are taken in by: isocost serve")
    else:
        show_listing(execution_listing(views))


def _views(tx: Transaction, project_id: str | None, newest: int) -> Sequence[ExecutionView]:
    if project_id is not None:
        return execution_views(tx, tx.project(project_id), newest=newest)
    return newest_execution_views(tx, newest)


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Its id.")], *, json: Json = False
) -> None:
    """Show one run: its clusters, cost by component, and how far it was from its expectation.

    Example: isocost run show prod-nightly-17-93
    """
    store = open_store(read_settings(os.environ))
    try:
        with store.transaction(read_only=True) as tx:
            execution = _execution(tx, run_id)
            project = tx.project(execution.project_id)
            view = execution_view(tx, execution, project.sla)
    finally:
        store.close()
    if json:
        print_json({**execution_json(view), "clusters": [run_json(run) for run in view.runs]})
        return
    for line in execution_lines(view, project.sla):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)


def _execution(tx: Transaction, run_id: str) -> Execution:
    """Return an execution by its own id, or by that of one of its clusters' runs."""
    try:
        return tx.execution(run_id)
    except NotFound as unknown:
        try:
            execution_id = tx.run(run_id).execution_id
        except NotFound:
            raise unknown from None
        if execution_id is None:
            raise NotFound(
                f"Run {run_id} belongs to an experiment. See: isocost bank report"
            ) from None
        return tx.execution(execution_id)
