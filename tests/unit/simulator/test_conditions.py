"""Scenarios: what a date does to a run."""

from datetime import UTC, datetime, timedelta

import pytest

from isocost.simulator.conditions import CodeChange, Episode, Scenario, SizeJump
from isocost.simulator.workload import SimulatedSparkJob, SimulatedSql, SimulatedStage, Workload

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def test_input_drifts_by_compound():
    scenario = Scenario(MONDAY, drift_per_day=0.01)
    assert scenario.conditions_at(MONDAY + 70 * DAY).input_scale == pytest.approx(1.01**70)


def test_weekdays_have_their_own_size():
    scenario = Scenario(MONDAY, weekday_factors=(1, 1, 1, 1, 1, 0.4, 0.3))
    scales = [scenario.conditions_at(MONDAY + n * DAY).input_scale for n in (4, 5, 6, 7)]
    assert scales == [1, 0.4, 0.3, 1]


def test_a_jump_holds_from_its_date_on():
    scenario = Scenario(MONDAY, jumps=(SizeJump(MONDAY + DAY, 2.0),))
    scales = [scenario.conditions_at(MONDAY + n * DAY).input_scale for n in (0, 1, 9)]
    assert scales == [1.0, 2.0, 2.0]


def test_a_spot_storm_ends():
    storm = Episode(MONDAY + DAY, MONDAY + 2 * DAY, spot_losses_per_node_hour=3.0)
    scenario = Scenario(MONDAY, episodes=(storm,))
    losses = [
        scenario.conditions_at(MONDAY + n * DAY).spot_losses_per_node_hour for n in (0, 1, 2)
    ]
    assert losses == [0.0, 3.0, 0.0]


def test_changed_code_works_more_and_has_another_plan():
    stage = SimulatedStage(0, 0, "scan", 8, 16.0, operators=("Scan parquet",))
    before = Workload("a test", (stage,), (SimulatedSparkJob(0, 0.0, 0),), (SimulatedSql(0, "s"),))
    change = CodeChange(MONDAY, "2", work_factor=1.5, added_operator="Window")
    after = Scenario(MONDAY, code_changes=(change,)).workload_at(before, MONDAY)
    assert (after.code_version, after.stages[0].cpu_s) == ("2", 24.0)
    assert after.stages[0].operators == ("Scan parquet", "Window")
    assert Scenario(MONDAY, code_changes=(change,)).workload_at(before, MONDAY - DAY) == before


def test_a_slow_platform_is_slow_for_its_episode():
    scenario = Scenario(MONDAY, episodes=(Episode(MONDAY, MONDAY + DAY, slowdown=1.8),))
    slowdowns = [scenario.conditions_at(MONDAY + n * DAY).slowdown for n in (0, 1)]
    assert slowdowns == [1.8, 1.0]
