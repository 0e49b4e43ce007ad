"""A change of a cluster is judged by its policy's rules, one by one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocost.errors import InvalidInput
from isocost.platforms.databricks.policies import broken_rules, rules_of

M5 = {"node_type_id": "m5.2xlarge", "num_workers": 4, "custom_tags": {"team": "data"}}
SCALING = {"node_type_id": "m5.2xlarge", "autoscale": {"min_workers": 2, "max_workers": 8}}


def broken(rules, **fields):
    return broken_rules(M5, M5 | fields, rules)


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"type": "fixed", "value": 4}, "must be 4 (would be 9)"),
        ({"type": "allowlist", "values": [4, 6]}, "must be one of 4, 6 (would be 9)"),
        ({"type": "blocklist", "values": ["9"]}, "must not be one of 9 (would be 9)"),
        ({"type": "range", "maxValue": 8}, "must be at most 8 (would be 9)"),
        ({"type": "range", "minValue": 12}, "must be at least 12 (would be 9)"),
        ({"type": "regex", "pattern": "[0-8]"}, "must match [0-8] (would be 9)"),
        ({"type": "forbidden"}, "must not be set (would be 9)"),
    ],
)
def test_each_kind_of_rule_names_itself_and_the_value(rule, word):
    assert broken({"num_workers": rule}, num_workers=9) == (f"num_workers {word}",)


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "fixed", "value": "9"},
        {"type": "allowlist", "values": [9]},
        {"type": "blocklist", "values": [8]},
        {"type": "range", "minValue": 9, "maxValue": 9},
        {"type": "regex", "pattern": r"\d"},
        {"type": "unlimited"},
        {"type": "of a later version"},
        {"type": "regex", "pattern": "[0-8&&[^3]]"},
        {"type": "regex", "pattern": r"\p{Lower}"},
    ],
)
def test_a_value_within_its_rule_breaks_nothing(rule):
    assert broken({"num_workers": rule}, num_workers=9) == ()


def test_a_pattern_must_match_the_whole_value():
    rules = {"node_type_id": {"type": "regex", "pattern": "m5"}}
    assert broken(rules, node_type_id="m5.large") == (
        "node_type_id must match m5 (would be m5.large)",
    )


def test_what_the_change_leaves_alone_is_not_judged():
    rules = {"num_workers": {"type": "fixed", "value": 1}, "custom_tags.cost": {"type": "fixed"}}
    assert broken(rules, node_type_id="r5.large") == ()


@pytest.mark.parametrize(
    ("rule", "is_broken"),
    [
        ({"type": "range", "maxValue": 8}, False),
        ({"type": "range", "minValue": 1, "maxValue": 8}, True),
        ({"type": "range", "minValue": 1, "isOptional": True}, False),
        ({"type": "fixed", "value": 8}, True),
    ],
)
def test_autoscaling_may_go_where_its_rule_does_not_ask_for_it(rule, is_broken):
    fixed = {"node_type_id": "m5.2xlarge", "num_workers": 4}
    found = broken_rules(SCALING, fixed, {"autoscale.max_workers": rule})
    assert bool(found) == is_broken


def test_tags_are_found_by_names_with_dots_and_by_a_star():
    rules = {"custom_tags.a.b": {"type": "fixed", "value": "x"}}
    tags = {"team": "data", "a.b": "y"}
    assert broken(rules, custom_tags=tags) == ("custom_tags.a.b must be x (would be y)",)
    all_tags = {"custom_tags.*": {"type": "forbidden"}}
    assert broken(all_tags, custom_tags=tags) == ("custom_tags.a.b must not be set (would be y)",)


def test_log_delivery_is_ruled_by_path_and_kind():
    rules = {
        "cluster_log_conf.path": {"type": "regex", "pattern": "dbfs:/ours.*"},
        "cluster_log_conf.type": {"type": "fixed", "value": "DBFS"},
    }
    logs = {"dbfs": {"destination": "dbfs:/theirs"}}
    assert broken(rules, cluster_log_conf=logs) == (
        "cluster_log_conf.path must match dbfs:/ours.* (would be dbfs:/theirs)",
    )


def test_a_limit_of_dbus_counts_what_the_cluster_bills():
    rules = {"dbus_per_hour": {"type": "range", "maxValue": 10}}
    found = broken_rules(M5, M5 | {"num_workers": 9}, rules, dbus_per_hour=(6.5, 13.0))
    assert found == ("dbus_per_hour must be at most 10 (would be 13)",)
    assert broken_rules(M5, M5, rules, dbus_per_hour=(6.5, None)) == ()


def test_rules_are_read_from_text_or_as_they_are():
    rules = {"num_workers": {"type": "fixed", "value": 1}}
    assert rules_of({"definition": json.dumps(rules)}) == rules_of({"definition": rules}) == rules
    assert rules_of({"policy_id": "P"}) == {}


def test_rules_that_are_no_json_are_refused_by_the_policys_name():
    with pytest.raises(InvalidInput, match="cluster policy P is no JSON"):
        rules_of({"policy_id": "P", "definition": "{"})


def test_policies_of_real_workspaces_are_understood(shared_data):
    policies = json.loads((shared_data / "api" / "dbsync__cluster_policies.json").read_text())
    rules = rules_of(next(p for p in policies if p["name"] == "it_general_cluster_policy"))
    now = {"node_type_id": "i3.2xlarge", "autoscale": {"min_workers": 1, "max_workers": 5}}
    then = {"node_type_id": "m5.large", "num_workers": 3}
    assert broken_rules(now, then, rules) == (
        "node_type_id must be one of i3.xlarge, i3.2xlarge, i3.4xlarge (would be m5.large)",
        "autoscale.min_workers must be set (would be absent)",
    )


@given(
    st.integers(0, 50),
    st.integers(0, 50),
    st.fixed_dictionaries(
        {}, optional={"minValue": st.integers(0, 50), "maxValue": st.integers(0, 50)}
    ),
)
def test_a_range_holds_exactly_what_lies_in_it(old, new, bounds):
    rules = {"num_workers": {"type": "range"} | bounds}
    found = broken_rules({"num_workers": old}, {"num_workers": new}, rules)
    is_within = bounds.get("minValue", 0) <= new <= bounds.get("maxValue", 50)
    assert (found == ()) == (is_within or new == old)
