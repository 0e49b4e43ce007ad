"""Changes of databricks jobs, written through the official SDK to a simulated workspace.

What takes `here` is asked of both clouds, calm and under each fault of `troubled`.
"""

import json
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("databricks.sdk")

from isocost.domain.cluster import ClusterSpec
from isocost.domain.workspace import Cloud
from isocost.errors import InvalidInput, NotFound, PlatformError, Unavailable
from isocost.platforms.databricks.changes import planned_set_up, planned_specs, refused_specs
from isocost.platforms.databricks.definitions import clusters_of, obstacles_of
from isocost.platforms.databricks.restoring import planned_restore
from isocost.platforms.databricks.rulebook import bounds_of
from isocost.platforms.databricks.webhook import webhook
from isocost.platforms.databricks.writing import change, whole_settings
from isocost.platforms.host import RECOMMENDATION_TAG, ChangePlan, Definition
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.loopback import listening
from tests.integration.troubled import CALM, PLACES, THEIRS, Fault, Place, trouble

TYPES = {
    Cloud.AWS: ("m5.2xlarge", "r5.2xlarge"),
    Cloud.AZURE: ("Standard_D8s_v3", "Standard_E8s_v3"),
}
# Counts requests that write, those apart that were refused, and does nothing to them.
COUNTED = {"path": "/jobs/(update|reset)", "times": 1_000}


