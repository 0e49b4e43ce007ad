"""Ten thousand runs are answered about as fast as a hundred, in bounded memory."""

import tracemalloc
from functools import cache
from math import exp
from time import process_time

import numpy as np
import pytest

from isocost.model.cells import MOST_CELLS
from isocost.model.history import Observation
from isocost.recommend.engine import Engine
from isocost.recommend.policy import SearchAims
from isocost.testing.nouns import a_profile
from tests.unit.model.clusters import SPACE, a_run, on, true_runtime_s
from tests.unit.recommend.questions import a_question

PROFILE = a_profile()


@cache
def history(count, has_logs=False, grows=False):
    """Return noisy runs on a few clusters, whose input may grow a little with each."""
    random = np.random.default_rng(8)
    specs = (on(4), on(8), SPACE[3])
    return tuple(
        Observation(
            f"r-{n}",
            specs[n % 3],
            true_runtime_s(specs[n % 3]) * exp(random.normal(0, 0.02)),
            input_bytes=1e9 * 1.001**n if grows else None,
            profile=PROFILE if has_logs else None,
        )
        for n in range(count)
    )


def test_endless_search_repeats_no_cluster_however_long_ago_it_ran():
    space = [on(count) for count in range(1, MOST_CELLS + 30)]
    runs = [a_run(spec, true_runtime_s(spec), f"r-{n}") for n, spec in enumerate(space[:-1])]
    question = a_question(*runs, space=space, aims=SearchAims(is_endless=True))
    assert Engine().advise(question).spec == space[-1]


def least_s(runs):
    question, engine = a_question(*runs), Engine()
    taken = []
    for _ in range(4):
        started = process_time()
        engine.advise(question)
        taken.append(process_time() - started)
    return min(taken)


@pytest.mark.parametrize("kind", [{}, {"has_logs": True}, {"grows": True}])
def test_hundred_times_the_runs_take_far_less_than_hundred_times_as_long(kind):
    # Quadratic would be 10,000 times as long; 150 cells at the most are really computed with.
    assert least_s(history(10_000, **kind)) < 25 * least_s(history(100, **kind))


def test_long_history_needs_little_memory():
    question, engine = a_question(*history(10_000, grows=True)), Engine()
    tracemalloc.start()
    engine.advise(question)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6


def test_long_history_is_told_by_its_end_only():
    advice = Engine().advise(a_question(*history(10_000)))
    assert len(advice.evidence.explanation[0]) < 400
    assert advice.evidence.explanation[0].startswith("Learned from 10000 runs, the last ones: ")
