"""What a workspace tells of its definitions and runs, read through the official SDK.

What takes `here` or `still` is asked of both clouds, calm and under each fault of `troubled`.
"""

import pickle
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from isocost.catalog import shipped
from isocost.clouds.databricks.files import DatabricksFileStore
from isocost.domain.cluster import ClusterSpec
from isocost.domain.workspace import Cloud, Plan
from isocost.errors import Busy, NotFound, PlatformError, Unavailable
from isocost.eventlog.summarize import read_profile
from isocost.platforms.databricks.host import DatabricksHost
from isocost.platforms.host import RECOMMENDATION_TAG
from isocost.pricing.list_cost import list_cost
from isocost.simulator.workload import SimulatedSparkJob, SimulatedStage, Workload
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.workspaces import a_workspace, client_of
from isocost.units import BYTES_PER_GIB
from isocost.usecases.open_log import open_one
from tests.integration.troubled import CALM, LOG_DELAY_S, PLACES, Fault, Place, trouble

TYPES = {Cloud.AWS: "m5.2xlarge", Cloud.AZURE: "Standard_D8s_v3"}
REGIONS = {Cloud.AWS: "us-east-1", Cloud.AZURE: "eastus"}
SPOT = {
    Cloud.AWS: {"aws_attributes": {"availability": "SPOT_WITH_FALLBACK", "first_on_demand": 1}},
    Cloud.AZURE: {
        "azure_attributes": {"availability": "SPOT_WITH_FALLBACK_AZURE", "first_on_demand": 1}
    },
}
ON_DEMAND = {
    Cloud.AWS: {"aws_attributes": {"availability": "ON_DEMAND"}},
    Cloud.AZURE: {"azure_attributes": {"availability": "ON_DEMAND_AZURE"}},
}
# What is compared is who was rented for how long.
TOLERANCE = 0.02
HOPELESS = Workload(
    "hopeless",
    (SimulatedStage(0, 0, "sort", 8, 80.0, memory_bytes=500.0 * BYTES_PER_GIB),),
    (SimulatedSparkJob(0),),
)
LONG = Workload("long", (SimulatedStage(0, 0, "count", 800, 40_000.0),), (SimulatedSparkJob(0),))