class Here(Place):
    """A workspace whose definitions are changed as the product does it."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.small, self.large = TYPES[self.cloud]
        self.bounds = bounds_of(self.calls)

    def add(self, *, own=False, **fields):
        """Add a databricks job of one cluster."""
        asked = {"spark_version": "15.4.x-scala2.12", "node_type_id": self.small, "num_workers": 4}
        whole = asked | self.strange | fields
        cluster = {name: value for name, value in whole.items() if value is not None}
        step = {"task_key": "main", "notebook_task": {"notebook_path": "/Shared/a"}} | self.strange
        if own:
            settings = {"tasks": [step | {"new_cluster": cluster}]}
        else:
            steps = [step | {"task_key": k, "job_cluster_key": "both"} for k in ("main", "after")]
            shared = [{"job_cluster_key": "both", "new_cluster": cluster} | self.strange]
            settings = {"tasks": steps, "job_clusters": shared}
        return self.create({"name": "a"} | settings | self.strange)

    def settings(self, definition_id):
        return whole_settings(self.calls, definition_id)

    def definition(self, definition_id):
        settings = self.settings(definition_id)
        clusters = clusters_of(settings, self.bounds.pool)
        return Definition(definition_id, "a", settings, clusters)

    def planned(self, definition, node_type_id=None, count=2):
        spec = ClusterSpec(node_type_id or self.small, count), "r-1"
        return planned_specs(definition, dict.fromkeys(definition.clusters, spec), self.bounds)

    def plan(self, definition_id, *args, **wanted):
        """Read and plan; returns the settings before and the plan."""
        definition = self.definition(definition_id)
        return definition.settings, self.planned(definition, *args, **wanted)

    def change(self, definition_id, before, after):
        return change(self.calls, definition_id, before=before, after=after)

    def changed(self, definition_id, planned):
        """Read, plan and write as the product does; returns the settings before and the plan.

        Where somebody else writes in between, that is refused, and it begins anew.
        """
        was_refused = False
        while True:
            definition = self.definition(definition_id)
            plan = planned(definition)
            if self.change(definition_id, definition.settings, plan.settings):
                return definition.settings, plan
            assert self.fault is Fault.EDITED
            assert not was_refused
            was_refused = True

    def respecified(self, definition_id, *args, **wanted):
        """Change clusters; returns the settings before and the plan."""
        return self.changed(definition_id, lambda found: self.planned(found, *args, **wanted))

    def set_up(self, definition_id, log_destination="dbfs:/logs", webhook_id="w-1"):
        """Set a definition up; returns the settings before and the plan."""
        where = {"log_destination": log_destination, "webhook_id": webhook_id}
        return self.changed(
            definition_id, lambda found: planned_set_up(found, "p-1", self.bounds, **where)
        )

    def edit(self, definition_id, settings, **when):
        self.control.edit_job(int(definition_id), settings, **when)

    def write_count(self):
        counted = (
            f for f in self.control.state()["pending_faults"] if f["path"] == COUNTED["path"]
        )
        return sum(fault["seen"] for fault in counted)


@pytest.fixture(params=PLACES)
def here(request, endings):
    with trouble(Here, request.param, endings) as found:
        yield found


@pytest.fixture
def aws(endings):
    with trouble(Here, CALM, endings) as found:
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
    bounds = {"min_workers": 1, "max_workers": 6}
    definition_id = here.add(own=own, num_workers=None, autoscale=bounds)
    before, _ = here.set_up(definition_id)
    _, plan = here.respecified(definition_id, here.large, 3)
    assert here.change(definition_id, plan.settings, before)
    assert text(here.settings(definition_id)) == text(before)
    # What somebody else wrote while it was set up was there before, so it stays.
    assert (before.items() >= THEIRS.items()) is (here.fault is Fault.EDITED)


def test_what_somebody_else_wrote_since_stays_when_all_is_taken_back(here):
    definition_id = here.add()
    before, plan = here.set_up(definition_id)
    here.edit(definition_id, {"timeout_seconds": 77})
    definition = here.definition(definition_id)
    restored = planned_restore(definition, before, plan.settings)
    assert here.change(definition_id, definition.settings, restored.settings)
    assert here.settings(definition_id) == before | {"timeout_seconds": 77}


def test_each_definition_of_an_estate_is_set_up_changed_and_restored(here):
    # Each kind of definition once; under faults the first of them.
    count = 8 if here.fault is Fault.NONE else 2
    here.control.add_estate(EstatePlan(job_count=count, has_others=False))
    for one in here.calls.get("listing", "/api/2.1/jobs/list")["jobs"]:
        definition_id = str(one["job_id"])
        here.await_edit(definition_id)
        before, up = here.set_up(definition_id, "/Volumes/a/b/c", "w")
        assert obstacles_of(before, here.bounds.pool) == ()
        assert up.refusal is None
        definition = here.definition(definition_id)
        sizes = {
            k: (ClusterSpec(c.spec.node_type_id, 3), "r") for k, c in definition.clusters.items()
        }
        plan = planned_specs(definition, sizes, here.bounds)
        assert plan.refusal is None
        assert here.change(definition_id, up.settings, plan.settings)
        now = here.definition(definition_id)
        assert {c.spec.worker_count for c in now.clusters.values()} == {3}
        assert here.change(definition_id, plan.settings, before)
        assert text(here.settings(definition_id)) == text(before)


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


def test_the_workspace_has_the_last_word_on_its_policies(here):
    here.control.add(
        policies=[
            {
                "policy_id": "P",
                "name": "Small",
                "definition": json.dumps({"num_workers": {"type": "range", "maxValue": 5}}),
            }
        ]
    )
    definition_id = here.add(policy_id="P")
    if here.fault is Fault.EDITED:
        # Theirs counts already, so that the policy is not even asked.
        before, plan = here.plan(definition_id, count=9)
        assert not here.change(definition_id, before, plan.settings)
    before, plan = here.plan(definition_id, count=9)
    assert "Cluster policy Small forbids it" in plan.refusal
    with pytest.raises(InvalidInput, match="at most 5"):
        here.change(definition_id, before, plan.settings)
    assert here.settings(definition_id) == before


def test_an_edit_before_the_write_wins(here):
    definition_id = here.add()
    before, plan = here.plan(definition_id)
    theirs = {
        "job_clusters": [
            {
                "job_cluster_key": "both",
                "new_cluster": {
                    "spark_version": "15.4.x-scala2.12",
                    "node_type_id": here.large,
                    "num_workers": 7,
                },
            }
        ]
    }
    here.control.fault(**COUNTED)
    here.edit(definition_id, theirs)
    edited = here.settings(definition_id)
    assert not here.change(definition_id, before, plan.settings)
    assert (here.settings(definition_id), here.write_count()) == (edited, 0)


def test_an_edit_while_the_change_looks_wins(here):
    definition_id = here.add()
    before, plan = here.plan(definition_id)
    here.edit(definition_id, {"description": "theirs"}, after_read=True)
    here.control.fault(**COUNTED)
    assert not here.change(definition_id, before, plan.settings)
    assert here.settings(definition_id) == before | {"description": "theirs"}
    assert here.write_count() == 0


def test_an_edit_after_the_last_look_stays_and_ours_is_taken_back(here):
    definition_id = here.add()
    before, plan = here.plan(definition_id)
    here.edit(definition_id, {}, after_read=True)
    here.edit(definition_id, {"description": "theirs"}, after_read=True)
    assert not here.change(definition_id, before, plan.settings)
    assert here.settings(definition_id) == before | {"description": "theirs"}


def test_a_second_time_is_true_without_another_write(here):
    definition_id = here.add()
    here.control.fault(**COUNTED)
    before, plan = here.respecified(definition_id)
    assert here.change(definition_id, before, plan.settings)
    assert here.write_count() == 1


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
    before, plan = aws.plan(definition_id)
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


@pytest.mark.parametrize("every", [2, 3])
def test_a_write_that_fails_now_and_then_is_made_once(aws, every):
    definition_id = aws.add()
    aws.control.fault(path="/jobs/", status=500, every=every, times=3)
    aws.control.fault(**COUNTED)
    before, plan = aws.respecified(definition_id, aws.large, 3)
    assert aws.write_count() == 1
    assert aws.change(definition_id, plan.settings, before)
    aws.control.clear_faults()
    assert text(aws.settings(definition_id)) == text(before)


def test_a_write_whose_answer_comes_too_late_is_found_made(aws):
    definition_id = aws.add()
    before, plan = aws.plan(definition_id)
    hasty = aws.calls_of(aws.address.token, patience_s=1)
    aws.control.fault(path="/jobs/update", delay_s=2.0)
    aws.control.fault(**COUNTED)
    with pytest.raises(Unavailable, match=r"could not be reached for \d s"):
        change(hasty, definition_id, before=before, after=plan.settings)
    while aws.settings(definition_id) != plan.settings:
        time.sleep(0.05)
    assert change(hasty, definition_id, before=before, after=plan.settings)
    assert aws.write_count() == 0


def test_more_entries_than_a_page_are_all_read_and_kept(here):
    # A page holds a hundred: three pages, or two where it has to be quick.
    count = 230 if here.fault is Fault.NONE else 110
    steps = [{"task_key": f"t{n:03}", "job_cluster_key": f"c{n:03}", "n": n} for n in range(count)]
    asked = {"spark_version": "15.4.x-scala2.12", "node_type_id": here.small, "num_workers": 4}
    clusters = [{"job_cluster_key": f"c{n:03}", "new_cluster": asked} for n in range(count)]
    wide = {"name": "wide", "tasks": steps, "job_clusters": clusters}
    definition_id = here.create(wide)
    definition = here.definition(definition_id)
    assert len(definition.clusters) == count
    specs = {f"c{count - 1:03}": (ClusterSpec(here.large, 2), "r")}
    before, plan = here.changed(definition_id, lambda f: planned_specs(f, specs, here.bounds))
    assert here.settings(definition_id) == plan.settings
    assert here.change(definition_id, plan.settings, before)
    assert text(here.settings(definition_id)) == text(before)


def test_an_order_that_no_update_can_make_is_restored_too(here):
    definition_id = here.add()

    def turned(found):
        return ChangePlan(found.settings | {"tasks": found.settings["tasks"][::-1]}, ())

    before, plan = here.changed(definition_id, turned)
    assert here.change(definition_id, plan.settings, before)
    assert text(here.settings(definition_id)) == text(before)


@pytest.mark.parametrize("definition_id", ["5", "five"])
def test_a_definition_that_is_gone_is_told(here, definition_id):
    with pytest.raises(NotFound, match=definition_id):
        here.change(definition_id, {}, {})


def test_a_token_that_may_not_write_is_told_what_to_be_granted(here):
    definition_id = here.add()
    calls = here.calls_of(here.control.add_token(user_name="eve", denied=["jobs.write"]))
    before, plan = here.plan(definition_id)
    if here.fault is Fault.EDITED:
        # There is nothing to write once somebody else has.
        assert not change(calls, definition_id, before=before, after=plan.settings)
        before, plan = here.plan(definition_id)
    with pytest.raises(PlatformError, match="CAN MANAGE on the databricks job"):
        change(calls, definition_id, before=before, after=plan.settings)


def test_a_destination_is_made_once_for_each_address(here):
    one, other = (f"http://127.0.0.1:9/hooks/{n}" for n in "ab")
    made = webhook(here.calls, one, "secret")
    assert webhook(here.calls, one, "secret") == made
    assert webhook(here.calls, other, "secret") != made
    listed = here.calls.get("listing", "/api/2.0/notification-destinations")
    assert len(listed["results"]) == 2


def test_a_destination_is_found_behind_a_page_of_others(aws):
    made = [webhook(aws.calls, f"http://127.0.0.1:9/{n}", "s") for n in range(105)]
    assert [webhook(aws.calls, f"http://127.0.0.1:9/{n}", "s") for n in (0, 104)] == [
        made[0],
        made[104],
    ]


def test_a_webhook_is_called_with_the_secret_it_was_told_last(here):
    definition_id = here.add()

    def run():
        here.calls.post("running", "/api/2.2/jobs/run-now", {"job_id": int(definition_id)})
        here.control.webhook_deliveries()

    with listening() as (url, heard):
        found = webhook(here.calls, url, "first")
        here.set_up(definition_id, webhook_id=found)
        run()
        assert webhook(here.calls, url, "second") == found
        run()
    assert heard == [("isocost", "first"), ("isocost", "second")]
