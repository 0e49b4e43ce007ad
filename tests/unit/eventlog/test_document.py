"""The JSON object has every promised key, survives JSON, and never shows an unknown as zero."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from isocost.domain.finding import Finding, FindingCode
from isocost.domain.profile import ClusterFacts, MissingFact
from isocost.eventlog.document import profile_document
from isocost.testing.nouns import a_profile, a_stage

PROMISED = {
    *"application_id attempt_id spark_version is_complete missing is_runtime_estimated".split(),
    *"started_at runtime_s executor_count_peak core_count_peak node_count_peak".split(),
    *"executor_removed_count task_count failed_task_count stage_count".split(),
    *"sql_execution_count resource_profile_count input_bytes output_bytes".split(),
    *"shuffle_read_bytes shuffle_write_bytes memory_spilled_bytes disk_spilled_bytes".split(),
    *"executor_run_s executor_cpu_s gc_s cluster findings stages".split(),
}

A_FINDING = Finding(
    code=FindingCode.SKEW,
    message="It is skewed.",
    advice="Salt it.",
    weight=0.5,
    numbers={"longest_s": 9.0},
    threshold="skew_ratio",
    limit=5.0,
    stage_id=3,
)


def document(*stages, findings=(), **changes):
    shown = profile_document(a_profile(*stages, **changes), findings)
    return json.loads(msgspec.json.encode(shown))


def test_every_promised_key_is_there():
    assert set(document()) >= PROMISED


def test_missing_facts_are_objects_with_their_effect():
    fact = MissingFact("application end", "cut", "Runtime is estimated.")
    assert document(missing=(fact,))["missing"] == [
        {"what": "application end", "reason": "cut", "effect": "Runtime is estimated."}
    ]


def test_start_is_an_iso_moment_in_utc():
    started_at = datetime(2026, 3, 1, 6, 0, 0, 250_000, tzinfo=UTC)
    assert document(started_at=started_at)["started_at"] == "2026-03-01T06:00:00.250+00:00"


def test_unknown_cpu_time_is_null():
    shown = document(a_stage(0, is_cpu_known=False), is_cpu_known=False)
    assert shown["executor_cpu_s"] is None
    assert shown["stages"][0]["executor_cpu_s"] is None


def test_stage_shows_its_durations_by_quantile():
    shown = document(a_stage(0, 1.0, 3.0))["stages"][0]["task_duration_s"]
    assert shown["count"] == 2
    assert shown["quantiles_s"]["1"] == 3.0


def test_finding_shows_its_threshold_and_numbers():
    (shown,) = document(findings=[A_FINDING])["findings"]
    assert (shown["code"], shown["threshold"], shown["limit"]) == ("skew", "skew_ratio", 5.0)
    assert shown["numbers"] == {"longest_s": 9.0}


def test_cluster_tags_are_an_object():
    cluster = ClusterFacts(source="databricks", tags=(("team", "data"),))
    assert document(cluster=cluster)["cluster"]["tags"] == {"team": "data"}
    assert document(cluster=None)["cluster"] == {}


@pytest.mark.parametrize("key", ["core_hours", "ideal_runtime_s", "plan_fingerprint"])
def test_what_is_not_known_is_null(key):
    assert document()[key] is None
