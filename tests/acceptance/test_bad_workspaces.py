"""What a workspace refuses or lost: named with its remedy, shown by the project it stops."""

import os
from datetime import timedelta

import pytest

from isocost.testing.loopback import listening
from isocost.testing.workspaces import client_of
from isocost.usecases.loop import PATIENCE
from tests.acceptance.user import (
    LOGS,
    a_lived_in_workspace,
    job_id_of,
    looked_after,
    names,
    shown,
)

pytest.importorskip("databricks.sdk")

# Those of an estate's jobs whose clusters have a policy and come from a pool.
WITH_POLICY, WITH_POOL = 4, 5
EVE = "eve@example.com"


@pytest.fixture
def here():
    """A workspace with a job under a policy and one on a pool, which have run for two days."""
    with a_lived_in_workspace(6) as (address, control, found):
        control.job_ids = [found[n]["job_id"] for n in (WITH_POLICY, WITH_POOL)]
        yield address, control


@pytest.fixture
def imported(here, isocost, add):
    """The projects of the two jobs: first that with a policy, then that on a pool."""
    address, control = here
    assert add(address.url, address.token).code == 0
    ids = [str(job_id) for job_id in control.job_ids]
    done = isocost("job", "import", "prod", *ids, "--max-runtime-factor", "1.5", "--yes")
    assert done.code == 0, done.err
    found = isocost("project", "list", "--json").json["projects"]
    by_job = {project["job_id"]: project["project_id"] for project in found}
    return [by_job[job_id] for job_id in ids]


@pytest.fixture
def poor(here, monkeypatch):
    """Give the product a token that lacks something."""

    def take(**identity):
        token = here[1].add_token(**{"user_name": EVE} | identity)
        monkeypatch.setenv("ISOCOST_TOKEN_PROD", token)

    return take


def mended(control, isocost, monkeypatch, projects):
    """Give the good token back, and say whether all is well once another run has ended."""
    monkeypatch.delenv("ISOCOST_TOKEN_PROD", raising=False)
    control.advance(timedelta(days=1))
    well = looked_after(control, projects)
    states = [(s["fault"], s["notice"]) for s in (shown(isocost, p) for p in projects)]
    return all(well) and states == [(None, None)] * len(projects)


# Connecting

REQUIRED = {
    "jobs.read": "list databricks jobs: Grant the token's owner CAN VIEW",
    "jobs.write": "change databricks jobs: Grant the token's owner CAN MANAGE",
    "clusters.read": "see clusters: Grant the token's owner CAN ATTACH TO",
    "node_types.read": "list node types: Grant the token's owner workspace access",
    "policies.read": "read cluster policies: Grant the token's owner CAN USE",
    "pools.read": "read instance pools: Grant the token's owner CAN ATTACH TO",
    "files.read": f"read event logs in {LOGS}: Grant the token's owner READ VOLUME",
}
OPTIONAL = {
    "warehouse.use": "CAN USE on a SQL warehouse",
    "system_tables.read": "SELECT on system.",
    "destinations.read": "workspace admin",
}


@pytest.mark.parametrize("right", REQUIRED)
def test_each_missing_permission_is_named_with_what_to_grant(here, isocost, add, right):
    address, control = here
    done = add(address.url, control.add_token(user_name=EVE, denied=[right]))
    assert done.code == 3
    assert REQUIRED[right] in done.err.replace("\n", " ")
    assert names(isocost) == []


@pytest.mark.parametrize("right", OPTIONAL)
def test_what_can_be_done_without_is_told_and_hinders_nothing(here, isocost, add, right):
    address, control = here
    assert add(address.url, control.add_token(user_name=EVE, denied=[right])).code == 0
    permissions = isocost("workspace", "check", "prod", "--json").json["permissions"]
    [missing] = [p for p in permissions if not p["is_granted"]]
    assert OPTIONAL[right] in missing["remedy"]
    assert not missing["is_required"]


# Living on

ALL_STOP = {
    "jobs.read": ("forbids listing the runs of databricks job", "CAN VIEW"),
    "clusters.read": ("forbids reading the events of cluster", "CAN ATTACH TO on the cluster"),
    "node_types.read": ("forbids listing node types", "workspace access"),
    "files.read": (f"forbids listing {LOGS}", "READ VOLUME"),
}


@pytest.mark.parametrize("right", ALL_STOP)
def test_a_permission_that_was_taken_away_is_each_projects_fault_until_it_is_back(
    here, isocost, imported, poor, monkeypatch, right
):
    poor(denied=[right])
    assert looked_after(here[1], imported) == [False, False]
    for project_id in imported:
        told = isocost("project", "show", project_id).out
        assert f"Fault: {here[0].url} {ALL_STOP[right][0]}" in told
        assert f"grant the token's owner {ALL_STOP[right][1]}" in told
    assert mended(here[1], isocost, monkeypatch, imported)


def test_a_pool_that_may_not_be_read_stops_only_what_runs_on_it(
    here, isocost, imported, poor, monkeypatch
):
    poor(denied=["pools.read"])
    assert looked_after(here[1], imported) == [True, False]
    fault = shown(isocost, imported[1])["fault"]
    assert "forbids reading instance pool 0101-000000-pool1-pool-warm0001" in fault
    assert "CAN ATTACH TO on the instance pool" in fault
    assert mended(here[1], isocost, monkeypatch, imported)


