"""A deadline is shared among clusters so that whoever keeps its share keeps the deadline."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isocost.domain.critical_path import LEAST_ALLOWED_S, allowed_runtimes, longest_path
from isocost.domain.execution import StepSpan
from isocost.errors import InvalidInput
from isocost.testing.nouns import NOW


def a_step(key, begin_s, end_s, *depends_on, cluster="main"):
    begin, end = (NOW + timedelta(seconds=s) for s in (begin_s, end_s))
    return StepSpan(key, cluster, begin, end, depends_on)


def test_one_step_may_take_the_deadline_less_the_start_of_its_cluster():
    allowed = allowed_runtimes([a_step("a", 0, 160)], {"main": 100.0}, 260.0)
    assert allowed == {"main": pytest.approx(200.0)}


def test_what_lies_outside_the_steps_is_taken_off():
    spans = [a_step("a", 0, 100)]
    assert allowed_runtimes(spans, {"main": 100.0}, 260.0, outside_s=60.0)["main"] == 200.0


def test_clusters_in_sequence_share_the_deadline_in_proportion():
    spans = [a_step("a", 0, 100, cluster="x"), a_step("b", 100, 400, "a", cluster="y")]
    allowed = allowed_runtimes(spans, {"x": 100.0, "y": 300.0}, 200.0)
    assert allowed == {"x": pytest.approx(50.0), "y": pytest.approx(150.0)}


def test_clusters_in_parallel_may_each_take_all_of_it():
    spans = [a_step("a", 0, 100, cluster="x"), a_step("b", 0, 400, cluster="y")]
    allowed = allowed_runtimes(spans, {"x": 100.0, "y": 400.0}, 800.0)
    assert allowed == {"x": pytest.approx(800.0), "y": pytest.approx(800.0)}


def test_shared_cluster_is_held_to_its_tightest_step():
    spans = [
        a_step("a", 0, 100, cluster="x"),
        a_step("b", 0, 50, cluster="x"),
        a_step("c", 100, 200, "a", cluster="y"),
    ]
    assert allowed_runtimes(spans, {"x": 100.0, "y": 100.0}, 400.0) == {"x": 200.0, "y": 200.0}


def test_time_an_application_waits_for_other_clusters_is_not_stretched():
    spans = [
        a_step("a", 0, 100, cluster="x"),
        a_step("b", 100, 200, "a", cluster="y"),
        a_step("c", 200, 300, "b", cluster="x"),
    ]
    allowed = allowed_runtimes(spans, {"x": 300.0, "y": 100.0}, 600.0)
    assert allowed == {"x": pytest.approx(500.0), "y": pytest.approx(200.0)}


def test_steps_that_ran_on_no_known_cluster_are_constant():
    spans = [a_step("a", 0, 100, cluster=""), a_step("b", 100, 200, "a")]
    assert allowed_runtimes(spans, {"main": 100.0}, 300.0) == {"main": pytest.approx(200.0)}


def test_hopeless_deadline_leaves_a_little():
    spans = [a_step("a", 0, 100)]
    assert allowed_runtimes(spans, {"main": 10.0}, 50.0) == {"main": LEAST_ALLOWED_S}


def test_cluster_without_steps_may_take_the_whole_deadline():
    assert allowed_runtimes([], {"main": 10.0}, 50.0) == {"main": 50.0}


def test_step_that_ran_again_counts_as_one():
    spans = [a_step("a", 0, 100), a_step("a", 150, 200)]
    assert longest_path(spans).length_s() == 200.0


def test_longest_path_names_its_steps_and_counts_their_lags():
    spans = [
        a_step("a", 0, 100),
        a_step("b", 0, 50),
        a_step("c", 130, 200, "a", "b", "unknown"),
        a_step("d", 60, 120, "b"),
    ]
    path = longest_path(spans)
    assert (path.step_keys, path.length_s()) == (("a", "c"), 200.0)


def test_no_steps_take_no_time():
    assert longest_path([]).length_s() == 0.0


def test_steps_in_a_circle_are_refused():
    spans = [a_step("a", 0, 1, "b"), a_step("b", 0, 1, "a")]
    with pytest.raises(InvalidInput, match="a, b depend on each other in a circle"):
        longest_path(spans)


CLUSTERS = ("x", "y", "z")


@st.composite
def executions(draw):
    """Steps on three clusters with lags and starts of clusters, as (work, constant) by key."""
    count = draw(st.integers(1, 8))
    seconds = st.integers(0, 500)
    parts, spans, end_of = {}, [], {}
    for number in range(count):
        key = f"s{number}"
        before = draw(st.lists(st.sampled_from(sorted(parts)), unique=True)) if parts else []
        ready_s = max((end_of[b] for b in before), default=0)
        lag_s, lasts_s = draw(seconds) // 10, draw(seconds) + 1
        end_of[key] = ready_s + lag_s + lasts_s
        cluster = draw(st.sampled_from((*CLUSTERS, "")))
        spans.append(a_step(key, ready_s + lag_s, end_of[key], *before, cluster=cluster))
        parts[key] = (lag_s, lasts_s)
    application_s = {
        c: draw(st.floats(0.01, 1.0)) * _extent_s(spans, c)
        for c in {s.cluster_key for s in spans} - {""}
    }
    return spans, parts, application_s


def _extent_s(spans, cluster):
    own = [s for s in spans if s.cluster_key == cluster]
    return (max(s.ended_at for s in own) - min(s.started_at for s in own)).total_seconds()


def window(spans, cluster, application_s):
    """Return from when on a cluster's application worked, and until when."""
    end_s = max((s.ended_at - NOW).total_seconds() for s in spans if s.cluster_key == cluster)
    return end_s - application_s.get(cluster, 0.0), end_s


