"""What the platform refuses before anything is started, and how it names directories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import ClusterTooLarge, InvalidInput, UnknownName
from isocost.platforms.base import RunRequest
from isocost.platforms.spark_local.platform import Capacity, SparkLocal, run_directory_name
from isocost.platforms.spark_local.workloads import APPLICATIONS, DEMO_WORKLOADS

LIMITS = {"scale_factor": 1.0, "time_limit_s": 600.0}


@pytest.fixture
def platform(tmp_path):
    return SparkLocal(
        LOCAL_NODE_TYPES,
        tmp_path / "runs",
        tmp_path / "cache",
        **LIMITS,
        capacity=Capacity(2, 3.0),
    )


def a_request(workload="tpcds/q3", node="local-1c-1g", workers=1):
    return RunRequest("r-1", workload, ClusterSpec(node, workers))


def test_too_many_cores_are_refused_with_what_fits(platform):
    with pytest.raises(ClusterTooLarge) as refused:
        platform.execute(a_request(workers=3))
    assert "needs 3 cores and 3 GiB" in str(refused.value)
    assert "2 × local-1c-1g" in str(refused.value)
    assert "1 × local-2c-2g" in str(refused.value)


def test_too_much_memory_is_refused(platform):
    with pytest.raises(ClusterTooLarge, match="needs 2 cores and 4 GiB"):
        platform.execute(a_request(node="local-1c-2g", workers=2))


def test_refused_run_leaves_nothing(platform, tmp_path):
    with pytest.raises(ClusterTooLarge):
        platform.execute(a_request(workers=3))
    assert list(tmp_path.iterdir()) == []


def test_misspelt_workload_is_answered_with_the_nearest(platform):
    with pytest.raises(UnknownName, match="Did you mean ml/kmeans"):
        platform.execute(a_request(workload="ml/kmean"))


def test_misspelt_node_type_is_answered_with_the_nearest(platform):
    with pytest.raises(UnknownName, match="Did you mean local-1c-1g"):
        platform.execute(a_request(node="local-1c1g"))


def test_name_near_to_nothing_is_answered_with_where_to_look(platform):
    with pytest.raises(UnknownName, match=r"Known: .*local-2c-2g"):
        platform.execute(a_request(node="zzz"))


def test_long_list_of_names_is_cut_short(platform):
    with pytest.raises(UnknownName, match=r"and 1\d\d more") as refused:
        platform.execute(a_request(workload="zzz"))
    assert len(str(refused.value)) < 300


def test_node_without_room_for_spark_is_refused(tmp_path):
    tiny = NodeType("tiny", 1, 0.5, 0.01)
    with pytest.raises(InvalidInput, match=r"tiny.*450"):
        SparkLocal([tiny], tmp_path, tmp_path, **LIMITS)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_scale_factor_must_be_positive(tmp_path, value):
    with pytest.raises(InvalidInput, match="scale_factor"):
        SparkLocal(LOCAL_NODE_TYPES, tmp_path, tmp_path, **LIMITS | {"scale_factor": value})


def test_capacity_is_measured_where_none_is_given(tmp_path):
    measured = SparkLocal(LOCAL_NODE_TYPES, tmp_path, tmp_path, **LIMITS)
    assert measured.capacity_cores() >= 1
    assert measured.capacity_gib() > 0


def test_every_tpcds_query_is_a_workload():
    assert {f"tpcds/q{n}" for n in range(1, 100)} <= set(APPLICATIONS)


def test_demo_shows_sql_and_other_applications():
    assert set(DEMO_WORKLOADS) <= set(APPLICATIONS)
    assert len({name.partition("/")[0] for name in DEMO_WORKLOADS}) >= 3


@given(st.text(min_size=1, max_size=20))
def test_run_directory_is_one_plain_name(run_id):
    name = run_directory_name(run_id)
    assert "/" not in name
    assert not name.startswith(".")


@given(st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=9))
def test_two_run_ids_never_share_a_directory(one, other):
    assert (run_directory_name(one) == run_directory_name(other)) == (one == other)


@pytest.mark.parametrize("run_id", ["", "x" * 201])
def test_run_id_must_fit_a_file_name(run_id):
    with pytest.raises(InvalidInput, match="1 to 200"):
        run_directory_name(run_id)
