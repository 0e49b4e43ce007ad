"""The store over SQLAlchemy: nouns in, rows out, and back."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import URL, Column, Connection, Engine, create_engine, event, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import ConnectionPoolEntry

from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.errors import InvalidInput, IsocostError
from isocost.store.base import Transaction
from isocost.store.lookup import not_found
from isocost.store.nesting import NoNesting, write_refused
from isocost.store.sql import tables
from isocost.store.sql.faults import make_home, translated
from isocost.store.sql.migrate import is_at_head, migrate

Value = TypeVar("Value")

# Longer than the longest write of one transaction (a large profile, tens of ms), short enough that
# a user does not take a locked database for a hang.
BUSY_TIMEOUT_S: Final = 30.0
_READ_ONLY: Final = "isocost_read_only"  # an execution option, which `begin` reads


class SqlStore:
    """Keeps every noun in a table; many processes may share the file."""

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """Open the database, making or upgrading its schema.

        Raises:
            Busy: if the schema must change and another process is writing.
            InvalidInput: if the file is no database, of a newer version or cannot be written.
            PlatformError: if the disk is full or fails.
        """
        make_home(path.parent)
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._engine = _engine(path, busy_timeout_s)
        self._lock = threading.Lock()
        self._nesting = NoNesting()
        try:
            self._upgrade()
        except IsocostError:
            self._engine.dispose()
            raise

    def _upgrade(self) -> None:
        with self._translated():
            # A schema that is up to date needs no write lock, so opening waits for nobody.
            with self._reading() as connection:
                is_ready = is_at_head(connection, self._path)
            if not is_ready:
                migrate(self._engine)

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Transaction]:
        """Open a transaction; see the port.

        Raises:
            Busy: if another process holds the database too long; never when only reading.
            InvalidInput: if the file or a row in it is damaged or cannot be written.
            PlatformError: if the disk is full or fails.
        """
        with self._nesting.entered(), self._translated():
            if read_only:
                with self._reading() as connection:
                    yield _SqlTransaction(connection, self._path, read_only=True)
            else:
                with self._lock, self._engine.begin() as connection:
                    yield _SqlTransaction(connection, self._path, read_only=False)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._path, self._busy_timeout_s)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**{_READ_ONLY: True}) as connection:
            with connection.begin():
                yield connection


def _engine(path: Path, busy_timeout_s: float) -> Engine:
    # Built from its parts: in a text, "?", "%" and "#" of the path would be read as syntax.
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": busy_timeout_s})

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
        # instead of one failing at its first write. Who only reads takes no lock under WAL.
        is_reader = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    return engine


class _SqlTransaction:
    def __init__(self, connection: Connection, path: Path, *, read_only: bool) -> None:
        self._connection = connection
        self._path = path
        self._is_read_only = read_only

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
        if self._is_read_only:
            raise write_refused(type(value).__name__)
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
        return self._decoded(found, noun)

    def _keys(self, key: Column[str]) -> list[str]:
        return [row[0] for row in self._connection.execute(select(key).limit(_KEYS_SHOWN))]

    def _all(self, query: Any, noun: type[Value]) -> list[Value]:  # noqa: ANN401  Select is generic in its row
        return [self._decoded(row[0], noun) for row in self._connection.execute(query)]

    def _decoded(self, body: bytes, noun: type[Value]) -> Value:
        try:
            return msgspec.json.decode(body, type=noun)
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidInput) as error:
            # InvalidInput is what our values raise when they check themselves.
            raise InvalidInput(
                f"A {noun.__name__} stored in {self._path} cannot be read: {error}. The file is "
                "damaged or was written by another version of Isocost. Use that version, put a "
                "good copy in its place, or point ISOCOST_HOME to another directory."
            ) from error


_KEYS_SHOWN: Final = 1000  # enough to find a near miss in; an error message needs no full scan
_NOUNS: Final[dict[type, str]] = {
    Project: "project",
    Run: "run",
    RunProfile: "profile of run",
    Experiment: "experiment",
}
