"""A job that somebody copied, tags and all, is a project of its own."""

import pytest

from isocost.domain.change import ChangeKind
from isocost.domain.project import Sla
from isocost.usecases.adopt import Intent, adopt
from isocost.usecases.reconcile import look_after
from tests.integration.test_watch import DAY, a_bench


@pytest.fixture
def bench(tmp_path):
    with a_bench(tmp_path) as made:
        yield made


def copied(bench, project_id):
    """Import a copy of a project's job as it is now, and return its project's id."""
    host = bench.loop.host_of(bench.workspace)
    found = host.definition(bench.project(project_id).origin.definition_id)
    job_id = bench.control.add_job({**found.settings, "name": "copy"})
    intent = Intent(Sla(36_000.0, 0.05), is_auto_apply=True)
    return adopt(bench.loop, bench.workspace, str(job_id), intent=intent).project_id


def live_until_applied(bench, project_id):
    for _ in range(6):
        bench.control.advance(DAY)
        assert look_after(bench.loop, project_id)
        _, changes = bench.rows(project_id)
        if any(change.kind is ChangeKind.APPLY for change in changes):
            return
    pytest.fail("nothing was applied in six days")


def test_copy_of_a_job_does_not_share_its_recommendation(bench):
    (project_id,) = bench.ids
    live_until_applied(bench, project_id)
    copy_id = copied(bench, project_id)
    (cluster,) = bench.project(copy_id).clusters.values()
    assert cluster.recommendation_id is None
    bench.control.advance(DAY)
    assert look_after(bench.loop, copy_id)
    (mine,) = bench.project(project_id).clusters.values()
    with bench.loop.store.transaction(read_only=True) as tx:
        (first, *_) = tx.runs_of(copy_id)
        applied = tx.recommendation(mine.recommendation_id)
    assert first.recommendation_id is None
    assert applied.verdict is None
