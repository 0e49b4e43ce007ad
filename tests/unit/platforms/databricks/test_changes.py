"""What is wanted of a definition becomes new settings that differ in nothing else."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.domain.cluster import ClusterSpec
from isocost.errors import InvalidInput
from isocost.platforms.databricks.changes import (
    Bounds,
    MachineFacts,
    NamedRules,
    planned_set_up,
    planned_specs,
    refused_specs,
)
from isocost.platforms.databricks.definitions import clusters_of
from isocost.platforms.databricks.difference import is_same
from isocost.platforms.databricks.updates import update_between, updated
from isocost.platforms.host import PROJECT_TAG, RECOMMENDATION_TAG, Definition

M5 = {"spark_version": "15.4.x-scala2.12", "node_type_id": "m5.2xlarge", "num_workers": 4}
LOGS = {"dbfs": {"destination": "dbfs:/mine"}}
MACHINES = {
    "m5.2xlarge": MachineFacts(1.5, "x86_64"),
    "r5.large": MachineFacts(0.5, "x86_64"),
    "m6g.large": MachineFacts(0.4, "arm64"),
}
POOLS = {"p": {"instance_pool_name": "Warm", "node_type_id": "m5.2xlarge", "max_capacity": 10}}


def some_bounds(rules=None, region=""):
    return Bounds(
        policy=lambda name: NamedRules(f"the {name}", rules or {}),
        pool=lambda name: POOLS.get(name, {}),
        machine=MACHINES.get,
        region=region,
    )


FREE = some_bounds()


def defined(settings):
    return Definition("7", "a", settings, clusters_of(settings, FREE.pool))


def inline(**fields):
    """A definition with a cluster inside its only step."""
    return defined({"name": "a", "tasks": [{"task_key": "main", "new_cluster": M5 | fields}]})


def shared(**fields):
    """A definition whose two steps share a cluster."""
    steps = [{"task_key": key, "job_cluster_key": "both"} for key in "ab"]
    clusters = [{"job_cluster_key": "both", "new_cluster": M5 | fields}]
    return defined({"name": "a", "tasks": steps, "job_clusters": clusters})


def respecified(definition, node_type_id="m5.2xlarge", count=4, *, tag=None, bounds=FREE):
    [key] = definition.clusters
    return planned_specs(definition, {key: (ClusterSpec(node_type_id, count), tag)}, bounds)


def set_up(definition, *, log_destination="dbfs:/ours", webhook_id="w", bounds=FREE):
    return planned_set_up(
        definition, "p-1", bounds, log_destination=log_destination, webhook_id=webhook_id
    )


def test_another_number_of_workers_is_one_line():
    plan = respecified(inline(), count=2)
    assert plan.difference == ("tasks[main].new_cluster.num_workers: 4 → 2",)
    assert plan.refusal is None


def test_a_shared_cluster_changes_once():
    plan = respecified(shared(), "r5.large", 8, tag="r-1")
    assert plan.difference == (
        "job_clusters[both].new_cluster.node_type_id: m5.2xlarge → r5.large",
        "job_clusters[both].new_cluster.num_workers: 4 → 8",
        f'job_clusters[both].new_cluster.custom_tags: none → {{"{RECOMMENDATION_TAG}": "r-1"}}',
    )


def test_autoscaling_becomes_a_fixed_size():
    steps = {"autoscale": {"min_workers": 2, "max_workers": 8}}
    asked = {name: value for name, value in M5.items() if name != "num_workers"} | steps
    definition = defined({"tasks": [{"task_key": "main", "new_cluster": asked}]})
    plan = respecified(definition, count=8)
    assert plan.difference == (
        'tasks[main].new_cluster.autoscale: {"max_workers": 8, "min_workers": 2} → none',
        "tasks[main].new_cluster.num_workers: none → 8",
    )


def test_the_same_spec_changes_nothing():
    definition = inline(custom_tags={RECOMMENDATION_TAG: "r-1"})
    plan = respecified(definition, tag="r-1")
    assert (plan.difference, plan.settings) == ((), definition.settings)


def test_the_recommendations_tag_goes_without_one_and_others_stay():
    tags = {"team": "data", RECOMMENDATION_TAG: "r-1"}
    plan = respecified(inline(custom_tags=tags))
    assert plan.difference == (
        f"tasks[main].new_cluster.custom_tags.{RECOMMENDATION_TAG}: r-1 → none",
    )


def test_the_last_tag_leaves_no_empty_table():
    plan = respecified(inline(custom_tags={RECOMMENDATION_TAG: "r-1"}))
    assert "custom_tags" not in plan.settings["tasks"][0]["new_cluster"]


def test_a_driver_of_the_workers_type_moves_with_them():
    plan = respecified(inline(driver_node_type_id="m5.2xlarge"), "r5.large")
    assert "tasks[main].new_cluster.driver_node_type_id: m5.2xlarge → r5.large" in plan.difference


def test_a_driver_of_its_own_stays():
    plan = respecified(inline(driver_node_type_id="i3.xlarge"), "r5.large")
    assert plan.difference == ("tasks[main].new_cluster.node_type_id: m5.2xlarge → r5.large",)


def test_a_driver_cannot_stay_beside_workers_of_another_architecture():
    plan = respecified(inline(driver_node_type_id="r5.large"), "m6g.large")
    assert "same architecture (m6g.large is arm64)" in plan.refusal


@pytest.mark.parametrize("kind", ["worker", "driver"])
def test_a_list_of_alternates_fixes_the_node_type_but_not_the_size(kind):
    likes = {f"{kind}_node_type_flexibility": {"alternate_node_type_ids": ["m5a.2xlarge"]}}
    definition = inline(driver_node_type_id="m5.2xlarge", **likes)
    assert respecified(definition, count=9).refusal is None
    plan = respecified(definition, "r5.large")
    assert "from m5.2xlarge to m5a.2xlarge" in plan.refusal


def test_a_pool_fixes_the_node_type_but_not_the_size():
    settings = {
        "tasks": [{"task_key": "main", "new_cluster": {"instance_pool_id": "p", "num_workers": 2}}]
    }
    assert respecified(defined(settings), count=3).refusal is None
    plan = respecified(defined(settings), "r5.large", 3)
    assert "Instance pool Warm gives cluster main nodes of type m5.2xlarge only" in plan.refusal
    assert "node_type_id" not in str(plan.settings)


def test_a_pool_cannot_give_more_than_it_holds():
    settings = {
        "tasks": [{"task_key": "main", "new_cluster": {"instance_pool_id": "p", "num_workers": 2}}]
    }
    plan = respecified(defined(settings), count=10)
    assert plan.refusal == (
        "Instance pool Warm holds at most 10 nodes (would take 11, the driver included)."
    )


def test_a_policy_refuses_with_the_rule_and_both_numbers():
    bounds = some_bounds({"num_workers": {"type": "range", "maxValue": 12}})
    plan = respecified(inline(policy_id="rule"), count=40, bounds=bounds)
    assert plan.refusal == (
        "Cluster policy the rule forbids it for cluster main: "
        "num_workers must be at most 12 (would be 40)."
    )


def test_a_policy_of_another_cluster_does_not_matter():
    bounds = some_bounds({"num_workers": {"type": "range", "maxValue": 12}})
    assert respecified(inline(), count=40, bounds=bounds).refusal is None


def test_dbus_are_those_of_driver_and_workers():
    bounds = some_bounds({"dbus_per_hour": {"type": "range", "maxValue": 8}})
    plan = respecified(inline(policy_id="rule"), count=5, bounds=bounds)
    assert "dbus_per_hour must be at most 8 (would be 9)" in plan.refusal
    pinned = inline(policy_id="rule", driver_node_type_id="r5.large")
    assert respecified(pinned, count=5, bounds=bounds).refusal is None


def test_many_specs_are_refused_in_bulk():
    bounds = some_bounds({"node_type_id": {"type": "allowlist", "values": ["m5.2xlarge"]}})
    good, bad = ClusterSpec("m5.2xlarge", 9), ClusterSpec("r5.large", 2)
    refused = refused_specs(inline(policy_id="rule"), "main", [good, bad], bounds=bounds)
    assert list(refused) == [bad]
    assert "must be one of m5.2xlarge (would be r5.large)" in refused[bad]


def test_an_unknown_cluster_is_told_from_those_there_are():
    with pytest.raises(InvalidInput, match=r"no cluster 'x' .* it has both"):
        planned_specs(shared(), {"x": (ClusterSpec("r5.large", 1), None)}, FREE)


def test_set_up_adds_logs_tag_and_webhook_and_no_more():
    cluster = "job_clusters[both].new_cluster"
    assert set_up(shared()).difference == (
        f'{cluster}.custom_tags: none → {{"{PROJECT_TAG}": "p-1"}}',
        f'{cluster}.cluster_log_conf: none → {{"dbfs": {{"destination": "dbfs:/ours"}}}}',
        'webhook_notifications: none → {"on_failure": [{"id": "w"}], "on_success": [{"id": "w"}]}',
    )


def test_set_up_keeps_logs_and_webhooks_that_are_there():
    definition = inline(cluster_log_conf=LOGS)
    theirs = {"on_start": [{"id": "s"}], "on_failure": [{"id": "f"}]}
    settings = definition.settings | {"webhook_notifications": theirs}
    found = set_up(defined(settings)).settings
    assert found["tasks"][0]["new_cluster"]["cluster_log_conf"] == LOGS
    both = [{"id": "f"}, {"id": "w"}]
    wanted = theirs | {"on_failure": both, "on_success": [{"id": "w"}]}
    assert found["webhook_notifications"] == wanted


def test_set_up_leaves_the_webhook_out_where_three_are_told_already():
    full = {"on_success": [{"id": n} for n in "abc"], "on_failure": [{"id": n} for n in "abc"]}
    settings = inline().settings | {"webhook_notifications": full}
    assert set_up(defined(settings)).settings["webhook_notifications"] == full


@pytest.mark.parametrize(
    ("destination", "conf"),
    [
        ("/Volumes/a/b/c", {"volumes": {"destination": "/Volumes/a/b/c"}}),
        ("s3://b/logs", {"s3": {"destination": "s3://b/logs", "region": "eu-west-1"}}),
    ],
)
def test_each_kind_of_place_is_asked_for_in_its_way(destination, conf):
    plan = set_up(inline(), log_destination=destination, bounds=some_bounds(region="eu-west-1"))
    assert plan.settings["tasks"][0]["new_cluster"]["cluster_log_conf"] == conf


def test_a_place_that_clusters_cannot_reach_is_refused():
    with pytest.raises(InvalidInput, match=r"dbfs:/…, /Volumes/…"):
        set_up(inline(), log_destination="abfss://c@a.dfs.core.windows.net/logs")


def test_set_up_twice_changes_nothing_more():
    once = set_up(inline()).settings
    assert set_up(defined(once)).difference == ()


def test_set_up_without_webhook_or_destination_only_tags():
    plan = set_up(inline(), log_destination="", webhook_id="")
    assert [line.split(":")[0] for line in plan.difference] == [
        "tasks[main].new_cluster.custom_tags"
    ]


def test_planning_leaves_what_it_was_given_as_it_was():
    definition = shared()
    before = deepcopy(definition.settings)
    respecified(definition, "r5.large", 2, tag="r")
    set_up(definition)
    assert definition.settings == before


names = st.text("abcd.:é", min_size=1, max_size=4)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2)
)
strange = st.dictionaries(names.map("x_{}".format), values, max_size=2)
sizes = st.one_of(
    st.builds(lambda n: {"num_workers": n}, st.integers(1, 9)),
    st.builds(lambda n: {"autoscale": {"min_workers": 1, "max_workers": n}}, st.integers(1, 9)),
)
tags = st.just({}) | st.builds(
    lambda t: {"custom_tags": t},
    st.dictionaries(st.sampled_from(["team", PROJECT_TAG, RECOMMENDATION_TAG]), names, max_size=3),
)


@st.composite
def databricks_jobs(draw):
    """Settings with shared clusters, clusters inside steps, and fields that nobody knows."""
    clusters = [
        {"node_type_id": "m5.2xlarge"} | draw(sizes) | draw(tags) | draw(strange) for _ in range(3)
    ]
    steps = [
        {"task_key": "a", "job_cluster_key": "s"} | draw(strange),
        {"task_key": "b", "new_cluster": clusters[1]} | draw(strange),
        {"task_key": "s", "new_cluster": clusters[2]} | draw(strange),
    ]
    entries = [{"job_cluster_key": "s", "new_cluster": clusters[0]} | draw(strange)]
    return draw(strange) | {"tasks": steps, "job_clusters": entries}


wanted = st.dictionaries(
    st.sampled_from(["s", "b", "step:s"]),
    st.tuples(
        st.builds(ClusterSpec, st.sampled_from(list(MACHINES)), st.integers(1, 9)),
        st.none() | names,
    ),
)


@given(databricks_jobs(), wanted)
def test_a_change_taken_back_is_as_if_it_had_not_been(settings, specs):
    set_up_ = set_up(defined(settings)).settings
    changed = planned_specs(defined(set_up_), specs, FREE).settings
    update = update_between(changed, settings)
    assert is_same(updated(changed, update), settings)


@given(databricks_jobs(), wanted)
def test_the_changed_definition_asks_for_what_was_wanted(settings, specs):
    found = defined(planned_specs(defined(settings), specs, FREE).settings).clusters
    for key, (spec, tag) in specs.items():
        assert (found[key].spec, found[key].recommendation_id) == (spec, tag)
        assert found[key].min_workers is None


def without(entry, *known):
    return {name: value for name, value in entry.items() if name not in known}


@given(databricks_jobs(), wanted)
def test_fields_that_nobody_knows_survive_everywhere(settings, specs):
    after = planned_specs(defined(settings), specs, FREE).settings
    assert is_same(
        without(after, "tasks", "job_clusters"), without(settings, "tasks", "job_clusters")
    )
    known = "node_type_id", "num_workers", "autoscale", "custom_tags"
    for array in ("tasks", "job_clusters"):
        for old, new in zip(settings[array], after[array], strict=True):
            assert is_same(without(old, "new_cluster"), without(new, "new_cluster"))
            was, is_ = old.get("new_cluster", {}), new.get("new_cluster", {})
            assert is_same(without(was, *known), without(is_, *known))


@given(databricks_jobs(), wanted)
def test_no_line_means_no_difference_and_the_reverse(settings, specs):
    plan = planned_specs(defined(settings), specs, FREE)
    assert (plan.difference == ()) == is_same(plan.settings, settings)