class Here(Place):
    """A workspace whose definitions and runs are read as the product does it."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.host = self.host_of(self.address.token)

    def host_of(self, token, url="", **limits):
        return DatabricksHost(self.calls_of(token, url, **limits), now=self.control.now)

    def cluster(self, **fields):
        """Return what a cluster is asked for with; in a storm it has nodes that can be lost."""
        asked = {"spark_version": "15.4.x-scala2.12", "node_type_id": TYPES[self.cloud]}
        logs = {"cluster_log_conf": {"dbfs": {"destination": "dbfs:/logs/"}}}
        bought = (SPOT if self.fault is Fault.SPOT_STORM else ON_DEMAND)[self.cloud]
        whole = asked | {"num_workers": 4} | bought | logs | self.strange | fields
        return {name: value for name, value in whole.items() if value is not None}

    def add(self, *steps, workloads=None, **settings):
        entries = [each | self.strange for each in steps]
        whole = {"name": "a", "tasks": entries} | self.strange | settings
        return self.create(whole, workloads=workloads)

    def ask(self, verb, **body):
        """Have something done about runs, as people do it."""
        return self.calls.post(verb, f"/api/2.2/jobs/{verb}", body)

    def run(self, definition_id):
        return str(self.ask("run-now", job_id=int(definition_id))["run_id"])

    def collected(self, *steps, **more):
        definition_id = self.add(*steps, **more)
        return self.host.collect(definition_id, self.run(definition_id))

    def profile(self, collected):
        """Return what the event log of the only cluster says."""
        [location] = collected.clusters[0].log_locations
        return read_profile(open_one(location, [DatabricksFileStore(self.calls.client)]))

    def cost_ratio(self, collected):
        """Return rent and DBUs of all timelines over what they truly cost."""
        catalog, region = shipped.load(), REGIONS[self.cloud]
        node_types = catalog.node_types(self.cloud, region)
        rates = catalog.rate_card(self.cloud, region, Plan.PREMIUM)
        # Of Azure's spot nodes no rate is published; the simulated workspace assumes this one.
        rates = replace(rates, spot_fraction=rates.spot_fraction or 0.4)
        costs = [list_cost(each.timeline, node_types, rates) for each in collected.clusters]
        truth = self.control.truth(int(collected.run.origin_run_id))["clusters"]
        real = sum(each["vm_usd"] + each["dbu_usd"] for each in truth)
        return sum(cost.vm_usd + cost.dbu_usd for cost in costs) / real


def step(key, cluster, *after, **more):
    depends = {"depends_on": [{"task_key": each} for each in after]} if after else {}
    return {"task_key": key, "new_cluster": cluster} | depends | more


@pytest.fixture(params=PLACES)
def here(request, endings):
    with trouble(Here, request.param, endings) as found:
        yield found


@pytest.fixture
def aws(endings):
    with trouble(Here, CALM, endings) as found:
        yield found


@pytest.fixture(params=PLACES)
def still(request, endings):
    """A workspace whose time stands until it is moved."""
    with trouble(Here, request.param, endings, is_leaping=False) as found:
        yield found


def close_to_truth():
    return pytest.approx(1.0, abs=TOLERANCE)


def test_each_kind_that_does_not_qualify_has_its_reason(here):
    here.control.add_estate(EstatePlan(job_count=2))
    found = {each.name: each for each in here.host.definitions()}
    reasons = {name: " ".join(each.obstacles) for name, each in found.items()}
    assert [name for name, why in reasons.items() if not why] == [
        "Join clicks with orders", "Load customers files",
    ]  # fmt: skip
    assert "serverless" in reasons["Serverless refresh"]
    assert "all-purpose cluster" in reasons["Shared notebook"]
    assert "SQL warehouse" in reasons["Warehouse report"]
    assert "pipeline" in reasons["Pipeline"]
    assert "continuously" in reasons["Event stream"]
    assert "has not run" in reasons["Forgotten"]


def test_more_definitions_than_a_page_are_all_listed(here):
    elsewhere = {"task_key": "main", "notebook_task": {"notebook_path": "/a"}}
    ids = {here.add(elsewhere) for _ in range(105)}
    assert {each.definition_id for each in here.host.definitions()} == ids


def test_a_definition_that_ran_lately_says_when(here):
    definition_id = here.add(step("main", here.cluster()))
    run = here.host.collect(definition_id, here.run(definition_id)).run
    [found] = here.host.definitions()
    assert (found.last_run_at, found.obstacles) == (run.started_at, ())


def test_a_definition_whose_last_run_is_old_does_not_qualify(here):
    here.run(here.add(step("main", here.cluster())))
    here.control.advance(timedelta(days=31))
    [found] = here.host.definitions()
    assert "It has not run since 2026-01-05" in found.obstacles[0]


def test_runs_are_listed_oldest_first_from_a_moment_on(here):
    definition_id = here.add(step("main", here.cluster()))
    ids = [here.run(definition_id) for _ in range(3)]
    runs = here.host.ended_runs(definition_id, None)
    assert [run.origin_run_id for run in runs] == ids
    later = here.host.ended_runs(definition_id, runs[1].started_at)
    assert [run.origin_run_id for run in later] == ids[1:]


def test_a_run_on_one_cluster_is_collected(here):
    found = here.collected(step("main", here.cluster()))
    [cluster] = found.clusters
    assert cluster.asked.spec == ClusterSpec(TYPES[here.cloud], 4)
    # In a storm nodes are away for some of the time.
    assert (cluster.spot_loss_count > 0) is (here.fault is Fault.SPOT_STORM)
    assert cluster.ran.worker_count == (3 if cluster.spot_loss_count else 4)
    assert cluster.log_locations == (f"dbfs:/logs/{cluster.cluster_ids[0]}/eventlog",)
    assert cluster.failure is None
    truth = here.control.truth(int(found.run.origin_run_id))["clusters"][0]
    assert cluster.measured_s == pytest.approx(truth["runtime_s"], abs=1.0)
    assert here.cost_ratio(found) == close_to_truth()


def test_two_clusters_are_collected_with_their_steps(here):
    small = here.cluster(num_workers=2)
    found = here.collected(step("one", here.cluster()), step("two", small, "one"))
    assert [(c.cluster_key, c.asked.spec.worker_count) for c in found.clusters] == [
        ("one", 4),
        ("two", 2),
    ]
    is_whole = [cluster.ran == cluster.asked.spec for cluster in found.clusters]
    assert all(is_whole) or here.fault is Fault.SPOT_STORM
    assert [(s.step_key, s.cluster_key, s.depends_on) for s in found.spans] == [
        ("one", "one", ()), ("two", "two", ("one",)),
    ]  # fmt: skip
    assert found.spans[0].ended_at <= found.spans[1].started_at
    assert here.cost_ratio(found) == close_to_truth()


def test_steps_on_a_shared_cluster_are_one_cluster(here):
    shared = [{"job_cluster_key": "both", "new_cluster": here.cluster()}]
    steps = [{"task_key": key, "job_cluster_key": "both"} for key in ("a", "b")]
    found = here.collected(*steps, job_clusters=shared)
    assert [cluster.cluster_key for cluster in found.clusters] == ["both"]
    assert len(found.spans) == 2


def test_an_autoscaled_cluster_ran_on_its_mean(here):
    bounds = {"min_workers": 1, "max_workers": 8}
    found = here.collected(step("main", here.cluster(num_workers=None, autoscale=bounds)))
    [cluster] = found.clusters
    assert cluster.asked.spec.worker_count == 8
    assert 1 < cluster.ran.worker_count < 8
    assert here.cost_ratio(found) == close_to_truth()


def test_lost_spot_nodes_are_counted_and_their_stays_end(here):
    here.control.trouble(spot_losses_per_node_hour=4.0, seconds=5 * 3_600)
    cluster = here.cluster(**SPOT[here.cloud])
    found = here.collected(step("main", cluster), workloads={"main": LONG})
    [cluster] = found.clusters
    [truth] = here.control.truth(int(found.run.origin_run_id))["clusters"]
    assert cluster.spot_loss_count == truth["spot_loss_count"] > 0
    assert len(cluster.timeline.nodes) > 5
    assert here.cost_ratio(found) == close_to_truth()


def test_a_repaired_run_is_one_run_of_all_its_clusters(here):
    definition_id = here.add(step("main", here.cluster()), workloads={"main": HOPELESS})
    run_id = here.run(definition_id)
    here.control.set_behaviour(int(definition_id), workloads={"main": LONG})
    here.ask("runs/repair", run_id=int(run_id), rerun_all_failed_tasks=True)
    found = here.host.collect(definition_id, run_id)
    [cluster] = found.clusters
    assert (len(cluster.cluster_ids), len(found.spans)) == (2, 2)
    assert (found.run.is_success, cluster.failure) == (True, None)
    assert here.cost_ratio(found) == close_to_truth()


def test_a_failed_run_says_why(here):
    found = here.collected(step("main", here.cluster()), workloads={"main": HOPELESS})
    assert not found.run.is_success
    assert "memory" in found.clusters[0].failure
    assert "memory" in found.run.failure
    assert here.cost_ratio(found) == close_to_truth()


def test_a_step_held_back_by_a_failure_leaves_no_cluster(here):
    cluster = here.cluster()
    found = here.collected(
        step("a", cluster), step("b", cluster, "a"), workloads={"a": HOPELESS, "b": LONG}
    )
    assert [each.cluster_key for each in found.clusters] == ["a"]


def test_a_run_past_its_time_limit_is_told_apart(here):
    found = here.collected(step("main", here.cluster()), timeout_seconds=600)
    [cluster] = found.clusters
    assert (found.run.is_success, found.run.is_cancelled) == (False, False)
    assert cluster.is_timed_out
    assert cluster.failure


def test_a_cancelled_run_says_nothing_of_clusters(still):
    definition_id = still.add(step("main", still.cluster()))
    run_id = still.run(definition_id)
    still.control.advance(timedelta(minutes=8))
    still.ask("runs/cancel", run_id=int(run_id))
    still.control.advance(timedelta(minutes=1))
    [run] = still.host.ended_runs(definition_id, None)
    assert run.is_cancelled
    [cluster] = still.host.collect(definition_id, run_id).clusters
    assert cluster.failure
    assert not cluster.is_timed_out


def test_a_run_under_way_is_not_collected(still):
    definition_id = still.add(step("main", still.cluster()))
    run_id = still.run(definition_id)
    with pytest.raises(Busy, match="goes on"):
        still.host.collect(definition_id, run_id)


def test_runs_under_way_tell_their_recommendations(still):
    tagged = still.cluster(custom_tags={RECOMMENDATION_TAG: "r-1"})
    definition_id = still.add(step("a", tagged), step("b", still.cluster()))
    assert still.host.active_recommendations(definition_id) == ()
    still.run(definition_id)
    assert still.host.active_recommendations(definition_id) == (frozenset({"r-1", None}),)


def test_logs_are_settled_once_the_last_delivery_came(still):
    definition_id = still.add(step("main", still.cluster()))
    still.run(definition_id)
    answer = still.control.advance(timedelta(days=1), until_run_ends=True)
    [cluster] = still.host.collect(definition_id, str(answer["ended_run_id"])).clusters
    assert not still.host.are_logs_settled(cluster, still.control.now())
    still.control.advance(timedelta(minutes=3))
    if still.fault is Fault.LATE_LOGS:
        assert not still.host.are_logs_settled(cluster, still.control.now())
        still.control.advance(timedelta(seconds=LOG_DELAY_S))
    # That a log was cut cannot be told from how its parts lie there: reading it does.
    assert still.host.are_logs_settled(cluster, still.control.now())


def test_the_event_log_of_a_run_is_read_and_a_cut_one_is_told(here):
    found = here.collected(step("main", here.cluster()))
    here.control.advance(timedelta(minutes=3))
    if here.fault is Fault.LATE_LOGS:
        with pytest.raises(NotFound, match="log destination"):
            here.profile(found)
        here.control.advance(timedelta(seconds=LOG_DELAY_S))
    profile = here.profile(found)
    assert profile.is_complete is (here.fault is not Fault.CUT_LOGS)
    truth = here.control.truth(int(found.run.origin_run_id))["clusters"][0]
    is_close = profile.runtime_s == pytest.approx(truth["runtime_s"], rel=0.01)
    assert is_close is profile.is_complete


@pytest.mark.parametrize("trouble_of_logs", [{"missing_part": 1}, {"is_absent": True}])
def test_a_log_that_lacks_a_part_or_never_comes_is_told(endings, trouble_of_logs):
    with trouble(Here, CALM, endings, roll_every_s=120) as here:
        here.control.log_trouble(**trouble_of_logs)
        found = here.collected(step("main", here.cluster()))
        here.control.advance(timedelta(hours=1))
        is_there = "is_absent" not in trouble_of_logs
        assert here.host.are_logs_settled(found.clusters[0], here.control.now()) is is_there
        if is_there:
            assert not here.profile(found).is_complete
        else:
            with pytest.raises(NotFound, match="log destination"):
                here.profile(found)


def test_logs_that_come_late_are_not_settled(here):
    here.control.log_trouble(delay_s=LOG_DELAY_S)
    [cluster] = here.collected(step("main", here.cluster())).clusters
    here.control.advance(timedelta(hours=1))
    assert not here.host.are_logs_settled(cluster, here.control.now())
    here.control.advance(timedelta(hours=2))
    assert here.host.are_logs_settled(cluster, here.control.now())


def test_a_limit_is_waited_out_as_long_as_it_asks(aws):
    host = aws.host_of(aws.address.token, longest_pause_s=None)
    host.node_type_ids()
    aws.control.fault(status=429, retry_after_s=1)
    began = time.monotonic()
    assert host.definitions() == []
    assert 1.0 <= time.monotonic() - began < 10.0


@pytest.mark.parametrize("status", [502, 504])
def test_what_stands_before_a_workspace_may_fail_twice(aws, status):
    aws.control.fault(status=status, times=2)
    assert aws.host.definitions() == []


def test_a_limit_that_lasts_is_busy_and_a_failure_unavailable(aws):
    host = aws.host_of(aws.address.token, patience_s=2)
    host.node_type_ids()
    aws.control.fault(status=429, retry_after_s=600, times=10_000)
    with pytest.raises(Busy, match=r"still limits requests after \d s"):
        host.definitions()
    aws.control.clear_faults()
    aws.control.fault(status=500, times=100)
    with pytest.raises(Unavailable, match="failed at listing databricks jobs"):
        host.definitions()


def test_a_wrong_token_is_told_as_such(here):
    with pytest.raises(
        PlatformError, match=r"does not accept the token .*Make a new one"
    ) as error:
        here.host_of("dapi-secret").definitions()
    assert "dapi-secret" not in str(error.value)


def test_an_address_that_nobody_answers_is_told_as_such(aws):
    # Port 9 (discard) is nobody's.
    with pytest.raises(Unavailable, match="Check the address, the network"):
        aws.host_of("token", url="http://127.0.0.1:9", patience_s=1).check()


def test_an_address_of_something_else_is_told_as_such(here):
    with pytest.raises(PlatformError, match="does not answer as a Databricks workspace does"):
        here.host_of("token", url=f"{here.address.url}/elsewhere", patience_s=2).check()


def test_a_missing_permission_is_named_with_what_to_grant(here):
    token = here.control.add_token(user_name="eve@example.com", denied=["jobs.read"])
    with pytest.raises(PlatformError, match=r"grant the token's owner CAN VIEW"):
        here.host_of(token).definitions()


@pytest.mark.parametrize("call", ["definition", "collect"])
def test_what_is_gone_is_not_found(here, call):
    what = ("1",) if call == "definition" else ("1", "2")
    with pytest.raises(NotFound, match="does not exist"):
        getattr(here.host, call)(*what)


def test_a_token_that_may_do_all_passes_the_check(here):
    here.run(here.add(step("main", here.cluster())))
    assert [each.need for each in here.host.check() if not each.is_granted] == []


@pytest.mark.parametrize(
    ("right", "need", "grant"),
    [
        ("jobs.write", "change databricks jobs", "CAN MANAGE"),
        ("clusters.read", "see clusters", "CAN ATTACH TO"),
        ("policies.read", "read cluster policies", "CAN USE"),
        ("pools.read", "read instance pools", "CAN ATTACH TO"),
        ("files.read", "read event logs in dbfs:/logs/", "READ VOLUME"),
        ("warehouse.use", "read system tables", "CAN USE on a SQL warehouse"),
        ("destinations.read", "be told of ended runs", "workspace admin"),
    ],
)
def test_the_check_names_what_is_missing(aws, right, need, grant):
    aws.run(aws.add(step("main", aws.cluster())))
    token = aws.control.add_token(user_name="eve@example.com", denied=[right])
    [missing] = [each for each in aws.host_of(token).check() if not each.is_granted]
    assert missing.need.startswith(need)
    assert grant in missing.remedy
    assert missing.is_required is (right not in {"warehouse.use", "destinations.read"})


def test_node_types_are_asked_for_once(here):
    found = here.host.node_type_ids()
    here.control.fault(status=500, times=100)
    assert here.host.node_type_ids() == found
    assert TYPES[here.cloud] in found


def test_stores_of_two_workspaces_read_each_its_own_files(aws):
    with a_workspace(seed=8) as (address, control):
        other = DatabricksFileStore(client_of(address))
        own = pickle.loads(pickle.dumps(DatabricksFileStore(aws.calls.client)))
        aws.control.put_file("/logs/x", b"a")
        control.put_file("/logs/x", b"b")
        read = [b"".join(s.chunks(s.find("dbfs:/logs")[0])) for s in (own, other)]
        assert read == [b"a", b"b"]
