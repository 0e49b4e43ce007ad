"""The store over SQLAlchemy: nouns in, rows out, and back."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Engine, create_engine, event, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.errors import Busy, InvalidInput
from isocost.store.base import Transaction
from isocost.store.lookup import not_found
from isocost.store.sql import tables
from isocost.store.sql.migrate import migrate

Value = TypeVar("Value")

# Longer than the longest write of one transaction (a large profile, tens of ms), short enough that
# a user does not take a locked database for a hang.
BUSY_TIMEOUT_S: Final = 30


class SqlStore:
    """Keeps every noun in a table; many processes may share the file."""

    def __init__(self, path: Path) -> None:
        """Open the database, making or upgrading its schema.

        Raises:
            InvalidInput: if the file is no database or cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._engine = _engine(path)
        self._lock = threading.RLock()
        try:
            migrate(self._engine)
        except DatabaseError as error:
            self._engine.dispose()
            raise InvalidInput(
                f"{path} cannot be used as Isocost's database: {error.orig}. Move the file away, "
                "or point ISOCOST_HOME to another directory."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction; raises Busy when another process holds the database too long."""
        try:
            with self._lock, self._engine.begin() as connection:
                yield _SqlTransaction(connection)
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            raise Busy(
                f"Another process has been writing to {self._path} for more than "
                f"{BUSY_TIMEOUT_S} s. Try again when it has finished."
            ) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: ConnectionPoolEntry) -> None:  # noqa: ANN401  DBAPI's own type has no name
        # WAL lets a report read while an experiment writes. The driver's own BEGIN is switched
        # off because it starts late, as a reader; see `_begin`.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE takes the write lock first, so two read-then-write transactions queue up
        # instead of one failing at its first write.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


class _SqlTransaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_project(self, project: Project) -> None:
        self._put(tables.PROJECTS, project, project_id=project.project_id)

    def project(self, project_id: str) -> Project:
        return self._get(tables.PROJECTS.c.project_id, project_id, Project)

    def put_run(self, run: Run) -> None:
        self.project(run.project_id)
        self._put(
            tables.RUNS,
            run,
            run_id=run.run_id,
            project_id=run.project_id,
            ordinal=run.ordinal,
            state=run.state.value,
        )

    def run(self, run_id: str) -> Run:
        return self._get(tables.RUNS.c.run_id, run_id, Run)

    def runs_of(self, project_id: str) -> Sequence[Run]:
        query = select(tables.RUNS.c.body).where(tables.RUNS.c.project_id == project_id)
        return self._all(query.order_by(tables.RUNS.c.ordinal), Run)

    def put_profile(self, run_id: str, profile: RunProfile) -> None:
        self.run(run_id)
        self._put(tables.PROFILES, profile, run_id=run_id)

    def profile(self, run_id: str) -> RunProfile:
        return self._get(tables.PROFILES.c.run_id, run_id, RunProfile)

    def put_recommendation(self, recommendation: Recommendation) -> None:
        self.project(recommendation.project_id)
        self.run(recommendation.parent_run_id)
        self._put(
            tables.RECOMMENDATIONS,
            recommendation,
            recommendation_id=recommendation.recommendation_id,
            project_id=recommendation.project_id,
            parent_run_id=recommendation.parent_run_id,
            state=recommendation.state.value,
            drafted_at=recommendation.drafted_at,
        )

    def recommendations_of(self, project_id: str) -> Sequence[Recommendation]:
        table = tables.RECOMMENDATIONS
        query = select(table.c.body).where(table.c.project_id == project_id)
        ordered = query.order_by(table.c.drafted_at, table.c.recommendation_id)
        return self._all(ordered, Recommendation)

    def put_experiment(self, experiment: Experiment) -> None:
        self._put(
            tables.EXPERIMENTS,
            experiment,
            name=experiment.name,
            created_at=experiment.created_at,
        )

    def experiment(self, name: str) -> Experiment:
        return self._get(tables.EXPERIMENTS.c.name, name, Experiment)

    def experiments(self) -> Sequence[Experiment]:
        table = tables.EXPERIMENTS
        query = select(table.c.body).order_by(table.c.created_at, table.c.name)
        return self._all(query, Experiment)

    def put_trial(self, trial: Trial) -> None:
        self.experiment(trial.experiment)
        self.project(trial.project_id)
        self._put(
            tables.TRIALS,
            trial,
            trial_id=trial.trial_id,
            experiment=trial.experiment,
            project_id=trial.project_id,
            ordinal=trial.ordinal,
            state=trial.state.value,
        )

    def trials_of(self, experiment: str) -> Sequence[Trial]:
        query = select(tables.TRIALS.c.body).where(tables.TRIALS.c.experiment == experiment)
        return self._all(query.order_by(tables.TRIALS.c.ordinal), Trial)

    def _put(self, table: SqlTable, value: object, **columns: object) -> None:
        row = {**columns, "body": msgspec.json.encode(value)}
        statement = insert(table).values(row)
        updated = {name: statement.excluded[name] for name in row}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=updated)
        )

    def _get(self, key: Column[str], wanted: str, noun: type[Value]) -> Value:
        body = key.table.c.body
        found = self._connection.execute(select(body).where(key == wanted)).scalar_one_or_none()
        if found is None:
            raise not_found(_NOUNS[noun], wanted, self._keys(key))
        return msgspec.json.decode(found, type=noun)

    def _keys(self, key: Column[str]) -> list[str]:
        return [row[0] for row in self._connection.execute(select(key).limit(_KEYS_SHOWN))]

    def _all(self, query: Any, noun: type[Value]) -> list[Value]:  # noqa: ANN401  Select is generic in its row
        decode = msgspec.json.Decoder(noun).decode
        return [decode(row[0]) for row in self._connection.execute(query)]


_KEYS_SHOWN: Final = 1000  # enough to find a near miss in; an error message needs no full scan
_NOUNS: Final[dict[type, str]] = {
    Project: "project",
    Run: "run",
    RunProfile: "profile of run",
    Experiment: "experiment",
}
