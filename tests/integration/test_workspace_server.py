"""Each endpoint of the simulated workspace, asked through the official SDK."""

from datetime import timedelta

import pytest

from isocost.domain.workspace import Cloud
from isocost.simulator.simulate import EPOCH
from isocost.simulator.workspace.estate import POLICY_ID, POOL_ID, EstatePlan
from isocost.testing.workspaces import a_workspace, client_of
from isocost.units import BYTES_PER_MIB
from isocost.wiring import read_profile

pytest.importorskip("databricks.sdk")
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    ResourceDoesNotExist,
)
from databricks.sdk.service import compute, jobs, settings, sql

LOGS = "dbfs:/cluster-logs"
M5 = {"spark_version": "15.4.x-scala2.12", "node_type_id": "m5.2xlarge", "num_workers": 2}
DELIVERED = timedelta(minutes=10)


def a_job(**settings):
    entry = {"task_key": "main", "notebook_task": {"notebook_path": "/Shared/a"}}
    cluster = M5 | {"cluster_log_conf": {"dbfs": {"destination": LOGS}}}
    return {"name": "a", "tasks": [entry | {"new_cluster": cluster}]} | settings


@pytest.fixture
def here():
    """A workspace, its client and its control plane."""
    with a_workspace(seed=7) as (address, control):
        yield client_of(address), control


@pytest.fixture(scope="module")
def estate():
    """A workspace that has lived for three days; tests only read it."""
    with a_workspace(seed=7, table_delay_s=0.0) as (address, control):
        found = control.add_estate(EstatePlan(job_count=8, log_destination=LOGS))
        control.advance(timedelta(days=3))
        yield client_of(address), control, found


def finished(client, control, settings, **seeding):
    """Return a run of these settings that is over, its logs delivered."""
    job_id = control.add_job(settings, **seeding)
    run = client.jobs.get_run(client.jobs.run_now(job_id).run_id)
    control.advance(DELIVERED)
    return client.jobs.get_run(run.run_id)


def test_the_owner_of_a_token_is_told(here):
    assert here[0].current_user.me().user_name == "owner@example.com"
    assert here[0].get_workspace_id() > 0


def test_jobs_are_listed_by_pages_with_their_entries(estate):
    client, _, found = estate
    listed = list(client.jobs.list(limit=3, expand_tasks=True))
    assert {each.job_id for each in listed} == {each["job_id"] for each in found}
    assert all(each.settings.tasks for each in listed)
    names = [each.settings.name for each in client.jobs.list(name=found[0]["name"])]
    assert names == [found[0]["name"]]


def test_an_unknown_job_is_the_error_that_the_sdk_knows(here):
    with pytest.raises(ResourceDoesNotExist, match="Job 5 does not exist"):
        here[0].jobs.get(5)


def test_a_job_is_created_updated_reset_and_deleted(here):
    client, control = here
    made = client.jobs.create(name="typed", tags={"a": "1"})
    client.jobs.update(made.job_id, new_settings=jobs.JobSettings(tags={"a": "2"}))
    assert client.jobs.get(made.job_id).settings.tags == {"a": "2"}
    client.jobs.reset(made.job_id, jobs.JobSettings(name="other"))
    assert client.jobs.get(made.job_id).settings.tags is None
    assert control.write_count(made.job_id) == 2
    client.jobs.delete(made.job_id)
    assert [each.job_id for each in client.jobs.list()] == []


def test_more_than_a_hundred_entries_come_by_pages(here):
    client, control = here
    entries = [{"task_key": f"t{n:03}", "notebook_task": {}} for n in range(230)]
    job_id = control.add_job({"name": "wide", "tasks": entries})
    raw = client.api_client.do("GET", "/api/2.2/jobs/get", query={"job_id": job_id})
    assert len(raw["settings"]["tasks"]) == 100
    assert len(client.jobs.get(job_id).settings.tasks) == 230
    old = client.api_client.do("GET", "/api/2.1/jobs/get", query={"job_id": job_id})
    assert len(old["settings"]["tasks"]) == 230


