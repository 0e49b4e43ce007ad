"""The ready-made estate: what it holds, and that a seed decides it."""

import pytest

from isocost.domain.workspace import Cloud
from isocost.simulator.workspace.estate import POLICY_ID, POOL_ID, EstatePlan, settle_estate
from isocost.simulator.workspace.runs import Result
from isocost.simulator.workspace.shapes import SHAPES
from isocost.simulator.workspace.workspace import Workspace, WorkspaceOptions

OWNER = "owner@example.com"


def settled(cloud=Cloud.AWS, **plan):
    workspace = Workspace(WorkspaceOptions(cloud=cloud))
    return workspace, settle_estate(workspace, EstatePlan(**plan), OWNER)


def clusters_of(settings):
    owners = [*settings["tasks"], *settings.get("job_clusters", [])]
    return [owner["new_cluster"] for owner in owners if "new_cluster" in owner]


@pytest.mark.parametrize("cloud", list(Cloud))
def test_every_recurring_job_runs_and_takes_minutes(cloud):
    workspace, found = settled(cloud, job_count=20, has_others=False)
    for each in found:
        run = workspace.trigger(workspace.definitions.get(each.job_id), "ONE_TIME")
        workspace.leap_over(run)
        assert run.result() is Result.SUCCESS
        lengths_s = [cluster.outline.runtime_s for cluster in run.clusters]
        assert all(60 < length_s < 3_600 for length_s in lengths_s), each


def test_the_first_four_have_the_changes_and_the_two_clusters():
    workspace, found = settled(job_count=4, has_others=False)
    assert [each.change for each in found] == ["data", "", "code", "spot"]
    counts = [len(clusters_of(workspace.definitions.get(e.job_id).settings)) for e in found]
    assert counts == [1, 2, 1, 1]


def test_an_estate_of_twenty_has_every_kind_of_definition():
    workspace, found = settled(job_count=20)
    recurring = [workspace.definitions.get(e.job_id).settings for e in found if e.is_qualifying]
    specs = [spec for settings in recurring for spec in clusters_of(settings)]
    assert {each.shape for each in found if each.is_qualifying} == set(SHAPES)
    assert any("autoscale" in spec for spec in specs)
    assert any(spec.get("runtime_engine") == "PHOTON" for spec in specs)
    assert any(spec.get("policy_id") == POLICY_ID for spec in specs)
    assert any(spec.get("instance_pool_id") == POOL_ID for spec in specs)
    assert {"job_clusters" in settings for settings in recurring} == {True, False}
    assert len({each.why_not for each in found if not each.is_qualifying}) == 6


def test_the_same_seed_gives_the_same_estate():
    def definitions(seed):
        workspace, _ = settled(job_count=6, seed=seed)
        return [each.settings for each in workspace.definitions]

    assert definitions(1) == definitions(1) != definitions(2)


def test_logs_are_delivered_only_if_a_place_is_named():
    for place, names in (("", set()), ("dbfs:/logs", {"dbfs"}), ("/Volumes/a/b/c", {"volumes"})):
        workspace, found = settled(job_count=2, has_others=False, log_destination=place)
        specs = clusters_of(workspace.definitions.get(found[0].job_id).settings)
        assert set(specs[0].get("cluster_log_conf", {})) == names
