"""Laws of the simulated cluster: what is conserved, what grows, what fails and what repeats."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.domain.cluster import NodeType
from isocost.simulator.cluster import AttachedDisks, Autoscale, Availability
from isocost.simulator.conditions import RunConditions
from isocost.simulator.run import ClusterEventKind, Failure, NodeEnd, SparkTaskEnd
from isocost.simulator.workload import SimulatedSparkJob, Workload
from tests.unit.simulator.builders import (
    GIB,
    M5,
    STEADY,
    a_cluster,
    a_run,
    a_shuffle,
    a_stage,
    a_workload,
)

NOISY = RunConditions(noise_cv=0.05)
STORM = RunConditions(noise_cv=0.02, spot_losses_per_node_hour=60.0)
ENDS = {end: n for n, end in enumerate(SparkTaskEnd)}


def count(run, end):
    return int(np.sum(run.spark_tasks.end == ENDS[end]))


@pytest.mark.parametrize("column", ["launch_s", "finish_s", "run_s", "executor"])
def test_the_same_seed_gives_the_same_run(column):
    first, second = (a_run(conditions=STORM, cluster=a_spot_cluster()) for _ in range(2))
    assert np.array_equal(getattr(first.spark_tasks, column), getattr(second.spark_tasks, column))


def test_another_seed_gives_another_run():
    assert a_run(conditions=NOISY, seed=1).runtime_s != a_run(conditions=NOISY, seed=2).runtime_s


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    workers=st.integers(1, 6),
    rate=st.sampled_from([0.0, 20.0, 120.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40)
def test_every_output_is_made_and_no_slot_runs_two_at_once(counts, workers, rate, seed):
    stages = [
        a_stage(n, spark_task_count=size, cpu_s=30.0 * size, parent_ids=(n - 1,) if n else ())
        for n, size in enumerate(counts)
    ]
    conditions = RunConditions(noise_cv=0.05, spot_losses_per_node_hour=rate)
    run = a_run(a_workload(*stages), a_spot_cluster(workers), conditions, seed)
    table = run.spark_tasks
    assert run.failure is None
    assert np.all(table.finish_s > table.launch_s)
    for stage_id, size in enumerate(counts):
        done = (table.stage_id == stage_id) & (table.end == 0)
        assert set(table.index[done]) == set(range(size))
    assert_slots_never_overlap(table)


def assert_slots_never_overlap(table):
    order = np.lexsort((table.launch_s, table.slot))
    same = np.diff(table.slot[order]) == 0
    assert np.all((table.launch_s[order][1:] >= table.finish_s[order][:-1] - 1e-9)[same])


def a_spot_cluster(workers=4):
    return a_cluster(
        workers, availability=Availability.SPOT_WITH_FALLBACK, first_on_demand_count=1
    )


def test_children_begin_after_their_parents_ended():
    first, second = a_run().stages
    assert first.completed_s <= second.submitted_s


def test_later_spark_jobs_wait_for_earlier_ones_and_the_driver():
    stages = (a_stage(0), a_stage(1, spark_job_id=1))
    jobs = (SimulatedSparkJob(0), SimulatedSparkJob(1, driver_s=30.0))
    first, second = a_run(Workload("two", stages, jobs)).spark_jobs
    # An m5.2xlarge's lone thread is 1.54 times as fast as when all are busy.
    assert second.submitted_s - first.ended_s == pytest.approx(30.0 / (2 / 1.3), rel=0.01)


def test_spark_jobs_without_a_common_wait_run_side_by_side():
    stages = (a_stage(0), a_stage(1, spark_job_id=1))
    jobs = (SimulatedSparkJob(0), SimulatedSparkJob(1, after_ids=()))
    first, second = a_run(Workload("two", stages, jobs)).spark_jobs
    assert second.submitted_s == first.submitted_s


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_twice_the_workers_are_faster_but_less_than_twice_as_fast(workers):
    slow, fast = (a_run(a_shuffle(640), a_cluster(n)).runtime_s for n in (workers, 2 * workers))
    assert slow / 2 <= fast < slow


def test_a_faster_processor_shortens_the_work():
    quick = replace(M5, coremark=2 * (M5.coremark or 0))
    slow, fast = (a_run(cluster=a_cluster(worker_type=kind)) for kind in (M5, quick))
    assert fast.spark_tasks.cpu_s.sum() == pytest.approx(slow.spark_tasks.cpu_s.sum() / 2, rel=0.1)


def test_hyperthreads_are_worth_less_than_cores():
    arm = NodeType("m6g.2xlarge", 8, 32.0, 0.308, coremark=M5.coremark, network_gbps=2.5)
    few = a_workload(a_stage(spark_task_count=4, cpu_s=400.0))
    alone = [
        a_run(few, a_cluster(4, worker_type=kind)).spark_tasks.cpu_s.max() for kind in (M5, arm)
    ]
    assert alone[1] / alone[0] == pytest.approx(2 / 1.3, rel=0.01)


def test_a_slow_network_slows_what_it_carries():
    narrow = replace(M5, network_gbps=0.5)
    wide, slim = (a_run(cluster=a_cluster(worker_type=kind)) for kind in (M5, narrow))
    assert slim.spark_tasks.fetch_wait_s.sum() > 2 * wide.spark_tasks.fetch_wait_s.sum()


def test_the_first_wave_is_slower_than_the_rest():
    table = a_run(a_workload(a_stage(spark_task_count=640, cpu_s=640.0))).spark_tasks
    duration = table.finish_s - table.launch_s
    assert duration[:32].mean() > 1.3 * np.median(duration[320:])


def test_skew_makes_one_as_long_as_it_says():
    table = a_run(a_workload(a_stage(skew=6.0, cpu_s=6400.0))).spark_tasks
    assert table.cpu_s.max() / np.median(table.cpu_s) == pytest.approx(6.0, rel=0.1)


def test_photon_takes_over_its_share():
    workload = a_workload(a_stage(photon_fraction=0.9, cpu_s=6400.0))
    plain, photon = (a_run(workload, a_cluster(is_photon=is_on)) for is_on in (False, True))
    assert plain.spark_tasks.cpu_s.sum() / photon.spark_tasks.cpu_s.sum() == pytest.approx(
        2.4, 0.1
    )


def test_what_does_not_fit_in_memory_is_spilled_and_takes_longer():
    roomy, tight = (a_run(a_workload(a_stage(memory_bytes=gib * GIB))) for gib in (0.5, 4.0))
    assert roomy.spark_tasks.disk_spilled_bytes.sum() == 0
    assert tight.spark_tasks.memory_spilled_bytes.sum() > 64 * GIB
    assert (
        tight.spark_tasks.disk_spilled_bytes.sum() < tight.spark_tasks.memory_spilled_bytes.sum()
    )
    assert tight.runtime_s > 1.5 * roomy.runtime_s


def test_faster_disks_shorten_a_spill():
    workload = a_workload(a_stage(memory_bytes=4 * GIB))
    slow, fast = (
        a_run(workload, a_cluster(disks=AttachedDisks(count=n, mib_per_s=500.0))) for n in (1, 4)
    )
    assert fast.runtime_s < slow.runtime_s


def test_full_heaps_collect_more_garbage():
    empty, full = (a_run(a_workload(a_stage(memory_bytes=gib * GIB))) for gib in (0.1, 1.0))
    assert full.spark_tasks.gc_s.sum() > 3 * empty.spark_tasks.gc_s.sum()


def test_too_little_memory_fails_the_run_after_four_attempts():
    run = a_run(a_workload(a_stage(memory_bytes=30 * GIB, rigid_memory_fraction=0.5)))
    assert run.failure is Failure.OUT_OF_MEMORY
    assert "failed 4 times" in run.message
    assert run.spark_tasks.attempt.max() == 3
    assert run.spark_jobs[0].is_failed
    assert run.stages[0].failure == run.message
    assert np.isfinite(run.spark_tasks.finish_s).all()


def test_larger_nodes_cure_running_out_of_memory():
    large = replace(M5, node_type_id="r5.2xlarge", memory_gib=640.0)
    workload = a_workload(a_stage(memory_bytes=30 * GIB, rigid_memory_fraction=0.5))
    assert a_run(workload, a_cluster(worker_type=large)).failure is None


def test_a_cache_too_large_for_the_cluster_is_computed_anew():
    maker = a_stage(0, cached_bytes=40 * GIB, cpu_s=3200.0)
    reader = a_stage(1, spark_job_id=1, cache_source_id=0, cpu_s=320.0)
    small, large = (a_run(a_workload(maker, reader), a_cluster(n)) for n in (2, 16))
    assert small.cached[0].held_bytes < 40 * GIB == large.cached[0].held_bytes
    cpu_s = [run.spark_tasks.cpu_s[run.spark_tasks.stage_id == 1].sum() for run in (small, large)]
    assert cpu_s[0] > 3 * cpu_s[1]


def test_lost_spot_nodes_cost_their_work_and_their_outputs():
    calm = a_run(a_shuffle(640), a_spot_cluster(), replace(STORM, spot_losses_per_node_hour=0.0))
    storm = a_run(a_shuffle(640), a_spot_cluster(), STORM)
    lost = [node for node in storm.nodes if node.end is NodeEnd.SPOT_LOSS]
    assert lost
    assert count(storm, SparkTaskEnd.EXECUTOR_LOST) > 0
    assert 0 < len([e for e in storm.executors if e.removed_s is not None]) <= len(lost)
    assert storm.runtime_s > calm.runtime_s
    assert {each.kind for each in storm.cluster_events} >= {ClusterEventKind.NODES_LOST}


def test_lost_shuffle_blocks_are_made_again():
    runs = [a_run(a_shuffle(640), a_spot_cluster(), STORM, seed) for seed in range(6)]
    again = [run for run in runs if any(stage.attempt_id for stage in run.stages)]
    assert again
    for run in again:
        failed = [stage for stage in run.stages if stage.failure]
        assert all(stage.failure.startswith("FetchFailed") for stage in failed)
        assert count(run, SparkTaskEnd.SUCCESS) > 2 * 640


def test_on_demand_nodes_are_never_lost():
    run = a_run(a_shuffle(640), a_cluster(), STORM)
    assert all(node.end is NodeEnd.RELEASED for node in run.nodes)


def test_autoscaling_grows_under_load_and_shrinks_after_it():
    wide = a_stage(0, spark_task_count=2000, cpu_s=60_000.0)
    lone = a_stage(1, spark_job_id=1, spark_task_count=1, cpu_s=300.0)
    run = a_run(a_workload(wide, lone), a_cluster(2, autoscale=Autoscale(2, 10)))
    sizes = [each.target_worker_count for each in run.cluster_events]
    assert max(sizes) == 10
    assert any(node.end is NodeEnd.SCALED_DOWN for node in run.nodes)
    assert run.runtime_s < a_run(a_workload(wide, lone), a_cluster(2)).runtime_s


@pytest.mark.parametrize("cv", [0.01, 0.05, 0.1])
def test_repeated_runs_vary_as_much_as_asked_for(cv):
    conditions = RunConditions(noise_cv=cv)
    workload = a_shuffle(640)
    runtimes = [a_run(workload, conditions=conditions, seed=n).runtime_s for n in range(40)]
    assert np.std(runtimes) / np.mean(runtimes) == pytest.approx(cv, rel=0.3)


def test_more_input_takes_longer():
    small, large = (a_run(conditions=replace(STEADY, input_scale=s)) for s in (1.0, 3.0))
    assert len(large.spark_tasks) == 3 * len(small.spark_tasks)
    assert 2.0 < large.spark_tasks.run_s.sum() / small.spark_tasks.run_s.sum() < 4.0


def test_a_cloud_without_machines_starts_no_application():
    run = a_run(conditions=RunConditions(is_capacity_missing=True))
    assert (run.failure, run.runtime_s, len(run.spark_tasks)) == (Failure.NO_CAPACITY, None, 0)


def test_nodes_are_rented_from_boot_to_release():
    run = a_run(cluster=a_cluster(3, is_pooled=False))
    assert len(run.nodes) == 4
    assert run.nodes[0].is_driver
    assert all(node.started_s < run.application_start_s for node in run.nodes)
    assert all(node.ended_s == run.released_s for node in run.nodes)
    assert len(run.timeline.nodes) == 4


def test_a_lost_node_takes_its_cached_data_along():
    maker = a_stage(0, cached_bytes=GIB)
    reader = a_stage(1, spark_job_id=1, cache_source_id=0, spark_task_count=640, cpu_s=64_000.0)
    run = a_run(a_workload(maker, reader), a_spot_cluster(), STORM)
    assert any(node.end is NodeEnd.SPOT_LOSS for node in run.nodes)
    assert run.cached[0].held_bytes < run.cached[0].wanted_bytes


def test_neighbours_share_the_network_of_their_node():
    narrow = replace(M5, network_gbps=0.5)
    reads = a_workload(a_stage(cpu_s=1.0, input_bytes=8 * GIB))
    table = a_run(reads, a_cluster(1, worker_type=narrow)).spark_tasks
    # All bytes pass one wire, whoever asks for them.
    wire_s = 8 * GIB / (0.5 * 125e6)
    assert table.finish_s.max() - table.launch_s.min() >= 0.95 * wire_s


def test_shuffles_larger_than_the_page_cache_wait_for_disks():
    stages = [a_stage(0, cpu_s=64.0, shuffle_write_bytes=size * GIB) for size in (4.0, 200.0)]
    small, large = (a_run(a_workload(stage)).spark_tasks for stage in stages)
    assert small.shuffle_write_s.sum() == 0
    assert large.shuffle_write_s.sum() > 100


def test_many_short_spark_tasks_wait_for_the_driver():
    short = a_workload(a_stage(spark_task_count=20_000, cpu_s=20.0))
    narrow, wide = (a_run(short, a_cluster(n)).spark_tasks for n in (1, 64))
    waits = [np.median(each.finish_s - each.launch_s - each.run_s) for each in (narrow, wide)]
    assert waits[1] > 3 * waits[0]
