"""The options of `isocost bank run --platform workspace` in; an experiment carried out, shown."""

import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer

from isocost import clock
from isocost.cli.bank_recorded import SharedOptions
from isocost.cli.console import INTERRUPTED, OUT, print_json, say
from isocost.cli.experiment_run import say_how_to_go_on
from isocost.cli.experiment_view import show_note
from isocost.cli.trial_progress import TrialProgress, trial_progress
from isocost.cli.workspace_view import figures_json, figures_table, told_runs
from isocost.cores import usable_cores
from isocost.domain.experiment import (
    ENGINE_POLICY,
    SlaBasis,
    SlaRule,
    check_experiment_name,
)
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.jobbank.reached import Reached, reached
from isocost.jobbank.workspace_figures import WorkspaceFigures, workspace_figures
from isocost.settings import Settings
from isocost.store.base import Store
from isocost.usecases.bank import AskedOfWorkspaces, Claim, carry_out
from isocost.usecases.orchestrate import Crew, Standing, standing_of
from isocost.usecases.report import trial_records
from isocost.wiring import (
    grounds,
    only_one,
    open_queue,
    open_shared_queue,
    open_store,
    trial_handlers,
)

PANEL: Final = "With --platform workspace"
DEFAULT_COLD_STARTS: Final = 5
DEFAULT_RUNS: Final = 8
# What a job takes today and a fifth: a user's "not much slower".
DEFAULT_RULE: Final = SlaRule(SlaBasis.COLD_START, 1.2)


class QueueKind(Enum):
    """Who carries the trials."""

    INLINE = "inline"
    POSTGRES = "postgres"


Seed = Annotated[
    int | None,
    typer.Option(
        help="All chance follows from it: cold starts, sizes of data, noise; 1.",
        rich_help_panel=PANEL,
    ),
]
OnCloud = Annotated[
    Cloud | None, typer.Option("--cloud", help="Whose machines; aws.", rich_help_panel=PANEL)
]
OnQueue = Annotated[
    QueueKind | None,
    typer.Option(
        "--queue",
        help="Who carries the trials: inline, this machine's cores; or postgres, the workers "
        "that were started with `isocost worker`.",
        rich_help_panel=PANEL,
    ),
]
_MINUTES: Final = re.compile(r"(\d+(?:\.\d+)?) ?min")


@dataclass(frozen=True, slots=True)
class WorkspaceOptions:
    """The options that simulated workspaces take beside the shared ones, as given."""

    cold_start_count: int | None
    policies: Sequence[str]
    seed: int | None
    cloud: Cloud | None
    processes: int | None
    queue: QueueKind | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    reached: Reached
    figures: Mapping[str, WorkspaceFigures]
    seconds: float


def run_on_workspaces(
    shared: SharedOptions, own: WorkspaceOptions, settings: Settings, *, as_json: bool
) -> None:
    """Carry an experiment out and show what its policies achieve.

    Raises:
        UserError: if an option cannot be used; nothing was run then.
    """
    check_experiment_name(shared.name)
    if own.processes is not None and own.processes < 1:
        raise InvalidInput(f"--processes takes 1 or more; got {own.processes}.")
    began_s = clock.monotonic_s()
    store = open_store(settings)
    try:
        _carried(store, asked_from(shared, own), settings, own=own)
        figures = stored_figures(store, shared.name)
        standing = standing_of(store, shared.name)
    finally:
        store.close()
    far = reached(standing.experiment, standing.counts)
    _show(_Outcome(far, figures, clock.monotonic_s() - began_s), as_json=as_json)


def stored_figures(store: Store, name: str) -> dict[str, WorkspaceFigures]:
    """Return the figures of a stored experiment, policy by policy."""
    with store.transaction(read_only=True) as tx:
        return workspace_figures(trial_records(tx, name, with_profiles=False))


