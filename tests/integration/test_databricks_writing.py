"""Changes of databricks jobs, written through the official SDK to a simulated workspace."""

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("databricks.sdk")

from isocost.domain.cluster import ClusterSpec
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput, NotFound, PlatformError
from isocost.platforms.databricks.changes import planned_set_up, planned_specs, refused_specs
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.definitions import clusters_of, obstacles_of
from isocost.platforms.databricks.rulebook import bounds_of
from isocost.platforms.databricks.webhook import webhook
from isocost.platforms.databricks.writing import change, whole_settings
from isocost.platforms.host import RECOMMENDATION_TAG, Definition
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.workspaces import a_workspace

TYPES = {
    Cloud.AWS: ("m5.2xlarge", "r5.2xlarge"),
    Cloud.AZURE: ("Standard_D8s_v3", "Standard_E8s_v3"),
}
STRANGE = {"invented": {"deep": [{"a": 1.50}, None]}, "zzz": True}
# Counts requests that write and does nothing to them.
COUNTED = {"path": "/jobs/(update|reset)", "times": 1_000}


class Here:
    """A workspace as the product sees it, its control plane, and short ways through both."""

    def __init__(self, address, control, cloud):
        self.address, self.control = address, control
        self.small, self.large = TYPES[cloud]
        self.calls = Calls(address.url, address.token, patience_s=20)
        self.bounds = bounds_of(self.calls)

    def add(self, *, own=False, **fields):
        """Add a databricks job of one cluster and fields that nobody knows."""
        asked = {"spark_version": "15.4.x-scala2.12", "node_type_id": self.small, "num_workers": 4}
        cluster = {name: v for name, v in (asked | STRANGE | fields).items() if v is not None}
        step = {"task_key": "main", "notebook_task": {"notebook_path": "/Shared/a"}} | STRANGE
        if own:
            settings = {"tasks": [step | {"new_cluster": cluster}]}
        else:
            steps = [step | {"task_key": k, "job_cluster_key": "both"} for k in ("main", "after")]
            shared = [{"job_cluster_key": "both", "new_cluster": cluster} | STRANGE]
            settings = {"tasks": steps, "job_clusters": shared}
        return str(self.control.add_job({"name": "a"} | settings | STRANGE))

    def settings(self, definition_id):
        return whole_settings(self.calls, definition_id)

    def definition(self, definition_id):
        settings = self.settings(definition_id)
        clusters = clusters_of(settings, self.bounds.pool)
        return Definition(definition_id, "a", settings, clusters)

    def plan(self, definition_id, node_type_id=None, count=2):
        definition = self.definition(definition_id)
        spec = ClusterSpec(node_type_id or self.small, count), "r-1"
        return planned_specs(definition, dict.fromkeys(definition.clusters, spec), self.bounds)

    def change(self, definition_id, before, after):
        return change(self.calls, definition_id, before=before, after=after)

    def respecified(self, definition_id, *args, **wanted):
        """Plan and write; returns the settings before and the plan."""
        before = self.settings(definition_id)
        plan = self.plan(definition_id, *args, **wanted)
        assert self.change(definition_id, before, plan.settings)
        return before, plan

    def edit(self, definition_id, settings, **when):
        self.control.edit_job(int(definition_id), settings, **when)

    def write_count(self):
        counted = (
            f for f in self.control.state()["pending_faults"] if f["path"] == COUNTED["path"]
        )
        return sum(fault["seen"] for fault in counted)


@contextmanager
def served(cloud=Cloud.AWS, **options):
    with a_workspace(cloud=cloud, seed=7, **options) as (address, control):
        yield Here(address, control, cloud)


@pytest.fixture(params=list(Cloud))
def here(request):
    with served(request.param) as found:
        yield found


@pytest.fixture
def aws():
    with served() as found:
        yield found


def text(settings):
    return json.dumps(settings)


@pytest.mark.parametrize("own", [True, False])
def test_a_change_writes_its_lines_and_nothing_else(here, own):
    definition_id = here.add(own=own)
    _, plan = here.respecified(definition_id, here.large, 2)
    assert here.settings(definition_id) == plan.settings
    place = "tasks[main]" if own else "job_clusters[both]"
    assert plan.difference == (
        f"{place}.new_cluster.node_type_id: {here.small} → {here.large}",
        f"{place}.new_cluster.num_workers: 4 → 2",
        f'{place}.new_cluster.custom_tags: none → {{"{RECOMMENDATION_TAG}": "r-1"}}',
    )


@pytest.mark.parametrize("own", [True, False])
def test_taking_everything_back_restores_each_byte(here, own):
    definition_id = here.add(
        own=own, num_workers=None, autoscale={"min_workers": 1, "max_workers": 6}
    )
    before = here.settings(definition_id)
    plan = planned_set_up(
        here.definition(definition_id),
        "p-1",
        here.bounds,
        log_destination="dbfs:/logs",
        webhook_id="w-1",
    )
    assert here.change(definition_id, before, plan.settings)
    _, plan = here.respecified(definition_id, here.large, 3)
    assert here.change(definition_id, plan.settings, before)
    assert text(here.settings(definition_id)) == text(before)


