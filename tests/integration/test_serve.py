"""The server as a user starts it: webhook of a simulated workspace in, facts and pages out."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from isocost import clock
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.settings import read_settings
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.workspaces import a_workspace
from isocost.usecases.adopt import Intent, adopt, listed
from isocost.wiring import Connection, open_loop

SECRET = "a-webhook-secret-of-some-length"
PATIENCE_S = 60.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def environ(tmp_path):
    return {
        **os.environ,
        "ISOCOST_HOME": str(tmp_path),
        "ISOCOST_CACHE": str(tmp_path),
        "ISOCOST_WEBHOOK_SECRET_LAKE": SECRET,
    }


@contextmanager
def a_server(environ, *options):
    command = [sys.executable, "-m", "isocost", "serve", "--port", "0", "--json", *options]
    with subprocess.Popen(
        [*command, "--exit-with-parent"], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, json.loads("".join(process.stdout.readline() for _ in range(4)))["url"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)


def get(url):
    with OPENER.open(url, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def wait_for(look):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_run_that_ends_is_heard_of_by_webhook_alone(environ, tmp_path):
    settings = read_settings(environ)
    with a_workspace(seed=3, start_at=clock.now() - timedelta(days=1)) as (address, control):
        control.add_estate(EstatePlan(1, has_changes=False, has_others=False))
        environ["ISOCOST_TOKEN_LAKE"] = address.token
        lake = Workspace(
            "lake", address.url, Cloud.AWS, "us-east-1", Plan.PREMIUM, control.now(), "dbfs:/logs"
        )
        with a_server(environ, "--no-poll") as (_, url):
            lake = replace(lake, webhook_url=f"{url}/v1/webhooks/databricks/lake")
            with open_loop(settings, connections=[Connection(lake, address.token)]) as loop:
                (entry,) = listed(loop.store, lake, loop.host_of(lake))
                definition_id = entry.definition.definition_id
                project = adopt(loop, lake, definition_id, intent=Intent(), webhook_secret=SECRET)
            control.advance(timedelta(days=1), until_run_ends=True, wait_for_webhooks=True)
            assert [d["status"] for d in control.webhook_deliveries()] == [202]
            executions = f"{url}/v1/projects/{project.project_id}/executions"
            assert len(wait_for(lambda: json.loads(get(executions))["executions"])) == 1
            assert entry.definition.name in get(f"{url}/")


def test_server_stops_at_a_signal_without_a_fault(environ):
    with a_server(environ) as (process, url):
        assert json.loads(get(f"{url}/v1/health"))["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_server_for_others_without_a_token_does_not_start(environ):
    command = [sys.executable, "-m", "isocost", "serve", "--host", "0.0.0.0", "--port", "0"]
    ended = subprocess.run(
        [*command, "--allow-remote"], env=environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "ISOCOST_API_TOKEN" in ended.stderr) == (2, True)
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, "--allow-remote" in ended.stderr) == (2, True)


def test_token_is_asked_for_where_one_is_set(environ):
    environ["ISOCOST_API_TOKEN"] = "a-token-of-some-length"
    with a_server(environ) as (_, url):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(f"{url}/")
        refused.value.close()
        asked = urllib.request.Request(
            f"{url}/", headers={"Authorization": f"Bearer {environ['ISOCOST_API_TOKEN']}"}
        )
        with OPENER.open(asked, timeout=PATIENCE_S) as answer:
            assert (refused.value.code, answer.status) == (401, 200)


def test_port_in_use_is_told(environ):
    with a_server(environ) as (_, url):
        port = url.rpartition(":")[2]
        command = [sys.executable, "-m", "isocost", "serve", "--port", port]
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, f"Port {port}" in ended.stderr) == (2, True)
