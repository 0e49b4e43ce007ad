"""A few random runs of a workload in, its runtime on every other measured cluster predicted, out.

Each workload of the grids is a project of its own: k of its clusters are drawn, the model learns
from their runs alone (and from `--prior`, if asked), and predicts all the others. Ernest is fitted
to the same runs, on the cores of the clusters. Failed runs are left out. Prints one JSON object.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Final
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.ernest import ernest_fit
from isocost.domain.cluster import ClusterSpec, total_cores
from isocost.domain.grid import GridCell, GridWorkload
from isocost.errors import UserError
from isocost.jobbank.measured.plan import Prior
from isocost.jobbank.measured.transfer import transfer_for
from isocost.model.history import Observation
from isocost.model.points import points_of
from isocost.model.project import ProjectModel
from isocost.model.transfer import Learned, learn
from isocost.wiring import open_grids

Floats = npt.NDArray[np.float64]

RUN_COUNTS: Final = (1, 2, 3, 5, 8)
# The median, then the ends of the 80 and of the 95 % interval.
LEVELS: Final = (0.5, 0.1, 0.9, 0.025, 0.975)
# The input never changes, so its size is any constant; but least squares on fewer runs than terms
# depend on it. Of 1 to 10,000 this is the best for Ernest: it explains one run by work over cores
# (26 % off on Scout's data), with 1 by what grows with the cores (533 %); from five runs on, they
# are all alike.
ERNEST_SIZE: Final = 10_000.0
# At least so many clusters are left to predict, or a workload says nothing for that k.
LEAST_LEFT: Final = 3


@dataclass(frozen=True, slots=True)
class Foretold:
    """Clusters that a model had not seen, all arrays (clusters,).

    Attributes:
        ape, ernest_ape: absolute errors of the median as fractions.
        is_in_80, is_in_95: whether the truth lay within these intervals.
    """

    ape: Floats
    ernest_ape: Floats
    is_in_80: npt.NDArray[np.bool_]
    is_in_95: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WorkloadFigures:
    """One workload after k runs: means over all clusters of all draws."""

    mape: float
    median_ape: float
    ernest_mape: float
    ernest_median_ape: float
    coverage_80: float
    coverage_95: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All workloads after k runs: the means of theirs.

    Attributes:
        mape_se, ernest_mape_se: standard errors over workloads; null for one workload.
        workload_count: that have enough clusters.
    """

    mape: float
    mape_se: float | None
    median_ape: float
    ernest_mape: float
    ernest_mape_se: float | None
    ernest_median_ape: float
    coverage_80: float
    coverage_95: float
    workload_count: int
    workloads: Mapping[str, WorkloadFigures]


@dataclass(frozen=True, slots=True)
class Printed:
    """What is printed; `k` by the number of runs."""

    grids: tuple[str, ...]
    repetitions: int
    prior: Prior
    has_working_set: bool
    k: Mapping[str, Figures]


def drawn(workload: GridWorkload, repetition: int) -> tuple[GridCell, ...]:
    """Return the clusters in the order they are run in; a larger k only sees more of it."""
    random = np.random.default_rng([repetition, crc32(workload.name.encode())])
    return tuple(workload.succeeding[int(n)] for n in random.permutation(len(workload.succeeding)))


def foretold(
    workload: GridWorkload,
    run: Sequence[GridCell],
    rest: Sequence[GridCell],
    *,
    learned: Learned,
) -> Foretold:
    """Return how well the runs of some clusters foretell the rest."""
    history = [
        Observation(
            f"r-{place}",
            cell.spec,
            cell.runtime_s,
            input_bytes=cell.runs[0].input_bytes,
            working_set_gib=cell.runs[0].working_set_gib,
        )
        for place, cell in enumerate(run)
    ]
    types = workload.node_types
    model = ProjectModel(history, space=workload.specs, node_types=types, learned=learned)
    points = points_of([cell.spec for cell in rest], types)
    told_s = np.exp(model.predict(points).quantiles(LEVELS))
    truth_s = np.array([cell.runtime_s for cell in rest])
    return Foretold(
        ape=np.abs(told_s[0] / truth_s - 1.0),
        ernest_ape=np.abs(_by_ernest(workload, run, [c.spec for c in rest]) / truth_s - 1.0),
        is_in_80=(told_s[1] <= truth_s) & (truth_s <= told_s[2]),
        is_in_95=(told_s[3] <= truth_s) & (truth_s <= told_s[4]),
    )


