"""Raw settings become steps, clusters and reasons why a databricks job does not qualify."""

import json

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.platforms.databricks.definitions import (
    DefinedStep,
    clusters_of,
    obstacles_of,
    placed_clusters,
    steps_of,
)
from isocost.platforms.host import RECOMMENDATION_TAG

M5 = {"spark_version": "15.4.x-scala2.12", "node_type_id": "m5.2xlarge", "num_workers": 4}


def no_pool(_):
    return {}


def a_step(key="main", **fields):
    return {"task_key": key, "notebook_task": {"notebook_path": "/a"}} | fields


def settings_of(*steps, **fields):
    return {"name": "a", "tasks": list(steps)} | fields


def shared(key="pool_of_two", **fields):
    return {"job_cluster_key": key, "new_cluster": M5 | fields}


def only(settings, pool_of=no_pool):
    [cluster] = clusters_of(settings, pool_of).values()
    return cluster


def asked(**fields):
    return only(settings_of(a_step(new_cluster=M5 | fields)))


def test_steps_that_share_a_cluster_are_one_cluster():
    steps = (a_step(k, job_cluster_key="both") for k in "ab")
    settings = settings_of(*steps, job_clusters=[shared("both")])
    assert list(clusters_of(settings, no_pool)) == ["both"]
    assert [step.cluster_key for step in steps_of(settings)] == ["both", "both"]


def test_a_cluster_inside_a_step_is_known_by_the_step():
    settings = settings_of(a_step("load", new_cluster=M5))
    assert only(settings).cluster_key == "load"


def test_a_step_named_as_a_shared_cluster_keeps_a_key_of_its_own():
    steps = a_step("x", new_cluster=M5), a_step("y", job_cluster_key="x")
    settings = settings_of(*steps, job_clusters=[shared("x", num_workers=9)])
    found = clusters_of(settings, no_pool)
    assert {key: c.spec.worker_count for key, c in found.items()} == {"x": 9, "step:x": 4}
    assert [step.cluster_key for step in steps_of(settings)] == ["step:x", "x"]


def test_steps_know_what_they_wait_for():
    later = a_step("b", new_cluster=M5, depends_on=[{"task_key": "a"}])
    found = steps_of(settings_of(a_step("a"), later))
    assert found == (DefinedStep("a"), DefinedStep("b", "b", ("a",)))


def test_an_autoscaling_cluster_is_its_largest_size():
    cluster = only(
        settings_of(
            a_step(
                new_cluster={
                    "node_type_id": "m5.2xlarge",
                    "autoscale": {"min_workers": 2, "max_workers": 8},
                }
            )
        )
    )
    assert (cluster.spec, cluster.min_workers) == (ClusterSpec("m5.2xlarge", 8), 2)


def test_a_cluster_of_fixed_size_has_no_least_size():
    assert asked().min_workers is None


@pytest.mark.parametrize(("driver", "told"), [("m5.2xlarge", None), ("r5.large", "r5.large")])
def test_only_a_driver_of_another_type_is_told(driver, told):
    assert asked(driver_node_type_id=driver).driver_node_type_id == told


def test_a_pool_gives_the_node_type():
    pools = {"p-1": {"node_type_id": "r5.xlarge", "aws_attributes": {"availability": "ON_DEMAND"}}}
    settings = settings_of(a_step(new_cluster={"instance_pool_id": "p-1", "num_workers": 3}))
    cluster = only(settings, pools.__getitem__)
    assert (cluster.spec, cluster.is_pooled) == (ClusterSpec("r5.xlarge", 3), True)
    assert not cluster.is_spot


@pytest.mark.parametrize(
    ("fields", "is_spot"),
    [
        ({}, True),
        ({"aws_attributes": {"availability": "ON_DEMAND"}}, False),
        ({"aws_attributes": {"availability": "SPOT", "first_on_demand": 1}}, True),
        ({"aws_attributes": {"availability": "SPOT", "first_on_demand": 5}}, False),
        ({"node_type_id": "Standard_D8s_v3"}, False),
        (
            {
                "node_type_id": "Standard_D8s_v3",
                "azure_attributes": {"availability": "SPOT_WITH_FALLBACK_AZURE"},
            },
            True,
        ),
    ],
)
def test_whether_workers_may_be_lost_is_told_by_cloud_and_attributes(fields, is_spot):
    assert asked(**fields).is_spot == is_spot


