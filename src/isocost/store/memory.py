"""A store in this process's memory: for tests, simulations and anything not worth a file."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import TypeVar

from isocost.domain.experiment import Experiment, Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.store.base import Transaction
from isocost.store.lookup import not_found
from isocost.store.nesting import NoNesting, write_refused

Value = TypeVar("Value")


@dataclass(slots=True)
class _Tables:
    """Everything remembered; values are frozen, so copying the dictionaries copies the store."""

    projects: dict[str, Project] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    profiles: dict[str, RunProfile] = field(default_factory=dict)
    recommendations: dict[str, Recommendation] = field(default_factory=dict)
    experiments: dict[str, Experiment] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)

    def copy(self) -> "_Tables":
        return _Tables(*(dict(getattr(self, f.name)) for f in fields(self)))


class MemoryStore:
    """Keeps every noun in a dictionary; one transaction at a time."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._lock = threading.Lock()
        self._nesting = NoNesting()

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[Transaction]:
        """Open a transaction on a copy, which becomes the store on a clean exit."""
        with self._nesting.entered():
            if (
                read_only
            ):  # nobody changes tables in place, so those of now can be read as they are
                yield _MemoryTransaction(self._tables, read_only=True)
                return
            with self._lock:
                draft = self._tables.copy()
                yield _MemoryTransaction(draft, read_only=False)
                self._tables = draft

    def close(self) -> None:
        """Do nothing: memory needs no release."""


class _MemoryTransaction:
    def __init__(self, tables: _Tables, *, read_only: bool) -> None:
        self._tables = tables
        self._is_read_only = read_only

    def put_project(self, project: Project) -> None:
        self._put(self._tables.projects, project.project_id, project)

    def project(self, project_id: str) -> Project:
        return _get(self._tables.projects, project_id, "project")

    def put_run(self, run: Run) -> None:
        self.project(run.project_id)
        self._put(self._tables.runs, run.run_id, run)

    def run(self, run_id: str) -> Run:
        return _get(self._tables.runs, run_id, "run")

    def runs_of(self, project_id: str) -> Sequence[Run]:
        runs = (r for r in self._tables.runs.values() if r.project_id == project_id)
        return sorted(runs, key=lambda r: r.ordinal)

    def put_profile(self, run_id: str, profile: RunProfile) -> None:
        self.run(run_id)
        self._put(self._tables.profiles, run_id, profile)

    def profile(self, run_id: str) -> RunProfile:
        return _get(self._tables.profiles, run_id, "profile of run")

    def put_recommendation(self, recommendation: Recommendation) -> None:
        self.project(recommendation.project_id)
        self.run(recommendation.parent_run_id)
        self._put(self._tables.recommendations, recommendation.recommendation_id, recommendation)

    def recommendations_of(self, project_id: str) -> Sequence[Recommendation]:
        found = (r for r in self._tables.recommendations.values() if r.project_id == project_id)
        return sorted(found, key=lambda r: (r.drafted_at, r.recommendation_id))

    def put_experiment(self, experiment: Experiment) -> None:
        self._put(self._tables.experiments, experiment.name, experiment)

    def experiment(self, name: str) -> Experiment:
        return _get(self._tables.experiments, name, "experiment")

    def experiments(self) -> Sequence[Experiment]:
        return sorted(self._tables.experiments.values(), key=lambda e: (e.created_at, e.name))

    def put_trial(self, trial: Trial) -> None:
        self.experiment(trial.experiment)
        self.project(trial.project_id)
        self._put(self._tables.trials, trial.trial_id, trial)

    def trials_of(self, experiment: str) -> Sequence[Trial]:
        trials = (t for t in self._tables.trials.values() if t.experiment == experiment)
        return sorted(trials, key=lambda t: t.ordinal)

    def _put(self, table: dict[str, Value], key: str, value: Value) -> None:
        if self._is_read_only:
            raise write_refused(type(value).__name__)
        table[key] = value


def _get(table: Mapping[str, Value], key: str, noun: str) -> Value:
    value = table.get(key)
    if value is None:
        raise not_found(noun, key, list(table))
    return value
