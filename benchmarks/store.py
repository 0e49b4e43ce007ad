"""How long the queries of pages take in a store of many runs, on SQLite and on PostgreSQL.

Fills an empty store through its port: imported projects with runs, executions and
recommendations, one project much longer than the others, and a few profiles. Then asks what pages
ask, each question in a transaction of its own. Prints one JSON object; times are medians in
milliseconds.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from isocost.domain.cluster import ClusterSpec, steady_timeline
from isocost.domain.execution import Execution, ExecutionState, StepSpan
from isocost.domain.profile import RunProfile
from isocost.domain.project import Origin, Project
from isocost.domain.recommendation import (
    Cause,
    ConsideredCandidate,
    Evidence,
    Prediction,
    Recommendation,
    Rejection,
)
from isocost.domain.run import Run
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.store.address import PostgresAddress
from isocost.store.base import Store, Transaction
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import (
    NOW,
    a_prediction,
    a_profile,
    a_project,
    a_recommendation,
    a_run,
    a_stage,
)
from isocost.testing.postgres import find_programs, postgres_server
from isocost.units import MS_PER_S

SPEC: Final = ClusterSpec("m5.2xlarge", 8)
RUN_LENGTH: Final = timedelta(minutes=40)
RUNS_A_RECOMMENDATION: Final = 5
CONSIDERED: Final = 20  # candidates with predictions in a recommendation's evidence
PROFILES: Final = 20
STAGES: Final = 30
SPARK_TASKS_A_STAGE: Final = 200
DEFINITION_CHARACTERS: Final = 3_000  # of a Databricks job with two clusters and four steps
PAGE: Final = 50  # rows of one page
LONG, USUAL = "p-0", "p-1"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much the store holds; `long_runs` of the runs belong to one project."""

    runs: int
    projects: int
    long_runs: int

    def runs_of(self, number: int) -> int:
        """Return how many runs a project gets."""
        if number == 0:
            return self.long_runs
        short, rest = divmod(self.runs - self.long_runs, self.projects - 1)
        return short + (number <= rest)


@dataclass(frozen=True, slots=True)
class Answers:
    """What one database did.

    Attributes:
        fill_s: seconds to fill the store.
        size_mb: of the database's files; None where it is not known.
        queries_ms: medians by question.
        slowest_ms: the slowest repetition by question.
    """

    fill_s: float
    size_mb: float | None
    queries_ms: Mapping[str, float]
    slowest_ms: Mapping[str, float]


def an_imported_project(project_id: str) -> Project:
    """Return a project with a definition of the usual length."""
    origin = Origin("bank", f"definition-{project_id}", "x" * DEFINITION_CHARACTERS)
    return a_project(project_id, origin=origin)


def a_long_run(project_id: str, ordinal: int) -> Run:
    """Return a run of 40 minutes on eight workers."""
    started_at = NOW + ordinal * RUN_LENGTH
    return a_run(
        f"{project_id}-r-{ordinal}",
        project_id=project_id,
        ordinal=ordinal,
        spec=SPEC,
        requested_at=started_at,
        timeline=steady_timeline(SPEC, started_at, started_at + RUN_LENGTH),
        event_log=f"s3://logs/{project_id}/{ordinal}/eventlog",
        runtime_s=RUN_LENGTH.total_seconds(),
        execution_id=f"{project_id}-e-{ordinal}",
    )


def a_concluded_execution(run: Run) -> Execution:
    """Return the execution that a run was part of."""
    ended_at = run.requested_at + RUN_LENGTH
    return Execution(
        execution_id=f"{run.project_id}-e-{run.ordinal}",
        project_id=run.project_id,
        ordinal=run.ordinal,
        origin_run_id=str(run.ordinal),
        heard_at=ended_at,
        started_at=run.requested_at,
        ended_at=ended_at,
        is_success=True,
        state=ExecutionState.CONCLUDED,
        spans=(StepSpan("main", run.cluster_key, run.requested_at, ended_at),),
        run_ids=(run.run_id,),
    )


def a_long_recommendation(run: Run) -> Recommendation:
    """Return a recommendation after a run, with as much evidence as the engine gives."""
    prediction: Prediction = replace(
        a_prediction(), causes=tuple(Cause(name, 0.25) for name in ("noise", "law", "kin", "new"))
    )
    evidence = Evidence(
        history_run_ids=tuple(f"{run.project_id}-r-{n}" for n in range(min(run.ordinal, 30))),
        replay_error_fraction=0.02,
        reason="the cheapest of 4,000 candidates that meet the deadline",
        meets_sla=True,
        considered=tuple(
            ConsideredCandidate(ClusterSpec("m5.2xlarge", n + 1), prediction)
            for n in range(CONSIDERED)
        ),
        rejections=tuple(
            Rejection(ClusterSpec("r5.large", n + 1), "memory", 12.0, 16.0, "GiB")
            for n in range(CONSIDERED)
        ),
        candidate_count=4_000,
    )
    return a_recommendation(
        f"{run.run_id}-next",
        project_id=run.project_id,
        parent_run_id=run.run_id,
        evidence=evidence,
        drafted_at=run.requested_at + RUN_LENGTH,
    )


def a_long_profile() -> RunProfile:
    """Return the profile of an application of some thousand spark tasks."""
    durations_s = [1.0 + n % 7 for n in range(SPARK_TASKS_A_STAGE)]
    return a_profile(*(a_stage(stage_id, *durations_s) for stage_id in range(STAGES)))