def test_a_policy_that_may_not_be_read_hinders_advice_and_nothing_else(
    here, isocost, imported, poor, monkeypatch
):
    poor(denied=["policies.read"])
    assert looked_after(here[1], imported) == [True, True]
    hindered, other = (shown(isocost, project_id) for project_id in imported)
    assert hindered["notice"].startswith("Nothing is recommended: ")
    assert "forbids reading cluster policy" in hindered["notice"]
    assert "CAN USE on the cluster policy" in hindered["notice"]
    assert other["notice"] is None
    listed = isocost("recommendation", "list", imported[0], "--json").json["recommendations"]
    assert listed == []
    assert mended(here[1], isocost, monkeypatch, imported)


def test_a_job_that_is_hidden_stops_its_project_alone(here, isocost, imported, poor, monkeypatch):
    job_id = job_id_of(isocost, imported[0])
    poor(denied_job_ids=[job_id])
    assert looked_after(here[1], imported) == [False, True]
    assert f"databricks job {job_id}" in shown(isocost, imported[0])["fault"]
    assert mended(here[1], isocost, monkeypatch, imported)


def test_a_token_that_expires_is_each_projects_fault_until_it_is_renewed(
    here, isocost, add, imported, poor, monkeypatch
):
    address, control = here
    poor(expires_at=(control.now() + timedelta(hours=1)).isoformat())
    assert looked_after(control, imported) == [True, True]
    control.advance(timedelta(hours=2))
    assert looked_after(control, imported) == [False, False]
    told = isocost("project", "show", imported[0]).out
    assert f"Fault: {address.url} does not accept the token" in told
    assert "Settings > Developer > Access tokens" in told
    monkeypatch.delenv("ISOCOST_TOKEN_PROD")
    assert add(address.url, address.token).code == 0
    assert looked_after(control, imported) == [True, True]


def test_a_workspace_that_is_gone_is_given_up_soon_and_named(here, isocost, add, imported):
    with a_lived_in_workspace(1, seed=8) as (address, *_):
        given = ("workspace", "add", "gone", address.url, "--token-env", "SECRET")
        assert isocost(*given, SECRET=address.token).code == 0
        assert isocost("job", "import", "gone", "--all", "--yes").code == 0
    [gone] = isocost("project", "list", "--workspace", "gone", "--json").json["projects"]
    projects = [gone["project_id"], *imported]
    assert looked_after(here[1], projects, patience_s=1) == [False, True, True]
    fault = shown(isocost, gone["project_id"])["fault"]
    assert f"{address.url} could not be reached for " in fault
    assert "connection refused. Check the address, the network" in fault


def test_a_fault_that_stays_is_left_alone_until_a_person_says_so(
    here, isocost, imported, poor, monkeypatch
):
    _, control = here
    poor(denied=["jobs.read"])
    for _ in range(PATIENCE.most_looks):
        assert looked_after(control, imported[:1]) == [False]
        control.advance(PATIENCE.longest_pause)
    control.fault(path="/api/", times=1_000_000)  # counts, and lets all through
    assert looked_after(control, imported[:1]) == [False]
    assert [fault["seen"] for fault in control.state()["pending_faults"]] == [0]
    monkeypatch.delenv("ISOCOST_TOKEN_PROD")
    assert looked_after(control, imported) == [False, True]
    assert "--resume" in isocost("project", "show", imported[0]).out
    assert isocost("project", "set", imported[0], "--resume").code == 0
    assert looked_after(control, imported[:1]) == [True]


def test_a_policy_that_may_not_be_read_is_told_at_the_import(here, isocost, add, poor):
    address, control = here
    add(address.url, address.token)
    poor(denied=["policies.read"])
    done = isocost("job", "import", "prod", str(control.job_ids[0]), "--yes")
    assert done.code == 2
    assert "CAN USE on the cluster policy" in done.err.replace("\n", " ")
    assert isocost("project", "list", "--json").json["projects"] == []


def test_a_pool_that_may_not_be_read_hides_no_other_job(here, isocost, add, poor):
    address, _ = here
    add(address.url, address.token)
    poor(denied=["pools.read"])
    jobs = isocost("job", "list", "prod", "--json").json["jobs"]
    assert sum(job["is_importable"] for job in jobs) == 5


def test_a_webhook_secret_that_was_changed_reaches_the_workspace(here, isocost, add):
    address, control = here
    with listening() as (url, heard):
        add(address.url, address.token, "--webhook-url", url)
        done = isocost("job", "import", "prod", str(control.job_ids[0]), "--yes")
        assert done.code == 0, done.err
        os.environ["ISOCOST_WEBHOOK_SECRET_PROD"] = "rotated"
        try:
            assert add(address.url, address.token).code == 0
        finally:
            del os.environ["ISOCOST_WEBHOOK_SECRET_PROD"]
        client_of(address).jobs.run_now(control.job_ids[0])
        control.webhook_deliveries()
    assert heard[-1] == ("isocost", "rotated")
