"""Measured runtimes on half of a workload's clusters in, the simulator's on the other half out.

One shape of application is fitted to each workload: a scan whose result is cached, then rounds
that read the cache and shuffle. Five amounts are free (CPU, driver time, shuffled bytes, cached
bytes, the scan's CPU); what a cluster makes of them is the simulator's own.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from benchmarks.measured_grids import MeasuredRun, RunStatus, read_grid
from isocost.domain.cluster import NodeType
from isocost.simulator.cluster import AttachedDisks, SimulatedCluster
from isocost.simulator.conditions import RunConditions
from isocost.simulator.simulate import simulate
from isocost.simulator.workload import SimulatedSparkJob, SimulatedStage, Workload
from isocost.units import BYTES_PER_GIB

Floats = npt.NDArray[np.float64]

GRIDS: Final = ("scout.csv", "modern_ec2.csv")
ROUNDS: Final = 3
# More than any measured cluster has cores, as HiBench sets it; with 192 the largest stood idle.
SPARK_TASKS: Final = 480
# So many of the clusters to fit on: each costs a simulation a step.
FIT_ON: Final = 12
MAX_STEPS: Final = 30
# Step of the numerical derivative: runtimes are stairs, by waves of spark tasks.
DIFFERENCE: Final = 0.15
# Where the search begins, in logarithms: CPU seconds, driver seconds, GiB shuffled, GiB cached,
# CPU seconds of the scan; and how far each may plausibly be from there.
BEGIN: Final = np.log(np.array([20_000.0, 30.0, 20.0, 20.0, 5_000.0]))
WIDTH: Final = np.array([1.5, 1.0, 1.5, 1.5, 1.5])
# Weight of that plausibility against an error of runtimes, as in ridge regression.
RIDGE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Hardware:
    """CoreMark and network baselines by instance type, as measured."""

    coremark: Mapping[str, float]
    network_gbps: Mapping[str, float]


def read_hardware(folder: Path) -> Hardware:
    """Return what is known of instance types."""
    marks = _column(folder / "ec2_coremark.csv", "coremark_iter_per_s")
    mbps = _column(folder / "ec2_network_baseline_mbps.csv", "baseline_mbps")
    return Hardware(marks, {name: value / 1000 for name, value in mbps.items()})


def _column(path: Path, column: str) -> dict[str, float]:
    with path.open(encoding="utf-8") as text:
        return {row["instance_type"]: float(row[column] or 0) for row in csv.DictReader(text)}


def cluster_of(run: MeasuredRun, hardware: Hardware) -> SimulatedCluster:
    """Return the cluster that a measured run had, workers only."""
    kind = run.instance_type
    node = NodeType(
        kind,
        max(1, run.cores // run.node_count),
        run.memory_gib / run.node_count,
        1.0,
        coremark=hardware.coremark.get(kind) or None,
        network_gbps=hardware.network_gbps.get(kind) or None,
    )
    return SimulatedCluster(node, run.node_count, node, disks=AttachedDisks(), is_pooled=True)


def application(amounts: Floats) -> Workload:
    """Return the application with these logarithms of its amounts, as `BEGIN` lists them."""
    cpu_s, driver_s, shuffled, cached, scan_s = np.exp(np.clip(amounts, -5.0, 20.0))
    scan = SimulatedStage(
        0, 0, "scan", SPARK_TASKS, float(scan_s), input_bytes=cached * BYTES_PER_GIB / 3,
        cached_bytes=cached * BYTES_PER_GIB,
    )  # fmt: skip
    each = shuffled * BYTES_PER_GIB / ROUNDS
    stages = [scan]
    for n in range(1, ROUNDS + 1):
        work = float(cpu_s / ROUNDS / 2)
        read = SimulatedStage(
            2 * n - 1, n, "map", SPARK_TASKS, work, shuffle_write_bytes=each, cache_source_id=0
        )
        reduce = SimulatedStage(
            2 * n, n, "reduce", SPARK_TASKS, work, parent_ids=(2 * n - 1,), shuffle_read_bytes=each
        )
        stages += [read, reduce]
    waits_s = float(driver_s) / (ROUNDS + 1)
    jobs = tuple(SimulatedSparkJob(n, waits_s) for n in range(ROUNDS + 1))
    return Workload("measured", tuple(stages), jobs, start_s=0.0, end_s=0.0)


def runtimes(amounts: Floats, clusters: Sequence[SimulatedCluster]) -> Floats:
    """Return the simulated runtimes, without noise."""
    workload, calm = application(amounts), RunConditions(noise_cv=0.0)
    found = [simulate(workload, cluster, calm, seed=0).runtime_s for cluster in clusters]
    return np.array(found, dtype=np.float64)


def fit(clusters: Sequence[SimulatedCluster], measured_s: Floats) -> Floats:
    """Return the amounts whose runtimes come closest, by ratio."""

    def errors(offsets: Floats) -> Floats:
        ratios = np.log(runtimes(BEGIN + offsets * WIDTH, clusters) / measured_s)
        return np.concatenate([ratios, RIDGE * offsets])

    scale = float(np.log(np.median(measured_s) / np.median(runtimes(BEGIN, clusters))))
    begin = np.full(len(BEGIN), scale) / WIDTH
    found = least_squares(
        errors,
        begin,
        diff_step=[DIFFERENCE] * len(BEGIN),
        max_nfev=MAX_STEPS,
        loss="soft_l1",
        f_scale=0.2,
    )
    amounts: Floats = BEGIN + np.asarray(found.x, dtype=np.float64) * WIDTH
    return amounts


def power_law(cores: Floats, measured_s: Floats, asked: Floats) -> Floats:
    """Return the runtimes of a power law in the cores, as a yardstick."""
    slope, offset = np.polyfit(np.log(cores), np.log(measured_s), 1)
    return np.asarray(np.exp(offset + slope * np.log(asked)), dtype=np.float64)


def shapes(data: Path) -> dict[str, object]:
    """Return each workload's median error on the clusters that it was not fitted on."""
    hardware = read_hardware(data / "catalog")
    found = {
        name: _held_out(runs, hardware)
        for grid in GRIDS
        for name, runs in _by_workload(read_grid(data / "grids" / grid)).items()
    }
    return {
        "median_ape": _median(each["simulated"] for each in found.values()),
        "power_law_median_ape": _median(each["power_law"] for each in found.values()),
        "rank_correlation": _median(each["rank_correlation"] for each in found.values()),
        "workloads": found,
    }


