"""The options of `isocost bank run --platform databricks` in; real runs within a limit, shown."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from isocost import clock
from isocost.cli.bank_recorded import SharedOptions
from isocost.cli.bank_workspace import rule_from
from isocost.cli.console import INTERRUPTED, OUT, print_json, say
from isocost.cli.trial_progress import trial_progress
from isocost.domain.experiment import DATABRICKS, check_experiment_name
from isocost.domain.workspace import Workspace
from isocost.errors import InvalidInput
from isocost.jobbank.plans import spec_from_text
from isocost.settings import Settings
from isocost.store.base import Store
from isocost.usecases.loop import Loop
from isocost.usecases.orchestrate import Standing, Watcher
from isocost.usecases.real_trials import (
    AskedOfRealWorkspace,
    RealBench,
    carry_out_real,
    remove_copies,
)
from isocost.usecases.spending import spent_usd
from isocost.wiring import copies_in, node_types_in, only_one, open_loop

PANEL: Final = "With --platform databricks"
# A cold start, one recommendation and one more after it: real runs cost money.
DEFAULT_RUNS: Final = 3

InWorkspace = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        help="The workspace's name here, as `isocost workspace list` shows it.",
        rich_help_panel=PANEL,
    ),
]
SpendingLimit = Annotated[
    float | None,
    typer.Option(
        help="USD that the list cost of all the experiment's runs shall not exceed; checked "
        "before each run.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class DatabricksOptions:
    """The options that a real workspace takes beside the shared ones, as given."""

    workspace: str | None
    limit_usd: float | None

    def given(self) -> dict[str, object]:
        """Return the options by name; None where not given."""
        return {"--workspace": self.workspace, "--spending-limit": self.limit_usd}


def run_on_databricks(
    shared: SharedOptions,
    own: DatabricksOptions,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Carry an experiment out in a real workspace and show what it cost.

    Raises:
        SpendingLimitReached: the next run might exceed the limit; it was not started.
        UserError: if an option cannot be used; nothing was run then.
    """
    check_experiment_name(shared.name)
    workspace_name, limit_usd = _needed(shared, own)
    with open_loop(settings) as loop:
        with loop.store.transaction(read_only=True) as tx:
            workspace = tx.workspace(workspace_name)
        asked = _asked(shared, workspace, limit_usd)
        with trial_progress() as progress:
            bench = bench_of(loop, workspace, settings, tell=progress)
            standing = _carried(bench, asked)
        _show(standing, _spent_usd(loop.store, shared.name), limit_usd, as_json=as_json)


def bench_of(
    loop: Loop,
    workspace: Workspace,
    settings: Settings,
    *,
    tell: Watcher = lambda standing: None,
) -> RealBench:
    """Return what real trials are carried with."""

    @contextmanager
    def claim(name: str) -> Iterator[None]:
        with only_one(name, settings):
            yield

    return RealBench(
        loop=loop,
        workspace=workspace,
        copies=copies_in(settings, workspace),
        rest=clock.rest,
        claim=claim,
        tell=tell,
        say=say,
    )


def end_copies(settings: Settings, name: str) -> None:
    """Delete the copies of a cancelled experiment if it ran in a real workspace.

    Raises:
        PlatformError: the workspace refuses or cannot be reached.
    """
    with open_loop(settings) as loop:
        with loop.store.transaction(read_only=True) as tx:
            plan = tx.experiment(name).plan
            if plan.platform != DATABRICKS or plan.workspace is None:
                return
            workspace = tx.workspace(plan.workspace)
        remove_copies(bench_of(loop, workspace, settings), name)


def _needed(shared: SharedOptions, own: DatabricksOptions) -> tuple[str, float]:
    needed: Mapping[str, tuple[object, str]] = {
        "--workspace": (own.workspace, "--workspace prod; `isocost workspace list` shows them"),
        "--spending-limit": (own.limit_usd, "--spending-limit 50, in USD of list cost"),
        "--workloads": (shared.workloads, "--workloads 'Daily *'; `isocost job list` shows them"),
        "--cold-start": (shared.cold_starts, "--cold-start m5.xlarge:2,m5.xlarge:8"),
    }
    for option, (value, example) in needed.items():
        if value is None or value == ():
            raise InvalidInput(
                f"--platform databricks rents real machines and needs {option}. Write {example}."
            )
    return str(own.workspace), float(own.limit_usd or 0.0)


def _asked(shared: SharedOptions, workspace: Workspace, limit_usd: float) -> AskedOfRealWorkspace:
    if len(shared.sla) > 1:
        raise InvalidInput(f"--platform databricks takes one --sla; got {', '.join(shared.sla)}.")
    node_types = node_types_in(workspace)
    return AskedOfRealWorkspace(
        name=shared.name,
        workloads=shared.workloads,
        cold_starts=[spec_from_text(text, node_types) for text in shared.cold_starts],
        runs_per_trial=DEFAULT_RUNS if shared.runs is None else shared.runs,
        sla_rule=rule_from(shared.sla),
        miss_fraction=shared.miss_fraction,
        limit_usd=limit_usd,
    )


def _carried(bench: RealBench, asked: AskedOfRealWorkspace) -> Standing:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return carry_out_real(bench, asked)
    except KeyboardInterrupt as interrupt:
        say(
            "Interrupted. A run under way goes on in the workspace; the same command goes on with "
            f"it, and isocost bank cancel {asked.name} deletes the copies."
        )
        raise typer.Exit(INTERRUPTED) from interrupt


def _spent_usd(store: Store, name: str) -> float:
    with store.transaction(read_only=True) as tx:
        trials = tx.trials_of(name)
    return spent_usd(store, trials)


def _show(standing: Standing, spent: float, limit_usd: float, *, as_json: bool) -> None:
    name = standing.experiment.name
    counts = {state.value: count for state, count in standing.counts.items()}
    if as_json:
        figures = {"spent_usd": spent, "spending_limit_usd": limit_usd, "trials": counts}
        print_json({"experiment": name, "platform": DATABRICKS, **figures})
        return
    told = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in counts.items() if n)
    OUT.print(f"{name}: {told}. Spent {spent:.2f} of {limit_usd:.2f} USD.", highlight=False)
    OUT.print(f"More: isocost bank report {name}", highlight=False, soft_wrap=True)
