"""UDAO's TPCx-BB runs in; how far spark task time in sum is off that is predicted for more slots.

A check of the law's form on other hardware, where executors of 2 to 4 slots share machines: spark
task time in sum should grow as 1 + c S over S slots. From the runs of one workload on at most 8
slots, those on 24 and 32 are predicted; c is fitted to the other templates. The yardstick is spark
task time that does not grow. (Song et al., "Spark-based Cloud Data Analytics using Multi-Objective
Optimization", ICDE 2021.)

Runs that asked for 72 slots are left out: they read 30 % more records than all others if they had
as many executors as they asked for, so they cannot have had them.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from isocost.units import MS_PER_S

FILE: Final = "scaling/udao_tpcxbb.csv.gz"
MOST_KNOWN_SLOTS: Final = 8
TARGETS: Final = (24, 32)
MOST_TRUSTED_SLOTS: Final = 32
# Logarithms of the contention a slot, from one that no cluster would show to one none would bear.
_LOG_RANGE: Final = (float(np.log(1e-5)), float(np.log(1.0)))


@dataclass(frozen=True, slots=True)
class Workload:
    """One query template at one size of its data.

    Attributes:
        slots: (runs,).
        work_s: (runs,), spark task time in sum.
    """

    template: str
    slots: npt.NDArray[np.float64]
    work_s: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WorkError:
    """One predicted workload on one slot count.

    Attributes:
        ape, constant_ape: absolute errors as fractions of the measured median.
    """

    slot_count: int
    ape: float
    constant_ape: float


def work_errors(workloads: Sequence[Workload]) -> list[WorkError]:
    """Return the errors of every workload, by what other templates say of contention."""
    contention = {
        template: contention_of([w for w in workloads if w.template != template])
        for template in {w.template for w in workloads}
    }
    return [error for w in workloads for error in _errors(w, contention[w.template])]


def contention_of(workloads: Sequence[Workload]) -> float:
    """Return the contention a slot that fits best, each workload with a level of its own."""

    def misfit(log_contention: float) -> float:
        return sum(
            float(np.abs(rest - np.median(rest)).sum())
            for w in workloads
            for rest in [np.log(w.work_s) - np.log1p(np.exp(log_contention) * w.slots)]
        )

    return float(np.exp(minimize_scalar(misfit, bounds=_LOG_RANGE, method="bounded").x))


def _errors(workload: Workload, contention: float) -> list[WorkError]:
    known = workload.slots <= MOST_KNOWN_SLOTS
    if not known.any():
        return []
    levels = np.log(workload.work_s[known]) - np.log1p(contention * workload.slots[known])
    level = float(np.median(levels))
    constant_s = float(np.median(workload.work_s[known]))
    found = []
    for count in TARGETS:
        there = workload.work_s[workload.slots == count]
        if len(there):
            measured_s = float(np.median(there))
            predicted_s = float(np.exp(level)) * (1.0 + contention * count)
            found.append(
                WorkError(
                    count, abs(predicted_s / measured_s - 1.0), abs(constant_s / measured_s - 1.0)
                )
            )
    return found


def read_workloads(data: Path) -> tuple[Workload, ...]:
    """Return all workloads with their runs on up to 32 slots."""
    runs: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    with gzip.open(data / FILE, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            slot_count = int(line["executor_instances"]) * int(line["executor_cores"])
            work_s = _work_s(line)
            if slot_count <= MOST_TRUSTED_SLOTS and work_s is not None:
                runs[line["template"], line["workload"]].append((slot_count, work_s))
    return tuple(_workload(template, of_one) for (template, _), of_one in runs.items())


def _workload(template: str, runs: Sequence[tuple[int, float]]) -> Workload:
    slots, work_s = np.array(runs, dtype=np.float64).T
    return Workload(template, slots, work_s)


def _work_s(line: Mapping[str, str]) -> float | None:
    """Return spark task time in sum; None where Spark did not tell."""
    mean_ms = float(line["executor.runTime.avg"] or 0.0)
    return mean_ms * int(line["executor_instances"]) / MS_PER_S if mean_ms > 0 else None
