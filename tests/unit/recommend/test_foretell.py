"""Predictions for people: intervals, costs, chances and causes that fit each other."""

from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.domain.recommendation import Cause
from isocost.model.causes import NOISE
from isocost.recommend.foretell import Terms, foretell
from tests.unit.model.clusters import SPACE, TYPES, a_model, at, on, runs_on
from tests.unit.recommend.questions import RATES

MODEL = a_model(runs_on(on(2), on(8), on(8), on(8)))


def foretold(*specs, overhead_s=0.0, max_runtime_s=None, model=MODEL):
    return [c.prediction for c in foretell(model, specs, Terms(TYPES, overhead_s, max_runtime_s))]


def test_rate_is_that_of_all_workers():
    assert Terms(TYPES, 0.0, None).usd_per_s([on(3)]) == pytest.approx([3 * 0.20 / 3600])


@settings(max_examples=20)
@given(st.sampled_from(SPACE), st.floats(0.0, 600.0))
def test_cost_is_runtime_and_overhead_at_the_clusters_rate(spec, overhead_s):
    (p,) = foretold(spec, overhead_s=overhead_s)
    rate = RATES[spec.node_type_id] * spec.worker_count
    for usd, seconds in [
        (p.cost_usd, p.runtime_s),
        (p.cost_80_usd.low, p.runtime_80_s.low),
        (p.cost_80_usd.high, p.runtime_80_s.high),
        (p.cost_95_usd.low, p.runtime_95_s.low),
        (p.cost_95_usd.high, p.runtime_95_s.high),
    ]:
        assert usd == pytest.approx((seconds + overhead_s) * rate)


@pytest.mark.parametrize("spec", SPACE)
def test_intervals_are_nested_about_the_median(spec):
    (p,) = foretold(spec)
    assert p.runtime_95_s.low < p.runtime_80_s.low < p.runtime_s
    assert p.runtime_s < p.runtime_80_s.high < p.runtime_95_s.high


@pytest.mark.parametrize("spec", [on(8), on(4)])
def test_chance_of_the_deadline_is_success_in_time(spec):
    (free,) = foretold(spec)
    (p,) = foretold(spec, max_runtime_s=free.runtime_80_s.high)
    assert free.sla_probability is None
    assert p.sla_probability == pytest.approx((1 - p.failure_probability) * 0.9, abs=1e-3)


@settings(max_examples=20)
@given(st.sampled_from(SPACE), st.floats(10, 2000), st.floats(10, 2000))
def test_later_deadline_is_never_harder_to_keep(spec, a, b):
    early, late = sorted((a, b))
    (at_early,), (at_late,) = (foretold(spec, max_runtime_s=s) for s in (early, late))
    assert at_early.sla_probability <= at_late.sla_probability + 1e-12


def test_cluster_that_ran_is_predicted_from_its_own_runs():
    (p,) = foretold(on(8))
    assert p.runtime_s == pytest.approx(171.0, rel=1e-4)
    assert p.causes == (Cause(NOISE, 1.0),)
    sd = MODEL.run_sd * (1 + 1 / 3) ** 0.5
    assert p.runtime_80_s.high == pytest.approx(171.0 * exp(1.2816 * sd), rel=1e-3)


def test_cluster_that_never_ran_is_predicted_by_the_model():
    (p,) = foretold(on(4))
    assert p.runtime_s == pytest.approx(exp(MODEL.predict(at(on(4))).quantiles([0.5])[0, 0]))
    assert sum(cause.share for cause in p.causes) == pytest.approx(1.0)


def test_specs_foretold_together_are_foretold_as_alone():
    together = foretold(*SPACE, max_runtime_s=200.0)
    for spec, p in zip(SPACE, together, strict=True):
        (alone,) = foretold(spec, max_runtime_s=200.0)
        assert alone.runtime_s == pytest.approx(p.runtime_s, rel=1e-4)
        assert alone.sla_probability == pytest.approx(p.sla_probability, abs=1e-6)