def fill(store: Store, scale: Scale) -> None:
    """Put everything into an empty store, one transaction for each project."""
    with store.transaction() as tx:
        tx.put_workspace(
            Workspace("bank", "https://bank.example", Cloud.AWS, "us-east-1", Plan.PREMIUM, NOW)
        )
    for number in range(scale.projects):
        with store.transaction() as tx:
            _put_project(tx, f"p-{number}", scale.runs_of(number))
    with store.transaction() as tx:
        for run in tx.runs_of(USUAL, newest=PROFILES):
            tx.put_profile(run.run_id, a_long_profile())


def _put_project(tx: Transaction, project_id: str, run_count: int) -> None:
    tx.put_project(an_imported_project(project_id))
    for ordinal in range(run_count):
        run = a_long_run(project_id, ordinal)
        tx.put_run(run)
        tx.put_execution(a_concluded_execution(run))
        if ordinal % RUNS_A_RECOMMENDATION == 0:
            tx.put_recommendation(a_long_recommendation(run))


QUESTIONS: Final[Mapping[str, Callable[[Transaction], object]]] = {
    "project": lambda tx: tx.project(USUAL),
    "projects": lambda tx: tx.imported_projects(),
    "newest_run_of_each": lambda tx: tx.newest_run_of_each(),
    "newest_runs": lambda tx: tx.newest_runs(PAGE),
    "runs": lambda tx: tx.runs_of(USUAL),
    "runs_page": lambda tx: tx.runs_of(USUAL, newest=PAGE),
    "long_runs": lambda tx: tx.runs_of(LONG),
    "long_runs_page": lambda tx: tx.runs_of(LONG, newest=PAGE),
    "executions_page": lambda tx: tx.executions_of(USUAL, newest=PAGE),
    "open_executions": lambda tx: tx.executions_of(USUAL, is_open=True),
    "changes": lambda tx: tx.changes_of(USUAL),
    "recommendations": lambda tx: tx.recommendations_of(USUAL),
    "long_recommendations": lambda tx: tx.recommendations_of(LONG),
    "long_recommendations_page": lambda tx: tx.recommendations_of(LONG, newest=PAGE),
    "profile": lambda tx: tx.profile(tx.runs_of(USUAL, newest=1)[0].run_id),
}


def timed_ms(store: Store, question: Callable[[Transaction], object], times: int) -> list[float]:
    """Return how long a question takes, transaction included; a first one does not count."""
    taken = []
    for _ in range(times + 1):
        started = perf_counter()
        with store.transaction(read_only=True) as tx:
            question(tx)
        taken.append((perf_counter() - started) * MS_PER_S)
    return taken[1:]


def rewrite_ms(store: Store, times: int) -> list[float]:
    """Return how long a transaction takes that reads a run and writes it again."""
    taken = []
    for _ in range(times + 1):
        started = perf_counter()
        with store.transaction() as tx:
            tx.put_run(tx.run(f"{USUAL}-r-0"))
        taken.append((perf_counter() - started) * MS_PER_S)
    return taken[1:]


def remove_ms(store: Store) -> list[float]:
    """Return how long it takes to remove a project with all its runs, once."""
    started = perf_counter()
    with store.transaction() as tx:
        tx.remove_project(USUAL)
    return [(perf_counter() - started) * MS_PER_S]


def measure(where: Path | PostgresAddress, scale: Scale, repetitions: int) -> Answers:
    """Fill a new store and ask it everything."""
    with closing(SqlStore(where)) as store:
        started = perf_counter()
        fill(store, scale)
        fill_s = perf_counter() - started
        taken = {
            name: timed_ms(store, question, repetitions) for name, question in QUESTIONS.items()
        }
        taken["rewrite_run"] = rewrite_ms(store, repetitions)
        taken["remove_project"] = remove_ms(store)
    return Answers(
        fill_s=fill_s,
        size_mb=where.stat().st_size / 1e6 if isinstance(where, Path) else None,
        queries_ms={name: median(times_ms) for name, times_ms in taken.items()},
        slowest_ms={name: max(times_ms) for name, times_ms in taken.items()},
    )


@contextmanager
def _databases(names: Sequence[str]) -> Iterator[Mapping[str, Path | PostgresAddress | None]]:
    programs = find_programs()
    with TemporaryDirectory(prefix="isocost-store-") as folder:
        found: dict[str, Path | PostgresAddress | None] = {name: None for name in names}
        if "sqlite" in found:
            found["sqlite"] = Path(folder) / "isocost.db"
        if "postgres" not in found or programs is None:
            yield found
            return
        with postgres_server(programs, is_durable=True) as server:
            yield {**found, "postgres": server.a_database()}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.store", description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--runs", type=int, default=100_000, help="default 100000")
    parser.add_argument("--projects", type=int, default=500, help="default 500")
    parser.add_argument("--long", type=int, default=2_000, help="runs of project 0; default 2000")
    parser.add_argument("--repetitions", type=int, default=15, help="of each; default 15")
    parser.add_argument("--database", choices=["sqlite", "postgres"], help="default: both")
    asked = parser.parse_args()
    if asked.projects < 2 or asked.repetitions < 1 or not PAGE <= asked.long <= asked.runs:
        parser.error(
            f"takes 2 projects, 1 repetition and {PAGE} long runs or more, and no more long runs "
            "than runs"
        )
    scale = Scale(asked.runs, asked.projects, asked.long)
    names = [asked.database] if asked.database else ["sqlite", "postgres"]
    with _databases(names) as databases:
        answers = {
            name: None if where is None else asdict(measure(where, scale, asked.repetitions))
            for name, where in databases.items()
        }
    sys.stdout.write(json.dumps({**asdict(scale), **answers}) + "\n")


if __name__ == "__main__":
    main()
