"""A plan's fingerprint survives what changes without the code, and nothing else."""

import msgspec
import pytest

from isocost.domain.profile import OperatorKind
from isocost.eventlog import plans
from isocost.testing.event_logs import a_plan

decode = msgspec.json.Decoder(plans.PlanNode).decode


def node(plan) -> plans.PlanNode:
    return decode(msgspec.json.encode(plan))


def fingerprint(plan) -> str:
    return plans.fingerprint(node(plan))


def a_scan(day="2024-01-14", ids=5, table="sales"):
    text = (
        f"FileScan parquet {table}[amount#{ids},day#{ids + 1}] Batched: true, Location: "
        f"InMemoryFileIndex(1 paths)[s3://lake/{table}/day={day}], PushedFilters: "
        f"[EqualTo(day,{day})]"
    )
    return a_plan(f"Scan parquet {table}", text)


def a_join(name="SortMergeJoin", build="", ids=5):
    sort = a_plan("Sort", f"Sort [k#{ids} ASC NULLS FIRST], false, 0", [a_scan(ids=ids)])
    exchange = a_plan(
        "Exchange", f"Exchange hashpartitioning(k#{ids}, 200), [plan_id={ids}]", [sort]
    )
    return a_plan(name, f"{name} [k#{ids}], [j#{ids + 9}L], Inner{build}", [exchange, a_scan()])


def test_ids_and_dates_do_not_matter():
    assert fingerprint(a_scan("2024-01-14", 5)) == fingerprint(a_scan("2025-12-31", 81))


def test_join_strategy_and_build_side_do_not_matter():
    broadcast = a_plan(
        "BroadcastHashJoin",
        "BroadcastHashJoin [k#7], [j#8L], Inner, BuildRight, false",
        [a_scan(), a_plan("BroadcastExchange", "BroadcastExchange HashedRelation", [a_scan()])],
    )
    assert fingerprint(a_join()) == fingerprint(broadcast)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda p: a_plan("WholeStageCodegen (3)", "WholeStageCodegen (3)", [p]),
        lambda p: a_plan("AdaptiveSparkPlan", "AdaptiveSparkPlan isFinalPlan=false", [p]),
        lambda p: a_plan("ShuffleQueryStage", "ShuffleQueryStage 0, Statistics(rowCount=3)", [p]),
        lambda p: a_plan("AQEShuffleRead", "AQEShuffleRead coalesced", [p]),
        lambda p: a_plan("ColumnarToRow", "ColumnarToRow", [p]),
    ],
)
def test_what_the_engine_adds_does_not_matter(wrap):
    assert fingerprint(wrap(a_join())) == fingerprint(a_join())


@pytest.mark.parametrize(
    "other",
    [
        a_scan(table="returns"),
        a_plan("Filter", "Filter isnotnull(amount#5)", [a_scan()]),
        a_plan("Sort", "Sort [amount#5 ASC NULLS FIRST], true, 0", [a_scan()]),
        a_plan("Exchange", "Exchange RoundRobin(2), REPARTITION_BY_NUM", [a_scan()]),
    ],
)
def test_another_query_is_told(other):
    assert fingerprint(other) != fingerprint(a_scan())


def test_shape_matters_and_not_only_the_words():
    left = a_plan("Union", "Union", [a_plan("Union", "Union", [a_scan()]), a_scan()])
    right = a_plan("Union", "Union", [a_scan(), a_plan("Union", "Union", [a_scan()])])
    assert fingerprint(left) != fingerprint(right)


def test_inputs_are_locations_without_their_dates():
    metadata = {"Location": "InMemoryFileIndex[s3://lake/day=2024-01-14]", "Format": "CSV"}
    found = plans.inputs(node(a_plan("Scan csv", "FileScan csv", metadata=metadata)))
    assert found == {"csv InMemoryFileIndex[s?://lake/day=?-?-?]"}


def test_deep_plan_is_walked_without_recursion():
    plan = plans.PlanNode("Project", "Project [a#1]")
    for _ in range(5000):
        plan = plans.PlanNode("Project", "Project [a#1]", [plan])
    assert len(list(plans.walk(plan))) == 5001
    assert plans.fingerprint(plan)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PhotonScan parquet ", OperatorKind.SCAN),
        ("BroadcastNestedLoopJoin", OperatorKind.JOIN),
        ("Execute InsertIntoHadoopFsRelationCommand", OperatorKind.WRITE),
        ("ObjectHashAggregate", OperatorKind.AGGREGATE),
        ("ArrowEvalPython", OperatorKind.PYTHON),
        ("Project", OperatorKind.OTHER),
    ],
)
def test_operators_are_told_by_what_they_do(name, kind):
    assert plans.kind_of(name) is kind


def test_tables_are_no_part_of_an_operators_name():
    assert plans.operator_name("Scan parquet default.customers") == "Scan parquet"
    assert plans.operator_name("WholeStageCodegen (12)") == "WholeStageCodegen"
