from dataclasses import replace
from datetime import timedelta

import pytest

from isocost.domain.project import Origin
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.platforms.host import EndedRun
from isocost.store.memory import MemoryStore
from isocost.testing.nouns import NOW, a_project
from isocost.usecases.collect import store_new

DAY = timedelta(days=1)


@pytest.fixture
def store():
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_workspace(
            Workspace("prod", "https://prod", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW)
        )
        tx.put_project(replace(a_project(), origin=Origin("prod", "17", settings="{}")))
    return store


def ended(number, **changes):
    begin = NOW + number * DAY
    return replace(EndedRun(str(number), begin, begin + timedelta(minutes=40), True), **changes)


def hear(store, *runs):
    with store.transaction() as tx:
        new = store_new(tx, "p-1", runs, now=NOW)
        return new, [(e.ordinal, e.origin_run_id) for e in tx.executions_of("p-1")]


def test_runs_are_counted_in_the_order_in_which_they_ended(store):
    assert hear(store, ended(2), ended(0), ended(1)) == (3, [(0, "0"), (1, "1"), (2, "2")])


def test_known_runs_are_not_heard_of_again(store):
    hear(store, ended(0), ended(1))
    assert hear(store, ended(1), ended(2)) == (1, [(0, "0"), (1, "1"), (2, "2")])


def test_run_that_two_pages_of_a_list_name_is_one(store):
    assert hear(store, ended(0), ended(1), ended(0)) == (2, [(0, "0"), (1, "1")])


def test_cancelled_run_is_none(store):
    assert hear(store, ended(0, is_cancelled=True), ended(1)) == (1, [(0, "1")])


def test_it_is_remembered_until_when_all_is_known(store):
    hear(store, ended(3), ended(1))
    hear(store, ended(2))
    with store.transaction(read_only=True) as tx:
        assert tx.project("p-1").origin.heard_until == NOW + 3 * DAY
