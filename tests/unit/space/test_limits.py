"""Whatever is offered to a project violates none of its limits, and each rejection says why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.catalog.shipped import load
from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of, total_cores
from isocost.domain.cost import RateCard
from isocost.domain.limits import Field, Limits
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput
from isocost.pricing.purchase import Purchase
from isocost.recommend.engine import MAX_STORED_REJECTIONS, Engine
from isocost.recommend.policy import Question
from isocost.space.families import DEFAULT_BREADTH, Breadth, family_of
from isocost.space.within import EVERY_COUNT_UP_TO, candidate_space_within
from tests.unit.model.clusters import a_run

AWS = load().node_types(Cloud.AWS, "us-east-1")
PRESENT = ClusterSpec("m5.xlarge", 8)
A_FEW = tuple(t for t in AWS if family_of(t.node_type_id) in {"m5", "m6g", "r5d", "c4", "c5"})


def space_of(limits=None, present=PRESENT, node_types=A_FEW, **changes):
    return candidate_space_within(node_types, limits or Limits(), present, **changes)


def names(space):
    return {spec.node_type_id for spec in space.candidates}


def families(space):
    return {family_of(name) for name in names(space)}


def why(space, node_type_id):
    return [str(r) for r in space.rejections if r.spec.node_type_id == node_type_id]


@st.composite
def some_limits(draw):
    fewest = draw(st.integers(1, 40))
    least = draw(st.none() | st.integers(1, 32))
    return Limits(
        families=tuple(draw(st.lists(st.sampled_from(["m5", "r5d", "M6G", "c5"]), max_size=3))),
        min_cores=least,
        max_cores=draw(st.none() | st.integers(least or 1, 128)),
        min_workers=fewest,
        max_workers=draw(st.integers(fewest, 80)),
        largest_step=draw(st.none() | st.floats(1.1, 64.0)),
        pinned=frozenset(draw(st.sets(st.sampled_from(Field)))),
    )


def keeps(limits, spec, present):
    """Say once more, in other words than the product's, whether limits allow a cluster."""
    node = node_type_of(spec, AWS)
    now = node_type_of(present, AWS)
    growth = total_cores(spec, AWS) / total_cores(present, AWS)
    allowed = [name.lower() for name in limits.families]
    step = limits.largest_step or 1e9
    return (
        (not allowed or family_of(spec.node_type_id) in allowed)
        and (limits.min_cores or 1) <= node.cores <= (limits.max_cores or 1e9)
        and limits.min_workers <= spec.worker_count <= limits.max_workers
        and 1 / step * 0.999 <= growth <= step * 1.001
        and (Field.NODE_TYPE not in limits.pinned or node == now)
        and (Field.WORKER_COUNT not in limits.pinned or spec.worker_count == present.worker_count)
        and (node.architecture == now.architecture or family_of(spec.node_type_id) in allowed)
    )


presents = st.builds(
    ClusterSpec, st.sampled_from([t.node_type_id for t in A_FEW]), st.integers(1, 90)
)


@given(some_limits(), presents)
def test_candidates_violate_no_limit_and_the_present_spec_is_one(limits, present):
    candidates = space_of(limits, present).candidates
    assert candidates[0] == present
    assert [s for s in candidates[1:] if not keeps(limits, s, present)] == []
    assert len(set(candidates)) == len(candidates)


@settings(max_examples=20)  # each asks the engine about hundreds of candidates
@given(some_limits(), presents)
def test_chosen_candidate_violates_no_limit(limits, present):
    space = space_of(limits, present)
    purchase = Purchase(RateCard(usd_per_dbu=0.15), is_driver_like_workers=True)
    question = Question([a_run(present, 900.0)], space, A_FEW, purchase=purchase)
    advice = Engine().advise(question)
    assert advice.spec == present or keeps(limits, advice.spec, present)


@given(some_limits(), presents)
def test_cluster_that_no_limit_forbids_is_a_candidate_at_every_small_count(limits, present):
    space = space_of(limits, present)
    counts = range(1, EVERY_COUNT_UP_TO + 1)
    allowed = {
        spec
        for spec in (ClusterSpec(t.node_type_id, n) for t in A_FEW for n in counts)
        if keeps(limits, spec, present)
    }
    assert allowed <= set(space.candidates)


@given(some_limits(), presents)
def test_node_type_of_which_nothing_is_left_is_told_once(limits, present):
    space = space_of(limits, present)
    for node_type in A_FEW:
        if node_type.node_type_id not in names(space):
            assert len(why(space, node_type.node_type_id)) == 1


def test_counts_are_dense_where_they_differ_much_and_sparse_beyond():
    counts = sorted(s.worker_count for s in space_of(Limits(families=("m5",))).candidates)
    assert sorted(set(counts)) == [*range(1, 9), 10, 13, 17, 22, 28, 32]


def test_present_count_is_looked_at_on_every_node_type():
    space = space_of(present=ClusterSpec("m5.xlarge", 11))
    assert ClusterSpec("r5d.2xlarge", 11) in space.candidates


