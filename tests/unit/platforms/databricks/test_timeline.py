"""What a cluster's events tell of its nodes."""

from datetime import UTC, datetime, timedelta

import pytest

from isocost.platforms.databricks.timeline import (
    RELEASED_AFTER,
    RENTED_AFTER,
    ClusterChange,
    Purchase,
    change_of,
    life_of,
    mean_workers,
)

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
ON_DEMAND = Purchase("m5.xlarge", "m5.xlarge")
SPOT = Purchase("m5.xlarge", "m5.xlarge", is_spot=True)


def at(second):
    return START + timedelta(seconds=second)


def change(second, kind, current=None, target=None, **more):
    return ClusterChange(at(second), kind, current, target, **more)


def a_life(*changes, purchase=ON_DEMAND, end=9_999):
    return life_of(changes, purchase, at(end))


def workers(life):
    return sorted(
        ((n.started_at - START).total_seconds(), (n.ended_at - START).total_seconds())
        for n in life.nodes
        if not n.is_driver
    )


CREATED = change(0, "CREATING", target=2)
RAN = change(300, "RUNNING", 2, 2)
ENDED = change(1_000, "TERMINATING", 2, 2)
BOOT = RENTED_AFTER.total_seconds()
GONE = 1_000 + RELEASED_AFTER.total_seconds()


def test_a_steady_cluster_has_its_workers_and_one_driver():
    life = a_life(CREATED, RAN, ENDED)
    assert workers(life) == [(BOOT, GONE)] * 2
    assert [n.started_at for n in life.nodes if n.is_driver] == [at(BOOT)]


def test_events_may_come_in_any_order():
    assert a_life(ENDED, CREATED, RAN) == a_life(CREATED, RAN, ENDED)


def test_workers_that_never_came_are_not_billed():
    life = a_life(change(0, "CREATING", target=5), RAN, ENDED)
    assert len(workers(life)) == 2


def test_machines_of_a_pool_are_rented_at_once():
    pooled = Purchase("m5.xlarge", "m5.xlarge", is_pooled=True)
    assert workers(a_life(CREATED, RAN, ENDED, purchase=pooled)) == [(0, GONE)] * 2


def test_more_workers_are_rented_when_they_are_asked_for_not_when_they_arrive():
    grown = change(400, "RESIZING", 2, 3), change(700, "UPSIZE_COMPLETED", 3, 3)
    life = a_life(CREATED, RAN, *grown, ENDED)
    assert workers(life)[-1] == (400 + BOOT, GONE)
    assert life.sizes[-1] == (at(1_000), 3)


def test_workers_on_their_way_are_called_off_first():
    resized = change(400, "RESIZING", 2, 3), change(500, "RESIZING", 2, 2)
    assert workers(a_life(CREATED, RAN, *resized, ENDED)) == [
        (BOOT, GONE), (BOOT, GONE), (400 + BOOT, 500),
    ]  # fmt: skip


def test_fewer_workers_are_rented_until_the_cluster_shrinks():
    life = a_life(CREATED, RAN, change(600, "RESIZING", 2, 1), ENDED)
    assert workers(life) == [(BOOT, 600), (BOOT, GONE)]
    assert mean_workers(life.sizes, at(300), at(900)) == pytest.approx(1.5)


def test_a_lost_spot_node_is_replaced_by_one_on_demand():
    lost = change(500, "NODES_LOST", 1, 2, lost_count=1, is_cloud_failure=True)
    life = a_life(CREATED, RAN, lost, ENDED, purchase=SPOT)
    bought = [(n.started_at, n.is_spot) for n in life.nodes if not n.is_driver]
    assert (at(500 + BOOT), False) in bought
    assert sum(is_spot for _, is_spot in bought) == 2
    assert life.loss_count == 1


def test_nodes_lost_without_names_are_counted_by_what_is_left():
    lost = change(500, "NODES_LOST", 0, 2, is_cloud_failure=True)
    assert a_life(CREATED, RAN, lost, ENDED, purchase=SPOT).loss_count == 2


def test_the_first_workers_can_be_kept_from_the_spot_market():
    kept = Purchase("m5.xlarge", "m5.xlarge", is_spot=True, kept_workers=1)
    life = a_life(CREATED, RAN, ENDED, purchase=kept)
    assert sorted(n.is_spot for n in life.nodes if not n.is_driver) == [False, True]


def test_a_cluster_that_got_no_machines_costs_nothing():
    failed = change(200, "TERMINATING", 0, 2, is_cloud_failure=True)
    assert a_life(CREATED, failed).nodes == ()


def test_a_cluster_stopped_while_it_starts_is_billed():
    assert workers(a_life(CREATED, change(200, "TERMINATING", 0, 2)))[0][0] == BOOT


def test_a_cluster_that_is_still_up_ends_when_it_is_told():
    assert workers(a_life(CREATED, RAN, end=800)) == [(BOOT, 800)] * 2


def test_a_restarted_cluster_lives_twice():
    again = [change(s + 2_000, k, c, 2) for s, k, c in ((0, "STARTING", None),
             (300, "RUNNING", 2), (900, "TERMINATING", 2))]  # fmt: skip
    life = a_life(CREATED, RAN, ENDED, *again)
    assert len(workers(life)) == 4
    assert sum(node.is_driver for node in life.nodes) == 2


def test_additions_that_fail_are_not_billed_to_the_end():
    grown = change(400, "RESIZING", 2, 4), change(450, "ADD_NODES_FAILED", 2, 4)
    assert len(workers(a_life(CREATED, RAN, *grown, ENDED))) == 2


def test_disks_are_billed_with_every_node():
    with_disks = Purchase("m5.xlarge", "m5.xlarge", disk_gib=180.0)
    nodes = a_life(CREATED, RAN, ENDED, purchase=with_disks).nodes
    assert [node.disk_gib for node in nodes] == [180.0] * 3


def test_an_event_is_read_as_the_api_shows_it():
    details = {
        "current_num_workers": 3,
        "target_num_workers": 4,
        "reason": {
            "code": "SPOT_INSTANCE_TERMINATION",
            "type": "CLOUD_FAILURE",
            "parameters": {"instance_id": "i-1,i-2"},
        },
    }
    event = {"timestamp": 1_767_592_800_000, "type": "NODES_LOST", "details": details}
    found = ClusterChange(START, "NODES_LOST", 3, 4, lost_count=2, is_cloud_failure=True)
    assert change_of(event) == found


def test_an_autoscaling_cluster_begins_with_its_fewest_workers():
    size = {"autoscale": {"min_workers": 2, "max_workers": 8}}
    event = {"timestamp": 1, "type": "CREATING", "details": {"cluster_size": size}}
    assert change_of(event).target == 2


def test_an_event_without_a_time_is_none():
    assert change_of({"type": "RUNNING"}) is None


def test_the_mean_of_no_sizes_is_unknown():
    assert mean_workers([], at(0), at(1)) is None
