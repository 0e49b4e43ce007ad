"""SIGKILL while a project is imported or taken off: the same call, or the next look, goes on."""

import os
import signal
from dataclasses import replace
from itertools import count

import pytest

from isocost.domain.change import ChangeState
from isocost.domain.recommendation import RecommendationState
from isocost.usecases.adopt import retire
from isocost.usecases.apply import text_of
from isocost.usecases.loop import LoopStep
from isocost.usecases.watch import sweep
from tests.chaos.lives import (
    FORKS,
    HALF_DAY,
    PATIENCE_S,
    Life,
    a_place,
    deaths_of,
    finished,
    import_all,
    opened,
    rows_of,
)

SET_UP_STEPS = (LoopStep.SET_UP_PLANNED, LoopStep.CHANGE_WRITTEN, LoopStep.CHANGE_CONFIRMED)
RESTORE_STEPS = (LoopStep.CHANGE_PLANNED, LoopStep.CHANGE_WRITTEN, LoopStep.CHANGE_CONFIRMED)
# Changes that are written, but not confirmed: the set-up and the first apply.
HALF_WRITTEN = (1, 2)
OPEN = {RecommendationState.DRAFTED, RecommendationState.ISSUED, RecommendationState.APPLIED}


def take_off(loop, life):
    (rows,) = rows_of(life).values()
    retire(loop, rows.project)


def import_again(loop, life):
    import_all(loop, life.place)


def look(loop, life):
    sweep(loop)


def die_at(step, deed, life):
    """Have a process do something and die at a step of it."""
    process = FORKS.Process(target=_deed, args=(step, deed, life))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL


def _deed(step, deed, life):
    def tell(passed, _):
        if passed is step:
            os.kill(os.getpid(), signal.SIGKILL)

    with opened(life, tell=tell) as loop:
        deed(loop, life)


@pytest.fixture(scope="module")
def place():
    with a_place(2 * (len(SET_UP_STEPS) + len(RESTORE_STEPS)) + len(HALF_WRITTEN)) as served:
        yield served


@pytest.fixture(scope="module")
def ordinals():
    return count()


@pytest.fixture
def life(place, ordinals, tmp_path):
    """A life with one definition of its own."""
    return Life(tmp_path, replace(place, ids=(place.ids[next(ordinals)],)))


def now_defined(life):
    (definition_id,) = life.place.ids
    with opened(life) as loop:
        host = loop.host_of(life.place.connection.workspace)
        return text_of(host.definition(definition_id).settings)


def write_count(life):
    (definition_id,) = life.place.ids
    return life.place.control.write_count(int(definition_id))


def assert_is_taken_off(life):
    (rows,) = rows_of(life).values()
    assert rows.project.is_retired
    assert now_defined(life) == rows.project.origin.settings
    assert {change.state for change in rows.changes} == {ChangeState.MADE}
    assert not {recommendation.state for recommendation in rows.recommendations} & OPEN
    assert write_count(life) == len(rows.changes)


@pytest.mark.parametrize("then", [import_again, look])
@pytest.mark.parametrize("step", SET_UP_STEPS)
def test_import_that_died_is_set_up_once_by_the_same_call_or_the_next_look(life, step, then):
    die_at(step, import_again, life)
    with opened(life) as loop:
        then(loop, life)
    (rows,) = rows_of(life).values()
    assert [change.state for change in rows.changes] == [ChangeState.MADE]
    assert write_count(life) == 1


@pytest.mark.parametrize("then", [take_off, look])
@pytest.mark.parametrize("step", RESTORE_STEPS)
def test_project_whose_taking_off_died_is_taken_off_by_the_same_call_or_the_next_look(
    life, step, then
):
    finished(life)
    die_at(step, take_off, life)
    with opened(life) as loop:
        then(loop, life)
        assert_is_taken_off(life)
        life.place.control.advance(HALF_DAY)
        sweep(loop)
    assert_is_taken_off(life)


@pytest.mark.parametrize("passing", HALF_WRITTEN)
def test_change_that_was_written_by_the_dead_is_taken_back_with_the_project(life, passing):
    life = replace(life, deaths={life.place.ids[0]: [(LoopStep.CHANGE_WRITTEN, passing)]})
    next(deaths_of(life))
    with opened(life) as loop:
        take_off(loop, life)
    assert_is_taken_off(life)
