"""`isocost recommendation`: see what is recommended and why; apply it, or go back."""

import os
from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from isocost.cli.asking import Json, Yes, agrees
from isocost.cli.console import OUT, print_json, say
from isocost.cli.listing import show_listing
from isocost.cli.recommendation_tables import (
    recommendation_json,
    recommendation_lines,
    recommendation_listing,
    rejection_lines,
    tradeoff_table,
)
from isocost.domain.recommendation import Recommendation, RecommendationState
from isocost.errors import InvalidInput
from isocost.settings import read_settings
from isocost.store.base import Store
from isocost.usecases.manage import apply_by_hand, roll_back_by_hand
from isocost.usecases.preview import previewed_apply, previewed_roll_back
from isocost.wiring import open_loop, open_store

app = typer.Typer(help="See recommendations, apply them, go back.", no_args_is_help=True)

RecommendationId = Annotated[str, typer.Argument(metavar="RECOMMENDATION", help="Its id.")]
State = Annotated[str | None, typer.Option(help="Only those in one state, such as issued.")]
Newest = Annotated[int, typer.Option(min=1, help="How many to show, the newest.")]


@app.callback()
def recommendations() -> None:
    """See recommendations, apply them, go back."""


@app.command("list")
def list_command(
    project_id: Annotated[
        str | None, typer.Argument(metavar="PROJECT", help="Of one instead of all.")
    ] = None,
    *,
    state: State = None,
    newest: Newest = 20,
    json: Json = False,
) -> None:
    """List recommendations with what they predict and what became of them, the newest last.

    Example: isocost recommendation list --state issued
    """
    wanted = None if state is None else {_state(state)}
    store = open_store(read_settings(os.environ))
    try:
        found = _recommendations(store, project_id, states=wanted, newest=newest)
    finally:
        store.close()
    if json:
        print_json({"recommendations": [recommendation_json(r) for r in found]})
    elif not found:
        say("There is no such recommendation. The first follows a project's first run.")
    else:
        show_listing(recommendation_listing(found))


def _state(text: str) -> RecommendationState:
    known = {state.value: state for state in RecommendationState}
    state = known.get(text.lower().replace(" ", "_").replace("-", "_"))
    if state is None:
        raise InvalidInput(f"--state takes {', '.join(known)}; got {text!r}.")
    return state


def _recommendations(
    store: Store,
    project_id: str | None,
    *,
    states: Collection[RecommendationState] | None,
    newest: int,
) -> Sequence[Recommendation]:
    with store.transaction(read_only=True) as tx:
        if project_id is not None:
            tx.project(project_id)
            return tx.recommendations_of(project_id, states=states, newest=newest)
        return tx.newest_recommendations(newest, states=states)[::-1]


@app.command()
def show(recommendation_id: RecommendationId, *, json: Json = False) -> None:
    """Show one recommendation: its prediction with intervals, evidence, and what was rejected.

    Example: isocost recommendation show prod-nightly-17-93-main-next
    """
    store = open_store(read_settings(os.environ))
    try:
        with store.transaction(read_only=True) as tx:
            found = tx.recommendation(recommendation_id)
    finally:
        store.close()
    if json:
        print_json(recommendation_json(found, is_whole=True))
        return
    for line in recommendation_lines(found):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)
    OUT.print(tradeoff_table(found))
    for line in rejection_lines(found):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def apply(recommendation_id: RecommendationId, *, yes: Yes = False) -> None:
    """Put an issued recommendation in force for the next run; what changes is shown first.

    Example: isocost recommendation apply prod-nightly-17-93-main-next
    """
    with open_loop(read_settings(os.environ)) as loop:
        with loop.store.transaction(read_only=True) as tx:
            found = tx.recommendation(recommendation_id)
            cluster = tx.project(found.project_id).clusters.get(found.cluster_key)
        if cluster is not None and cluster.recommendation_id == recommendation_id:
            say(f"{recommendation_id} is in force already.")
            return
        plan = previewed_apply(loop, recommendation_id)
        if agrees(plan.difference, f"Apply {found.spec}?", is_yes=yes):
            apply_by_hand(loop, recommendation_id)
            say(f"Applied: the next run is on {found.spec}.")


@app.command()
def rollback(recommendation_id: RecommendationId, *, yes: Yes = False) -> None:
    """Go back from a recommendation in force to the last good cluster, shown first.

    The project's auto-apply goes off with it, for the model may want the same cluster again.

    Example: isocost recommendation rollback prod-nightly-17-93-main-next
    """
    with open_loop(read_settings(os.environ)) as loop:
        with loop.store.transaction(read_only=True) as tx:
            found = tx.recommendation(recommendation_id)
            was_on = tx.project(found.project_id).guarding.is_auto_apply
        if found.state is RecommendationState.ROLLED_BACK:
            say(f"{recommendation_id} is rolled back already.")
            return
        lines = list(previewed_roll_back(loop, recommendation_id).difference)
        lines += ["auto-apply: on → off"] if was_on else []
        if not agrees(lines, f"Go back from {found.spec}?", is_yes=yes):
            return
        roll_back_by_hand(loop, recommendation_id)
        say("Rolled back: the next run is on the last good cluster.")
        if was_on:
            say(
                "Nothing is applied by itself any more. To turn that on again: isocost project "
                f"set {found.project_id} --auto-apply"
            )
