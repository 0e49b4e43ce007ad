"""Two settings become lines that a person can check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.platforms.databricks.difference import difference, is_same

scalars = (
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, "", "1", "none"])
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "task_key"]), inner, max_size=2)
    ),
)
some_settings = st.dictionaries(st.sampled_from(["tasks", "job_clusters", "x"]), trees)


@given(some_settings, some_settings)
def test_lines_are_none_exactly_where_the_json_is_the_same(one, other):
    assert (difference(one, other) == ()) == is_same(one, other)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ({"a": 1}, {"a": 2}, "a: 1 → 2"),
        ({"a": 1}, {"a": True}, "a: 1 → true"),
        ({"a": 1}, {"a": "1"}, 'a: 1 → "1"'),
        ({"a": "x"}, {}, "a: x → none"),
        ({}, {"a": None}, "a: none → null"),
        ({"a": ""}, {"a": "none"}, 'a: "" → "none"'),
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, "a.b[1]: none → 2"),
        (
            {"tasks": [{"task_key": "x", "n": 1}, {"task_key": "y"}]},
            {"tasks": [{"task_key": "y"}, {"task_key": "x", "n": 1}]},
            "tasks: order x, y → order y, x",
        ),
    ],
)
def test_a_line_names_the_place_and_both_values(old, new, line):
    assert difference(old, new) == (line,)


def test_entries_are_named_by_their_keys():
    old = {"tasks": [{"task_key": "x", "n": 1}, {"task_key": "y", "n": 1}]}
    new = {"tasks": [{"task_key": "y", "n": 2}, {"task_key": "z"}]}
    assert difference(old, new) == (
        'tasks[x]: {"n": 1, "task_key": "x"} → none',
        "tasks[y].n: 1 → 2",
        'tasks[z]: none → {"task_key": "z"}',
    )
