"""What a copy of a databricks job keeps, and what it must not."""

from isocost.platforms.databricks.copies import COPY_TAG, copied

STEP = {
    "task_key": "main",
    "notebook_task": {"notebook_path": "/Shared/daily"},
    "email_notifications": {"on_failure": ["ann@example.com"]},
}
SETTINGS = {
    "name": "Daily orders",
    "tasks": [STEP],
    "parameters": [{"name": "day", "default": "today"}],
    "tags": {"team": "sales"},
    "schedule": {"quartz_cron_expression": "0 0 5 * * ?", "timezone_id": "UTC"},
    "trigger": {"periodic": {"interval": 1, "unit": "DAYS"}},
    "continuous": {"pause_status": "UNPAUSED"},
    "webhook_notifications": {"on_success": [{"id": "w"}]},
    "deployment": {"kind": "BUNDLE"},
    "edit_mode": "UI_LOCKED",
    "max_concurrent_runs": 4,
}


def test_copy_keeps_the_code_and_drops_what_starts_tells_and_owns_it():
    assert copied(SETTINGS, "isocost-bank a-0000") == {
        "name": "isocost-bank a-0000",
        "tasks": [{k: STEP[k] for k in ("task_key", "notebook_task")}],
        "parameters": SETTINGS["parameters"],
        "tags": {"team": "sales", COPY_TAG: "copy"},
        "max_concurrent_runs": 1,
    }


def test_what_was_copied_stays_as_it_is():
    copied(SETTINGS, "isocost-bank a-0000")
    assert SETTINGS["tags"] == {"team": "sales"}
    assert "email_notifications" in STEP
