"""The latency benchmark asks what it says it asks; its yardstick is a Gaussian process."""

import numpy as np
import pytest

from benchmarks.latency import RUNS, SPACES, a_question, plain_process, some_node_types, timed_ms


@pytest.mark.parametrize("count", SPACES)
def test_spaces_have_as_many_candidates_as_they_are_named_after(count):
    types, most_workers = SPACES[count]
    question = a_question(types, most_workers)
    assert len(set(question.space.candidates)) == count
    assert len({o.spec for o in question.history}) == RUNS


def test_node_types_are_distinct_and_of_many_sizes():
    found = some_node_types(100)
    assert len({t.node_type_id for t in found}) == 100
    assert len({t.cores for t in found}) > 5


def test_question_is_the_same_each_time():
    assert a_question(10, 5) == a_question(10, 5)


def test_yardstick_knows_what_it_has_seen_and_doubts_the_rest():
    question = a_question(10, 5)
    mean, variance = plain_process(question)
    place = question.space.candidates.index(question.history[0].spec)
    assert mean[place] == pytest.approx(np.log(question.history[0].runtime_s), abs=0.1)
    assert variance[place] < 0.01 < variance.max() <= 1.0


def test_first_call_is_not_timed():
    calls = []
    assert len(timed_ms(lambda: calls.append(1), 3)) == 3
    assert len(calls) == 4