def _by_workload(runs: Iterable[MeasuredRun]) -> dict[str, list[MeasuredRun]]:
    groups: dict[str, list[MeasuredRun]] = defaultdict(list)
    for run in runs:
        if run.status is RunStatus.SUCCEEDED:
            groups[run.workload].append(run)
    return groups


def _held_out(runs: Sequence[MeasuredRun], hardware: Hardware) -> dict[str, float]:
    order = np.random.default_rng(0).permutation(len(runs))
    seen, unseen = order[: len(runs) // 2], order[len(runs) // 2 :]
    clusters = [cluster_of(run, hardware) for run in runs]
    measured_s = np.array([run.runtime_s for run in runs], dtype=np.float64)
    cores = np.array([run.cores for run in runs], dtype=np.float64)
    some = seen[:FIT_ON]
    amounts = fit([clusters[n] for n in some], measured_s[some])
    simulated_s = runtimes(amounts, [clusters[n] for n in unseen])
    guessed_s = power_law(cores[some], measured_s[some], cores[unseen])
    return {
        "simulated": _error(simulated_s, measured_s[unseen]),
        "power_law": _error(guessed_s, measured_s[unseen]),
        "rank_correlation": _rank_correlation(simulated_s, measured_s[unseen]),
    }


def _rank_correlation(first: Floats, second: Floats) -> float:
    """Return Spearman's coefficient."""
    ranks = [np.argsort(np.argsort(each)).astype(np.float64) for each in (first, second)]
    distances = ranks[0] - ranks[1]
    count = len(distances)
    return round(1.0 - 6.0 * float(distances @ distances) / (count * (count**2 - 1)), 3)


def _error(found_s: Floats, measured_s: Floats) -> float:
    return round(float(np.median(np.abs(found_s / measured_s - 1))), 4)


def _median(values: Iterable[float]) -> float:
    return round(float(np.median(list(values))), 4)