def test_volumes_are_added_up():
    volumes = {"ebs_volume_count": 3, "ebs_volume_size": 200}
    assert asked(aws_attributes=volumes).disk_gib == 600.0


def test_tag_policy_logs_and_engine_are_read():
    cluster = asked(
        custom_tags={RECOMMENDATION_TAG: "r-1"},
        policy_id="P",
        runtime_engine="PHOTON",
        cluster_log_conf={"dbfs": {"destination": "dbfs:/logs"}},
    )
    assert (cluster.recommendation_id, cluster.policy_id) == ("r-1", "P")
    assert (cluster.is_photon, cluster.log_destination) == (True, "dbfs:/logs")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "serverless"),
        ({"existing_cluster_id": "0101-x"}, "all-purpose cluster 0101-x, not on a job cluster"),
        ({"sql_task": {"warehouse_id": "w"}}, "SQL warehouse"),
        ({"dbt_task": {"warehouse_id": "w"}}, "SQL warehouse"),
        ({"pipeline_task": {"pipeline_id": "p"}}, "pipeline"),
        ({"run_job_task": {"job_id": 7}}, "another databricks job"),
        ({"for_each_task": {"task": a_step("inner", new_cluster=M5)}}, "each entry of a list"),
        ({"new_cluster": M5 | {"num_workers": 0}}, "single node"),
        ({"new_cluster": M5 | {"is_single_node": True}}, "single node"),
        (
            {
                "new_cluster": M5
                | {"spark_conf": {"spark.databricks.cluster.profile": "singleNode"}}
            },
            "single node",
        ),
        ({"new_cluster": {"num_workers": 2, "policy_id": "P"}}, "node type"),
        ({"new_cluster": {"node_type_id": "m5.large", "policy_id": "P"}}, "number of workers"),
    ],
)
def test_what_a_step_runs_on_may_be_nothing_to_choose(fields, words):
    [obstacle] = obstacles_of(settings_of(a_step(**fields)), no_pool)
    assert words in obstacle
    assert obstacle.endswith("(step main).")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"continuous": {"pause_status": "UNPAUSED"}}, "continuously"),
        ({"health": {"rules": [{"metric": "STREAMING_BACKLOG_BYTES"}]}}, "stream"),
        ({"tasks": []}, "no steps"),
    ],
)
def test_what_speaks_against_the_whole_is_told_despite_a_cluster(fields, words):
    [obstacle] = obstacles_of(settings_of(a_step(new_cluster=M5)) | fields, no_pool)
    assert words in obstacle


def test_one_good_cluster_is_enough():
    settings = settings_of(
        a_step("a", new_cluster=M5), a_step("b"), a_step("c", existing_cluster_id="x")
    )
    assert obstacles_of(settings, no_pool) == ()
    assert list(clusters_of(settings, no_pool)) == ["a"]


def test_a_cluster_that_a_list_repeats_does_not_qualify():
    loop = {"task_key": "loop", "for_each_task": {"task": a_step("in", job_cluster_key="both")}}
    settings = settings_of(
        loop, a_step("x", job_cluster_key="both"), job_clusters=[shared("both")]
    )
    assert clusters_of(settings, no_pool) == {}
    assert "list" in obstacles_of(settings, no_pool)[0]


def test_a_cluster_that_nobody_uses_does_not_qualify():
    settings = settings_of(a_step("a", new_cluster=M5), job_clusters=[shared("idle")])
    assert list(clusters_of(settings, no_pool)) == ["a"]


def test_the_same_reason_names_all_its_steps():
    assert obstacles_of(settings_of(a_step("a"), a_step("b")), no_pool) == (
        "It runs on serverless compute, which has no cluster to choose (steps a, b).",
    )


def test_settings_of_real_workspaces_are_understood(shared_data):
    found = {}
    for path in sorted((shared_data / "api").glob("ucx__jobs__*.json")):
        settings = json.loads(path.read_text())["settings"]
        assert bool(clusters_of(settings, no_pool)) != bool(obstacles_of(settings, no_pool))
        found[path.stem.removeprefix("ucx__jobs__")] = len(placed_clusters(settings))
    assert found["policy-not-found"] == found["some-spn"] == 1


def test_a_real_definition_with_several_clusters_is_understood(shared_data):
    path = shared_data / "api" / "azclient__JobApi__const__MultiTaskJobJson.json"
    [cluster, *_] = clusters_of(json.loads(path.read_text()), no_pool).values()
    assert cluster.spec == ClusterSpec("Standard_D3_v2", 16)
