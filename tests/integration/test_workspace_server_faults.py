"""Each fault and each refusal of the simulated workspace, met by the official SDK."""

import gzip
import time
from datetime import timedelta

import pytest

from isocost.errors import InvalidInput
from isocost.testing.workspaces import a_workspace, client_of

pytest.importorskip("databricks.sdk")
from databricks.sdk.errors import (
    InternalError,
    NotFound,
    PermissionDenied,
    TemporarilyUnavailable,
)

LOGS = "dbfs:/cluster-logs"
M5 = {
    "spark_version": "15.4.x-scala2.12",
    "node_type_id": "m5.2xlarge",
    "num_workers": 4,
    "cluster_log_conf": {"dbfs": {"destination": LOGS}},
}
SPOT = M5 | {"aws_attributes": {"availability": "SPOT_WITH_FALLBACK", "first_on_demand": 1}}


def a_job(cluster=M5, **settings):
    return {"name": "a", "tasks": [{"task_key": "main", "new_cluster": cluster}]} | settings


@pytest.fixture
def here():
    with a_workspace(seed=7, roll_every_s=120) as (address, control):
        yield address, control


def test_no_token_and_a_wrong_one_are_refused_as_databricks_does(here):
    import requests

    address, _ = here
    path = f"{address.url}/api/2.1/jobs/list"
    answer = requests.get(path, timeout=5)
    assert (answer.status_code, answer.json()["error_code"]) == (401, 401)
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        client_of(address, token="dapi-wrong").current_user.me()


def test_a_token_expires_with_the_workspaces_time(here):
    address, control = here
    token = control.add_token(expires_at=(control.now() + timedelta(hours=1)).isoformat())
    client = client_of(address, token=token)
    client.current_user.me()
    control.advance(timedelta(hours=1))
    with pytest.raises(PermissionDenied):
        client.current_user.me()


@pytest.mark.parametrize(
    ("right", "call"),
    [
        ("jobs.read", lambda client, job_id: client.jobs.get(job_id)),
        ("jobs.write", lambda client, job_id: client.jobs.delete(job_id)),
        ("jobs.run", lambda client, job_id: client.jobs.run_now(job_id)),
        ("clusters.read", lambda client, _: list(client.clusters.list())),
        ("policies.read", lambda client, _: list(client.cluster_policies.list())),
        ("pools.read", lambda client, _: list(client.instance_pools.list())),
        ("files.read", lambda client, _: list(client.dbfs.list("/"))),
        ("warehouse.use", lambda client, _: list(client.warehouses.list())),
        ("destinations.read", lambda client, _: list(client.notification_destinations.list())),
    ],
)
def test_a_missing_right_is_a_refusal_that_names_the_user(here, right, call):
    address, control = here
    job_id = control.add_job(a_job())
    token = control.add_token(user_name="eve@example.com", denied=[right])
    client = client_of(address, token=token)
    client.current_user.me()
    with pytest.raises(PermissionDenied, match=r"eve@example\.com"):
        call(client, job_id)


def test_system_tables_can_be_denied_while_the_warehouse_is_not(here):
    address, control = here
    client = client_of(address, token=control.add_token(denied=["system_tables.read"]))
    [warehouse] = client.warehouses.list()
    statement = "SELECT * FROM system.billing.usage"
    answer = client.statement_execution.execute_statement(statement, warehouse.id)
    assert "INSUFFICIENT_PERMISSIONS" in answer.status.error.message


def test_a_job_can_be_hidden_from_a_token(here):
    address, control = here
    shown, hidden = control.add_job(a_job()), control.add_job(a_job())
    client = client_of(address, token=control.add_token(denied_job_ids=[hidden]))
    assert [each.job_id for each in client.jobs.list()] == [shown]
    with pytest.raises(PermissionDenied):
        client.jobs.get(hidden)


