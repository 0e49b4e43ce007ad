"""`isocost project`: see how imported jobs stand, and decide what may be done to them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from isocost.cli.asking import Json, Yes, agrees
from isocost.cli.console import OUT, print_json, say
from isocost.cli.listing import show_listing
from isocost.cli.project_set import set_project
from isocost.cli.project_tables import (
    cluster_listing,
    limit_lines,
    project_json,
    project_lines,
    project_listing,
)
from isocost.settings import read_settings
from isocost.store.base import Store
from isocost.usecases.adopt import retire
from isocost.usecases.configure import active
from isocost.usecases.manage import delete, reset
from isocost.usecases.preview import previewed_restore
from isocost.usecases.project_view import project_view, project_views
from isocost.wiring import open_loop, open_store

app = typer.Typer(help="See and steer the imported jobs.", no_args_is_help=True)

ProjectId = Annotated[str, typer.Argument(metavar="PROJECT", help="Its id.")]


@app.callback()
def project() -> None:
    """See and steer the imported jobs."""


app.command("set")(set_project)


@contextmanager
def _opened() -> Iterator[Store]:
    store = open_store(read_settings(os.environ))
    try:
        yield store
    finally:
        store.close()


@app.command("list")
def list_command(
    workspace: Annotated[str | None, typer.Option(help="Of one workspace instead of all.")] = None,
    *,
    json: Json = False,
) -> None:
    """List the projects that are looked after: what they cost, save, and what happened last.

    Example: isocost project list --workspace prod
    """
    with _opened() as store:
        views = project_views(store, workspace)
    if json:
        print_json({"projects": [project_json(view) for view in views]})
    elif not views:
        say("There is no project. Import one: isocost job list WORKSPACE")
    else:
        show_listing(project_listing(views))


@app.command()
def show(project_id: ProjectId, *, json: Json = False) -> None:
    """Show one project: SLA, cost against its baseline, clusters, limits, notices and faults.

    Example: isocost project show prod-nightly-17
    """
    with _opened() as store, store.transaction(read_only=True) as tx:
        view = project_view(tx, tx.project(project_id))
    if json:
        print_json(project_json(view))
        return
    for line in project_lines(view):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    show_listing(cluster_listing(view.project))
    OUT.print("Limits", style="bold")
    for line in limit_lines(view.project.limits):
        OUT.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


@app.command("reset")
def reset_command(project_id: ProjectId, *, yes: Yes = False) -> None:
    """Have a project learn from the beginning; the definition stays as it is.

    Example: isocost project reset prod-nightly-17
    """
    with _opened() as store:
        with store.transaction(read_only=True) as tx:
            active(tx.project(project_id))
        lines = ("what its runs taught, its baseline and waiting recommendations do not count",)
        if agrees(lines, f"Reset project {project_id}?", is_yes=yes):
            reset(store, project_id)
            say(f"Reset {project_id}; it learns again.")


@app.command("delete")
def delete_command(
    project_id: ProjectId,
    *,
    forget: Annotated[bool, typer.Option("--forget", help="Forget its runs, too.")] = False,
    yes: Yes = False,
) -> None:
    """Take a project off: restore its definition as it was before; its history is kept.

    Example: isocost project delete prod-nightly-17
    """
    with open_loop(read_settings(os.environ)) as loop:
        with loop.store.transaction(read_only=True) as tx:
            found = tx.project(project_id)
        if found.is_retired and not forget:
            say(f"{project_id} is taken off already. To forget its runs, too: --forget")
            return
        lines = [] if found.is_retired else list(previewed_restore(loop, found))
        lines += ["its runs and recommendations are forgotten"] if forget else []
        question = f"Delete project {project_id}?"
        if not agrees(lines or ["nothing to restore"], question, is_yes=yes):
            return
        if not found.is_retired:
            retire(loop, found)
        if forget:
            delete(loop.store, project_id)
    say(f"Took off {project_id}.")