def test_unknown_fields_survive_every_write(here):
    client, control = here
    strange = {"task_key": "main", "quantum_task": {"qubits": [1, 2.50, None, {"x": 10**18}]}}
    asked = a_job(tasks=[strange], invented={"deep": [{"a": 1.0}]}, zzz=True)
    api, job_id = client.api_client, control.add_job(asked)
    body = {"job_id": job_id, "new_settings": {"tags": {"k": "v"}}}
    api.do("POST", "/api/2.1/jobs/update", body=body)
    kept = api.do("GET", "/api/2.1/jobs/get", query={"job_id": job_id})["settings"]
    assert {name: kept[name] for name in asked} == asked
    api.do("POST", "/api/2.2/jobs/reset", body={"job_id": job_id, "new_settings": kept})
    again = api.do("GET", "/api/2.2/jobs/get", query={"job_id": job_id})["settings"]
    assert again == kept
    assert list(again) == list(kept)


def test_update_merges_entries_by_key_and_removes_named_fields(here):
    client, control = here
    entries = [{"task_key": k, "notebook_task": {"notebook_path": k}} for k in "ab"]
    job_id = control.add_job({"name": "n", "tasks": entries, "description": "d"})
    changed = {"task_key": "b", "notebook_task": {"notebook_path": "new"}}
    new_settings = {"tasks": [changed, {"task_key": "c"}]}
    body = {"job_id": job_id, "new_settings": new_settings, "fields_to_remove": ["description"]}
    client.api_client.do("POST", "/api/2.1/jobs/update", body=body)
    kept = client.api_client.do("GET", "/api/2.1/jobs/get", query={"job_id": job_id})["settings"]
    assert kept["tasks"] == [entries[0], changed, {"task_key": "c"}]
    assert "description" not in kept


def test_a_run_is_over_at_once_and_says_what_it_did(here):
    client, control = here
    run = finished(client, control, a_job())
    entry = run.tasks[0]
    assert run.state.result_state is jobs.RunResultState.SUCCESS
    assert run.status.termination_details.code is jobs.TerminationCodeCode.SUCCESS
    assert entry.setup_duration > 60_000
    length_ms = entry.end_time - entry.start_time
    assert entry.setup_duration + entry.execution_duration == length_ms == run.run_duration
    [truth] = control.truth(run.run_id)["clusters"]
    assert entry.execution_duration == pytest.approx(truth["runtime_s"] * 1000, abs=2)


def test_runs_are_listed_newest_first_by_pages_and_filters(estate):
    client, _, found = estate
    job_id = found[3]["job_id"]
    listed = list(client.jobs.list_runs(job_id=job_id, limit=1))
    starts = [run.start_time for run in listed]
    assert len(starts) >= 3
    assert starts == sorted(starts, reverse=True)
    late = client.jobs.list_runs(job_id=job_id, start_time_from=starts[1])
    assert [run.start_time for run in late] == starts[:2]
    assert list(client.jobs.list_runs(active_only=True)) == []


def test_the_run_of_one_entry_can_be_asked_for(estate):
    client, _, _ = estate
    run = next(iter(client.jobs.list_runs(expand_tasks=True)))
    assert client.jobs.get_run(run.tasks[0].run_id).tasks[0].task_key == run.tasks[0].task_key
    output = client.jobs.get_run_output(run.tasks[0].run_id)
    assert output.metadata.run_id == run.run_id


def test_settings_can_be_submitted_once(here):
    client, _ = here
    entry = jobs.SubmitTask("main", new_cluster=compute.ClusterSpec.from_dict(M5))
    run = client.jobs.submit(run_name="once", tasks=[entry]).result()
    assert (run.run_type, run.run_name) == (jobs.RunType.SUBMIT_RUN, "once")
    assert run.state.result_state is jobs.RunResultState.SUCCESS