def test_too_many_requests_are_tried_again_when_told(here):
    address, control = here
    client = client_of(address)
    control.fault(status=429, retry_after_s=1, times=2, path="/jobs/list")
    began = time.monotonic()
    assert list(client.jobs.list()) == []
    assert time.monotonic() - began >= 2.0
    assert control.state()["pending_faults"] == []


@pytest.mark.parametrize(
    ("status", "error"), [(500, InternalError), (503, TemporarilyUnavailable)]
)
def test_a_server_error_reaches_the_caller(here, status, error):
    address, control = here
    client = client_of(address, patience_s=2)
    control.fault(status=status, times=20, path="/jobs/list")
    with pytest.raises((error, TimeoutError)) as raised:
        list(client.jobs.list())
    told = raised.value if isinstance(raised.value, error) else raised.value.__cause__
    assert isinstance(told, error)
    control.clear_faults()
    assert list(client.jobs.list()) == []


def test_a_slow_answer_is_slow_once(here):
    address, control = here
    client = client_of(address)
    control.fault(delay_s=0.7, path="/Me")
    began = time.monotonic()
    client.current_user.me()
    client.current_user.me()
    assert 0.7 <= time.monotonic() - began < 5.0


def test_only_every_third_request_may_fail(here):
    address, control = here
    client = client_of(address, patience_s=1)
    control.fault(status=500, times=2, every=3, path="/clusters/list-zones")
    seen = []
    for _ in range(6):
        try:
            client.clusters.list_zones()
            seen.append("fine")
        except (InternalError, TimeoutError):
            seen.append("failed")
    assert seen == ["fine", "fine", "failed"] * 2


def test_an_impossible_fault_is_refused_with_the_reason(here):
    with pytest.raises(InvalidInput, match="0 to 30"):
        here[1].fault(delay_s=3600)
    with pytest.raises(InvalidInput, match=r"answers one of"):
        here[1].fault(status=418)


def test_the_control_plane_takes_its_own_token_only(here):
    import requests

    address, _ = here
    headers = {"Authorization": f"Bearer {address.token}"}
    answer = requests.get(f"{address.url}/sim/state", headers=headers, timeout=5)
    assert answer.status_code == 401


def test_somebody_elses_edit_falls_between_read_and_write(here):
    address, control = here
    client = client_of(address)
    job_id = control.add_job(a_job(description="first"))
    control.edit_job(job_id, {"description": "theirs"}, after_read=True)
    assert client.jobs.get(job_id).settings.description == "first"
    assert client.jobs.get(job_id).settings.description == "theirs"


def parts_of(client, control, job_id):
    """Return the event log of the newest run as {name: bytes}; None if there is none yet."""
    run = next(iter(client.jobs.list_runs(job_id=job_id, expand_tasks=True)))
    cluster_id = run.tasks[0].cluster_instance.cluster_id
    try:
        [folder] = client.dbfs.list(f"/cluster-logs/{cluster_id}/eventlog")
    except NotFound:
        return None
    [context] = client.dbfs.list(folder.path)
    parts = client.dbfs.list(context.path)
    return {part.path.rsplit("/", 1)[-1]: client.dbfs.download(part.path).read() for part in parts}


def run_of(address, control, **trouble):
    client = client_of(address)
    job_id = control.add_job(a_job())
    if trouble:
        control.log_trouble(**trouble)
    client.jobs.run_now(job_id)
    return client, job_id


def test_a_whole_log_has_all_parts_numbered_without_a_gap(here):
    client, job_id = run_of(*here)
    here[1].advance(timedelta(minutes=10))
    parts = parts_of(client, here[1], job_id)
    assert len(parts) > 2
    texts = [gzip.decompress(b) if n.endswith(".gz") else b for n, b in sorted(parts.items())]
    numbers = sorted(int(t.split(b'"Rollover Number":')[1].split(b",")[0]) for t in texts)
    assert numbers == list(range(len(parts)))