def test_each_definition_of_an_estate_is_set_up_changed_and_restored(here):
    here.control.add_estate(EstatePlan(job_count=8, has_others=False))
    for one in here.calls.get("listing", "/api/2.1/jobs/list")["jobs"]:
        definition_id = str(one["job_id"])
        definition = here.definition(definition_id)
        assert obstacles_of(definition.settings, here.bounds.pool) == ()
        up = planned_set_up(
            definition, "p", here.bounds, log_destination="/Volumes/a/b/c", webhook_id="w"
        )
        assert up.refusal is None
        assert here.change(definition_id, definition.settings, up.settings)
        sizes = {
            k: (ClusterSpec(c.spec.node_type_id, 3), "r") for k, c in definition.clusters.items()
        }
        plan = planned_specs(here.definition(definition_id), sizes, here.bounds)
        assert plan.refusal is None
        assert here.change(definition_id, up.settings, plan.settings)
        now = here.definition(definition_id)
        assert {c.spec.worker_count for c in now.clusters.values()} == {3}
        assert here.change(definition_id, plan.settings, definition.settings)
        assert text(here.settings(definition_id)) == text(definition.settings)


def test_what_breaks_a_policy_or_a_pool_is_known_before(here):
    here.control.add_estate(EstatePlan(job_count=6, has_others=False))
    refused = {}
    for one in here.calls.get("listing", "/api/2.1/jobs/list")["jobs"]:
        definition = here.definition(str(one["job_id"]))
        specs = [
            ClusterSpec(here.small, 12),
            ClusterSpec(here.small, 13),
            ClusterSpec(here.large, 39),
        ]
        for key, cluster in definition.clusters.items():
            found = refused_specs(definition, key, specs, bounds=here.bounds)
            kind = "policy" if cluster.policy_id else "pool" if cluster.is_pooled else "free"
            refused.setdefault(kind, []).extend(found.items())
    assert not refused["free"]
    assert "num_workers must be at most 12 (would be 13)" in dict(refused["policy"])[specs[1]]
    assert specs[0] not in dict(refused["policy"])
    assert f"only (would be {here.large})" in dict(refused["pool"])[specs[2]]


def test_the_workspace_has_the_last_word_on_its_policies(aws):
    aws.control.add(
        policies=[
            {
                "policy_id": "P",
                "name": "Small",
                "definition": json.dumps({"num_workers": {"type": "range", "maxValue": 5}}),
            }
        ]
    )
    definition_id = aws.add(policy_id="P")
    before, plan = aws.settings(definition_id), aws.plan(definition_id, count=9)
    assert "Cluster policy Small forbids it" in plan.refusal
    with pytest.raises(InvalidInput, match="at most 5"):
        aws.change(definition_id, before, plan.settings)
    assert aws.settings(definition_id) == before


def test_an_edit_before_the_write_wins(aws):
    definition_id = aws.add()
    before, plan = aws.settings(definition_id), aws.plan(definition_id)
    theirs = {
        "job_clusters": [
            {
                "job_cluster_key": "both",
                "new_cluster": {
                    "spark_version": "15.4.x-scala2.12",
                    "node_type_id": "c5.4xlarge",
                    "num_workers": 7,
                },
            }
        ]
    }
    aws.edit(definition_id, theirs)
    aws.control.fault(**COUNTED)
    edited = aws.settings(definition_id)
    assert not aws.change(definition_id, before, plan.settings)
    assert (aws.settings(definition_id), aws.write_count()) == (edited, 0)


def test_an_edit_while_the_change_looks_wins(aws):
    definition_id = aws.add()
    before, plan = aws.settings(definition_id), aws.plan(definition_id)
    aws.edit(definition_id, {"description": "theirs"}, after_read=True)
    aws.control.fault(**COUNTED)
    assert not aws.change(definition_id, before, plan.settings)
    assert aws.settings(definition_id) == before | {"description": "theirs"}
    assert aws.write_count() == 0


def test_an_edit_after_the_last_look_stays_and_ours_is_taken_back(aws):
    definition_id = aws.add()
    before, plan = aws.settings(definition_id), aws.plan(definition_id)
    aws.edit(definition_id, {}, after_read=True)
    aws.edit(definition_id, {"description": "theirs"}, after_read=True)
    assert not aws.change(definition_id, before, plan.settings)
    assert aws.settings(definition_id) == before | {"description": "theirs"}


def test_a_second_time_is_true_without_another_write(aws):
    definition_id = aws.add()
    aws.control.fault(**COUNTED)
    before, plan = aws.respecified(definition_id)
    assert aws.change(definition_id, before, plan.settings)
    assert aws.write_count() == 1


KILLED = """
import json, sys
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.writing import change
url, token, definition_id, before, after = sys.argv[1:]
calls = Calls(url, token, patience_s=60)
change(calls, definition_id, before=json.loads(before), after=json.loads(after))
"""