def _by_ernest(
    workload: GridWorkload, run: Sequence[GridCell], specs: Sequence[ClusterSpec]
) -> Floats:
    """Return runtimes in seconds."""
    types = workload.node_types
    cores = [float(total_cores(cell.spec, types)) for cell in run]
    fitted = ernest_fit(cores, [ERNEST_SIZE] * len(run), [cell.runtime_s for cell in run])
    others = [float(total_cores(spec, types)) for spec in specs]
    return fitted.predict(others, [ERNEST_SIZE] * len(others))


def workload_figures(
    workload: GridWorkload, run_count: int, learned: Sequence[Learned]
) -> WorkloadFigures | None:
    """Return the figures of one workload; None if it has too few clusters.

    Args:
        workload: without its failing clusters.
        run_count: k.
        learned: what is known from elsewhere, for each repetition.
    """
    if len(workload.succeeding) < run_count + LEAST_LEFT:
        return None
    orders = [drawn(workload, repetition) for repetition in range(len(learned))]
    told = [
        foretold(workload, order[:run_count], order[run_count:], learned=known)
        for order, known in zip(orders, learned, strict=True)
    ]
    ape = np.concatenate([f.ape for f in told])
    ernest_ape = np.concatenate([f.ernest_ape for f in told])
    return WorkloadFigures(
        mape=float(ape.mean()),
        median_ape=float(np.median(ape)),
        ernest_mape=float(ernest_ape.mean()),
        ernest_median_ape=float(np.median(ernest_ape)),
        coverage_80=float(np.concatenate([f.is_in_80 for f in told]).mean()),
        coverage_95=float(np.concatenate([f.is_in_95 for f in told]).mean()),
    )


def figures(of: Mapping[str, WorkloadFigures]) -> Figures:
    """Return the means over workloads, one or more."""
    each = list(of.values())
    return Figures(
        mape=fmean(w.mape for w in each),
        mape_se=_standard_error([w.mape for w in each]),
        median_ape=fmean(w.median_ape for w in each),
        ernest_mape=fmean(w.ernest_mape for w in each),
        ernest_mape_se=_standard_error([w.ernest_mape for w in each]),
        ernest_median_ape=fmean(w.ernest_median_ape for w in each),
        coverage_80=fmean(w.coverage_80 for w in each),
        coverage_95=fmean(w.coverage_95 for w in each),
        workload_count=len(each),
        workloads=of,
    )


def _standard_error(values: Sequence[float]) -> float | None:
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else None


def measured(
    workloads: Sequence[GridWorkload], repetitions: int, prior: Prior
) -> dict[str, Figures]:
    """Return the figures by k; a k for which no workload has enough clusters is left out."""
    found: dict[int, dict[str, WorkloadFigures]] = {k: {} for k in RUN_COUNTS}
    for number, workload in enumerate(workloads, start=1):
        sys.stderr.write(f"{number}/{len(workloads)} {workload.name}\n")
        learned = _learned(workload, workloads, repetitions=repetitions, prior=prior)
        for k, by_name in found.items():
            told = workload_figures(workload, k, learned)
            if told is not None:
                by_name[workload.name] = told
    return {str(k): figures(by_name) for k, by_name in found.items() if by_name}


def _learned(
    workload: GridWorkload, others: Sequence[GridWorkload], *, repetitions: int, prior: Prior
) -> list[Learned]:
    """Return what the prior teaches, for each repetition."""
    # Only runs of the same program are drawn anew each time; the rest is learned once.
    if prior is Prior.SAME_PROGRAM:
        drawn_anew = range(repetitions)
        return [
            learn(transfer_for(workload, others, prior=prior, seed=seed)) for seed in drawn_anew
        ]
    return [learn(transfer_for(workload, others, prior=prior, seed=0))] * repetitions


def _warn(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.prediction", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--grid", type=Path, nargs="+", action="extend", required=True)
    parser.add_argument("--repetitions", type=int, default=12, help="draws a workload; default 12")
    parser.add_argument("--working-set", action="store_true", help="use the column of that name")
    parser.add_argument("--prior", type=Prior, choices=list(Prior), default=Prior.NONE)
    arguments = parser.parse_args()
    if arguments.repetitions < 1:
        parser.error(f"--repetitions takes 1 or more; got {arguments.repetitions}")
    try:
        workloads = [w.without_failing() for w in open_grids(arguments.grid, tell=_warn)]
    except UserError as error:
        parser.error(str(error))
    if not arguments.working_set:
        workloads = [w.without_working_set() for w in workloads]
    printed = Printed(
        grids=tuple(path.name for path in arguments.grid),
        repetitions=arguments.repetitions,
        prior=arguments.prior,
        has_working_set=arguments.working_set,
        k=measured(workloads, arguments.repetitions, arguments.prior),
    )
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(printed), indent=2).decode() + "\n")


if __name__ == "__main__":
    main()
