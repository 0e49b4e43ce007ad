"""`isocost bank pause`, `resume`, `cancel` and `status`: what may become of an experiment."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Final

import typer

from isocost.cli.asking import Json, Yes, agrees
from isocost.cli.bank_databricks import end_copies
from isocost.cli.console import OUT, print_json, say
from isocost.cli.trial_progress import trial_progress
from isocost.domain.experiment import ExperimentState, TrialState
from isocost.queue.base import Backlog, Queue
from isocost.settings import read_settings
from isocost.store.base import Store
from isocost.usecases import orchestrate
from isocost.usecases.orchestrate import Rhythm, Standing
from isocost.wiring import open_queue, open_store

Name = Annotated[str, typer.Argument(help="The experiment's name.")]
Change = Callable[[Store, Queue, str], Standing]

# Reasons that trials were set aside for; a screen full of them says no more than the first few.
_REASONS_SHOWN: Final = 5


def pause(name: Name, *, json: Json = False) -> None:
    """Let workers take up no more of an experiment's trials; those under way are finished.

    Example: isocost bank pause nightly
    """
    _change(orchestrate.pause, name, as_json=json)


def resume(name: Name, *, json: Json = False) -> None:
    """Let a paused experiment go on.

    Workers on PostgreSQL take it up by themselves. On one machine it goes on with the `isocost
    bank run` that it was begun with.

    Example: isocost bank resume nightly
    """
    _change(orchestrate.resume, name, as_json=json)


def cancel(name: Name, *, yes: Yes = False, json: Json = False) -> None:
    """End an experiment for good: what is over stays, nothing else is stored.

    Example: isocost bank cancel nightly --yes
    """
    with _opened() as (store, _):
        standing = orchestrate.standing_of(store, name)
    if standing.is_over:
        say(f"{name} is over already: there is nothing to cancel.")
    else:
        lines = [f"{standing.open_count} of {standing.total} trials of {name} are not over."]
        if not agrees(lines, "Cancel them?", is_yes=yes):
            return
    _change(orchestrate.cancel, name, as_json=json)
    end_copies(read_settings(os.environ), name)


def status(
    name: Name,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Show it until it is over.")] = False,
    json: Json = False,
) -> None:
    """Show how far an experiment has come.

    Example: isocost bank status nightly --watch
    """
    with _opened() as (store, queue):
        if watch:
            with trial_progress() as progress:
                orchestrate.watch_to_end(store, queue, name, tell=progress, rhythm=Rhythm())
        _show(store, queue, name, as_json=json)


def _change(change: Change, name: str, *, as_json: bool) -> None:
    with _opened() as (store, queue):
        change(store, queue, name)
        _show(store, queue, name, as_json=as_json)


@contextmanager
def _opened() -> Iterator[tuple[Store, Queue]]:
    settings = read_settings(os.environ)
    with closing(open_store(settings)) as store, closing(open_queue(settings)) as queue:
        yield store, queue


def _show(store: Store, queue: Queue, name: str, *, as_json: bool) -> None:
    standing = orchestrate.standing_of(store, name)
    failures = orchestrate.failures_of(store, name)
    backlog = queue.backlog(name)
    if as_json:
        print_json(_json(standing, backlog, failures))
        return
    counted = ", ".join(
        f"{count} {state.value.replace('_', ' ')}"
        for state, count in standing.counts.items()
        if count
    )
    OUT.print(
        f"{name} is {told_state(standing)}: {standing.done} of {standing.total} trials "
        f"are over ({counted}).",
        highlight=False,
        soft_wrap=True,
    )
    for trial_id, reason in list(failures.items())[:_REASONS_SHOWN]:
        OUT.print(f"  {trial_id} was set aside: {reason}", highlight=False, soft_wrap=True)
    if len(failures) > _REASONS_SHOWN:
        OUT.print(f"  and {len(failures) - _REASONS_SHOWN} more: --json names all.")
    _say_next(standing)


def told_state(standing: Standing) -> str:
    """Return in a word whether an experiment is over, or may go on."""
    state = standing.experiment.state
    return "over" if standing.is_over and state is not ExperimentState.CANCELLED else state.value


def _say_next(standing: Standing) -> None:
    name = standing.experiment.name
    if standing.experiment.state is ExperimentState.PAUSED and not standing.is_over:
        say(f"Let it go on with: isocost bank resume {name}")
    elif standing.is_over:
        say(f"See what came of it with: isocost bank report {name}")


def _json(standing: Standing, backlog: Backlog, failures: dict[str, str]) -> dict[str, object]:
    return {
        "experiment": standing.experiment.name,
        "state": standing.experiment.state.value,
        "is_over": standing.is_over,
        "trials": {state.value: standing.counts[state] for state in TrialState},
        "total": standing.total,
        "done": standing.done,
        "queue": {"waiting": backlog.waiting, "under_way": backlog.under_way},
        "set_aside": failures,
    }
