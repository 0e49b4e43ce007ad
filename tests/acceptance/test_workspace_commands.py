"""Workspaces, jobs, projects, runs and recommendations from the command line, as users do it."""

import http.server
import os
import subprocess
import sys
import threading

import pytest

from isocost.domain.workspace import Cloud
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.workspaces import a_workspace, client_of
from tests.acceptance.user import LOGS, job_id_of, looked_after, names

pytest.importorskip("databricks.sdk")


# Connecting


def test_connected_workspace_is_found_out_and_its_token_stays_out_of_the_database(
    here, isocost, add, home
):
    address, _ = here
    assert add(address.url, address.token).code == 0
    (found,) = isocost("workspace", "list", "--json").json["workspaces"]
    assert (found["cloud"], found["region"], found["fault"]) == ("aws", "us-east-1", None)
    database = b"".join(path.read_bytes() for path in home.glob("isocost.db*"))
    assert address.token.encode() not in database
    assert (home / "credentials.toml").stat().st_mode & 0o777 == 0o600


def test_token_is_taken_from_stdin(here, home):
    address, _ = here
    command = [sys.executable, "-m", "isocost", "workspace", "add", "prod", address.url]
    done = subprocess.run(
        command, input=address.token, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert address.token not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "identity", [None, {"user_name": "e", "expires_at": "2020-01-01T00:00:00Z"}]
)
def test_wrong_or_expired_token_is_refused_and_nothing_is_stored(
    here, isocost, add, home, identity
):
    address, control = here
    token = "dapi-wrong" if identity is None else control.add_token(**identity)
    done = add(address.url, token)
    assert done.code == 3
    assert "does not accept the token" in done.err
    assert "Settings > Developer > Access tokens" in done.err
    assert token not in done.err + done.out
    assert names(isocost) == []
    assert not (home / "credentials.toml").exists()


def test_host_that_is_no_workspace_is_refused(isocost, add):
    handler = http.server.BaseHTTPRequestHandler  # answers 501 to everything
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = add(f"http://127.0.0.1:{server.server_port}", "dapi-1")
        server.shutdown()
    assert done.code in {3, 4}
    assert f"http://127.0.0.1:{server.server_port}" in done.err
    assert names(isocost) == []


def test_address_with_a_path_is_refused_before_anybody_is_asked(add):
    done = add("https://dbc-1.cloud.databricks.com/browse", "dapi-1")
    assert done.code == 2
    assert "with no path behind it" in done.err


def test_missing_permission_is_named_with_what_to_grant(here, isocost, add):
    address, control = here
    token = control.add_token(user_name="eve@example.com", denied=["jobs.read"])
    done = add(address.url, token)
    assert done.code == 3
    assert "Grant the token's owner CAN VIEW on the databricks jobs" in done.err
    assert names(isocost) == []


def test_log_destination_that_cannot_be_read_is_refused(here, isocost, add):
    address, control = here
    token = control.add_token(user_name="eve@example.com", denied=["files.read"])
    done = add(address.url, token, "--log-destination", LOGS)
    assert done.code == 3
    assert f"read event logs in {LOGS}" in done.err
    assert names(isocost) == []


def test_log_destination_of_an_unknown_kind_is_refused(here, add):
    done = add(here[0].url, here[0].token, "--log-destination", "gs://logs")
    assert done.code == 2
    assert "dbfs:/, /Volumes/, s3://" in done.err


@pytest.mark.parametrize("url", ["nonsense", "ftp://a.b/c", "https://", "http://a.b:x/c"])
def test_webhook_that_nobody_can_call_is_refused_before_anything_is_stored(
    here, isocost, add, url
):
    done = add(here[0].url, here[0].token, "--webhook-url", url)
    assert done.code == 2
    assert "Pass a whole https:// address as --webhook-url" in done.err.replace("\n", " ")
    assert names(isocost) == []


def test_webhook_without_encryption_is_refused_for_a_real_workspace(add):
    given = ("--webhook-url", "http://isocost.example.com/hook")
    done = add("https://dbc-1.cloud.databricks.com", "dapi-1", *given)
    assert done.code == 2
    assert "No webhook can be called at 'http://isocost.example.com/hook'" in done.err


