"""Two settings become the smallest body that `jobs/update` makes the one of the other with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.platforms.databricks.difference import is_same
from isocost.platforms.databricks.updates import (
    Update,
    holds,
    is_as,
    update_between,
    updated,
    with_pieces_of,
)

A, B, C = ({"task_key": key, "n": 1} for key in "abc")
keyed = st.lists(
    st.fixed_dictionaries({"task_key": st.sampled_from("abc"), "n": st.integers(0, 1)}),
    max_size=3,
    unique_by=lambda entry: entry["task_key"],
)
some_settings = st.fixed_dictionaries(
    {},
    optional={
        "tasks": keyed,
        "tags": st.dictionaries(st.sampled_from("xy"), st.text(max_size=1), max_size=2),
        "name": st.text(max_size=1),
        "parameters": st.lists(st.integers(0, 1), max_size=2),
    },
)


def test_only_what_changes_is_written():
    now = {"name": "n", "tasks": [A, B], "tags": {"x": "1"}}
    after = {"name": "n", "tasks": [A, B | {"n": 2}]}
    assert update_between(now, after) == Update({"tasks": [B | {"n": 2}]}, ("tags",))


def test_an_entry_is_removed_by_its_key():
    assert update_between({"tasks": [A, B]}, {"tasks": [B]}) == Update({}, ("tasks/a",))


@pytest.mark.parametrize(
    ("now", "after"),
    [
        ({"tasks": [A, B]}, {"tasks": [B, A]}),
        ({"tasks": [B]}, {"tasks": [A, B]}),
        ({"parameters": [{"name": "p"}]}, {"parameters": []}),
        ({"tasks": [A, A]}, {"tasks": [A]}),
    ],
)
def test_what_an_update_cannot_make_is_left_to_a_reset(now, after):
    assert update_between(now, after) is None


@given(some_settings, some_settings)
def test_an_update_makes_exactly_what_is_wanted(now, after):
    update = update_between(now, after)
    assert update is None or is_same(updated(now, update), after)


@given(some_settings, some_settings)
def test_without_a_difference_nothing_is_written(now, after):
    assert (update_between(now, after) == Update()) == is_same(now, after)


@given(some_settings, some_settings, st.text(max_size=2))
def test_what_is_taken_back_leaves_what_others_wrote(now, after, theirs):
    update = update_between(now, after)
    if update is None:
        return
    seen = updated(now, update) | {"description": theirs}
    restored = with_pieces_of(seen, update.pieces, now)
    assert holds(seen, update.pieces, after)
    assert holds(restored, update.pieces, now)
    assert restored["description"] == theirs


@pytest.mark.parametrize(
    "written",
    [
        {"format": "MULTI_TASK"},
        {"timeout_seconds": 0, "max_concurrent_runs": 1},
        {"email_notifications": {}, "webhook_notifications": {}, "git_source": None},
        {"tasks": [A | {"run_if": "ALL_SUCCESS", "timeout_seconds": 0}]},
    ],
)
def test_what_the_workspace_writes_by_itself_is_no_edit(written):
    assert is_as({"name": "n", "tasks": [A]} | written, {"name": "n", "tasks": [A]})


@pytest.mark.parametrize(
    "edit",
    [
        {"timeout_seconds": 60},
        {"max_concurrent_runs": 2},
        {"tasks": [A | {"run_if": "ALL_DONE"}]},
        {"tasks": [A | {"unknown": {}}]},
        {"unknown": 0},
    ],
)
def test_anything_else_is_an_edit(edit):
    assert not is_as({"name": "n", "tasks": [A]} | edit, {"name": "n", "tasks": [A]})
