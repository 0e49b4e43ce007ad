"""Why a prediction is not certain: shares that sum to 1 and name what is not known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.model.causes import MEMORY as BY_MEMORY
from isocost.model.causes import NOISE, SCALE_OUT, UNEXPLAINED, causes_of
from tests.unit.model.clusters import COMPUTE, MEMORY, SPACE, a_model, at, on, runs_on


def causes(model, *specs):
    return causes_of(model.posterior, at(*specs), noise_variance=model.run_sd**2)


def share(told, name):
    return next(cause.share for cause in told if cause.name == name)


@settings(max_examples=8)
@given(st.lists(st.sampled_from(SPACE), min_size=1, max_size=4, unique=True))
def test_shares_sum_to_one_largest_first(specs):
    for told in causes(a_model(runs_on(*specs)), *SPACE):
        shares = [cause.share for cause in told]
        assert sum(shares) == pytest.approx(1.0)
        assert shares == sorted(shares, reverse=True)
        assert min(shares) >= 0.0
        assert {c.name for c in told} == {NOISE, UNEXPLAINED, BY_MEMORY, SCALE_OUT}


def test_other_core_counts_are_uncertain_by_scale_out():
    (told,) = causes(a_model(runs_on(on(2, MEMORY))), on(16, MEMORY))
    assert told[0].name == SCALE_OUT


def test_less_memory_is_uncertain_by_memory():
    model = a_model(runs_on(*[on(n, MEMORY) for n in (2, 4, 8)]))
    same, lean = causes(model, on(4, MEMORY), on(4, COMPUTE))
    assert share(lean, BY_MEMORY) > 5 * share(same, BY_MEMORY)
    assert lean[0].name == BY_MEMORY


def test_noise_is_the_variance_of_runs():
    model = a_model(runs_on(*[on(4)] * 6))
    (told,) = causes(model, on(4))
    _, sd = model.predict(at(on(4))).moments()
    assert share(told, NOISE) == pytest.approx(float(np.square(model.run_sd / sd[0])), rel=0.01)
