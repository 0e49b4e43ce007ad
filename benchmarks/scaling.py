"""More executors than ever ran: what measured spark tasks and runs on few say of many.

Decima: from the spark tasks of one TPC-H query measured on 10 executors, the makespan on 20, 40,
80 and 100; the truth is the replay of the spark tasks measured there. The law of growth is fitted
to the stages of the other queries, and so is the width of the intervals; the yardstick replays the
spark tasks as they were on 10. Gibilisco: from runs on 3 hosts the runtime on 7 and 10, beside
Ernest. TPCx-BB: from runs on up to 8 slots the spark task time in sum on 24 and 32, on hardware
that the law was not made for. Prints one JSON object.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from pathlib import Path
from statistics import NormalDist, fmean, median
from typing import Final, TypeVar

import msgspec

from benchmarks.scaling_decima import TracedQuery, read_traces, steady_slots
from benchmarks.scaling_fit import fit_law, stage_means
from benchmarks.scaling_gibilisco import HostError, host_errors
from benchmarks.scaling_tpcxbb import (
    WorkError,
    Workload,
    contention_of,
    read_workloads,
    work_errors,
)
from isocost.model.growth import GrowthLaw
from isocost.model.warmth import ScalableApplication

START: Final = 10
TARGETS: Final = (20, 40, 80, 100)

Row = TypeVar("Row")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Makespan:
    """One predicted makespan.

    Attributes:
        constant_s: with the spark tasks as they were on the executors predicted from.
    """

    query: int
    executor_count: int
    measured_s: float
    predicted_s: float
    constant_s: float

    @property
    def ape(self) -> float:
        """Absolute error as a fraction."""
        return abs(self.predicted_s / self.measured_s - 1.0)

    @property
    def constant_ape(self) -> float:
        """Absolute error of the yardstick as a fraction."""
        return abs(self.constant_s / self.measured_s - 1.0)

    @property
    def log_error_per_efold(self) -> float:
        """Logarithm of predicted over measured for each factor e of executors."""
        return log(self.predicted_s / self.measured_s) / log(self.executor_count / START)


@dataclass(frozen=True, slots=True)
class DecimaErrors:
    """Median absolute errors as fractions, and how many makespans they are taken over."""

    count: int
    median_ape: float
    constant_median_ape: float


@dataclass(frozen=True, slots=True)
class HostErrors:
    """Likewise for Gibilisco's runs."""

    count: int
    median_ape: float
    ernest_median_ape: float


@dataclass(frozen=True, slots=True)
class DecimaFigures:
    """Errors over everything, and of each executor count.

    Attributes:
        coverage_80, coverage_95: share of makespans within these intervals.
        law: fitted to all queries; no error above is taken with it.
    """

    count: int
    median_ape: float
    constant_median_ape: float
    coverage_80: float
    coverage_95: float
    executors: Mapping[str, DecimaErrors]
    law: GrowthLaw


@dataclass(frozen=True, slots=True)
class GibiliscoFigures:
    """Errors over everything, of each host count and of each application."""

    count: int
    median_ape: float
    ernest_median_ape: float
    hosts: Mapping[str, HostErrors]
    applications: Mapping[str, HostErrors]


@dataclass(frozen=True, slots=True)
class WorkErrors:
    """Likewise for TPCx-BB's spark task time in sum."""

    count: int
    median_ape: float
    constant_median_ape: float


