"""`isocost job`: see a workspace's jobs, and import them as projects."""

import os
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from isocost.cli.amounts import miss_fraction, seconds, told_seconds
from isocost.cli.asking import Json, Yes, agrees
from isocost.cli.console import print_json, say
from isocost.cli.listing import Heading, Listing, show_listing
from isocost.domain.project import Project
from isocost.domain.workspace import Workspace
from isocost.errors import InvalidInput, IsocostError
from isocost.settings import Settings, read_settings
from isocost.usecases.adopt import Intent, Listed, adopt, listed
from isocost.usecases.loop import Loop
from isocost.usecases.plan_import import Deadline, PlannedImport, plan_imports
from isocost.wiring import log_lister, open_loop, open_secrets

# One run in twenty: what people mean by "almost always" in time.
DEFAULT_MISS_FRACTION: Final = 0.05

app = typer.Typer(help="See a workspace's jobs, and import them.", no_args_is_help=True)

WorkspaceName = Annotated[str, typer.Argument(metavar="WORKSPACE", help="Its name here.")]
MaxRuntime = Annotated[
    str | None, typer.Option(help="The deadline of each run: 45m, 2h, 2700s. Can be set later.")
]
MaxRuntimeFactor = Annotated[
    float | None,
    typer.Option(help="The deadline as a factor of the mean of the recent successful runs."),
]
Miss = Annotated[float, typer.Option(help="The fraction of runs that may miss the deadline.")]


@app.callback()
def jobs() -> None:
    """See a workspace's jobs, and import them."""


@app.command("list")
def list_command(workspace: WorkspaceName, *, json: Json = False) -> None:
    """List a workspace's jobs, each with whether it can be imported, and if not, why.

    Example: isocost job list prod
    """
    with open_loop(read_settings(os.environ)) as loop:
        found = _workspace(loop, workspace)
        entries = listed(loop.store, found, loop.host_of(found))
    if json:
        print_json({"workspace": workspace, "jobs": [_entry_json(e) for e in entries]})
        return
    show_listing(_listing(workspace, entries))
    count = sum(entry.is_importable for entry in entries)
    if count:
        say(f"{count} can be imported: isocost job import {workspace} --all")


def _workspace(loop: Loop, name: str) -> Workspace:
    with loop.store.transaction(read_only=True) as tx:
        return tx.workspace(name)


def _entry_json(entry: Listed) -> dict[str, Any]:
    definition = entry.definition
    return {
        "job_id": definition.definition_id,
        "name": definition.name,
        "schedule": definition.schedule,
        "creator": definition.creator,
        "last_run_at": definition.last_run_at and definition.last_run_at.isoformat(),
        "clusters": {key: str(cluster.spec) for key, cluster in definition.clusters.items()},
        "is_importable": entry.is_importable,
        "why_not": list(entry.why_not),
        "project_id": entry.project_id,
    }


def _listing(workspace: str, entries: Sequence[Listed]) -> Listing:
    names = ("Id", "Name", "Clusters", "Last run (UTC)", "Can be imported")
    return Listing(
        title=f"Jobs of {workspace}",
        headings=[Heading(name) for name in names],
        rows=[_row(entry) for entry in entries],
    )


def _row(entry: Listed) -> tuple[str | Text, ...]:
    definition = entry.definition
    last = definition.last_run_at
    return (
        definition.definition_id,
        definition.name,
        ", ".join(str(cluster.spec) for cluster in definition.clusters.values()) or "–",
        "–" if last is None else f"{last:%Y-%m-%d %H:%M}",
        Text("yes", style="green") if entry.is_importable else " ".join(entry.why_not),
    )


@app.command("import")
def import_command(  # noqa: PLR0913  a command's parameters are its options
    workspace: WorkspaceName,
    job_ids: Annotated[list[str] | None, typer.Argument(help="Ids of jobs.")] = None,
    *,
    is_all: Annotated[bool, typer.Option("--all", help="All that can be imported.")] = False,
    max_runtime: MaxRuntime = None,
    max_runtime_factor: MaxRuntimeFactor = None,
    miss: Miss = DEFAULT_MISS_FRACTION,
    auto_apply: Annotated[
        bool, typer.Option("--auto-apply", help="Apply recommendations without asking.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Import jobs as projects; what is set up in each is shown first.

    Example: isocost job import prod --all --max-runtime-factor 1.5
    """
    if bool(job_ids) == is_all:
        raise InvalidInput("Pass the ids of jobs, or --all; isocost job list shows them.")
    stated_s = None if max_runtime is None else seconds(max_runtime, "--max-runtime")
    deadline = Deadline(stated_s, max_runtime_factor, miss_fraction(miss))
    settings = read_settings(os.environ)
    with open_loop(settings) as loop:
        found = _workspace(loop, workspace)
        plans = plan_imports(
            loop,
            found,
            job_ids or (),
            deadline=deadline,
            read_logs=log_lister(settings, found),
        )
        importer = _Importer(loop, found, settings, is_auto_apply=auto_apply)
        importer.carry_out(plans, is_yes=yes)


class _Importer:
    """Imports what was planned, one after the other; what goes wrong with one stops no other."""

    def __init__(
        self, loop: Loop, workspace: Workspace, settings: Settings, *, is_auto_apply: bool
    ) -> None:
        self._loop = loop
        self._workspace = workspace
        self._settings = settings
        self._is_auto_apply = is_auto_apply

    def carry_out(self, plans: Sequence[PlannedImport], *, is_yes: bool) -> None:
        ready = [plan for plan in plans if not plan.why_not]
        for plan in plans:
            _show(plan)
        known = [plan for plan in plans if plan.project_id is not None]
        if (not ready and len(known) < len(plans)) or not plans:
            raise InvalidInput(
                "None of these jobs can be imported. See why: isocost job list "
                f"{self._workspace.name}"
            )
        if not ready or not agrees((), f"Import {len(ready)} jobs?", is_yes=is_yes):
            return
        faults = [fault for plan in ready if (fault := self._import_one(plan)) is not None]
        if faults:
            say(f"{len(ready) - len(faults)} of {len(ready)} jobs were imported.")
            raise faults[0]
        if not self._is_auto_apply:
            say("Nothing is applied by itself: isocost project set PROJECT --auto-apply")

    def _import_one(self, plan: PlannedImport) -> IsocostError | None:
        definition = plan.definition
        try:
            project = self._adopted(plan)
        except IsocostError as error:
            say(f"{definition.name} ({definition.definition_id}): {error}", style="red")
            return error
        say(f"Imported {definition.name} as project {project.project_id}.")
        return None

    def _adopted(self, plan: PlannedImport) -> Project:
        secret = ""
        if self._workspace.webhook_url:
            secret = open_secrets(self._settings).webhook_secret_of(self._workspace.name)
        return adopt(
            self._loop,
            self._workspace,
            plan.definition.definition_id,
            intent=Intent(plan.sla, is_auto_apply=self._is_auto_apply),
            webhook_secret=secret,
        )


def _show(plan: PlannedImport) -> None:
    definition = plan.definition
    say(f"{definition.name} ({definition.definition_id})", style="bold")
    for reason in plan.why_not:
        say(f"  {reason}")
    if plan.why_not:
        return
    if plan.sla is None:
        say("  no deadline; set one: isocost project set PROJECT --max-runtime 45m")
    else:
        say(f"  deadline {told_seconds(plan.sla.max_runtime_s)}")
    for line in (*plan.difference, *plan.notes):
        say(f"  {line}")
    if not plan.difference:
        say("  nothing to change")
