"""`isocost project set`: the options of a project, read and carried out."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

import typer

from isocost.catalog.shipped import load
from isocost.cli.amounts import (
    NONE,
    miss_fraction,
    names,
    number_or_none,
    pinned,
    seconds,
    windows,
)
from isocost.cli.asking import Yes, agrees
from isocost.cli.console import say
from isocost.cli.definitions import DEFAULT_MISS_FRACTION
from isocost.domain.limits import DEFAULT_MAX_WORKERS, Limits
from isocost.domain.project import Sla
from isocost.errors import InvalidInput
from isocost.settings import Settings, read_settings
from isocost.usecases.configure import (
    Configuration,
    active,
    configuration_of,
    configure,
    resume_project,
)
from isocost.usecases.preview import previewed_set_up, set_up_again
from isocost.wiring import open_loop, open_store

_LIFT: Final = f"; {NONE} for no limit."

ProjectId = Annotated[str, typer.Argument(metavar="PROJECT", help="Its id.")]
MaxRuntime = Annotated[
    str | None, typer.Option(help=f"The deadline: 45m, 2h, 2700s; {NONE} for none.")
]
Miss = Annotated[
    float | None, typer.Option(help="The fraction of runs that may miss the deadline.")
]
Families = Annotated[
    list[str] | None,
    typer.Option(help=f"Families of node types that may be used, such as m5,r5d; {NONE} for any."),
]
MinCores = Annotated[str | None, typer.Option(help="The least cores of a node" + _LIFT)]
MaxCores = Annotated[str | None, typer.Option(help="The most cores of a node" + _LIFT)]
MinWorkers = Annotated[str | None, typer.Option(help="The least workers of a cluster.")]
MaxWorkers = Annotated[str | None, typer.Option(help="The most workers of a cluster.")]
LargestStep = Annotated[
    str | None,
    typer.Option(help="The most by which cores may grow or shrink at once, a factor" + _LIFT),
]
Windows = Annotated[
    list[str] | None,
    typer.Option(
        "--window",
        help=f"When definitions may be changed, UTC: 'mon-fri 8-18'; repeatable; {NONE}: always.",
    ),
]
Pins = Annotated[
    list[str] | None,
    typer.Option("--pin", help=f"What stays: node_type, worker_count; {NONE} for nothing."),
]
Budget = Annotated[
    str | None,
    typer.Option(help="The most that exploring may cost beyond, in runs of the baseline" + _LIFT),
]
AutoApply = Annotated[
    bool | None,
    typer.Option("--auto-apply/--no-auto-apply", help="Apply recommendations without asking."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Look after it again, after failures that were mended.")
]
SetUp = Annotated[
    bool, typer.Option("--set-up", help="Set up its definition again, where that was undone.")
]


def set_project(  # noqa: PLR0913  a command's parameters are its options
    project_id: ProjectId,
    *,
    max_runtime: MaxRuntime = None,
    miss: Miss = None,
    families: Families = None,
    min_cores: MinCores = None,
    max_cores: MaxCores = None,
    min_workers: MinWorkers = None,
    max_workers: MaxWorkers = None,
    largest_step: LargestStep = None,
    window: Windows = None,
    pin: Pins = None,
    budget: Budget = None,
    auto_apply: AutoApply = None,
    resume: Resume = False,
    set_up: SetUp = False,
    yes: Yes = False,
) -> None:
    """Change a project's deadline, limits or auto-apply; have it resumed or set up again.

    Example: isocost project set prod-nightly-17 --max-runtime 45m --auto-apply
    """
    given = {
        "families": None if families is None else names(families),
        "change_windows": None if window is None else windows(window),
        "pinned": None if pin is None else pinned(pin),
    }
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= _numbers({
        "min_cores": (min_cores, int),
        "max_cores": (max_cores, int),
        "min_workers": (min_workers, int),
        "max_workers": (max_workers, int),
        "largest_step": (largest_step, float),
        "budget": (budget, float),
    })
    settings = read_settings(os.environ)
    lines = _configured(
        settings,
        project_id,
        limit_changes=changes,
        deadline=(max_runtime, miss),
        is_auto_apply=auto_apply,
        is_resumed=resume,
    )
    for line in lines:
        say(line)
    if set_up:
        _set_up(settings, project_id, is_yes=yes)
    elif not lines:
        say("Nothing to change.")


def _numbers(given: Mapping[str, tuple[str | None, Any]]) -> dict[str, Any]:
    """Return the limits that are numbers; one that cannot be lifted goes back to its default."""
    always = {"min_workers": 1, "max_workers": DEFAULT_MAX_WORKERS}
    fields = {"budget": "exploration_budget"}
    found = {}
    for name, (text, kind) in given.items():
        if text is not None:
            number = number_or_none(text, kind, "--" + name.replace("_", "-"))
            found[fields.get(name, name)] = always.get(name) if number is None else number
    return found


def _configured(
    settings: Settings,
    project_id: str,
    *,
    limit_changes: Mapping[str, Any],
    deadline: tuple[str | None, float | None],
    is_auto_apply: bool | None,
    is_resumed: bool,
) -> list[str]:
    """Carry out what needs no workspace; returns what changed, a line each."""
    store = open_store(settings)
    try:
        with store.transaction(read_only=True) as tx:
            present = configuration_of(active(tx.project(project_id)))
        limits: Limits = replace(present.limits, **limit_changes)
        on = present.is_auto_apply if is_auto_apply is None else is_auto_apply
        wanted = Configuration(_sla(present.sla, *deadline), limits, on)
        lines = list(configure(store, project_id, wanted, catalog=load()))
        if is_resumed:
            resume_project(store, project_id)
            lines.append("looked after again")
        return lines
    finally:
        store.close()


def _sla(present: Sla | None, max_runtime: str | None, miss: float | None) -> Sla | None:
    if max_runtime == NONE:
        return None
    if max_runtime is None and present is None:
        if miss is not None:
            raise InvalidInput(
                "There is no deadline yet that could be missed. Pass --max-runtime, too."
            )
        return None
    fraction = present.miss_fraction if present is not None else DEFAULT_MISS_FRACTION
    limit_s = present.max_runtime_s if present is not None else 0.0
    if max_runtime is not None:
        limit_s = seconds(max_runtime, "--max-runtime")
    return Sla(limit_s, fraction if miss is None else miss_fraction(miss))


def _set_up(settings: Settings, project_id: str, *, is_yes: bool) -> None:
    with open_loop(settings) as loop:
        with loop.store.transaction(read_only=True) as tx:
            project = active(tx.project(project_id))
        lines = previewed_set_up(loop, project)
        if not lines:
            say(f"{project_id} is set up as it should be.")
        elif agrees(lines, f"Set up {project_id}?", is_yes=is_yes):
            set_up_again(loop, project)
            say(f"Set up {project_id}.")
