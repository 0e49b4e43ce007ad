"""Every life-cycle table is complete where it must be and final where it says so."""

import msgspec
import pytest

from isocost.domain.experiment import (
    NEXT_EXPERIMENT_STATE,
    NEXT_TRIAL_STATE,
    Experiment,
    ExperimentEvent,
    ExperimentState,
    TrialEvent,
    TrialState,
)
from isocost.domain.lifecycle import advance
from isocost.domain.project import NEXT_PHASE, Phase, PhaseEvent
from isocost.domain.recommendation import (
    NEXT_RECOMMENDATION_STATE,
    AppliedRecommendation,
    RecommendationEvent,
    RecommendationState,
)
from isocost.domain.run import NEXT_RUN_STATE, RunEvent, RunState
from isocost.errors import IllegalTransition
from isocost.testing.nouns import a_project, a_recommendation, a_run, a_trial, an_experiment

TABLES = [
    (NEXT_RUN_STATE, RunState, RunEvent, RunState.REQUESTED),
    (NEXT_TRIAL_STATE, TrialState, TrialEvent, TrialState.QUEUED),
    (NEXT_EXPERIMENT_STATE, ExperimentState, ExperimentEvent, ExperimentState.OPEN),
    (
        NEXT_RECOMMENDATION_STATE,
        RecommendationState,
        RecommendationEvent,
        RecommendationState.DRAFTED,
    ),
    (NEXT_PHASE, Phase, PhaseEvent, Phase.LEARNING),
]


@pytest.mark.parametrize(("table", "states", "events", "first"), TABLES)
def test_every_state_can_be_reached(table, states, events, first):
    reached = {first}
    while grown := {to for (state, _), to in table.items() if state in reached} - reached:
        reached |= grown
    assert reached == set(states)


@pytest.mark.parametrize(("table", "states", "events", "first"), TABLES)
def test_every_event_is_used(table, states, events, first):
    assert {event for _, event in table} == set(events)


def test_illegal_transition_names_state_event_and_history():
    history = [RunEvent.START, RunEvent.FINISH]
    with pytest.raises(IllegalTransition, match=r"'ingested'.*'start'.*final.*start, finish"):
        advance(NEXT_RUN_STATE, RunState.INGESTED, RunEvent.START, history=history)


def test_run_moves_by_its_table():
    run = a_run(state=RunState.REQUESTED).after(RunEvent.START).after(RunEvent.FINISH)
    assert run.state is RunState.FINISHED
    assert not run.is_over


def test_trial_that_gave_up_says_why():
    trial = a_trial().after(TrialEvent.LEASE).after(TrialEvent.GIVE_UP, failure="no memory")
    assert (trial.is_over, trial.failure) == (True, "no memory")


def test_trial_counts_how_often_its_process_died():
    trial = a_trial().after(TrialEvent.LEASE).after(TrialEvent.INTERRUPT)
    assert trial.after(TrialEvent.LEASE).attempt_count == 1


def test_cancelled_trial_is_over():
    assert a_trial().after(TrialEvent.CANCEL).is_over


def test_experiment_stored_before_it_could_be_paused_is_open():
    old = msgspec.to_builtins(an_experiment())
    del old["state"]
    for later in ("policies", "seed", "sla_rule", "drawn_count", "cloud"):
        del old["plan"][later]
    assert msgspec.convert(old, Experiment, strict=False) == an_experiment()


def test_project_returns_to_learning():
    project = a_project().after(PhaseEvent.SETTLE).after(PhaseEvent.RENEW)
    assert project.phase is Phase.LEARNING


def test_what_was_never_applied_cannot_have_a_child():
    issued = a_recommendation().after(RecommendationEvent.ISSUE)
    with pytest.raises(IllegalTransition, match="Apply it first"):
        AppliedRecommendation(issued, "r-2")