def test_webhook_is_kept_unless_it_is_cleared(here, isocost, add):
    address, _ = here
    known = []
    for given in (["--webhook-url", "http://127.0.0.1:9/hook"], [], ["--webhook-url", ""]):
        assert add(address.url, address.token, *given).code == 0
        (found,) = isocost("workspace", "list", "--json").json["workspaces"]
        known.append(found["webhook_url"])
    assert known == ["http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook", ""]


@pytest.mark.parametrize(
    "host",
    ["http://127.0.0.1:abc", "http://127.0.0.1:99999", "http://me@127.0.0.1", "http://[::1"],
)
def test_address_that_cannot_be_one_is_refused_in_one_sentence(add, host):
    done = add(host, "dapi-1")
    assert done.code == 2
    assert f"'{host}' is no workspace's address. Pass it as https://<host>" in done.err
    assert "Config:" not in done.err


def test_check_says_what_a_token_lost_and_the_workspace_shows_it(here, isocost, add):
    address, control = here
    add(address.url, address.token)
    poor = control.add_token(user_name="eve@example.com", denied=["clusters.read"])
    done = isocost("workspace", "check", "prod", "--json", ISOCOST_TOKEN_PROD=poor)
    assert done.code == 3
    refused = [p["need"] for p in done.json["permissions"] if not p["is_granted"]]
    assert "see clusters" in refused
    (found,) = isocost("workspace", "list", "--json").json["workspaces"]
    assert "see clusters" in found["fault"]


def test_adding_again_renews_the_token_and_goes_on_with_projects_left_alone(
    here, isocost, add, imported
):
    address, control = here
    os.environ["ISOCOST_TOKEN_PROD"] = "dapi-expired"
    try:
        assert looked_after(control, imported[:1]) == [False]
    finally:
        del os.environ["ISOCOST_TOKEN_PROD"]
    fault = isocost("project", "show", imported[0], "--json").json["fault"]
    assert "does not accept the token" in fault
    again = add(address.url, address.token)
    assert f"Project {imported[0]} is looked after again." in again.err
    assert looked_after(control, imported[:1]) == [True]


def test_azure_workspace_asks_for_its_region(isocost, add):
    with a_workspace(seed=7, cloud=Cloud.AZURE) as (address, control):
        control.add_estate(EstatePlan(job_count=1, seed=7))
        asked = add(address.url, address.token)
        assert asked.code == 2
        assert "Pass one of eastus, westeurope as --region" in asked.err
        assert names(isocost) == []
        assert add(address.url, address.token, "--region", "eastus").code == 0
    (found,) = isocost("workspace", "list", "--json").json["workspaces"]
    assert (found["cloud"], found["region"]) == ("azure", "eastus")


def test_name_of_another_address_is_taken(here, add):
    address, _ = here
    add(address.url, address.token)
    done = add("https://other.example.com", "dapi-1")
    assert done.code == 2
    assert f"is at {address.url} already" in done.err


# Importing


def test_jobs_are_listed_with_why_some_cannot_be_imported(here, isocost, add):
    add(here[0].url, here[0].token)
    jobs = isocost("job", "list", "prod", "--json").json["jobs"]
    assert sum(job["is_importable"] for job in jobs) == 2
    reasons = {job["name"]: job["why_not"] for job in jobs if not job["is_importable"]}
    assert "serverless" in reasons["Serverless refresh"][0]


def test_import_shows_the_difference_and_changes_nothing_unasked(here, isocost, add):
    address, _ = here
    add(address.url, address.token)
    done = isocost("job", "import", "prod", "--all", "--max-runtime", "45m")
    assert done.code == 2
    assert "isocost:project-id: none → prod-" in done.err
    assert "Pass --yes" in done.err
    assert isocost("project", "list", "--json").json["projects"] == []
    jobs = client_of(address).jobs
    assert not any("isocost" in str(jobs.get(j.job_id).as_dict()) for j in jobs.list())