def test_a_late_log_comes_in_the_end(here):
    address, control = here
    client, job_id = run_of(address, control, delay_s=3 * 3600.0)
    control.advance(timedelta(hours=1))
    assert parts_of(client, control, job_id) is None
    control.advance(timedelta(hours=3))
    late = parts_of(client, control, job_id)
    assert late["eventlog"].endswith(b"}\n")


def test_a_log_is_delivered_piece_by_piece():
    with a_workspace(seed=7, is_leaping=False) as (address, control):
        client = client_of(address)
        job_id = control.add_job(a_job())
        client.jobs.run_now(job_id)
        control.advance(timedelta(minutes=11))
        early = parts_of(client, control, job_id)["eventlog"]
        control.advance(timedelta(hours=2))
        whole = parts_of(client, control, job_id)["eventlog"]
        assert 0 < len(early) < len(whole)
        assert whole.startswith(early)


def test_a_cut_log_stays_cut(here):
    address, control = here
    client, job_id = run_of(address, control, kept_fraction=0.5)
    control.advance(timedelta(days=1))
    cut = parts_of(client, control, job_id)["eventlog"]
    control.clear_faults()
    assert cut == parts_of(client, control, job_id)["eventlog"][: len(cut)]
    assert len(cut) < len(parts_of(client, control, job_id)["eventlog"])


def test_a_log_may_lack_a_part_or_never_come(here):
    address, control = here
    client, job_id = run_of(address, control)
    control.advance(timedelta(minutes=10))
    whole = parts_of(client, control, job_id)
    window = {"begin_at": "2020-01-01T00:00:00Z", "job_id": job_id}
    control.log_trouble(missing_part=1, **window)
    assert set(whole) - set(parts_of(client, control, job_id)) == {sorted(whole)[2]}
    control.log_trouble(is_absent=True, **window)
    assert parts_of(client, control, job_id) is None


def test_a_spot_storm_takes_nodes_and_time(here):
    address, control = here
    client = client_of(address)
    job_id = control.add_job(a_job(SPOT))
    calm = client.jobs.get_run(client.jobs.run_now(job_id).run_id)
    control.trouble(spot_losses_per_node_hour=30.0, seconds=3600)
    stormy = client.jobs.get_run(client.jobs.run_now(job_id).run_id)
    cluster_id = stormy.tasks[0].cluster_instance.cluster_id
    lost = [e for e in client.clusters.events(cluster_id) if e.type.value == "NODES_LOST"]
    assert lost[0].details.reason.code.value == "SPOT_INSTANCE_TERMINATION"
    assert lost[0].details.reason.parameters["instance_id"].startswith("i-0")
    assert stormy.run_duration > calm.run_duration


def test_a_slow_platform_and_a_cloud_without_machines(here):
    address, control = here
    client = client_of(address)
    job_id = control.add_job(a_job())
    calm = client.jobs.get_run(client.jobs.run_now(job_id).run_id)
    control.trouble(slowdown=2.0, seconds=60, job_id=job_id)
    slow = client.jobs.get_run(client.jobs.run_now(job_id).run_id)
    assert slow.run_duration > 1.5 * calm.run_duration
    control.trouble(is_capacity_missing=True, seconds=60)
    refused = client.jobs.get_run(client.jobs.run_now(job_id).run_id)
    assert refused.state.life_cycle_state.value == "INTERNAL_ERROR"
    assert refused.status.termination_details.code.value == "CLOUD_FAILURE"


def test_malformed_requests_are_refused(here):
    import requests

    address, _ = here
    headers = {"Authorization": f"Bearer {address.token}"}
    url = f"{address.url}/api/2.1/jobs/create"
    answer = requests.post(url, data="{", headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")
    answer = requests.get(f"{address.url}/api/2.1/jobs/get", headers=headers, timeout=5)
    assert "Missing required field: job_id" in answer.json()["message"]
