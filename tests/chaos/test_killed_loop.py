"""SIGKILL at every step of the closed loop: the next process goes on, and nothing shows."""

import signal
from collections import Counter
from dataclasses import dataclass

import pytest

from isocost.domain.change import Change, ChangeKind, ChangeState
from isocost.usecases.loop import LoopStep
from tests.chaos.lives import (
    Life,
    Place,
    Rows,
    a_place,
    begun,
    deaths_of,
    ended_run_ids,
    finished,
    rows_of,
)

# Where a process dies, and at which passing, once each; a group is what happens to one definition.
# The first run is of the cluster that the definition came with, the second fails on the one that
# was applied after it, and is rolled back. A set-up is written and confirmed as any other change.
GROUPS = (
    ((LoopStep.SET_UP_PLANNED, 1), (LoopStep.GATHERED, 1), (LoopStep.JUDGED, 2)),
    ((LoopStep.SET_UP_WRITTEN, 1), (LoopStep.COLLECTED, 2), (LoopStep.ADVISED, 1)),
    ((LoopStep.IMPORTED, 1), (LoopStep.READ, 1), (LoopStep.WEIGHED, 2)),
    ((LoopStep.CHANGE_WRITTEN, 1), (LoopStep.INGESTED, 1), (LoopStep.CHANGE_PLANNED, 2)),
    ((LoopStep.CHANGE_CONFIRMED, 1), (LoopStep.CONCLUDED, 1), (LoopStep.CHANGE_WRITTEN, 3)),
    ((LoopStep.CHANGE_PLANNED, 1), (LoopStep.LISTED, 2), (LoopStep.HEARD, 2)),
    ((LoopStep.CHANGE_WRITTEN, 2), (LoopStep.CHANGE_CONFIRMED, 3)),
)
DEATHS = [death for group in GROUPS for death in group]
# After how long a process is killed from outside, whatever it is at: a request, a transaction, the
# making of the database. Longer each time, so that the life comes to an end.
MOMENTS_S = [0.04 * 1.13**n for n in range(24)]

each_death = pytest.mark.parametrize("death", DEATHS, ids=[f"{s}-{n}" for s, n in DEATHS])


@dataclass(frozen=True)
class AtDeath:
    """What was stored, and what the workspace had seen, while the process was dead."""

    changes: list[Change]
    write_count: int


@dataclass(frozen=True)
class Lived:
    """A life that is over.

    Attributes:
        rows: by definition, as are `write_counts`.
    """

    place: Place
    rows: dict[str, Rows]
    write_counts: dict[str, int]
    died: list[tuple[str, LoopStep]]
    at_death: dict[tuple[str, LoopStep], AtDeath]

    def of(self, death):
        return next(
            each for each, group in zip(self.place.ids, GROUPS, strict=True) if death in group
        )


def write_count(place, definition_id):
    return place.control.write_count(int(definition_id))


