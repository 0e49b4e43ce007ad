"""The store's benchmark fills what it says, and every question has an answer."""

import pytest

from benchmarks.store import QUESTIONS, measure, timed_ms
from benchmarks.store_filling import LONG, PROFILES, USUAL, Scale, fill
from isocost.store.memory import MemoryStore

SMALL = Scale(runs=100, projects=3, long_runs=60)
NOTHING_NEW = {"look_heard", "look_heard_long"}  # as at most looks: all runs are known


@pytest.fixture(scope="module")
def store():
    store = MemoryStore()
    fill(store, SMALL)
    return store


@pytest.mark.parametrize("scale", [SMALL, Scale(100_000, 500, 2_000), Scale(101, 4, 50)])
def test_projects_share_all_runs(scale):
    assert sum(map(scale.runs_of, range(scale.projects))) == scale.runs


def test_store_holds_what_the_scale_says(store):
    with store.transaction(read_only=True) as tx:
        assert len(tx.newest_runs(1000)) == SMALL.runs
        assert len(tx.imported_projects()) == SMALL.projects
        assert len(tx.runs_of(LONG)) == SMALL.long_runs
        assert all(tx.profile(run.run_id) for run in tx.runs_of(USUAL, newest=PROFILES))


@pytest.mark.parametrize("name", QUESTIONS)
def test_question_has_an_answer(store, name):
    assert bool(QUESTIONS[name](store)) != (name in NOTHING_NEW)


def test_first_answer_is_not_timed(store):
    asked = []
    assert len(timed_ms(store, asked.append, 3)) == 3
    assert len(asked) == 4


def test_each_question_is_measured_on_a_file(tmp_path):
    answers = measure(tmp_path / "isocost.db", SMALL, 1)
    assert set(answers.queries_ms) == {*QUESTIONS, "rewrite_run", "remove_project"}
    assert answers.size_mb > 0.0