def asked_from(shared: SharedOptions, own: WorkspaceOptions) -> AskedOfWorkspaces:
    """Return what is asked for; raises InvalidInput for bad values."""
    if shared.cold_starts and own.cold_start_count is not None:
        raise InvalidInput("Clusters to begin on are named by --cold-start or counted, not both.")
    return AskedOfWorkspaces(
        name=shared.name,
        workloads=shared.workloads,
        cold_start_count=_or(own.cold_start_count, DEFAULT_COLD_STARTS),
        cold_starts=shared.cold_starts,
        runs_per_trial=_or(shared.runs, DEFAULT_RUNS),
        sla_rule=rule_from(shared.sla),
        miss_fraction=shared.miss_fraction,
        policies=tuple(own.policies) or (ENGINE_POLICY,),
        seed=_or(own.seed, 1),
        cloud=own.cloud or Cloud.AWS,
    )


def _or(given: int | None, usual: int) -> int:
    return usual if given is None else given


def rule_from(given: Sequence[str]) -> SlaRule:
    """Return the rule for deadlines that `--sla` states; raises InvalidInput if it states none."""
    if len(given) > 1:
        raise InvalidInput(f"--platform workspace takes one --sla; got {', '.join(given)}.")
    if not given:
        return DEFAULT_RULE
    text = given[0].strip()
    minutes = _MINUTES.fullmatch(text)
    if minutes:
        return SlaRule(SlaBasis.MINUTES, float(minutes[1]))
    basis = SlaBasis.FASTEST if text.startswith("fastest:") else SlaBasis.COLD_START
    try:
        return SlaRule(basis, float(text.removeprefix("fastest:")))
    except ValueError as error:
        raise InvalidInput(
            f"--sla {text!r} states no deadline. Write 1.2 (times what the cold start takes), "
            "fastest:1.5 (times what the fastest cluster takes) or 30min."
        ) from error


def _carried(
    store: Store, asked: AskedOfWorkspaces, settings: Settings, *, own: WorkspaceOptions
) -> None:
    crew = _crew(settings, own)
    # Stopped from outside, it hands back what is under way as it does at Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with trial_progress() as bar, closing(crew.queue):
            carry_out(
                store,
                asked,
                crew,
                grounds=grounds(settings),
                claim=_claim(settings),
                tell=_Onlooker(bar),
            )
    except KeyboardInterrupt as interrupt:
        say(f"Interrupted. What is done is stored; repeat the command with --name {asked.name}.")
        raise typer.Exit(INTERRUPTED) from interrupt


def _crew(settings: Settings, own: WorkspaceOptions) -> Crew:
    handlers = trial_handlers(settings)
    if own.queue is not QueueKind.POSTGRES:
        return Crew(open_queue(settings), handlers, own.processes or usable_cores())
    if own.processes is not None:
        raise InvalidInput(
            "With --queue postgres workers carry the trials, and --processes says nothing to "
            "them. Leave it out, and start workers with: isocost worker --concurrency 2"
        )
    say("Workers carry the trials; start some, here or elsewhere, with: isocost worker")
    return Crew(open_shared_queue(settings), handlers, 0)


def _claim(settings: Settings) -> Claim:
    @contextmanager
    def claim(name: str) -> Iterator[None]:
        # A shared queue gives each trial to one process, whoever asks; one of this process's own
        # knows nothing of another's.
        is_shared = not isinstance(settings.storage.database, Path)
        with nullcontext() if is_shared else only_one(name, settings):
            yield

    return claim


class _Onlooker:
    """Shows how an experiment stands, and once it has begun, how to go on with it."""

    def __init__(self, bar: TrialProgress) -> None:
        self._bar = bar
        self._has_begun = False

    def drawing(self, *, done: int, total: int) -> None:
        self._bar.drawing(done=done, total=total)

    def __call__(self, standing: Standing) -> None:
        if not self._has_begun and not standing.is_over:
            say_how_to_go_on(standing.experiment.name)
        self._has_begun = True
        self._bar(standing)


def _show(outcome: _Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(figures_json(outcome.reached, outcome.figures, seconds=outcome.seconds))
        return
    OUT.print(figures_table(outcome.figures))
    show_note(outcome.reached)
    runs = sum(figures.runs for figures in outcome.figures.values())
    OUT.print(told_runs(runs, outcome.seconds), highlight=False)
    name = outcome.reached.experiment.name
    OUT.print(f"More: isocost bank report {name}", highlight=False, soft_wrap=True)