def lived(life):
    place, died, at_death = life.place, [], {}
    for definition_id, step in deaths_of(life):
        died.append((definition_id, step))
        stored = rows_of(life).get(definition_id)
        at_death[definition_id, step] = AtDeath(stored.changes, write_count(place, definition_id))
    counts = {each: write_count(place, each) for each in place.ids}
    return Lived(place, rows_of(life), counts, died, at_death)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The killed life and its unkilled twin, lived at the same time."""
    with a_place(len(GROUPS)) as place, a_place(len(GROUPS)) as elsewhere:
        unkilled = Life(tmp_path_factory.mktemp("twin"), elsewhere)
        twin = begun(unkilled)
        deaths = dict(zip(place.ids, GROUPS, strict=True))
        killed = lived(Life(tmp_path_factory.mktemp("killed"), place, deaths=deaths))
        twin.join()
        yield killed, lived(unkilled)


@pytest.fixture
def killed(both):
    return both[0]


@pytest.fixture
def twin(both):
    return both[1]


def test_deaths_cover_every_step():
    assert {step for step, _ in DEATHS} == set(LoopStep)


def test_process_was_killed_once_at_each_of_these_steps(killed, twin):
    assert Counter(killed.died) == Counter((killed.of(death), death[0]) for death in DEATHS)
    assert twin.died == []


@each_death
def test_rows_are_those_of_an_unkilled_twin(killed, twin, death):
    assert killed.rows[killed.of(death)] == twin.rows[twin.of(death)]


@each_death
def test_no_run_is_lost_or_taken_in_twice(killed, death):
    rows = killed.rows[killed.of(death)]
    heard = [execution.origin_run_id for execution in rows.executions]
    taken = [run.execution_id for run in rows.runs]
    assert sorted(heard) == ended_run_ids(killed.place, killed.of(death))
    assert [execution.ordinal for execution in rows.executions] == list(range(len(heard)))
    assert taken == [execution.execution_id for execution in rows.executions]
    assert {execution.state.value for execution in rows.executions} == {"concluded"}


@each_death
def test_workspace_saw_each_change_once(killed, twin, death):
    rows = killed.rows[killed.of(death)]
    made = [change for change in rows.changes if change.state is ChangeState.MADE]
    applied = [i for c in made if c.kind is ChangeKind.APPLY for i in c.recommendation_ids]
    assert made == rows.changes
    assert killed.write_counts[killed.of(death)] == len(made) == twin.write_counts[twin.of(death)]
    assert applied
    assert len(set(applied)) == len(applied)


@each_death
def test_project_is_well_after_the_death(killed, death):
    assert killed.rows[killed.of(death)].project.guarding.fault is None


def test_lives_hold_an_apply_and_a_roll_back(twin):
    kinds = [change.kind for change in twin.rows[twin.place.ids[0]].changes]
    assert kinds[:3] == [ChangeKind.SET_UP, ChangeKind.APPLY, ChangeKind.ROLL_BACK]


WRITTEN = [death for death in DEATHS if death[0] is LoopStep.CHANGE_WRITTEN]
PLANNED = [
    death for death in DEATHS if death[0] in {LoopStep.SET_UP_PLANNED, LoopStep.CHANGE_PLANNED}
]


@pytest.mark.parametrize("death", WRITTEN, ids=str)
def test_death_was_after_the_workspace_saw_the_write_and_before_the_row_said_so(killed, death):
    found = killed.at_death[killed.of(death), death[0]]
    assert found.changes[-1].state is ChangeState.PLANNED
    assert found.write_count == len(found.changes)


@pytest.mark.parametrize("death", PLANNED, ids=str)
def test_death_was_after_the_plan_and_before_the_workspace_saw_a_write(killed, death):
    found = killed.at_death[killed.of(death), death[0]]
    assert found.changes[-1].state is ChangeState.PLANNED
    assert found.write_count == len(found.changes) - 1


def test_process_that_dies_again_and_again_at_every_step_comes_to_the_same(twin, tmp_path):
    with a_place(1) as place:
        restless = lived(Life(tmp_path, place, is_restless=True))
    (definition_id,) = place.ids
    # Who dies at the plan of the set-up finds the project imported and goes on with the change.
    told_by_import_only = {LoopStep.SET_UP_WRITTEN, LoopStep.IMPORTED}
    assert {step for _, step in restless.died} >= set(LoopStep) - told_by_import_only
    assert restless.rows[definition_id] == twin.rows[definition_id]
    assert restless.write_counts[definition_id] == twin.write_counts[definition_id]


def test_process_killed_at_any_moment_comes_to_the_same(twin, tmp_path):
    kill_count = 0
    with a_place(1) as place:
        life = Life(tmp_path, place)
        for moment_s in MOMENTS_S:
            process = begun(life)
            process.join(moment_s)
            process.kill()
            process.join()
            kill_count += process.exitcode == -signal.SIGKILL
        finished(life)
    (definition_id,) = place.ids
    assert kill_count >= len(MOMENTS_S) // 3
    assert rows_of(life)[definition_id] == twin.rows[definition_id]
