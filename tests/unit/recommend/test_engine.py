"""The engine: it finds the cheapest cluster in time, in few runs, and knows when to stop."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Phase
from isocost.domain.recommendation import Abstention, Rejection
from isocost.errors import InvalidInput
from isocost.model.history import Ending, Observation, Transfer, given_up
from isocost.recommend.engine import MAX_STORED_REJECTIONS, TRADEOFF_POINTS, Engine
from isocost.recommend.policy import SearchAims
from isocost.space.candidates import CandidateSpace
from tests.unit.model.clusters import (
    COMPUTE,
    MEMORY,
    SPACE,
    TYPES,
    a_logged_run,
    a_run,
    on,
    runs_on,
    true_runtime_s,
)
from tests.unit.recommend.questions import a_question, ask, carried_on, cost_usd


def cheapest(max_runtime_s=float("inf")):
    in_time = [spec for spec in SPACE if true_runtime_s(spec) <= max_runtime_s]
    return min(cost_usd(spec) for spec in in_time)


@pytest.mark.parametrize("start", [on(16), on(1), on(12, MEMORY)])
def test_cheapest_cluster_is_found_within_a_tenth_in_few_runs(start):
    advices, _ = carried_on(*runs_on(start), runs=8)
    slowest_s = 3.0 * true_runtime_s(start)  # the implicit deadline
    assert cost_usd(advices[-1].spec) <= 1.1 * cheapest(slowest_s)


def test_cheapest_in_time_is_found_and_the_deadline_hardly_missed():
    advices, _ = carried_on(*runs_on(on(12)), max_runtime_s=250.0, runs=15)
    late = [a for a in advices if true_runtime_s(a.spec) > 250.0]
    assert len(late) <= 1
    assert cost_usd(advices[-1].spec) <= 1.1 * cheapest(250.0)


def test_search_settles_and_stays():
    advices, _ = carried_on(*runs_on(on(16)), runs=20)
    assert [a.phase for a in advices[-5:]] == [Phase.OPTIMIZING] * 5
    assert len({a.spec for a in advices[-5:]}) == 1
    assert advices[0].phase is Phase.LEARNING


def test_deadline_no_run_has_kept_is_kept_soon():
    advices, _ = carried_on(*runs_on(on(1)), max_runtime_s=250.0, runs=4)
    assert min(true_runtime_s(a.spec) for a in advices) <= 250.0


histories = st.lists(
    st.tuples(st.sampled_from(SPACE), st.floats(20.0, 3000.0), st.sampled_from(list(Ending))),
    min_size=1,
    max_size=6,
).map(lambda runs: [Observation(f"r-{n}", s, t, e) for n, (s, t, e) in enumerate(runs)])
deadlines = st.none() | st.floats(10.0, 3000.0)


@settings(max_examples=40)
@given(histories, deadlines, st.sampled_from(list(Phase)))
def test_choice_is_a_candidate_that_is_not_given_up(history, max_runtime_s, phase):
    answer = ask(*history, max_runtime_s=max_runtime_s, phase=phase)
    if isinstance(answer, Abstention):
        assert all(o.ending is Ending.FAILED for o in history)
    else:
        assert answer.spec in SPACE
        assert answer.spec not in given_up((o.spec, o.ending is Ending.SUCCEEDED) for o in history)
        assert answer.evidence.considered[0].spec == answer.spec


@settings(max_examples=10)
@given(histories, deadlines)
def test_same_question_has_the_same_answer(history, max_runtime_s):
    first, second = (ask(*history, max_runtime_s=max_runtime_s) for _ in range(2))
    assert first == second


def test_evidence_holds_the_curve_and_what_it_says_of_it():
    evidence = ask(*runs_on(on(4))).evidence
    by_spec = {c.spec: c.prediction for c in evidence.considered}
    assert 2 <= len(evidence.tradeoff) <= TRADEOFF_POINTS
    assert set(evidence.tradeoff) <= set(by_spec)
    assert evidence.candidate_count == len(SPACE)
    assert evidence.history_run_ids == ("r-0",)


def test_impossible_deadline_is_said_and_not_met():
    advice = ask(*runs_on(on(4), on(8)), max_runtime_s=10.0)
    assert not advice.evidence.meets_sla
    assert advice.prediction.sla_probability < 0.05
    assert "No candidate promises to keep the deadline of 10.0 s" in advice.evidence.reason
    assert advice.prediction.runtime_s < true_runtime_s(on(8))


def test_impossible_deadline_with_everything_tried_takes_the_fastest():
    space = (on(2), on(8), on(4))
    advice = ask(*runs_on(*space), max_runtime_s=10.0, space=space)
    assert (advice.spec, advice.evidence.meets_sla) == (on(8), False)


@pytest.mark.parametrize("start", [on(4), on(4, MEMORY)])
def test_free_node_types_are_no_error(start):
    free = [replace(t, usd_per_hour=0.0) if t is TYPES[0] else t for t in TYPES]
    assert ask(*runs_on(start), node_types=free).spec.node_type_id == TYPES[0].node_type_id


def test_deadline_that_is_met_with_ease_is_met():
    advice = ask(*runs_on(*[on(8)] * 6), max_runtime_s=3000.0, space=(on(8),))
    assert advice.evidence.meets_sla
    assert advice.prediction.sla_probability > 0.9


def test_all_failed_names_the_roomiest_untried_cluster():
    failed = [a_run(on(16, MEMORY), ending=Ending.FAILED), a_run(on(2), ending=Ending.FAILED)]
    answer = ask(*failed)
    assert answer == Abstention(
        "None of the 2 runs succeeded, so nothing is known of the runtime. If they ran out of "
        "memory, try 12 × memory: with 8.0 GiB a core and 384 GiB in sum it has the most of all "
        "clusters not tried yet."
    )


def test_all_failed_with_nothing_left_says_so():
    answer = ask(a_run(ending=Ending.FAILED), space=(on(),))
    assert "Every cluster within the limits has been tried: look at the failures" in answer.reason


def test_success_outside_the_space_with_failures_on_all_of_it_is_no_recommendation():
    answer = ask(a_run(on(8)), a_run(on(2), ending=Ending.FAILED), space=(on(2),))
    assert answer == Abstention(
        "A run failed on every cluster within the limits, so none of them can be named. Look at "
        "the failures, or widen the limits."
    )


@pytest.mark.parametrize("runtime_s", [5.0, 288.0, 20_000.0])
def test_current_cluster_outside_the_space_is_learned_from(runtime_s):
    advice = ask(a_run(on(16), runtime_s), space=(on(1), on(2), on(4)))
    assert advice.spec in (on(1), on(2), on(4))
    assert "No cluster within the limits has succeeded undisturbed yet" in advice.evidence.reason


def test_failure_is_not_repeated_and_smaller_memory_is_feared():
    lean = [a_run(on(n, COMPUTE), ending=Ending.FAILED) for n in (2, 4)]
    advices, _ = carried_on(*runs_on(on(4)), *lean, runs=6)
    assert all(a.spec.node_type_id != "compute" for a in advices)


def test_without_a_deadline_no_trial_is_outrageously_slow():
    advices, _ = carried_on(*runs_on(on(16)), runs=12)
    assert max(true_runtime_s(a.spec) for a in advices) <= 3.0 * 1.3 * true_runtime_s(on(16))


def test_spent_budget_ends_the_search():
    history = [*runs_on(on(4)), a_run(on(16), 900.0, "dear")]
    free = ask(*history)
    bounded = ask(*history, aims=SearchAims(exploration_budget=1.0))
    assert free.spec not in (on(4), on(16))
    assert bounded.spec == on(4)
    assert bounded.phase is Phase.OPTIMIZING


def test_unspent_budget_lets_the_search_go_on():
    aims = SearchAims(exploration_budget=1.0)
    assert ask(*runs_on(on(4)), aims=aims).spec == ask(*runs_on(on(4))).spec


def test_endless_search_never_repeats_a_cluster():
    advices, _ = carried_on(*runs_on(on(4)), runs=10, aims=SearchAims(is_endless=True))
    assert len({a.spec for a in advices} | {on(4)}) == 11


def test_settled_project_stays_until_something_changes():
    runs = runs_on(on(4), on(8), on(4))
    settled = ask(*runs, phase=Phase.OPTIMIZING)
    assert (settled.spec, settled.phase) == (on(4), Phase.OPTIMIZING)
    renewed = ask(*runs, phase=Phase.OPTIMIZING, news="prices changed")
    assert renewed.spec != on(4)


def test_overhead_makes_fewer_larger_nodes_no_cheaper_and_is_paid():
    plain, paid = (
        ask(*runs_on(on(4)), space=(on(4),)),
        ask(*runs_on(on(4)), space=(on(4),), overhead_s=100.0),
    )
    extra = paid.prediction.cost_usd - plain.prediction.cost_usd
    assert extra == pytest.approx(cost_usd(on(4), 100.0))


def test_same_program_at_another_size_makes_predictions_surer():
    known = tuple(runs_on(*SPACE[::3], factor=2.0))
    taught = Engine(Transfer(same_program=(known,), node_types=TYPES))
    question = a_question(*runs_on(on(16)))
    alone, told = (e.advise(question) for e in (Engine(), taught))
    assert cost_usd(told.spec) <= cost_usd(alone.spec)
    widths = [p.high / p.low for p in (a.prediction.runtime_80_s for a in (told, alone))]
    assert widths[0] < 0.8 * widths[1]


def test_log_of_the_first_run_tells_its_replay_error():
    evidence = ask(a_logged_run(on(4))).evidence
    assert evidence.replay_error_fraction == pytest.approx(0.0, abs=0.05)


def test_node_type_without_coremark_can_be_recommended():
    types = tuple(replace(t, coremark=None, network_gbps=None) for t in TYPES)
    advice = ask(*runs_on(on(4)), node_types=types)
    assert advice.spec in SPACE


def test_rejections_are_stored_up_to_a_limit_and_counted():
    rejected = tuple(
        Rejection(ClusterSpec("general", n), "too large", n, 1, "nodes") for n in range(1, 51)
    )
    question = replace(a_question(*runs_on(on(4))), space=CandidateSpace(SPACE, rejected))
    evidence = Engine().advise(question).evidence
    assert len(evidence.rejections) == MAX_STORED_REJECTIONS
    assert evidence.further_rejection_count == 50 - MAX_STORED_REJECTIONS


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"history": ()}, "no run to learn from yet"),
        ({"space": CandidateSpace((), ())}, "Widen the limits"),
        ({"overhead_s": -1.0}, "0 s or more"),
        ({"overhead_s": float("nan")}, "0 s or more"),
    ],
)
def test_question_that_has_no_answer_is_refused(changes, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        Engine().advise(replace(a_question(*runs_on(on(4))), **changes))


def test_large_space_is_looked_at_closely_only_where_it_pays():
    types = [
        replace(COMPUTE, node_type_id=f"t-{n}", usd_per_hour=0.1 + 0.01 * n) for n in range(40)
    ]
    space = tuple(ClusterSpec(t.node_type_id, n) for t in types for n in range(1, 17))
    run = a_run(ClusterSpec("t-20", 4), 300.0)
    advice = ask(run, space=space, node_types=types)
    # All types are alike but for their price, so the cheapest one is.
    assert advice.spec.node_type_id == "t-0"
