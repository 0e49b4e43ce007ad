"""Gibilisco's runs on 3 hosts in; errors of the runtimes predicted for 7 and 10 hosts out.

Each application ran on 3, 5, 7 and 10 hosts with inputs of many sizes. Both models are fitted to
the runs on 3 hosts alone. What the runs on 3 hosts cannot tell, how much hosts stand in each
other's way, is learned from other programs: those of the C3O grid and the other applications of
this data set. Ernest is fitted as published.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.ernest import ernest_fit
from benchmarks.measured_grids import MeasuredRun, read_grid
from isocost.model.weak_scaling import SizedRun, WeakScaling
from isocost.units import MS_PER_S

FOLDER: Final = "scaling/gibilisco-stages"
OTHER_PROGRAMS: Final = "grids/c3o.csv"
START: Final = 3
TARGETS: Final = (7, 10)
# By how much of its time each further host may slow the others: from what hundreds of them would
# not show to a fifth.
CONTENTIONS: Final = np.geomspace(0.0005, 0.2, 40)
# In the C3O grid these say how large the input is, so they do not make another program.
_SIZES: Final = ("lines", "observations")
Program = tuple[tuple[SizedRun, ...], ...]  # runs by what else they share


@dataclass(frozen=True, slots=True)
class HostError:
    """One predicted run.

    Attributes:
        ape, ernest_ape: absolute errors as fractions of the measured runtime.
    """

    application: str
    host_count: int
    ape: float
    ernest_ape: float


def host_errors(data: Path) -> tuple[HostError, ...]:
    """Return the errors on every run of every application on the hosts to predict."""
    applications = read_applications(data)
    grid = data / OTHER_PROGRAMS
    others = c3o_programs(read_grid(grid)) if grid.is_file() else ()
    found: list[HostError] = []
    for name, runs in applications.items():
        rest = [(other,) for other_name, other in applications.items() if other_name != name]
        contention = usual_contention([*others, *rest])
        found += _errors(name, runs, contention)
    return tuple(found)


def usual_contention(programs: Iterable[Program]) -> float:
    """Return the geometric mean over programs, each of which counts the same."""
    return float(np.exp(np.mean([_log_contention(program) for program in programs])))


def _log_contention(program: Program) -> float:
    """Return the posterior mean of one program's, whose prior is flat over `CONTENTIONS`."""
    evidence = np.array([
        sum(WeakScaling(runs, contention).log_evidence for runs in program)
        for contention in CONTENTIONS
    ])
    weights = np.exp(evidence - evidence.max())
    return float(weights @ np.log(CONTENTIONS) / weights.sum())


def _errors(name: str, runs: Sequence[SizedRun], contention: float) -> list[HostError]:
    known = [run for run in runs if run.executor_count == START]
    model = WeakScaling(known, contention)
    ernest = ernest_fit(
        [run.executor_count for run in known],
        [run.size for run in known],
        [run.runtime_s for run in known],
    )
    return [
        HostError(
            application=name,
            host_count=run.executor_count,
            ape=abs(model.median_s(run.executor_count, run.size) / run.runtime_s - 1.0),
            ernest_ape=abs(
                float(ernest.predict([run.executor_count], [run.size])[0]) / run.runtime_s - 1.0
            ),
        )
        for run in runs
        if run.executor_count in TARGETS
    ]


def read_applications(data: Path) -> Mapping[str, tuple[SizedRun, ...]]:
    """Return the runs of each application that was measured on several host counts."""
    folder = data / FOLDER
    with gzip.open(folder / "stages.csv.gz", "rt", encoding="utf-8", newline="") as file:
        stages_s = _stage_seconds(csv.DictReader(file))
    found = defaultdict(list)
    with (folder / "apps.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["hosts"]:
                runtime_s = float(line["runtime_s"])
                driver_s = max(0.0, runtime_s - stages_s[line["app"]])
                size = float(line["data_size"])
                found[line["family"]].append(
                    SizedRun(int(line["hosts"]), size, runtime_s, driver_s)
                )
    return {name: tuple(runs) for name, runs in found.items()}


def _stage_seconds(lines: Iterable[Mapping[str, str]]) -> Mapping[str, float]:
    """Return by application how long at least one stage ran."""
    spans = defaultdict(list)
    for line in lines:
        if line["executed"] == "True":
            spans[line["app"]].append((float(line["submit_ms"]), float(line["complete_ms"])))
    return {name: _covered(sorted(of_one)) / MS_PER_S for name, of_one in spans.items()}


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length of the union of spans that come by their beginning."""
    covered, end = 0.0, float("-inf")
    for begins, ends in spans:
        covered += max(0.0, ends - max(begins, end))
        end = max(end, ends)
    return covered


def c3o_programs(rows: Iterable[MeasuredRun]) -> tuple[Program, ...]:
    """Return the grid's programs, their runs by instance type and arguments.

    Repetitions are runs of their own; the driver's time is not known and counts as work.
    """
    programs: dict[str, dict[object, list[SizedRun]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.runtime_s is not None and row.input_bytes:
            arguments = tuple(pair for pair in row.features if pair[0] not in _SIZES)
            programs[row.program][row.instance_type, arguments].append(
                SizedRun(row.node_count, float(row.input_bytes), row.runtime_s)
            )
    return tuple(
        tuple(tuple(runs) for runs in contexts.values()) for contexts in programs.values()
    )