def work_s(span, spans, application_s):
    since_s, _ = window(spans, span.cluster_key, application_s)
    return max(0.0, (span.ended_at - NOW).total_seconds() - max(since_s, begin_s(span)))


def begin_s(span):
    return (span.started_at - NOW).total_seconds()


def busy_s(spans, cluster, application_s):
    """Return how long any step of a cluster was at work, second by second."""
    own = [s for s in spans if s.cluster_key == cluster]
    since_s, end_s = window(spans, cluster, application_s)
    ran = {at for s in own for at in range(int(begin_s(s)), int(begin_s(s) + s.duration_s))}
    return sum(max(0.0, min(at + 1.0, end_s) - max(at, since_s)) for at in ran)


def replayed_s(spans, parts, application_s, factors):
    """Run the steps again with the work of each cluster's application stretched."""
    ends = {}
    for span in spans:
        lag_s, lasts_s = parts[span.step_key]
        work = work_s(span, spans, application_s)
        ready_s = max((ends[b] for b in span.depends_on), default=0.0)
        stretched_s = work * factors.get(span.cluster_key, 1.0)
        ends[span.step_key] = ready_s + lag_s + lasts_s - work + stretched_s
    return max(ends.values())


@given(executions(), st.floats(1.0, 5_000.0))
def test_execution_is_in_time_if_every_cluster_keeps_its_share(execution, sla_s):
    spans, parts, application_s = execution
    before_s = min(begin_s(span) for span in spans)
    allowed = allowed_runtimes(spans, application_s, sla_s, outside_s=before_s)
    assume(min(allowed.values(), default=0.0) > LEAST_ALLOWED_S)
    assume(replayed_s(spans, parts, application_s, dict.fromkeys(CLUSTERS, 0.0)) <= sla_s)
    factors = {
        key: 1.0 + (allowed[key] - runtime_s) / busy_s(spans, key, application_s)
        for key, runtime_s in application_s.items()
    }
    assert replayed_s(spans, parts, application_s, factors) <= sla_s + 1e-3


@given(executions())
def test_deadline_as_long_as_the_execution_keeps_every_critical_cluster_as_it_is(execution):
    spans, _, application_s = execution
    path = longest_path(spans, application_s)
    allowed = allowed_runtimes(spans, application_s, path.length_s())
    by_key = {s.step_key: s for s in spans}
    worked = {
        by_key[key].cluster_key
        for key in path.step_keys
        if work_s(by_key[key], spans, application_s) > 0.01
    }
    for cluster in worked:
        expected = max(LEAST_ALLOWED_S, application_s[cluster])
        assert allowed[cluster] == pytest.approx(expected, abs=1e-3)


@given(executions(), st.floats(1.0, 5_000.0), st.floats(1.0, 3.0))
def test_later_deadline_never_allows_less(execution, sla_s, factor):
    spans, _, application_s = execution
    sooner = allowed_runtimes(spans, application_s, sla_s)
    later = allowed_runtimes(spans, application_s, sla_s * factor)
    assert all(later[key] >= sooner[key] - 1e-6 for key in sooner)
