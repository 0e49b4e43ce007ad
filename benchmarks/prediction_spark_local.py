"""Real Spark on this machine: each application on one core and on two, each predicted from both.

Applications that the demo does not show, so that nothing was looked at while the model was made.
Prints one JSON object: errors of the prediction for the other core count at the same memory, of
the same prediction by two yardsticks (runtime unchanged; runtime divided by the cores), and of the
replay of the cluster that ran.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from isocost.domain.cluster import total_cores
from isocost.jobbank.lineage import (
    CrossPrediction,
    ExperimentRecord,
    cross_predictions,
    replay_errors,
)
from isocost.settings import read_settings
from isocost.usecases.conduct import Asked, conduct
from isocost.wiring import open_bench

WORKLOADS = (
    "tpcds/q7",
    "tpcds/q18",
    "tpcds/q37",
    "tpcds/q49",
    "tpcds/q65",
    "tpcds/q82",
    "reports/returns",
    "iterative/pagerank",
    "ml/logistic-regression",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Median absolute errors as fractions, and what they were taken over."""

    pairs: int
    other_cores_median_ape: float
    unchanged_median_ape: float
    perfect_scaling_median_ape: float
    coverage_80: float
    replay_median_ape: float
    errors: dict[str, float]


def figures(record: ExperimentRecord) -> Figures:
    """Return the figures of an experiment of cold starts."""
    crossed = cross_predictions(record)
    observed_s = {
        (t.trial.workload, t.runs[0].spec): t.runs[0].runtime_s or 0.0 for t in record.trials
    }

    def yardstick_ape(c: CrossPrediction, *, is_scaled: bool) -> float:
        cores = [total_cores(spec, record.node_types) for spec in (c.observed, c.predicted)]
        factor = cores[0] / cores[1] if is_scaled else 1.0
        return abs(observed_s[c.workload, c.observed] * factor / c.actual_s - 1.0)

    return Figures(
        pairs=len(crossed),
        other_cores_median_ape=median(abs(c.error_fraction) for c in crossed),
        unchanged_median_ape=median(yardstick_ape(c, is_scaled=False) for c in crossed),
        perfect_scaling_median_ape=median(yardstick_ape(c, is_scaled=True) for c in crossed),
        coverage_80=sum(c.actual_s in c.interval_80_s for c in crossed) / len(crossed),
        replay_median_ape=median(replay_errors(record).values()),
        errors={f"{c.workload}: {c.observed} → {c.predicted}": c.error_fraction for c in crossed},
    )


def measure(workloads: Sequence[str]) -> Figures:
    """Run the workloads and return the figures."""
    asked = Asked("prediction", workloads, 2, 1, (), 0.1)
    with tempfile.TemporaryDirectory() as home:
        settings = read_settings(os.environ | {"ISOCOST_HOME": home})
        with open_bench("spark_local", settings) as bench:
            return figures(conduct(bench, asked, claim=lambda _: nullcontext(), progress=_tell))


def _tell(message: str, *, done: int, total: int) -> None:
    sys.stderr.write(f"[{done}/{total}] {message}\n")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object (the default)")
    parser.add_argument("--data", type=Path, help="not needed: the data are made here")
    parser.add_argument("--workloads", nargs="*", default=WORKLOADS)
    found = measure(parser.parse_args().workloads)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")


if __name__ == "__main__":
    main()
