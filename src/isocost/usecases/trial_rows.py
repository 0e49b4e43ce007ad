"""A project that lived in memory in; its rows under the trial's own ids out."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import msgspec

from isocost.domain.execution import Execution
from isocost.domain.experiment import Trial
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.errors import NotFound
from isocost.jobbank.lineage import TrialRecord
from isocost.store.base import Transaction

Value = TypeVar("Value")


def trial_rows(tx: Transaction, project_id: str, trial: Trial) -> TrialRecord:
    """Return everything of a project that a trial was carried as, with the trial's project id."""
    rename = _Renaming(project_id, trial.project_id)
    runs = tx.runs_of(project_id)
    recommendations = tx.recommendations_of(project_id)
    return TrialRecord(
        trial=trial,
        # The workspace is gone with this process: nobody can look after it any more.
        project=replace(rename(tx.project(project_id), Project), origin=None),
        runs=[rename(each, Run) for each in runs],
        recommendations=[rename(each, Recommendation) for each in recommendations],
        executions=[rename(each, Execution) for each in tx.executions_of(project_id)],
        profiles={rename.text(run_id): profile for run_id, profile in _profiles(tx, runs)},
    )


def _profiles(tx: Transaction, runs: Sequence[Run]) -> Iterator[tuple[str, RunProfile]]:
    for run in runs:
        with suppress(NotFound):  # it failed, or its log could not be read
            yield run.run_id, tx.profile(run.run_id)


class _Renaming:
    """Puts the trial's project id in the place of the one that the import made.

    Every id of a project's rows begins with the project's. The policies of one workload and cold
    start meet the same workspace, and so the same ids, which a shared store must tell apart.
    """

    def __init__(self, before: str, after: str) -> None:
        self._before = before
        self._after = after

    def __call__(self, value: object, noun: type[Value]) -> Value:
        body = msgspec.json.encode(value)
        return msgspec.json.decode(
            body.replace(self._before.encode(), self._after.encode()), type=noun
        )

    def text(self, value: str) -> str:
        return value.replace(self._before, self._after)
