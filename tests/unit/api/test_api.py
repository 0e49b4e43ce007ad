"""What the API answers, and whom."""

import json
from dataclasses import replace

import pytest

from isocost.api.access import Access
from isocost.api.application import application
from isocost.api.serving import Served
from isocost.api.webhooks import MOST_BODY_BYTES
from isocost.errors import NotFound
from isocost.testing.histories import IMPORTED, a_store
from isocost.usecases.watch import Pulse
from tests.unit.api.asking import ask, basic

TOKEN = "a-token-of-some-length"
SECRET = "a-secret-of-some-length"
WEBHOOK = "/v1/webhooks/databricks/lake"
ENDED = {"event_type": "jobs.on_success", "job": {"job_id": "17"}, "run": {"run_id": "3"}}


def secret_of(name):
    if name != "lake":
        raise NotFound("There is no webhook secret.")
    return SECRET


class Door:
    """The API over a store, and who was woken."""

    def __init__(self, store, token=""):
        self.woken = []
        pulse = Pulse(is_running=True, swept_at=None, waiting_count=0)
        self.served = Served(store, self.woken.append, lambda: pulse, secret_of, token=token)
        self.app = Access(application(self.served), token)

    def get(self, path, **more):
        return ask(self.app, path, **more)

    def call(self, value, *, path=WEBHOOK, headers=None):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = basic("isocost", SECRET) if headers is None else headers
        return ask(self.app, path, method="POST", headers=headers, body=body)


@pytest.fixture
def door():
    return Door(a_store(IMPORTED, runs=4))


def test_health_tells_whether_projects_are_looked_after(door):
    assert door.get("/v1/health").json["status"] == "ok"


def test_workspaces_are_listed_without_secrets(door):
    (workspace,) = door.get("/v1/workspaces").json["workspaces"]
    assert workspace["name"] == "lake"
    assert workspace["cloud"] == "aws"
    assert "token" not in workspace


def test_saving_names_its_baseline(door):
    (project,) = door.get("/v1/projects").json["projects"]
    assert project["baseline_ids"] == ["e-0", "e-1"]
    assert (project["baseline_usd"], project["newest_usd"]) == (4.0, 3.0)


def test_projects_can_be_those_of_one_workspace(door):
    assert len(door.get("/v1/projects?workspace=lake").json["projects"]) == 1
    assert door.get("/v1/projects?workspace=elsewhere").status == 404


def test_project_shows_its_clusters(door):
    (cluster,) = door.get("/v1/projects/p-1").json["clusters"]
    assert cluster["spec"] == {"node_type_id": "local-1c-2g", "worker_count": 1}


def test_executions_are_the_newest_ones(door):
    found = door.get("/v1/projects/p-1/executions?newest=2").json["executions"]
    assert [each["execution_id"] for each in found] == ["e-2", "e-3"]


def test_execution_shows_what_explains_its_deviation(door):
    found = door.get("/v1/executions/e-3").json
    assert (found["main_cause"], found["is_sla_met"]) == ("data", False)
    assert found["runs"][0]["deviation"]["shares"][0]["fraction"] == 0.9


def test_parts_of_a_cost_sum_to_its_total(door):
    cost = door.get("/v1/executions/e-0").json["runs"][0]["cost"]
    parts = ("driver_usd", "worker_usd", "spot_usd", "disk_usd", "dbu_usd")
    assert sum(cost[part] for part in parts) == cost["total_usd"] == 4.0


def test_recommendations_come_with_interval_and_verdict(door):
    (found,) = door.get("/v1/projects/p-1/recommendations").json["recommendations"]
    assert found["state"] == "kept"
    assert found["verdict"] == "it cost half of its parent"
    assert found["prediction"]["runtime_80_s"] == {"low": 27.0, "high": 33.0}


@pytest.mark.parametrize(
    "path", ["/v1/projects/x", "/v1/projects/x/executions", "/v1/executions/x", "/v1/nothing"]
)
def test_what_is_not_there_is_a_problem_with_a_code(door, path):
    found = door.get(path)
    assert (found.status, found.json["code"]) == (404, "not_found")
    assert found.headers["content-type"] == "application/problem+json"


def test_bad_number_is_told_by_its_name(door):
    found = door.get("/v1/projects/p-1/executions?newest=0")
    assert (found.status, found.json["code"]) == (422, "invalid_input")
    assert "newest" in found.json["detail"]


def test_ended_run_wakes_its_project(door):
    assert door.call(ENDED).status == 202
    assert door.woken == ["p-1"]


def test_unknown_definition_is_ignored(door):
    answer = door.call({"job": {"job_id": "99"}})
    assert (answer.status, answer.json["is_known"]) == (202, False)
    assert door.woken == []


def test_start_of_a_run_wakes_nobody(door):
    assert door.call({**ENDED, "event_type": "jobs.on_start"}).status == 202
    assert door.woken == []


def test_project_that_was_taken_off_is_not_woken():
    door = Door(a_store(replace(IMPORTED, is_retired=True)))
    assert door.call(ENDED).json == {"is_known": False, "project_id": None}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("isocost", "wrong"),
        basic("somebody", SECRET),
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "Basic ???"},
    ],
)
def test_call_without_the_secret_is_refused(door, headers):
    answer = door.call(ENDED, headers=headers)
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
    assert door.woken == []


def test_unknown_workspace_is_answered_as_a_wrong_secret(door):
    assert door.call(ENDED, path="/v1/webhooks/databricks/other").status == 401


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b'{"job": 3}', b"\xff", b"[" * 60_000])
def test_body_that_is_no_call_is_told_so(door, body):
    assert (door.call(body).status, door.woken) == (422, [])


def test_large_body_is_refused(door):
    assert door.call(b" " * (MOST_BODY_BYTES + 1)).status == 413


def test_other_names_of_the_host_are_refused_without_a_token(door):
    assert door.get("/v1/projects", host="evil.example.com").status == 403
    assert door.get("/v1/projects", host="[::1]:8080").status == 200


def test_webhooks_come_under_any_name(door):
    answer = ask(
        door.app,
        WEBHOOK,
        method="POST",
        headers=basic("isocost", SECRET),
        body=json.dumps(ENDED).encode(),
        host="isocost.example.com",
    )
    assert answer.status == 202


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {TOKEN}"}, basic("anybody", TOKEN)]
)
def test_token_opens_the_reading_api(headers):
    door = Door(a_store(IMPORTED), token=TOKEN)
    assert door.get("/v1/projects", headers=headers, host="isocost.example.com").status == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_wrong_token_is_refused(headers):
    answer = Door(a_store(IMPORTED), token=TOKEN).get("/v1/projects", headers=headers)
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
    assert "www-authenticate" in answer.headers


def test_health_asks_for_no_token():
    assert Door(a_store(), token=TOKEN).get("/v1/health").status == 200


def test_defect_tells_nothing_of_the_inside(door):
    broken = replace(door.served, pulse=lambda: 1 / 0)
    answer = ask(application(broken), "/v1/health", raises=(ZeroDivisionError,))
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "division" not in answer.text


def test_every_endpoint_is_described(door):
    described = door.get("/v1/openapi.json").json
    assert WEBHOOK.replace("lake", "{workspace}") in described["paths"]
    assert "Problem" in described["components"]["schemas"]
    for path in described["paths"].values():
        assert all(operation["description"] for operation in path.values())