@dataclass(frozen=True, slots=True)
class TpcxbbFigures:
    """Errors over everything and of each slot count.

    Attributes:
        contention: per slot, fitted to all templates; no error is taken with it.
    """

    count: int
    median_ape: float
    constant_median_ape: float
    slots: Mapping[str, WorkErrors]
    contention: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What is printed."""

    decima: DecimaFigures
    gibilisco: GibiliscoFigures
    tpcxbb: TpcxbbFigures


def decima(traces: Sequence[TracedQuery]) -> DecimaFigures:
    """Return the figures of all queries that were measured whole on the starting executors."""
    by_query = grouped((t for t in traces if START in t.task_s), lambda traced: traced.query)
    stages = {
        query: [stage for traced in of_query for stage in stage_means(traced, START)]
        for query, of_query in by_query.items()
    }
    makespans: list[Makespan] = []
    for query, of_query in by_query.items():
        law = fit_law([
            s for other, of_other in stages.items() if other != query for s in of_other
        ])
        makespans += [m for traced in of_query for m in predicted(traced, law)]
    whole = fit_law([stage for of_query in stages.values() for stage in of_query])
    return DecimaFigures(
        count=len(makespans),
        median_ape=median(m.ape for m in makespans),
        constant_median_ape=median(m.constant_ape for m in makespans),
        coverage_80=coverage(makespans, 0.80),
        coverage_95=coverage(makespans, 0.95),
        executors={
            str(executor_count): DecimaErrors(
                len(of_count),
                median(m.ape for m in of_count),
                median(m.constant_ape for m in of_count),
            )
            for executor_count, of_count in grouped(makespans, lambda m: m.executor_count).items()
        },
        law=replace(whole, log_sd_per_efold=log_sd_per_efold(makespans)),
    )


def predicted(traced: TracedQuery, law: GrowthLaw) -> list[Makespan]:
    """Return the makespans of one query on all executor counts it was measured on."""
    application = ScalableApplication(traced.plan_at(START), law)
    return [
        Makespan(
            query=traced.query,
            executor_count=count,
            measured_s=traced.replayed(count, measured_at=count).runtime_s,
            predicted_s=application.runtime_s(steady_slots(count), count),
            constant_s=traced.replayed(count, measured_at=START).runtime_s,
        )
        for count in TARGETS
        if count in traced.task_s
    ]


def log_sd_per_efold(makespans: Iterable[Makespan]) -> float:
    """Return how far predictions are off for each factor e of executors, as a root mean square."""
    return sqrt(fmean(m.log_error_per_efold**2 for m in makespans))


def coverage(makespans: Sequence[Makespan], mass: float) -> float:
    """Return the share of makespans in the central interval that should hold `mass` of them.

    The width for a query is that of the other queries' errors.
    """
    most = NormalDist().inv_cdf((1.0 + mass) / 2)
    widths = {
        query: log_sd_per_efold([m for m in makespans if m.query != query])
        for query in {m.query for m in makespans}
    }
    return fmean(abs(m.log_error_per_efold) <= most * widths[m.query] for m in makespans)


def gibilisco(errors: Sequence[HostError]) -> GibiliscoFigures:
    """Return the figures of all predicted runs."""
    by_host = grouped(errors, lambda e: str(e.host_count))
    by_application = grouped(errors, lambda e: e.application)
    total = _host_errors(errors)
    return GibiliscoFigures(
        count=total.count,
        median_ape=total.median_ape,
        ernest_median_ape=total.ernest_median_ape,
        hosts={name: _host_errors(of_one) for name, of_one in by_host.items()},
        applications={name: _host_errors(of_one) for name, of_one in by_application.items()},
    )


def _host_errors(errors: Sequence[HostError]) -> HostErrors:
    return HostErrors(
        len(errors), median(e.ape for e in errors), median(e.ernest_ape for e in errors)
    )


def tpcxbb(workloads: Sequence[Workload]) -> TpcxbbFigures:
    """Return the figures of all workloads."""
    errors = work_errors(workloads)
    by_slots = grouped(errors, lambda e: str(e.slot_count))
    total = _work_errors(errors)
    return TpcxbbFigures(
        count=total.count,
        median_ape=total.median_ape,
        constant_median_ape=total.constant_median_ape,
        slots={name: _work_errors(of_one) for name, of_one in by_slots.items()},
        contention=contention_of(workloads),
    )


def _work_errors(errors: Sequence[WorkError]) -> WorkErrors:
    return WorkErrors(
        len(errors), median(e.ape for e in errors), median(e.constant_ape for e in errors)
    )


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Return the rows by key, keys in the order they come."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _root(given: Path | None) -> Path:
    """Return the folder of all measured data; what is given may be its `scaling` too."""
    root = given or Path(os.environ.get("ISOCOST_SHARED_DATA", "../shared/data"))
    return root.resolve().parent if (root / "decima-tpch").is_dir() else root


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--data", type=Path, help="the folder of measured data")
    data = _root(parser.parse_args().data)
    if not (data / "scaling").is_dir():
        parser.error(f"no folder `scaling` in {data}; pass --data with the measured data")
    found = Figures(
        decima(read_traces(data)), gibilisco(host_errors(data)), tpcxbb(read_workloads(data))
    )
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")


if __name__ == "__main__":
    main()
