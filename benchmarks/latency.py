"""How long one recommendation takes, by the number of candidates, and how much memory it needs.

A project with 20 runs on different clusters and a deadline asks for its next cluster, among
clusters of the catalog's node types. The yardstick is a plain Gaussian process of the same runs,
with its hyperparameters given, that predicts the same candidates. Both run in a fresh process that
is bound to one core. Prints one JSON object.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt

from isocost.catalog.shipped import load
from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.project import Sla
from isocost.domain.workspace import Cloud
from isocost.model.history import Observation
from isocost.recommend.engine import Engine
from isocost.recommend.policy import Question
from isocost.space.candidates import CandidateSpace
from isocost.units import MS_PER_S

Floats = npt.NDArray[np.float64]

RUNS: Final = 20
# Candidates by the node types and worker counts that they are made of.
SPACES: Final = {5_000: (100, 50), 20_000: (200, 100)}
# Numbers of a middling production job: 20 core-hours, a minute of serial work, 3 % of noise.
WORK_CORE_S: Final = 72_000.0
SERIAL_S: Final = 60.0
NOISE_SD: Final = 0.03
MAX_RUNTIME_S: Final = 1_800.0
# One is enough: NumPy's threads would wait for each other on one core.
ONE_THREAD: Final = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
KIB_PER_MB: Final = 1e3 / 1.024


@dataclass(frozen=True, slots=True)
class Figures:
    """What is printed; times are medians in milliseconds, by the number of candidates.

    Attributes:
        slowest_ms: the slowest repetition.
        yardstick_ms: of the plain Gaussian process.
        ratio: of the recommendation's time to the yardstick's.
        peak_rss_mb: the most memory that the process held, imports included.
    """

    candidates: dict[str, float]
    slowest_ms: dict[str, float]
    yardstick_ms: dict[str, float]
    ratio: dict[str, float]
    peak_rss_mb: float


def some_node_types(count: int) -> Sequence[NodeType]:
    """Return machine kinds of AWS, evenly from all families and sizes."""
    known = load().machines(Cloud.AWS, load().regions(Cloud.AWS)[0])
    places = np.linspace(0, len(known) - 1, count).round().astype(int)
    return [known[place] for place in places.tolist()]


def a_question(type_count: int, most_workers: int) -> Question:
    """Return the question of a project with runs on random clusters."""
    types = some_node_types(type_count)
    space = tuple(
        ClusterSpec(t.node_type_id, workers)
        for t in types
        for workers in range(1, most_workers + 1)
    )
    cores = {t.node_type_id: t.cores for t in types}
    random = np.random.default_rng(RUNS)
    tried = [space[place] for place in random.choice(len(space), RUNS, replace=False).tolist()]
    return Question(
        history=[
            Observation(
                f"r-{number}",
                spec,
                (SERIAL_S + WORK_CORE_S / (cores[spec.node_type_id] * spec.worker_count))
                * float(np.exp(random.normal(0.0, NOISE_SD))),
            )
            for number, spec in enumerate(tried)
        ],
        space=CandidateSpace(space, ()),
        node_types=types,
        sla=Sla(MAX_RUNTIME_S, miss_fraction=0.1),
    )


def plain_process(question: Question) -> Floats:
    """Return means and variances of all candidates' log runtimes, (2, candidates)."""
    by_id = {t.node_type_id: t for t in question.node_types}

    def features(specs: Sequence[ClusterSpec]) -> Floats:
        nodes = [(by_id[s.node_type_id], s.worker_count) for s in specs]
        return np.log([[t.cores * n, t.memory_gib / t.cores, t.cores] for t, n in nodes])

    def kernel(a: Floats, b: Floats) -> Floats:
        squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2.0 * a @ b.T
        return np.asarray(np.exp(-0.5 * squared))

    seen, asked = features([o.spec for o in question.history]), features(question.space.candidates)
    log_s = np.log([o.runtime_s or 1.0 for o in question.history])
    factor = np.linalg.cholesky(kernel(seen, seen) + NOISE_SD**2 * np.eye(len(seen)))
    reduced = np.linalg.solve(factor, kernel(seen, asked))
    mean = log_s.mean() + reduced.T @ np.linalg.solve(factor, log_s - log_s.mean())
    return np.vstack([mean, 1.0 - (reduced**2).sum(axis=0)])


def timed_ms(call: Callable[[], object], repetitions: int) -> list[float]:
    """Return how long each call takes, after a first one that does not count."""
    call()
    taken = []
    for _ in range(repetitions):
        started = perf_counter()
        call()
        taken.append((perf_counter() - started) * MS_PER_S)
    return taken


def figures(repetitions: int) -> Figures:
    """Measure in this process."""
    engine = Engine()
    own: dict[str, list[float]] = {}
    plain: dict[str, float] = {}
    for count, (type_count, most_workers) in SPACES.items():
        question = a_question(type_count, most_workers)
        own[str(count)] = timed_ms(partial(engine.advise, question), repetitions)
        plain[str(count)] = median(timed_ms(partial(plain_process, question), repetitions))
    middle = {count: median(taken) for count, taken in own.items()}
    return Figures(
        candidates=middle,
        slowest_ms={count: max(taken) for count, taken in own.items()},
        yardstick_ms=plain,
        ratio={count: ms / plain[count] for count, ms in middle.items()},
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MB,
    )


def bound_to_one_core(repetitions: int) -> str:
    """Return what a fresh process with one thread prints."""
    command = [sys.executable, "-m", "benchmarks.latency", "--here"]
    ran = subprocess.run(  # noqa: S603  our own module
        [*command, "--repetitions", str(repetitions)],
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return ran.stdout


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.latency", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--repetitions", type=int, default=15, help="of each; default 15")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.repetitions < 1:
        parser.error(f"--repetitions takes 1 or more; got {arguments.repetitions}")
    if not arguments.here:
        sys.stdout.write(bound_to_one_core(arguments.repetitions))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.stdout.write(json.dumps(asdict(figures(arguments.repetitions))) + "\n")


if __name__ == "__main__":
    main()
