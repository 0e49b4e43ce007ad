"""Runs of a program with many inputs in, its runtime at other inputs and node counts out.

The protocols of C3O (Will et al., IC2E 2021) on one machine type per program: n runs drawn at
random foretell all others (`n6`, `n30`); nine tenths foretell one tenth, of the runs that share
their arguments (`local`) and of all (`global`). One run stands for each configuration, the median
of its repetitions. Ernest is fitted to the same runs. Prints one JSON object.
"""

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Final
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.ernest import ernest_fit
from benchmarks.measured_grids import MeasuredRun, read_grid
from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import UserError
from isocost.model.history import Observation
from isocost.model.project import ProjectModel, RunToPredict

Floats = npt.NDArray[np.float64]

GRID: Final = "grids/c3o.csv"
# The median, then the ends of the 80 and of the 95 % interval.
LEVELS: Final = (0.5, 0.1, 0.9, 0.025, 0.975)
# What the data set's authors call properties of the data, as against the program's arguments.
DATA_FEATURES: Final = ("lines", "line_length", "observations", "features", "links")
# Their evaluation takes one length of lines, and of the programs that learn from observations only
# runs on more than two nodes: on two, the cached data do not fit and it is another regime.
LINE_LENGTH: Final = 100.0
LEAST_NODES: Final = {"observations": 3}
# Splits a program; with these the standard error is a twentieth of the error itself, or less.
REPETITIONS: Final = {"n6": 30, "n30": 30, "local": 60, "global": 20}
TEST_FRACTION: Final = 0.1


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was run, and the median runtime of its repetitions.

    Attributes:
        size: that Ernest scales with: bytes, or where they are not known the first data feature.
    """

    run: RunToPredict
    runtime_s: float
    size: float

    @property
    def arguments(self) -> tuple[tuple[str, float], ...]:
        """The inputs that are no properties of the data."""
        return tuple(pair for pair in self.run.inputs if pair[0] not in DATA_FEATURES)


@dataclass(frozen=True, slots=True)
class Program:
    """All configurations of a program on one machine type."""

    name: str
    node_type: NodeType
    configurations: tuple[Configuration, ...]

    @property
    def groups(self) -> list[list[int]]:
        """Places of configurations that share their arguments, for each set of arguments."""
        found: dict[tuple[tuple[str, float], ...], list[int]] = defaultdict(list)
        for place, configuration in enumerate(self.configurations):
            found[configuration.arguments].append(place)
        return [found[arguments] for arguments in sorted(found)]


@dataclass(frozen=True, slots=True)
class Split:
    """Means over the predicted runs of one split."""

    mape: float
    ernest_mape: float
    coverage_80: float
    coverage_95: float


@dataclass(frozen=True, slots=True)
class ProgramFigures:
    """One program under one protocol: means over splits.

    Attributes:
        se, ernest_se: standard errors of both errors over splits.
    """

    mape: float
    se: float
    ernest_mape: float
    ernest_se: float
    coverage_80: float
    coverage_95: float
    splits: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One protocol: means over programs.

    Attributes:
        se, ernest_se: standard errors over splits; the programs are what they are.
    """

    mape: float
    se: float
    ernest_mape: float
    ernest_se: float
    coverage_80: float
    coverage_95: float
    programs: Mapping[str, ProgramFigures]


def programs_of(runs: Sequence[MeasuredRun]) -> list[Program]:
    """Return each program on the machine type that it has most configurations of.

    C3O predicts on one machine type at a time. Of types with as many configurations, the first by
    name is taken.
    """
    by_program: dict[str, list[MeasuredRun]] = defaultdict(list)
    for run in runs:
        if run.has_succeeded and _is_evaluated(run):
            by_program[run.program].append(run)
    return [_program(name, by_program[name]) for name in sorted(by_program)]


def _is_evaluated(run: MeasuredRun) -> bool:
    features = dict(run.features)
    least = max((LEAST_NODES.get(name, 1) for name in features), default=1)
    return run.node_count >= least and features.get("line_length", LINE_LENGTH) == LINE_LENGTH


def _program(name: str, runs: Sequence[MeasuredRun]) -> Program:
    repeated: dict[tuple[object, ...], list[MeasuredRun]] = defaultdict(list)
    for run in runs:
        repeated[run.instance_type, run.node_count, run.input_bytes, run.features].append(run)
    counts = Counter(each[0].instance_type for each in repeated.values())
    chosen = min(counts, key=lambda instance_type: (-counts[instance_type], instance_type))
    mine = [each for each in repeated.values() if each[0].instance_type == chosen]
    one = mine[0][0]
    node_type = NodeType(
        chosen, one.cores // one.node_count, one.memory_gib / one.node_count, usd_per_hour=0.0
    )
    return Program(name, node_type, tuple(_configuration(each) for each in mine))


def _configuration(runs: Sequence[MeasuredRun]) -> Configuration:
    run = runs[0]
    features = dict(run.features)
    size = next((features[name] for name in DATA_FEATURES if name in features), 1.0)
    return Configuration(
        RunToPredict(
            ClusterSpec(run.instance_type, run.node_count), run.input_bytes, run.features
        ),
        median(each.runtime_s for each in runs if each.runtime_s is not None),
        float(run.input_bytes or size),
    )


