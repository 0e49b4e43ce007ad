import copy

import pytest

from isocost.platforms.databricks.restoring import planned_restore
from isocost.platforms.host import Definition

ORIGINAL = {
    "name": "nightly",
    "tasks": [
        {"task_key": "main", "new_cluster": {"node_type_id": "m5.xlarge", "num_workers": 4}}
    ],
    "invented": {"deep": [1, None]},
}
WRITTEN = {
    "name": "nightly",
    "tasks": [
        {
            "task_key": "main",
            "new_cluster": {
                "node_type_id": "r5.xlarge",
                "num_workers": 2,
                "custom_tags": {"isocost:project-id": "p"},
            },
        }
    ],
    "webhook_notifications": {"on_success": [{"id": "ours"}]},
    "invented": {"deep": [1, None]},
}


@pytest.fixture
def now():
    """The definition as it was written, for a test to change as somebody else would."""
    return copy.deepcopy(WRITTEN)


def restored(now):
    return planned_restore(Definition("1", "nightly", now, {}), ORIGINAL, WRITTEN).settings


def test_untouched_definition_becomes_what_it_was(now):
    plan = planned_restore(Definition("1", "nightly", now, {}), ORIGINAL, WRITTEN)
    assert plan.settings == ORIGINAL
    assert len(plan.difference) == 4


def test_what_somebody_else_set_stays(now):
    now["tasks"][0]["new_cluster"]["num_workers"] = 9
    now["timeout_seconds"] = 60
    expected = copy.deepcopy(ORIGINAL)
    expected["tasks"][0]["new_cluster"]["num_workers"] = 9
    assert restored(now) == expected | {"timeout_seconds": 60}


def test_tag_of_somebody_else_outlives_ours(now):
    now["tasks"][0]["new_cluster"]["custom_tags"]["team"] = "a"
    assert restored(now)["tasks"][0]["new_cluster"]["custom_tags"] == {"team": "a"}


def test_notification_of_somebody_else_outlives_ours(now):
    now["webhook_notifications"]["on_success"].append({"id": "theirs"})
    assert restored(now)["webhook_notifications"] == {"on_success": [{"id": "theirs"}]}


def test_steps_that_were_added_stay_and_removed_ones_do_not_return(now):
    now["tasks"] = [{"task_key": "other"}]
    assert restored(now)["tasks"] == [{"task_key": "other"}]


def test_restoring_what_is_restored_changes_nothing():
    plan = planned_restore(Definition("1", "nightly", ORIGINAL, {}), ORIGINAL, WRITTEN)
    assert (plan.settings, plan.difference) == (ORIGINAL, ())
