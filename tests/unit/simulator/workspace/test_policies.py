"""Cluster policies: which clusters break them, and what they fill in."""

import pytest

from isocost.simulator.workspace.policies import violations, with_policy_values

SPEC = {
    "node_type_id": "m5.xlarge",
    "num_workers": 4,
    "spark_conf": {"spark.a.b": "x"},
    "aws_attributes": {"availability": "SPOT"},
    "enable_elastic_disk": True,
}


@pytest.mark.parametrize(
    ("path", "rule", "fault"),
    [
        ("node_type_id", {"type": "fixed", "value": "m5.xlarge"}, None),
        ("node_type_id", {"type": "fixed", "value": "c5"}, 'must be c5 (is "m5.xlarge")'),
        ("enable_elastic_disk", {"type": "fixed", "value": False}, 'must be false (is "true")'),
        ("num_workers", {"type": "allowlist", "values": [2, 4]}, None),
        ("num_workers", {"type": "blocklist", "values": [4]}, "must not be one of 4"),
        ("num_workers", {"type": "range", "minValue": 5}, "must be at least 5"),
        ("num_workers", {"type": "range", "maxValue": 3}, "must be at most 3"),
        ("node_type_id", {"type": "regex", "pattern": r"m\d\.\w+"}, None),
        ("node_type_id", {"type": "regex", "pattern": "m5"}, "must match"),
        ("spark_conf.spark.a.b", {"type": "fixed", "value": "x"}, None),
        ("spark_conf.spark.c", {"type": "fixed", "value": "x"}, "must be present"),
        ("spark_conf.spark.c", {"type": "fixed", "value": "x", "isOptional": True}, None),
        ("aws_attributes.availability", {"type": "forbidden"}, "must not be present"),
        ("instance_pool_id", {"type": "forbidden"}, None),
        ("autoscale.max_workers", {"type": "range", "maxValue": 9}, None),
        ("custom_tags.team", {"type": "unlimited", "isOptional": False}, "must be present"),
        ("custom_tags.team", {"type": "unlimited"}, None),
        ("cluster_type", {"type": "fixed", "value": "job"}, None),
        ("cluster_type", {"type": "fixed", "value": "all-purpose"}, "must be all-purpose"),
        ("dbus_per_hour", {"type": "range", "maxValue": 10}, 'at most 10 (is "12.5")'),
    ],
)
def test_a_rule_is_broken_or_not(path, rule, fault):
    found = violations(SPEC, {path: rule}, lambda: 12.5)
    assert (found == []) if fault is None else fault in found[0]


def test_fixed_values_and_defaults_fill_what_is_absent():
    rules = {
        "custom_tags.team": {"type": "fixed", "value": "data"},
        "num_workers": {"type": "unlimited", "defaultValue": 1},
        "autotermination_minutes": {"type": "unlimited", "defaultValue": 9},
    }
    filled = with_policy_values(SPEC, rules)
    assert filled["custom_tags"] == {"team": "data"}
    assert (filled["num_workers"], filled["autotermination_minutes"]) == (4, 9)
    assert "custom_tags" not in SPEC