def test_a_token_makes_a_request_to_run_idempotent(here):
    client, control = here
    job_id = control.add_job(a_job())
    ids = {client.jobs.run_now(job_id, idempotency_token="t").run_id for _ in range(2)}
    assert len(ids) == 1


def test_a_cluster_lives_and_dies_with_its_run(here):
    client, control = here
    run = finished(client, control, a_job())
    cluster_id = run.tasks[0].cluster_instance.cluster_id
    found = client.clusters.get(cluster_id)
    assert found.state is compute.State.TERMINATED
    assert found.termination_reason.code is compute.TerminationReasonCode.JOB_FINISHED
    assert found.default_tags["JobId"] == str(run.job_id)
    assert found.spark_context_id == int(run.tasks[0].cluster_instance.spark_context_id)
    assert cluster_id in {each.cluster_id for each in client.clusters.list()}


def test_events_come_by_pages_in_either_order(here):
    client, control = here
    run = finished(client, control, a_job())
    cluster_id = run.tasks[0].cluster_instance.cluster_id
    ascending = compute.GetEventsOrder.ASC
    events = list(client.clusters.events(cluster_id, order=ascending, limit=1))
    kinds = [event.type.value for event in events]
    assert kinds == ["CREATING", "RUNNING", "TERMINATING"]
    newest = list(client.clusters.events(cluster_id, limit=2))
    assert [event.type.value for event in newest] == kinds[::-1]
    wanted = [compute.EventType.RUNNING]
    [running] = client.clusters.events(cluster_id, event_types=wanted)
    assert running.details.current_num_workers == 2


def test_an_unknown_cluster_is_the_error_that_the_sdk_knows(here):
    with pytest.raises(ResourceDoesNotExist, match="does not exist"):
        here[0].clusters.get("0101-000000-nobody")


@pytest.mark.parametrize(
    ("cloud", "name", "zones"), [(Cloud.AWS, "m5.2xlarge", 3), (Cloud.AZURE, "Standard_D8s_v3", 0)]
)
def test_each_cloud_has_its_own_machines(cloud, name, zones):
    with a_workspace(cloud=cloud) as (address, _):
        client = client_of(address)
        found = {each.node_type_id: each for each in client.clusters.list_node_types().node_types}
        assert found[name].num_cores == 8
        assert found[name].memory_mb == 32 * 1024
        assert len(client.clusters.list_zones().zones or []) == zones
        assert len(client.clusters.spark_versions().versions) >= 4


def test_policies_and_pools_are_shown(estate):
    client, _, _ = estate
    assert [each.policy_id for each in client.cluster_policies.list()] == [POLICY_ID]
    assert "allowlist" in client.cluster_policies.get(POLICY_ID).definition
    assert [each.instance_pool_id for each in client.instance_pools.list()] == [POOL_ID]
    assert client.instance_pools.get(POOL_ID).node_type_id == "m5.2xlarge"
    with pytest.raises(NotFound):
        client.cluster_policies.get("nobody's")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"node_type_id": "c5.4xlarge"}, "node_type_id, the value must be one of"),
        ({"num_workers": 40}, r'num_workers, the value must be at most 12 \(is "40"\)'),
        ({"custom_tags": {}}, "custom_tags.team, the value must be present"),
    ],
)
def test_a_cluster_against_its_policy_is_refused(here, change, message):
    client, control = here
    control.add_estate(EstatePlan(job_count=0))
    spec = M5 | {"policy_id": POLICY_ID, "custom_tags": {"team": "data"}}
    entry = {"task_key": "main", "new_cluster": spec}
    job_id = control.add_job({"name": "ruled", "tasks": [entry]})
    worse = entry | {"new_cluster": spec | change}
    body = {"job_id": job_id, "new_settings": {"name": "ruled", "tasks": [worse]}}
    with pytest.raises(InvalidParameterValue, match=message):
        client.api_client.do("POST", "/api/2.1/jobs/reset", body=body)
    assert client.jobs.get(job_id).settings.tasks[0].new_cluster.num_workers == 2