def test_a_death_between_write_and_look_leaves_one_write(aws):
    definition_id = aws.add()
    before, plan = aws.settings(definition_id), aws.plan(definition_id)
    aws.control.fault(**COUNTED)
    # The third look is the one after the write.
    aws.control.fault(path="/jobs/get", every=3, delay_s=5.0)
    sent = [text(before), text(plan.settings)]
    address = [aws.address.url, aws.address.token, definition_id]
    with subprocess.Popen([sys.executable, "-c", KILLED, *address, *sent]) as process:
        while aws.write_count() == 0 and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert (process.returncode, aws.write_count()) == (-signal.SIGKILL, 1)
    aws.control.clear_faults()
    aws.control.fault(**COUNTED)
    assert aws.change(definition_id, before, plan.settings)
    assert (aws.write_count(), aws.settings(definition_id)) == (0, plan.settings)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after_s": 1, "every": 2, "times": 3},
        {"status": 500, "every": 2, "times": 3},
        {"status": 503, "every": 3, "times": 2},
        {"status": 500, "method": "POST", "times": 2},
        {"delay_s": 0.5, "every": 2, "times": 3},
    ],
    ids=str,
)
def test_a_change_holds_through_faults(aws, fault):
    definition_id = aws.add()
    before, plan = aws.settings(definition_id), aws.plan(definition_id, aws.large, 3)
    aws.control.fault(path="/jobs/", **fault)
    assert aws.change(definition_id, before, plan.settings)
    assert aws.change(definition_id, plan.settings, before)
    aws.control.clear_faults()
    assert text(aws.settings(definition_id)) == text(before)


def test_more_entries_than_a_page_are_all_read_and_kept(aws):
    steps = [{"task_key": f"t{n:03}", "job_cluster_key": f"c{n:03}", "n": n} for n in range(230)]
    asked = {"spark_version": "15.4.x-scala2.12", "node_type_id": aws.small, "num_workers": 4}
    clusters = [{"job_cluster_key": f"c{n:03}", "new_cluster": asked} for n in range(230)]
    wide = {"name": "wide", "tasks": steps, "job_clusters": clusters}
    definition_id = str(aws.control.add_job(wide))
    definition = aws.definition(definition_id)
    assert len(definition.clusters) == 230
    specs = {"c229": (ClusterSpec(aws.large, 2), "r")}
    plan = planned_specs(definition, specs, aws.bounds)
    assert aws.change(definition_id, definition.settings, plan.settings)
    assert aws.settings(definition_id) == plan.settings
    assert aws.change(definition_id, plan.settings, definition.settings)
    assert text(aws.settings(definition_id)) == text(definition.settings)


def test_an_order_that_no_update_can_make_is_restored_too(aws):
    definition_id = aws.add()
    before = aws.settings(definition_id)
    after = before | {"tasks": before["tasks"][::-1]}
    assert aws.change(definition_id, before, after)
    assert aws.change(definition_id, after, before)
    assert text(aws.settings(definition_id)) == text(before)


@pytest.mark.parametrize("definition_id", ["5", "five"])
def test_a_definition_that_is_gone_is_told(aws, definition_id):
    with pytest.raises(NotFound, match=definition_id):
        aws.change(definition_id, {}, {})


def test_a_token_that_may_not_write_is_told_what_to_be_granted(aws):
    definition_id = aws.add()
    before, plan = aws.settings(definition_id), aws.plan(definition_id)
    token = aws.control.add_token(user_name="eve@example.com", denied=["jobs.write"])
    with pytest.raises(PlatformError, match="CAN MANAGE on the databricks job"):
        change(Calls(aws.address.url, token), definition_id, before=before, after=plan.settings)


def test_a_destination_is_made_once_for_each_address(here):
    one, other = (f"http://127.0.0.1:9/hooks/{n}" for n in "ab")
    made = webhook(here.calls, one, "secret")
    assert webhook(here.calls, one, "secret") == made
    assert webhook(here.calls, other, "secret") != made
    listed = here.calls.client.notification_destinations.list()
    assert len(list(listed)) == 2


def test_a_destination_is_found_behind_a_page_of_others(aws):
    made = [webhook(aws.calls, f"http://127.0.0.1:9/{n}", "s") for n in range(105)]
    assert [webhook(aws.calls, f"http://127.0.0.1:9/{n}", "s") for n in (0, 104)] == [
        made[0],
        made[104],
    ]


def test_a_webhook_is_called_with_the_secret_once_it_is_set_up(aws):
    import base64
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    heard = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        found = webhook(aws.calls, f"http://127.0.0.1:{server.server_port}/", "s3cret")
        definition = aws.definition(aws.add())
        plan = planned_set_up(
            definition, "p", aws.bounds, log_destination="dbfs:/logs", webhook_id=found
        )
        assert aws.change(definition.definition_id, definition.settings, plan.settings)
        aws.calls.client.jobs.run_now(int(definition.definition_id))
        aws.control.webhook_deliveries()
        server.shutdown()
    assert heard == ["Basic " + base64.b64encode(b"isocost:s3cret").decode()]
