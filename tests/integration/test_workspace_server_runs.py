"""How the simulated workspace's runs go over time: schedules, dependencies, ends, webhooks."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from isocost.domain.workspace import Cloud
from isocost.simulator.conditions import Scenario
from isocost.simulator.simulate import EPOCH
from isocost.simulator.workload import SimulatedSparkJob, SimulatedStage, Workload
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.workspaces import a_workspace, client_of
from isocost.units import BYTES_PER_GIB

pytest.importorskip("databricks.sdk")
from databricks.sdk.service import jobs, settings

M5 = {"spark_version": "15.4.x-scala2.12", "node_type_id": "m5.2xlarge", "num_workers": 4}
SHARED = [{"job_cluster_key": "shared", "new_cluster": M5}]
HOPELESS = Workload(
    "hopeless",
    (SimulatedStage(0, 0, "sort", 8, 80.0, memory_bytes=500.0 * BYTES_PER_GIB),),
    (SimulatedSparkJob(0),),
)
SHORT = Workload("short", (SimulatedStage(0, 0, "count", 32, 640.0),), (SimulatedSparkJob(0),))
STEADY = Scenario(EPOCH, noise_cv=0.0)


def entry(key, *after, **more):
    depends = {"depends_on": [{"task_key": each} for each in after]} if after else {}
    return {"task_key": key, "new_cluster": M5} | depends | more


def shared(key, *after, **more):
    found = entry(key, *after, job_cluster_key="shared", **more)
    return {name: value for name, value in found.items() if name != "new_cluster"}


@pytest.fixture
def here():
    """A workspace whose time leaps to the end of each run that is triggered."""
    with a_workspace(seed=7) as (address, control):
        yield client_of(address), control


@pytest.fixture
def still():
    """A workspace whose time stands until it is moved."""
    with a_workspace(seed=7, is_leaping=False) as (address, control):
        yield client_of(address), control


def ran(here, entries, workloads=None, **settings):
    client, control = here
    whole = {"name": "a", "tasks": entries} | settings
    job_id = control.add_job(whole, workloads=workloads, scenario=STEADY)
    return client.jobs.get_run(client.jobs.run_now(job_id).run_id)


def by_key(run):
    return {each.task_key: each for each in run.tasks}


def result_of(found):
    return found.state.result_state.value


def test_schedules_fire_as_time_moves(still):
    client, control = still
    plan = {"quartz_cron_expression": "0 30 7 ? * MON-FRI", "timezone_id": "Europe/Berlin"}
    job_id = control.add_job({"name": "a", "tasks": [entry("main")], "schedule": plan})
    control.advance(timedelta(days=7))
    runs = list(client.jobs.list_runs(job_id=job_id))
    starts = [datetime.fromtimestamp(run.start_time / 1000, UTC) for run in runs]
    # EPOCH is a Monday at 06:00 UTC, and 07:30 in Berlin's winter is 06:30 UTC.
    assert [f"{each:%a %H:%M}" for each in reversed(starts)] == [
        "Mon 06:30", "Tue 06:30", "Wed 06:30", "Thu 06:30", "Fri 06:30",
    ]  # fmt: skip
    assert {run.trigger.value for run in runs} == {"PERIODIC"}


def test_an_edited_schedule_replaces_the_old_one_and_a_paused_one_rests(still):
    client, control = still
    plan = {"quartz_cron_expression": "0 0 * * * ?", "timezone_id": "UTC"}
    job_id = control.add_job({"name": "a", "tasks": [entry("main")], "schedule": plan})
    control.edit_job(job_id, {"schedule": plan | {"quartz_cron_expression": "0 0 12 * * ?"}})
    control.advance(timedelta(days=1))
    assert len(list(client.jobs.list_runs(job_id=job_id))) == 1
    control.edit_job(job_id, {"schedule": plan | {"pause_status": "PAUSED"}})
    control.advance(timedelta(days=1))
    assert len(list(client.jobs.list_runs(job_id=job_id))) == 1


def test_a_periodic_trigger_fires_at_its_interval(still):
    client, control = still
    trigger = {"periodic": {"interval": 6, "unit": "HOURS"}, "pause_status": "UNPAUSED"}
    job_id = control.add_job({"name": "a", "tasks": [entry("main")], "trigger": trigger})
    control.advance(timedelta(hours=25))
    assert len(list(client.jobs.list_runs(job_id=job_id))) == 4


def test_a_run_can_be_watched_from_pending_to_its_end(still):
    client, control = still
    job_id = control.add_job({"name": "a", "tasks": [entry("main")]})
    run_id = client.jobs.run_now(job_id).run_id
    seen = []
    for _ in range(80):
        run = client.jobs.get_run(run_id)
        state = run.state.life_cycle_state.value
        cluster = client.clusters.get(run.tasks[0].cluster_instance.cluster_id).state.value
        if (state, cluster) not in seen:
            seen.append((state, cluster))
        control.advance(timedelta(seconds=30))
    states = [state for state, _ in seen]
    assert list(dict.fromkeys(states)) == ["PENDING", "RUNNING", "TERMINATED"]
    clusters = [cluster for _, cluster in seen]
    assert list(dict.fromkeys(clusters))[:2] == ["PENDING", "RUNNING"]
    assert clusters[-1] == "TERMINATED"


def test_entries_of_their_own_clusters_follow_each_other(here):
    run = ran(here, [entry("b", "a"), entry("a"), entry("c", "a")])
    found = by_key(run)
    assert found["b"].start_time == found["c"].start_time == found["a"].end_time
    assert len({each.cluster_instance.cluster_id for each in run.tasks}) == 3


def test_entries_that_share_a_cluster_are_one_application(here):
    entries = [shared("a"), shared("b", "a"), shared("c", "a"), shared("d", "b", "c")]
    found = by_key(ran(here, entries, job_clusters=SHARED))
    contexts = {each.cluster_instance.spark_context_id for each in found.values()}
    assert len(contexts) == 1
    assert found["b"].start_time == found["a"].end_time
    assert found["d"].start_time == max(found["b"].end_time, found["c"].end_time)
    assert [found[key].setup_duration == 0 for key in "abcd"] == [False, True, True, True]


def test_a_failure_leaves_out_what_depends_on_it(here):
    entries = [entry("a"), entry("b", "a"), entry("c"), entry("d", "a", run_if="ALL_DONE")]
    run = ran(here, entries, {"a": HOPELESS, "c": SHORT, "d": SHORT})
    results = {key: result_of(each) for key, each in by_key(run).items()}
    assert results == {"a": "FAILED", "b": "UPSTREAM_FAILED", "c": "SUCCESS", "d": "SUCCESS"}
    assert result_of(run) == "FAILED"
    assert "memory" in by_key(run)["a"].state.state_message


def test_a_failure_on_a_shared_cluster_leaves_out_what_depends_on_it(here):
    entries = [shared("a"), shared("b", "a")]
    run = ran(here, entries, {"a": HOPELESS}, job_clusters=SHARED)
    results = {key: result_of(each) for key, each in by_key(run).items()}
    assert results == {"a": "FAILED", "b": "UPSTREAM_FAILED"}


def test_a_failed_entry_is_tried_again_on_a_new_cluster(here):
    run = ran(here, [entry("a", max_retries=2)], {"a": HOPELESS})
    assert [each.attempt_number for each in run.tasks] == [0, 1, 2]
    assert len({each.cluster_instance.cluster_id for each in run.tasks}) == 3
    assert result_of(run) == "FAILED"


def test_a_repair_is_part_of_the_run(here):
    client, control = here
    run = ran(here, [entry("a"), entry("b", "a")], {"a": HOPELESS, "b": SHORT})
    control.set_behaviour(run.job_id, workloads={"a": SHORT, "b": SHORT})
    client.jobs.repair_run(run.run_id, rerun_all_failed_tasks=True)
    repaired = client.jobs.get_run(run.run_id, include_history=True)
    assert result_of(repaired) == "SUCCESS"
    kinds = [each.type.value for each in repaired.repair_history]
    assert kinds == ["ORIGINAL", "REPAIR"]
    assert len(repaired.tasks) == 4


def test_a_run_past_its_time_limit_ends_there(here):
    run = ran(here, [entry("a")], timeout_seconds=300)
    assert result_of(run) == "TIMEDOUT"
    assert run.end_time - run.start_time == 300_000


def test_a_canceled_run_gives_its_nodes_back(still):
    client, control = still
    job_id = control.add_job({"name": "a", "tasks": [entry("main")]})
    run_id = client.jobs.run_now(job_id).run_id
    control.advance(timedelta(minutes=6))
    client.jobs.cancel_run(run_id)
    control.advance(timedelta(minutes=1))
    run = client.jobs.get_run(run_id)
    cluster_id = run.tasks[0].cluster_instance.cluster_id
    assert result_of(run) == "CANCELED"
    assert client.clusters.get(cluster_id).state.value == "TERMINATED"
    events = list(client.clusters.events(cluster_id))
    assert events[0].type.value == "TERMINATING"
    assert events[0].timestamp == run.end_time


def test_a_run_can_be_canceled_while_it_waits(still):
    client, control = still
    one = {"name": "a", "tasks": [entry("main")], "queue": {"enabled": True}}
    job_id = control.add_job(one)
    first, second, third = (client.jobs.run_now(job_id).run_id for _ in range(3))
    client.jobs.cancel_run(second)
    assert result_of(client.jobs.get_run(second)) == "CANCELED"
    client.jobs.cancel_run(first)
    assert client.jobs.get_run(third).state.life_cycle_state.value == "PENDING"


def test_a_run_that_is_tried_for_ever_does_not_stop_time(here):
    run = ran(here, [entry("a", max_retries=-1)], {"a": HOPELESS})
    assert run.state.life_cycle_state.value == "RUNNING"
    assert len(run.tasks) > 10


@pytest.mark.parametrize(("queue", "second"), [(True, "QUEUED"), (False, "SKIPPED")])
def test_one_run_too_many_waits_or_is_skipped(still, queue, second):
    client, control = still
    one = {"name": "a", "tasks": [entry("main")], "queue": {"enabled": queue}}
    job_id = control.add_job(one)
    ids = [client.jobs.run_now(job_id).run_id for _ in range(2)]
    states = [client.jobs.get_run(run_id).state.life_cycle_state.value for run_id in ids]
    assert states == ["PENDING", second]
    control.advance(timedelta(hours=3))
    run = client.jobs.get_run(ids[1])
    assert (result_of(run) == "SUCCESS") is queue
    assert ((run.queue_duration or 0) > 0) is queue


def test_parallel_runs_keep_apart(still):
    client, control = still
    one = {"name": "a", "tasks": [entry("main")], "max_concurrent_runs": 2}
    job_id = control.add_job(one)
    ids = [client.jobs.run_now(job_id).run_id for _ in range(2)]
    control.advance(timedelta(hours=3))
    clusters = {client.jobs.get_run(i).tasks[0].cluster_instance.cluster_id for i in ids}
    assert len(clusters) == 2


def test_what_runs_elsewhere_has_no_job_cluster(here):
    client, control = here
    found = control.add_estate(EstatePlan(job_count=0))
    kinds = {each["why_not"]: each["job_id"] for each in found}
    run = client.jobs.get_run(client.jobs.run_now(kinds["serverless"]).run_id)
    assert run.tasks[0].cluster_instance is None
    run = client.jobs.get_run(client.jobs.run_now(kinds["no job cluster"]).run_id)
    cluster = client.clusters.get(run.tasks[0].cluster_instance.cluster_id)
    assert cluster.cluster_source.value == "UI"


def test_time_can_stop_at_the_next_end_of_a_run(still):
    client, control = still
    job_id = control.add_job({"name": "a", "tasks": [entry("main")]})
    run_id = client.jobs.run_now(job_id).run_id
    answer = control.advance(timedelta(days=1), until_run_ends=True)
    assert answer["ended_run_id"] == run_id
    run = client.jobs.get_run(run_id)
    end_at = datetime.fromisoformat(answer["now"])
    assert run.end_time == pytest.approx(end_at.timestamp() * 1000, abs=1)


def test_time_may_run_by_itself():
    with a_workspace(seed=7, speed_up=36_000.0, is_leaping=False) as (address, control):
        before = control.now()
        time.sleep(0.3)
        assert control.now() - before >= timedelta(hours=3)
        client = client_of(address)
        job_id = control.add_job({"name": "a", "tasks": [entry("main")]})
        run = client.jobs.run_now(job_id).result(timeout=timedelta(seconds=30))
        assert result_of(run) == "SUCCESS"


@contextmanager
def receiver():
    """Listen for webhooks; give the address and what came."""
    came = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.headers.get("Authorization"), json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_webhooks_are_really_called(here):
    client, control = here
    with receiver() as (url, came):
        webhook = settings.GenericWebhookConfig(url=url, username="u", password="p")
        config = settings.Config(generic_webhook=webhook)
        made = client.notification_destinations.create(config=config, display_name="us")
        wanted = {event: [{"id": made.id}] for event in ("on_start", "on_success", "on_failure")}
        run = ran(here, [entry("a")], {"a": SHORT}, webhook_notifications=wanted)
        [first, second] = control.webhook_deliveries()
        assert (first["status"], second["status"]) == (200, 200)
        assert [body["event_type"] for _, body in came] == ["jobs.on_start", "jobs.on_success"]
        assert came[0][0] == "Basic " + base64.b64encode(b"u:p").decode()
        assert came[0][1]["run"] == {"run_id": str(run.run_id)}
        assert came[0][1]["job"] == {"job_id": str(run.job_id), "name": "a"}


def test_a_webhook_that_nobody_answers_is_noted(here):
    client, control = here
    webhook = settings.GenericWebhookConfig(url="http://127.0.0.1:9/nobody")
    config = settings.Config(generic_webhook=webhook)
    made = client.notification_destinations.create(config=config, display_name="us")
    ran(here, [entry("a")], {"a": SHORT}, webhook_notifications={"on_start": [{"id": made.id}]})
    [delivery] = control.webhook_deliveries()
    assert (delivery["status"], delivery["error"] != "") == (0, True)


def history(cloud, seed):
    """Return everything that a reader sees of two days of an estate."""
    with a_workspace(cloud=cloud, seed=seed) as (address, control):
        client = client_of(address)
        control.add_estate(EstatePlan(job_count=4, seed=seed, log_destination="dbfs:/logs"))
        control.advance(timedelta(days=2))
        runs = [run.as_dict() for run in client.jobs.list_runs(expand_tasks=True)]
        cluster_id = runs[0]["tasks"][0]["cluster_instance"]["cluster_id"]
        events = [event.as_dict() for event in client.clusters.events(cluster_id)]
        definitions = [each.as_dict() for each in client.jobs.list(expand_tasks=True)]
        log = [
            client.dbfs.download(each.path).read()
            for each in client.dbfs.list(f"/logs/{cluster_id}", recursive=True)
        ]
        return json.dumps([runs, events, definitions]).replace(address.url, "HOST"), log


@pytest.mark.parametrize("cloud", list(Cloud))
def test_the_same_seed_gives_the_same_history(cloud):
    assert history(cloud, 3) == history(cloud, 3) != history(cloud, 4)


def test_a_run_does_not_depend_on_what_else_runs():
    lengths = []
    for others in range(2):
        with a_workspace(seed=7) as (address, control):
            client = client_of(address)
            job_id = control.add_job({"name": "a", "tasks": [entry("main")]})
            for n in range(others):
                other = control.add_job({"name": f"other {n}", "tasks": [entry("main")]})
                client.jobs.run_now(other)
            lengths.append(client.jobs.get_run(client.jobs.run_now(job_id).run_id).run_duration)
    assert lengths[0] == pytest.approx(lengths[1], abs=1)


COMMAND = [sys.executable, "-m", "isocost", "sim", "serve", "--json", "--estate", "2"]


def started(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    lines = ""
    while not lines.endswith("}\n"):
        line = process.stdout.readline()
        assert line, "the server ended before it said where it is"
        lines += line
    return process, json.loads(lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_a_signal(number):
    process, shown = started([*COMMAND, "--cloud", "azure"])
    try:
        client = client_of(type("Address", (), {"url": shown["url"], "token": shown["token"]}))
        assert len(list(client.jobs.list())) == shown["jobs"] == 8
        assert process.pid == shown["pid"]
    finally:
        process.send_signal(number)
        process.wait(timeout=20)
        process.stdout.close()
    assert process.returncode in {0, -signal.SIGTERM}


def test_the_server_goes_with_its_parent(tmp_path):
    script = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen({[*COMMAND, '--exit-with-parent']!r})\n"
        "sys.stdin.read()\n"
    )
    parent, shown = started([sys.executable, "-c", script], stdin=subprocess.PIPE)
    parent.stdin.close()
    parent.wait(timeout=20)
    give_up_at = time.monotonic() + 20
    while is_alive(shown["pid"]):
        assert time.monotonic() < give_up_at, "the server outlived its parent"
        time.sleep(0.1)
    parent.stdout.close()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


def test_run_kinds_are_those_of_the_sdk(here):
    run = ran(here, [entry("a")], {"a": SHORT})
    assert run.run_type is jobs.RunType.JOB_RUN
    assert run.trigger is jobs.TriggerType.ONE_TIME
