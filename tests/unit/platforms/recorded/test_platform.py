"""The recorded platform repeats what was measured, and nothing else."""

from statistics import fmean, median

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.domain.grid import GridRun
from isocost.errors import ClusterTooLarge, InvalidInput, NotFound, UnknownName
from isocost.platforms.base import RunRequest
from isocost.platforms.recorded.platform import Recorded
from isocost.testing.grids import a_cell, a_cluster, a_failed_run, a_workload


def run_on(platform, workers, run_id="r-1"):
    return platform.execute(RunRequest(run_id, "sort", a_cluster(workers)))


def runtimes_s(platform, workers, count):
    return [run_on(platform, workers, f"r-{n}").measured.runtime_s for n in range(count)]


def test_run_takes_what_was_measured_and_costs_its_nodes():
    outcome = run_on(Recorded(a_workload()), 3)
    assert outcome.measured.runtime_s == 300.0
    assert (outcome.ended_at - outcome.started_at).total_seconds() == 300.0
    assert len(outcome.timeline.nodes) == 3


def test_failed_run_is_told_with_its_charge():
    workload = a_workload(cells=(a_cell(1, 1000.0), a_cell(2, a_failed_run())))
    outcome = run_on(Recorded(workload), 2)
    assert outcome.failure is not None
    assert outcome.measured.runtime_s == 7200.0


def test_stopped_run_is_told_apart():
    stopped = GridRun(50.0, is_failed=True, is_timed_out=True)
    workload = a_workload(cells=(a_cell(1, 1000.0), a_cell(2, stopped)))
    assert run_on(Recorded(workload), 2).is_timed_out


def test_repetitions_are_drawn_by_seed_and_run():
    workload = a_workload(cells=(a_cell(1, 10.0, 11.0, 12.0),))
    drawn = runtimes_s(Recorded(workload, seed=1), 1, 40)
    assert set(drawn) == {10.0, 11.0, 12.0}
    assert drawn == runtimes_s(Recorded(workload, seed=1), 1, 40)
    assert drawn != runtimes_s(Recorded(workload, seed=2), 1, 40)


def test_noise_spreads_runtimes_around_the_measured_one():
    noisy = runtimes_s(Recorded(a_workload(), noise_sd=0.03), 1, 400)
    assert median(noisy) == pytest.approx(1000.0, rel=0.01)
    # The mean of |t| with 4 degrees of freedom is exactly 1.
    assert fmean(abs(s / 1000.0 - 1) for s in noisy) == pytest.approx(0.03, rel=0.25)


def test_failed_run_has_no_noise():
    workload = a_workload(cells=(a_cell(1, 1000.0), a_cell(2, a_failed_run(40.0))))
    assert set(runtimes_s(Recorded(workload, noise_sd=0.5), 2, 5)) == {40.0}


@pytest.mark.parametrize("noise_sd", [-0.1, float("nan"), float("inf")])
def test_impossible_noise_is_refused(noise_sd):
    with pytest.raises(InvalidInput, match="Noise"):
        Recorded(a_workload(), noise_sd=noise_sd)


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (a_cluster(7), ClusterTooLarge),
        (a_cluster(4), NotFound),
        (ClusterSpec("c5.large", 1), UnknownName),
    ],
)
def test_cluster_that_was_not_measured_is_refused(spec, error):
    with pytest.raises(error, match="recorded"):
        Recorded(a_workload()).execute(RunRequest("r-1", "sort", spec))
