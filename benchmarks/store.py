"""How long what pages, API, commands and the loop ask takes in a store of many runs.

Fills an empty SQLite file and an empty PostgreSQL database through the store's port: imported
projects with runs, executions, recommendations and changes, one project much longer than the
others. Then asks what they ask, through their own functions. Prints one JSON object; times are
medians in milliseconds.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import psycopg

from benchmarks.store_filling import (
    LONG,
    SPECS,
    USUAL,
    Scale,
    add_scale_options,
    fill,
    heard_again,
)
from isocost.domain.project import DEFAULT_CLUSTER_KEY
from isocost.store.address import PostgresAddress
from isocost.store.base import Store, Transaction
from isocost.store.sql.store import SqlStore
from isocost.testing.nouns import NOW
from isocost.testing.postgres import find_programs, postgres_server
from isocost.units import MS_PER_S
from isocost.usecases.collect import store_new
from isocost.usecases.conclude import NEWEST_RUNS
from isocost.usecases.observe import last_good_target
from isocost.usecases.project_history import project_history, project_summaries
from isocost.usecases.project_view import (
    execution_view,
    execution_views,
    newest_execution_views,
    project_view,
    project_views,
)
from isocost.usecases.recommend import history_of
from isocost.usecases.reconcile import rows_of
from isocost.usecases.watch import project_of_definition

PAGE: Final = 100  # the API's, where nothing else is asked for
TABLE: Final = 20  # a command's

Question = Callable[[Store], object]


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


def reading(ask: Callable[[Transaction], object]) -> Question:
    """Return a question with a transaction of its own."""

    def question(store: Store) -> object:
        with store.transaction(read_only=True) as tx:
            return ask(tx)

    return question


def _of_each_length(
    name: str, ask: Callable[[Transaction, str], object]
) -> Mapping[str, Question]:
    return {
        name: reading(lambda tx: ask(tx, USUAL)),
        f"{name}_long": reading(lambda tx: ask(tx, LONG)),
    }


def _one_execution(tx: Transaction, project_id: str) -> object:
    execution = tx.execution(f"{project_id}-e-0")
    return execution_view(tx, execution, tx.project(project_id).sla)


def _heard(tx: Transaction, project_id: str) -> object:
    known = tx.executions_of(project_id, newest=1)[-1].ordinal + 1
    return store_new(tx, project_id, heard_again(project_id, known), now=NOW)


def _observed(tx: Transaction, project_id: str) -> object:
    project = tx.project(project_id)
    return last_good_target(tx, project, DEFAULT_CLUSTER_KEY, not_on=SPECS[-1])


# What a person waits for.
SHOWN: Final[Mapping[str, Question]] = {
    "page_projects": project_summaries,
    **_of_each_length("page_project", project_history),
    "api_projects": project_views,
    **_of_each_length("api_project", lambda tx, key: project_view(tx, tx.project(key))),
    **_of_each_length(
        "api_executions", lambda tx, key: execution_views(tx, tx.project(key), newest=PAGE)
    ),
    **_of_each_length(
        "api_recommendations", lambda tx, key: tx.recommendations_of(key, newest=PAGE)
    ),
    **_of_each_length("api_execution", _one_execution),
    "cli_run_list": reading(lambda tx: newest_execution_views(tx, TABLE)),
    "cli_recommendation_list": reading(lambda tx: tx.newest_recommendations(TABLE)),
    **_of_each_length(
        "cli_recommendation_list_of", lambda tx, key: tx.recommendations_of(key, newest=TABLE)
    ),
}
# What a look at a project asks, each minute, and at each run.
LOOKED: Final[Mapping[str, Question]] = {
    "watch_sweep": reading(lambda tx: tx.imported_projects()),
    "watch_webhook": lambda store: project_of_definition(store, "bank", f"definition-{LONG}"),
    **_of_each_length("look_heard", _heard),
    **_of_each_length("look_rows", rows_of),
    **_of_each_length("look_observed", _observed),
    **_of_each_length(
        "look_history",
        lambda tx, key: tx.runs_of(key, newest=NEWEST_RUNS, cluster_key=DEFAULT_CLUSTER_KEY),
    ),
    **_of_each_length(
        "look_profiles",
        lambda tx, key: history_of(tx, key, DEFAULT_CLUSTER_KEY, newest=NEWEST_RUNS),
    ),
}
QUESTIONS: Final[Mapping[str, Question]] = {**SHOWN, **LOOKED}


def timed_ms(store: Store, question: Question, times: int) -> list[float]:
    """Return how long a question takes, transaction included; a first one does not count."""
    taken = []
    for _ in range(times + 1):
        started = perf_counter()
        question(store)
        taken.append((perf_counter() - started) * MS_PER_S)
    return taken[1:]


def rewrite(store: Store) -> None:
    """Read a run and write it again, in one transaction."""
    with store.transaction() as tx:
        tx.put_run(tx.run(f"{USUAL}-r-0"))


def remove(store: Store) -> None:
    """Remove a project with all its runs."""
    with store.transaction() as tx:
        tx.remove_project(USUAL)


def measure(where: Path | PostgresAddress, scale: Scale, repetitions: int) -> Answers:
    """Fill a new store and ask it everything."""
    with closing(SqlStore(where)) as store:
        started = perf_counter()
        fill(store, scale)
        fill_s = perf_counter() - started
        if isinstance(where, PostgresAddress):
            tidy(where)
        taken = {
            name: timed_ms(store, question, repetitions) for name, question in QUESTIONS.items()
        }
        taken["rewrite_run"] = timed_ms(store, rewrite, repetitions)
        started = perf_counter()
        remove(store)
        taken["remove_project"] = [(perf_counter() - started) * MS_PER_S]
    return Answers(
        fill_s=fill_s,
        size_mb=where.stat().st_size / 1e6 if isinstance(where, Path) else None,
        queries_ms={name: median(times_ms) for name, times_ms in taken.items()},
        slowest_ms={name: max(times_ms) for name, times_ms in taken.items()},
    )


def tidy(where: PostgresAddress) -> None:
    """Do at once what the server does by itself within minutes of such a growth."""
    with psycopg.connect(where.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


@contextmanager
def databases(names: Sequence[str]) -> Iterator[Mapping[str, Path | PostgresAddress | None]]:
    """Yield new databases by name; None for PostgreSQL where its programs are not installed."""
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
    add_scale_options(parser)
    parser.add_argument("--database", choices=["sqlite", "postgres"], help="default: both")
    asked = parser.parse_args()
    if asked.projects < 2 or asked.repetitions < 1 or not TABLE <= asked.long <= asked.runs:
        parser.error(
            f"takes 2 projects, 1 repetition and {TABLE} long runs or more, and no more long "
            "runs than runs"
        )
    scale = Scale(asked.runs, asked.projects, asked.long)
    names = [asked.database] if asked.database else ["sqlite", "postgres"]
    with databases(names) as found:
        answers = {
            name: None if where is None else asdict(measure(where, scale, asked.repetitions))
            for name, where in found.items()
        }
    sys.stdout.write(json.dumps({**asdict(scale), **answers}) + "\n")


if __name__ == "__main__":
    main()