def splits(
    program: Program, protocol: str, repetitions: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield places to learn from and places to predict; none where the protocol makes no sense."""
    groups = [list(range(len(program.configurations)))]
    if protocol == "local":
        if len(program.groups) < 2:  # it has no arguments that runs could share
            return
        groups = program.groups
    for repetition in range(repetitions):
        seed = [repetition, crc32(program.name.encode()), crc32(protocol.encode())]
        group = groups[repetition % len(groups)]
        order = [group[int(n)] for n in np.random.default_rng(seed).permutation(len(group))]
        if protocol.startswith("n"):
            learned = int(protocol[1:])
        else:
            learned = len(order) - ceil(TEST_FRACTION * len(order))
        yield order[:learned], order[learned:]


def split_figures(program: Program, learned: Sequence[int], asked: Sequence[int]) -> Split:
    """Return how well some configurations foretell others."""
    known = [program.configurations[place] for place in learned]
    others = [program.configurations[place] for place in asked]
    history = [
        Observation(
            f"r-{place}",
            one.run.spec,
            one.runtime_s,
            input_bytes=one.run.input_bytes,
            inputs=one.run.inputs,
        )
        for place, one in enumerate(known)
    ]
    space = sorted({one.run.spec for one in program.configurations})
    model = ProjectModel(history, space=space, node_types=[program.node_type])
    points = model.points_of_runs([one.run for one in others])
    told_s = np.exp(model.predict(points).quantiles(LEVELS))
    truth_s = np.array([one.runtime_s for one in others])
    return Split(
        mape=_mape(told_s[0], truth_s),
        ernest_mape=_mape(_by_ernest(known, others), truth_s),
        coverage_80=float(((told_s[1] <= truth_s) & (truth_s <= told_s[2])).mean()),
        coverage_95=float(((told_s[3] <= truth_s) & (truth_s <= told_s[4])).mean()),
    )


def _mape(told_s: Floats, truth_s: Floats) -> float:
    return float(np.abs(told_s / truth_s - 1.0).mean())


def _by_ernest(known: Sequence[Configuration], others: Sequence[Configuration]) -> Floats:
    """Return runtimes in seconds."""
    fitted = ernest_fit(
        [float(one.run.spec.worker_count) for one in known],
        [one.size for one in known],
        [one.runtime_s for one in known],
    )
    return fitted.predict(
        [float(one.run.spec.worker_count) for one in others], [one.size for one in others]
    )


def program_figures(found: Sequence[Split]) -> ProgramFigures:
    """Return the means of one split or more."""
    return ProgramFigures(
        mape=fmean(split.mape for split in found),
        se=_standard_error([split.mape for split in found]),
        ernest_mape=fmean(split.ernest_mape for split in found),
        ernest_se=_standard_error([split.ernest_mape for split in found]),
        coverage_80=fmean(split.coverage_80 for split in found),
        coverage_95=fmean(split.coverage_95 for split in found),
        splits=len(found),
    )


def figures(programs: Mapping[str, ProgramFigures]) -> Figures:
    """Return the means over programs, one or more."""
    each = list(programs.values())
    return Figures(
        mape=fmean(one.mape for one in each),
        se=sqrt(sum(one.se**2 for one in each)) / len(each),
        ernest_mape=fmean(one.ernest_mape for one in each),
        ernest_se=sqrt(sum(one.ernest_se**2 for one in each)) / len(each),
        coverage_80=fmean(one.coverage_80 for one in each),
        coverage_95=fmean(one.coverage_95 for one in each),
        programs=programs,
    )


def measured(
    programs: Sequence[Program], repetitions: Mapping[str, int]
) -> dict[str, Figures | None]:
    """Return the figures by protocol; None where no program allows it."""
    found: dict[str, Figures | None] = {}
    for protocol, count in repetitions.items():
        by_name = {}
        for program in programs:
            told = [split_figures(program, *split) for split in splits(program, protocol, count)]
            if told:
                by_name[program.name] = program_figures(told)
                sys.stderr.write(f"{protocol} {program.name} {by_name[program.name].mape:.3f}\n")
        found[protocol] = figures(by_name) if by_name else None
    return found


def _standard_error(values: Sequence[float]) -> float:
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0


def grid_path(given: Path | None) -> Path:
    """Return the CSV file: the one given, or that of a folder of measured data."""
    folder = given or Path(os.environ.get("ISOCOST_SHARED_DATA", "../shared/data"))
    return folder if folder.is_file() else folder / GRID


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.c3o", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--data", type=Path, help="the CSV file, or the folder of measured data")
    parser.add_argument(
        "--repetitions", type=int, help="splits a program and protocol; default 20 to 60"
    )
    arguments = parser.parse_args()
    if arguments.repetitions is not None and arguments.repetitions < 1:
        parser.error(f"--repetitions takes 1 or more; got {arguments.repetitions}")
    try:
        programs = programs_of(read_grid(grid_path(arguments.data)))
    except UserError as error:
        parser.error(str(error))
    repetitions = {name: arguments.repetitions or count for name, count in REPETITIONS.items()}
    found = measured(programs, repetitions)
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")


if __name__ == "__main__":
    main()