def test_import_shows_the_webhook_that_it_makes_and_has_called(here, isocost, add):
    address, _ = here
    url = "http://127.0.0.1:9/hook"
    add(address.url, address.token, "--webhook-url", url)
    asked = isocost("job", "import", "prod", "--all").err.replace("\n", " ")
    assert f"notification destination for {url}: none → new" in asked
    assert "webhook_notifications: none → {" in asked
    assert f'"on_failure": [{{"id": "new, for {url}"}}]' in asked
    client = client_of(address)
    assert list(client.notification_destinations.list()) == []
    first, second = (j.job_id for j in client.jobs.list() if _is_ready(isocost, j.job_id))
    assert isocost("job", "import", "prod", str(first), "--yes").code == 0
    [made] = client.notification_destinations.list()
    asked = isocost("job", "import", "prod", str(second)).err.replace("\n", " ")
    assert f"notification destination for {url}: {made.id}, its secret is told anew" in asked
    assert f'"on_success": [{{"id": "{made.id}"}}]' in asked


def _is_ready(isocost, job_id):
    jobs = isocost("job", "list", "prod", "--json").json["jobs"]
    return any(job["is_importable"] and job["job_id"] == str(job_id) for job in jobs)


def test_importing_again_changes_nothing(isocost, imported):
    again = isocost("job", "import", "prod", *_ids(isocost, imported), "--yes")
    assert again.code == 0
    assert "already imported as project" in again.err
    assert len(isocost("project", "list", "--json").json["projects"]) == 2


def _ids(isocost, projects):
    return [str(job_id_of(isocost, project_id)) for project_id in projects]


def test_unknown_job_is_not_found(here, isocost, add):
    add(here[0].url, here[0].token)
    done = isocost("job", "import", "prod", "5", "--yes")
    assert done.code == 2
    assert "isocost job list prod" in done.err


def test_job_whose_logs_cannot_be_read_is_not_imported(here, isocost, add):
    address, control = here
    add(address.url, address.token)
    token = control.add_token(user_name="eve@example.com", denied=["files.read"])
    done = isocost("job", "import", "prod", "--all", "--yes", ISOCOST_TOKEN_PROD=token)
    assert done.code == 2
    assert f"{LOGS} may not be read" in done.err
    assert isocost("project", "list", "--json").json["projects"] == []


@pytest.mark.parametrize("command", ["job import prod --all", "workspace check prod"])
def test_log_destination_is_looked_at_once_however_much_lies_there(here, isocost, add, command):
    address, control = here
    add(address.url, address.token)
    control.fault(path="/api/2.0/dbfs/", times=1_000_000)  # counts, and lets all through
    isocost(*command.split())
    assert [fault["seen"] for fault in control.state()["pending_faults"]] == [1]


# Living on


def test_deleted_job_is_a_fault_of_its_project_and_stops_no_other(here, isocost, imported):
    address, control = here
    job_id = job_id_of(isocost, imported[0])
    client_of(address).jobs.delete(job_id)
    assert looked_after(control, imported) == [False, True]
    first, second = isocost("project", "list", "--json").json["projects"]
    assert str(job_id) in first["fault"]
    assert second["fault"] is None
    gone = isocost("project", "delete", imported[0], "--yes")
    assert gone.code == 0, gone.err


def test_recommendation_is_shown_applied_once_and_rolled_back(here, isocost, imported):
    address, control = here
    looked_after(control, imported[:1])
    issued = isocost("recommendation", "list", imported[0], "--state", "issued", "--json")
    (first, *_) = issued.json["recommendations"]
    name = first["recommendation_id"]
    shown = isocost("recommendation", "show", name)
    assert "Runtime, 80 %:" in shown.out
    assert "Rejected:" in shown.out
    unasked = isocost("recommendation", "apply", name)
    assert (unasked.code, "num_workers" in unasked.err) == (2, True)
    for _ in range(2):
        assert isocost("recommendation", "apply", name, "--yes").code == 0
    job = client_of(address).jobs.get(job_id_of(isocost, imported[0])).as_dict()
    assert name in str(job)
    for _ in range(2):
        assert isocost("recommendation", "rollback", name, "--yes").code == 0
    job = client_of(address).jobs.get(job_id_of(isocost, imported[0])).as_dict()
    assert name not in str(job)