@pytest.mark.parametrize(
    ("limits", "node_type_id", "told"),
    [
        (
            Limits(families=("m5", "c5")),
            "r5d.xlarge",
            "8 × r5d.xlarge: its family is not among m5, c5 (0 against 2 allowed families)",
        ),
        (
            Limits(min_cores=8),
            "r5d.xlarge",
            "8 × r5d.xlarge: its nodes are too small (4 against 8 cores a node)",
        ),
        (
            Limits(max_cores=16),
            "r5d.24xlarge",
            "8 × r5d.24xlarge: its nodes are too large (96 against 16 cores a node)",
        ),
        (
            Limits(pinned=frozenset({Field.NODE_TYPE})),
            "r5d.2xlarge",
            "8 × r5d.2xlarge: the node type is pinned to m5.xlarge (8 against 4 cores a node)",
        ),
        (
            Limits(pinned=frozenset({Field.WORKER_COUNT})),
            "m5.xlarge",
            "9 × m5.xlarge: the worker count is pinned (9 against 8 workers)",
        ),
        (
            Limits(max_workers=12),
            "m5.xlarge",
            "13 × m5.xlarge: it has too many workers (13 against 12 workers)",
        ),
        (
            Limits(min_workers=3),
            "m5.xlarge",
            "2 × m5.xlarge: it has too few workers (2 against 3 workers)",
        ),
        (
            Limits(largest_step=1.5),
            "m5.24xlarge",
            "1 × m5.24xlarge: the largest step up is less (96 against 48 cores)",
        ),
        (
            Limits(largest_step=2.0, max_workers=3),
            "c5.xlarge",
            "3 × c5.xlarge: the largest step down is less (12 against 16 cores)",
        ),
        (
            Limits(),
            "m6g.xlarge",
            "8 × m6g.xlarge: it is arm64, not x86_64; name its family to allow it "
            "(2 against 1 architectures)",
        ),
    ],
)
def test_rejection_names_the_limit_and_both_numbers(limits, node_type_id, told):
    assert told in why(space_of(limits, node_types=A_FEW), node_type_id)


def test_arm_stays_with_arm_and_is_let_in_by_name():
    assert families(space_of(present=ClusterSpec("m6g.xlarge", 4))) == {"m6g"}
    assert families(space_of(Limits(families=("m6g", "c5")))) == {"m5", "m6g", "c5"}


def test_driver_of_another_architecture_forbids_what_limits_name():
    driver = node_type_of(ClusterSpec("c5.xlarge", 1), AWS)
    space = space_of(Limits(families=("m6g", "c5")), driver=driver)
    assert families(space) == {"m5", "c5"}
    assert "it is arm64, its driver x86_64" in why(space, "m6g.xlarge")[0]


def test_what_the_workspace_cannot_rent_is_rejected_but_the_present_type():
    space = space_of(rentable=frozenset({"c5.xlarge"}))
    assert names(space) == {"m5.xlarge", "c5.xlarge"}
    assert "the workspace cannot rent it (0 against 1 of its node types)" in str(
        why(space, "r5d.xlarge")
    )


def test_node_types_without_a_price_are_rejected_known_or_not():
    free = NodeType("m5.mystery", 4, 16.0, usd_per_hour=0.2, dbu_per_hour=0.0)
    space = space_of(
        node_types=(*A_FEW, free), rentable=frozenset({"m5.mystery", "m99.xlarge", "m5.xlarge"})
    )
    told = "the price of its machine or DBUs is unknown"
    assert why(space, "m5.mystery") == [f"8 × m5.mystery: {told} (1 against 2 prices)"]
    assert why(space, "m99.xlarge") == [f"8 × m99.xlarge: {told} (0 against 2 prices)"]


def test_accelerated_node_types_are_let_in_by_name_only():
    gpu = NodeType("g9.xlarge", 4, 16.0, usd_per_hour=0.5, dbu_per_hour=1.0)
    types = (*A_FEW, gpu)
    assert "accelerators that would be idle" in str(why(space_of(node_types=types), "g9.xlarge"))
    assert "g9.xlarge" in names(space_of(Limits(families=("g9",)), node_types=types))


def test_breadth_is_what_limits_leave_open():
    breadth = Breadth(frozenset({"c5"}), min_cores=4, max_cores=16)
    left_open = space_of(breadth=breadth)
    assert names(left_open) == {f"{f}.{s}xlarge" for f in ("m5", "c5") for s in ("", "2", "4")}
    assert "m5.24xlarge" in names(space_of(Limits(max_cores=96), breadth=breadth))
    assert "m5.large" in names(space_of(Limits(min_cores=2), breadth=breadth))
    assert "c5.24xlarge" in names(space_of(Limits(min_cores=96), breadth=breadth))
    assert families(space_of(Limits(families=("r5d",)), breadth=breadth)) == {"m5", "r5d"}


@pytest.mark.parametrize(
    ("cloud", "present"),
    [(Cloud.AWS, PRESENT), (Cloud.AZURE, ClusterSpec("Standard_DS3_v2", 11))],
)
def test_default_breadth_is_small_enough_to_be_looked_at_after_every_run(cloud, present):
    types = load().node_types(cloud, load().regions(cloud)[0])
    space = space_of(present=present, node_types=types, breadth=DEFAULT_BREADTH)
    assert 1_000 < len(space.candidates) <= 2_500
    assert len(space.rejections) < len(types)


def test_stored_rejections_hold_every_reason():
    limits = Limits(families=("m5", "r5d"), min_cores=8, largest_step=4.0, max_workers=20)
    space = space_of(limits, node_types=AWS, rentable=frozenset(names(space_of())))
    reasons = [r.limit for r in space.rejections]
    assert set(reasons) == set(reasons[:MAX_STORED_REJECTIONS])


def test_present_node_type_outside_the_catalog_is_refused():
    with pytest.raises(InvalidInput, match=r"No node type is called 'm4\.xlarge'"):
        space_of(present=ClusterSpec("m4.xlarge", 2))