def test_a_machine_that_nobody_rents_out_is_refused(here):
    client, _ = here
    entry = {"task_key": "main", "new_cluster": M5 | {"node_type_id": "z9.huge"}}
    with pytest.raises(InvalidParameterValue, match=r"z9\.huge is not supported"):
        client.api_client.do("POST", "/api/2.1/jobs/create", body={"tasks": [entry]})


def test_the_event_log_lies_where_databricks_puts_it(here, tmp_path):
    client, control = here
    run = finished(client, control, a_job())
    instance = run.tasks[0].cluster_instance
    folder = client.dbfs.list(f"/cluster-logs/{instance.cluster_id}/eventlog")
    [inner] = [each.path for each in folder]
    [part] = client.dbfs.list(f"{inner}/{instance.spark_context_id}")
    assert part.path.endswith("/eventlog")
    (tmp_path / "eventlog").write_bytes(client.dbfs.download(part.path).read())
    profile = read_profile(str(tmp_path))
    [truth] = control.truth(run.run_id)["clusters"]
    assert profile.cluster.databricks_job_id == str(run.job_id)
    assert profile.runtime_s == pytest.approx(truth["runtime_s"], rel=0.05)


def test_dbfs_reads_no_more_than_a_mebibyte_at_once(here):
    client, control = here
    control.put_file("/data/big", b"x" * (BYTES_PER_MIB + 10))
    assert client.dbfs.get_status("/data/big").file_size == BYTES_PER_MIB + 10
    rest = client.dbfs.read("/data/big", offset=BYTES_PER_MIB, length=BYTES_PER_MIB)
    assert rest.bytes_read == 10
    with pytest.raises(Exception, match="exceeds the limit"):
        client.dbfs.read("/data/big", length=BYTES_PER_MIB + 1)
    with pytest.raises(NotFound):
        client.dbfs.get_status("/data/small")


def test_volumes_are_listed_and_read_by_ranges(here):
    client, control = here
    for n in range(3):
        control.put_file(f"/Volumes/c/s/v/f{n}", bytes([n]) * 9)
    listed = list(client.files.list_directory_contents("/Volumes/c/s/v", page_size=2))
    assert [each.name for each in listed] == ["f0", "f1", "f2"]
    assert client.files.download("/Volumes/c/s/v/f2").contents.read() == b"\x02" * 9
    assert client.files.get_metadata("/Volumes/c/s/v/f1").content_length == 9
    client.files.get_directory_metadata("/Volumes/c/s/v")
    with pytest.raises(NotFound):
        client.files.get_metadata("/Volumes/c/s/v/f9")
    headers = {"Range": "bytes=2-4"}
    path = "/api/2.0/fs/files/Volumes/c/s/v/f1"
    answer = client.api_client.do("GET", path, headers=headers, raw=True)
    assert answer["contents"].read() == b"\x01" * 3


def test_workspace_objects_in_use_are_known(here):
    client, control = here
    control.add_job(a_job())
    assert client.workspace.get_status("/Shared/a").object_type.value == "NOTEBOOK"
    with pytest.raises(NotFound):
        client.workspace.get_status("/Shared/b")


def test_notification_destinations_keep_their_passwords(here):
    client, _ = here
    webhook = settings.GenericWebhookConfig(url="http://127.0.0.1:9/x", password="secret")
    made = client.notification_destinations.create(
        config=settings.Config(generic_webhook=webhook), display_name="us"
    )
    shown = client.notification_destinations.get(made.id)
    assert shown.config.generic_webhook.password_set
    assert shown.config.generic_webhook.password is None
    assert [each.id for each in client.notification_destinations.list()] == [made.id]
    client.notification_destinations.delete(made.id)
    assert list(client.notification_destinations.list()) == []


def test_a_webhook_elsewhere_is_refused(here):
    webhook = settings.GenericWebhookConfig(url="http://192.0.2.1/x")
    config = settings.Config(generic_webhook=webhook)
    with pytest.raises(InvalidParameterValue, match="this machine only"):
        here[0].notification_destinations.create(config=config, display_name="far")