def test_job_that_became_serverless_is_told_by_its_project_and_not_applied_to(
    here, isocost, imported
):
    address, control = here
    looked_after(control, imported)
    issued = isocost("recommendation", "list", imported[0], "--state", "issued", "--json")
    name = issued.json["recommendations"][0]["recommendation_id"]
    job_id = job_id_of(isocost, imported[0])
    raw = {"name": "a", "tasks": [{"task_key": "main", "notebook_task": {"notebook_path": "/a"}}]}
    api = client_of(address).api_client
    api.do("POST", "/api/2.2/jobs/reset", body={"job_id": job_id, "new_settings": raw})
    done = isocost("recommendation", "apply", name, "--yes")
    assert done.code == 2
    assert "serverless" in done.err
    client_of(address).jobs.run_now(job_id)
    assert looked_after(control, imported) == [True, True]
    assert "serverless" in isocost("project", "show", imported[0], "--json").json["notice"]


def test_runs_show_what_they_took_and_cost(here, isocost, imported):
    _, control = here
    looked_after(control, imported[:1])
    runs = isocost("run", "list", imported[0], "--json").json["runs"]
    assert all(run["cost_usd"] > 0 and run["is_sla_met"] for run in runs)
    shown = isocost("run", "show", runs[-1]["run_id"])
    assert "list cost:" in shown.out
    assert "standard deviations" in shown.out


def test_project_shows_the_baseline_that_its_saving_is_measured_against(here, isocost, imported):
    _, control = here
    looked_after(control, imported[:1])
    shown = isocost("project", "show", imported[0])
    found = isocost("project", "show", imported[0], "--json").json
    assert found["baseline_ids"]
    assert f"mean list cost of runs {', '.join(found['baseline_ids'])}" in shown.out.replace(
        "\n", ""
    )


def test_limits_are_set_shown_and_lifted(isocost, imported):
    project_id = imported[0]
    options = ("--max-runtime", "1h30m", "--families", "m5,r5", "--window", "mon-fri 8-18")
    done = isocost("project", "set", project_id, *options, "--max-workers", "8", "--auto-apply")
    assert done.code == 0, done.err
    found = isocost("project", "show", project_id, "--json").json
    assert (found["max_runtime_s"], found["is_auto_apply"]) == (5400.0, True)
    assert found["limits"]["families"] == ["m5", "r5"]
    assert found["limits"]["max_workers"] == 8
    assert "mon,tue,wed,thu,fri 8-18 UTC" in isocost("project", "show", project_id).out
    isocost("project", "set", project_id, "--families", "none", "--window", "none")
    limits = isocost("project", "show", project_id, "--json").json["limits"]
    assert (limits["families"], limits["change_windows"]) == ([], [])


def test_family_that_there_is_none_of_changes_nothing(isocost, imported):
    done = isocost("project", "set", imported[0], "--families", "m55", "--max-workers", "8")
    assert done.code == 2
    assert "Nearest:" in done.err
    found = isocost("project", "show", imported[0], "--json").json
    assert found["limits"]["max_workers"] == 32


def test_deleting_a_project_restores_its_job_exactly(here, isocost, add):
    address, _ = here
    jobs = client_of(address).jobs
    before = {j.job_id: jobs.get(j.job_id).settings.as_dict() for j in jobs.list()}
    add(address.url, address.token, "--log-destination", LOGS)
    isocost("job", "import", "prod", "--all", "--yes")
    found = isocost("project", "list", "--json").json["projects"]
    for project in found:
        assert (
            jobs.get(int(project["job_id"])).settings.as_dict() != before[int(project["job_id"])]
        )
        assert isocost("project", "delete", project["project_id"], "--yes").code == 0
    assert {j.job_id: jobs.get(j.job_id).settings.as_dict() for j in jobs.list()} == before
    assert isocost("workspace", "remove", "prod", "--yes").code == 0
    assert names(isocost) == []


def test_workspace_with_projects_is_not_removed(isocost, imported):
    done = isocost("workspace", "remove", "prod", "--yes")
    assert done.code == 2
    assert f"isocost project delete {imported[0]}" in done.err
