"""A project's model: what its runs teach of clusters that never ran, and how sure it is."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import InvalidInput
from isocost.model.history import Ending
from isocost.model.points import points_of
from isocost.model.project import ProjectModel
from isocost.testing.nouns import a_profile
from tests.unit.model.clusters import (
    COMPUTE,
    GENERAL,
    MEMORY,
    SPACE,
    TYPES,
    a_model,
    a_run,
    at,
    median_s,
    on,
    runs_on,
    true_runtime_s,
    width_95,
)

SOME = (on(1), on(4), on(16))


def test_clusters_between_those_that_ran_are_predicted_well():
    told = median_s(a_model(runs_on(*SOME)), on(2), on(8))
    assert told == pytest.approx([true_runtime_s(on(2)), true_runtime_s(on(8))], rel=0.12)


def test_one_run_is_enough_to_predict_the_whole_space():
    model = a_model(runs_on(on(4)))
    low, median, high = np.exp(model.predict(at(*SPACE)).quantiles([0.025, 0.5, 0.975]))
    truth = [true_runtime_s(spec) for spec in SPACE]
    assert np.mean((low <= truth) & (truth <= high)) > 0.9
    assert np.mean(np.abs(median / truth - 1)) < 0.5


def test_more_runs_of_a_cluster_narrow_its_interval():
    widths = [width_95(a_model(runs_on(*[on(4)] * count)), on(4)) for count in (1, 3, 9)]
    assert widths == sorted(widths, reverse=True)
    assert widths[2] < 0.95 * widths[0]


def test_a_nearer_cluster_is_more_certain():
    model = a_model(runs_on(on(4)))
    widths = [width_95(model, on(n)) for n in (4, 6, 16)]
    assert widths == sorted(widths)
    assert widths[2] > 2 * widths[0]


@settings(max_examples=4)
@given(st.floats(0.01, 100.0))
def test_all_runtimes_longer_by_a_factor_lengthen_predictions_by_it(factor):
    plain = median_s(a_model(runs_on(*SOME)), *SPACE)
    scaled = median_s(a_model(runs_on(*SOME, factor=factor)), *SPACE)
    assert scaled == pytest.approx([factor * s for s in plain], rel=1e-4)


@settings(max_examples=4)
@given(st.permutations([on(1), on(4), on(16), on(3, COMPUTE)]))
def test_order_of_history_does_not_matter(order):
    plain = median_s(a_model(runs_on(on(1), on(4), on(16), on(3, COMPUTE))), *SPACE)
    assert median_s(a_model(runs_on(*order)), *SPACE) == pytest.approx(plain, rel=1e-4)


def test_contradicting_runs_of_one_cluster_widen_its_interval():
    runs = [a_run(on(4), s, f"r-{n}") for n, s in enumerate((100.0, 1000.0, 110.0, 900.0))]
    model = a_model(runs)
    low, high = np.exp(model.predict(at(on(4))).quantiles([0.025, 0.975])[:, 0])
    assert low < 100.0 < 1000.0 < high
    assert width_95(model, on(4)) > 5 * width_95(a_model(runs_on(*[on(4)] * 4)), on(4))


def test_two_runs_that_contradict_each_other_are_no_crash_and_not_certain():
    model = a_model([a_run(on(4), 100.0), a_run(on(4), 1000.0, "r-2")])
    assert 100.0 < median_s(model, on(4)) < 1000.0
    assert width_95(model, on(4)) > log(4)


def test_disturbed_run_hardly_counts():
    disturbed = a_run(on(4), 10 * true_runtime_s(on(4)), "slow", is_disturbed=True)
    plain = median_s(a_model(runs_on(*SOME)), on(4))
    assert median_s(a_model([*runs_on(*SOME), disturbed]), on(4)) == pytest.approx(plain, rel=0.01)


def test_stopped_run_says_that_its_cluster_is_slow():
    stopped = a_run(on(1, COMPUTE), 7200.0, "stopped", ending=Ending.TIMED_OUT)
    without, with_it = a_model(runs_on(*SOME)), a_model([*runs_on(*SOME), stopped])
    assert median_s(with_it, on(1, COMPUTE)) > 2 * median_s(without, on(1, COMPUTE))


def test_measured_working_set_moves_predictions_below_it():
    def lean_over_roomy(working_set_gib):
        runs = [a_run(on(4, GENERAL), working_set_gib=working_set_gib)]
        lean, roomy = median_s(a_model(runs), on(4, COMPUTE), on(4, MEMORY))
        return lean / roomy

    assert lean_over_roomy(40.0) > 1.4 * lean_over_roomy(0.0)


def test_larger_input_takes_longer_and_is_less_certain():
    runs = [a_run(spec, input_bytes=1e9) for spec in SOME]
    same, larger = a_model(runs), a_model(runs, input_bytes=4e9)
    ratio = median_s(larger, on(4)) / median_s(same, on(4))
    assert 1.5 < ratio < 4.0
    assert width_95(larger, on(4)) > 1.5 * width_95(same, on(4))


def test_run_without_a_log_promises_nothing_of_data_that_have_doubled_since():
    unlogged = [a_run(on(4), true_runtime_s(on(4)))] * 3
    before = a_run(on(8), true_runtime_s(on(8)), input_bytes=1e9)
    after = a_run(on(8), 2 * true_runtime_s(on(8)), input_bytes=2e9)
    model = a_model([*unlogged, before, after])
    assert median_s(model, on(4)) > 1.5 * true_runtime_s(on(4))


def test_after_a_change_of_code_the_level_is_new_and_the_shape_is_kept():
    old, new = a_profile(plan_fingerprint="a"), a_profile(plan_fingerprint="b")
    before = [a_run(s, profile=old) for s in SOME]
    after = a_run(on(4), 3 * true_runtime_s(on(4)), "new", profile=new)
    model = a_model([*before, after])
    assert median_s(model, on(4)) == pytest.approx(3 * true_runtime_s(on(4)), rel=0.05)
    alone = a_model([after])
    assert width_95(model, on(16)) < width_95(alone, on(16))


def test_seen_tells_mean_count_and_noise_of_the_newest_epoch():
    runs = [a_run(on(4), s, f"r-{s}") for s in (100.0, 104.0, 102.0, 160.0, 162.0)]
    (seen,) = a_model(runs).seen()
    assert (seen.spec, seen.count) == (on(4), 2)
    assert seen.log_s == pytest.approx((log(160) + log(162)) / 2)


def test_cluster_seen_only_before_a_change_is_brought_to_the_newest_level():
    runs = [a_run(on(4), s) for s in (100.0, 104.0, 102.0)]
    runs += [a_run(on(8), 60.0), a_run(on(4), 200.0), a_run(on(4), 202.0)]
    by_spec = {seen.spec: seen for seen in a_model(runs).seen()}
    assert by_spec[on(8)].count == 0
    assert by_spec[on(8)].log_s == pytest.approx(log(120.0), abs=0.2)


def test_failed_cluster_is_not_seen_and_is_feared():
    failed = a_run(on(1, COMPUTE), ending=Ending.FAILED)
    model = a_model([*runs_on(*SOME), failed])
    assert failed.spec not in [seen.spec for seen in model.seen()]
    chances = model.probability_of_failure(at(failed.spec, on(16)))
    assert chances[0] > 5 * chances[1]


def test_failures_alone_are_refused_with_their_number():
    with pytest.raises(InvalidInput, match=r"None of the 2 runs .* succeed once"):
        a_model([a_run(ending=Ending.FAILED)] * 2)


def test_same_history_has_the_same_answer():
    quantiles = [a_model(runs_on(*SOME)).predict(at(*SPACE)).quantiles([0.1]) for _ in range(2)]
    assert (quantiles[0] == quantiles[1]).all()


def test_node_type_never_seen_is_predicted_by_its_specification():
    twin = NodeType("twin", 4, 16.0, 0.3, coremark=56_000.0, network_gbps=1.0)
    racer = NodeType("racer", 4, 16.0, 0.3, coremark=112_000.0, network_gbps=1.0)
    types = (*TYPES, twin, racer)
    model = ProjectModel(runs_on(*SOME), space=SPACE, node_types=types)
    specs = [on(4), ClusterSpec("twin", 4), ClusterSpec("racer", 4)]
    known, same, faster = model.predict(points_of(specs, types)).quantiles([0.5])[0]
    assert same == pytest.approx(known)
    assert faster < known - 0.2