def query(client, statement, **options):
    [warehouse] = client.warehouses.list()
    return client.statement_execution.execute_statement(statement, warehouse.id, **options)


def rows_of(client, statement, **options):
    answer = query(client, statement, **options)
    assert answer.status.state is sql.StatementState.SUCCEEDED, answer.status.error
    return answer.result.data_array


def test_usage_and_prices_give_the_dbus_that_were_charged(estate):
    client, control, found = estate
    job_id = found[0]["job_id"]
    statement = """
        SELECT SUM(u.usage_quantity * p.pricing.default) AS usd
        FROM system.billing.usage u JOIN system.billing.list_prices p USING (sku_name, cloud)
        WHERE u.usage_metadata.job_id = :job_id AND u.custom_tags['team'] = "data"
    """
    parameter = sql.StatementParameterListItem(name="job_id", value=str(job_id))
    [[usd]] = rows_of(client, statement, parameters=[parameter])
    runs = [run.run_id for run in client.jobs.list_runs(job_id=job_id)]
    charged = sum(c["dbu_usd"] for run_id in runs for c in control.truth(run_id)["clusters"])
    assert float(usd) == pytest.approx(charged, rel=1e-6)


@pytest.mark.parametrize(
    "table",
    [
        "billing.usage",
        "billing.list_prices",
        "compute.clusters",
        "compute.node_types",
        "compute.node_timeline",
        "lakeflow.jobs",
        "lakeflow.job_run_timeline",
        "lakeflow.job_task_run_timeline",
    ],
)
def test_every_system_table_has_rows(estate, table):
    [[count]] = rows_of(estate[0], f"SELECT COUNT(*) FROM `system`.{table}")
    assert int(count) > 0


def test_the_node_timeline_has_a_minute_for_each_minute_of_a_node(estate):
    client, control, _ = estate
    run = next(iter(client.jobs.list_runs(expand_tasks=True)))
    cluster_id = run.tasks[0].cluster_instance.cluster_id
    statement = f"""
        SELECT instance_id, COUNT(*), bool_or(driver) FROM system.compute.node_timeline
        WHERE cluster_id = '{cluster_id}' GROUP BY 1"""
    rows = rows_of(client, statement)
    [truth] = control.truth(run.run_id)["clusters"]
    assert sum(row[2] == "true" for row in rows) == 1
    assert len(rows) >= truth["worker_count"] + 1
    assert all(int(row[1]) >= truth["runtime_s"] / 60 - 1 for row in rows)


def test_a_large_result_comes_in_chunks_and_a_patient_reader_may_come_back(estate):
    client = estate[0]
    statement = "SELECT minute FROM (SELECT unnest(range(0, 6000)) AS minute) ORDER BY 1"
    first = query(client, statement, wait_timeout="0s")
    assert first.status.state is sql.StatementState.PENDING
    found = client.statement_execution.get_statement(first.statement_id)
    chunk = found.result.next_chunk_index
    rest = client.statement_execution.get_statement_result_chunk_n(first.statement_id, chunk)
    assert found.manifest.total_row_count == 6000
    assert [row[0] for row in rest.data_array] == [str(n) for n in range(5000, 6000)]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE system.billing.usage", "SELECT statements only"),
        ("SELECT * FROM system.billing.nothing", "TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled"),
        ("SELECT nonsense FROM system.lakeflow.jobs", "nonsense"),
    ],
)
def test_a_wrong_statement_fails_with_its_reason(estate, statement, message):
    answer = query(estate[0], statement)
    assert answer.status.state is sql.StatementState.FAILED
    assert message in answer.status.error.message


def test_what_the_workspace_lacks_is_said(here):
    with pytest.raises(NotFound, match="No API found"):
        here[0].api_client.do("GET", "/api/2.0/genie/spaces")


def test_time_in_the_workspace_begins_when_it_is_told(here):
    assert here[1].now() == EPOCH
