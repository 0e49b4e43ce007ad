"""Experiments of a store in; the page that lists them, and the page of each with its figures, out.

Reading an experiment of thousands of runs and drawing it takes seconds, so its page is kept until
another of its trials is over.
"""

from threading import Lock
from typing import Final

from isocost.domain.experiment import Experiment, ExperimentState, TrialState
from isocost.jobbank.analysis.comparison import compare
from isocost.jobbank.analysis.headline import headlines
from isocost.jobbank.plots import wording
from isocost.jobbank.plots.comparison import comparison_plots
from isocost.jobbank.plots.experiment import experiment_plots
from isocost.jobbank.rows import rows_of
from isocost.store.base import Store
from isocost.usecases.compare import stored_measures
from isocost.usecases.orchestrate import Standing, standing_of
from isocost.usecases.report import NodeTypesOf, experiment_record
from isocost.web.rendering import page

# Pages kept at once; one has some MB.
_KEPT: Final = 8


class ExperimentPages:
    """Makes pages and keeps the last ones. Thread-safe."""

    def __init__(self, store: Store, node_types_of: NodeTypesOf) -> None:
        """Show what is in `store`, on machines that the plans' platforms can rent."""
        self._store = store
        self._node_types_of = node_types_of
        self._kept: dict[str, tuple[Standing, str]] = {}
        self._lock = Lock()

    def all(self) -> str:
        """Return the page that lists experiments, simulated ones apart from measured ones."""
        with self._store.transaction(read_only=True) as tx:
            names = [each.name for each in tx.experiments()]
        found = [standing_of(self._store, name) for name in reversed(names)]
        return page(
            "experiments.html",
            simulated=[each for each in found if each.experiment.plan.is_simulated],
            measured=[each for each in found if not each.experiment.plan.is_simulated],
            state_of=state_of,
            aside=TrialState.SET_ASIDE,
        )

    def one(self, name: str) -> str:
        """Return the page of one experiment; raises NotFound."""
        standing = standing_of(self._store, name)
        with self._lock:
            kept = self._kept.get(name)
        if kept is not None and kept[0] == standing:
            return kept[1]
        made = self._made(name, standing)
        with self._lock:
            self._kept.pop(name, None)
            while len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[name] = standing, made
        return made

    def two(self, name: str, other: str) -> str:
        """Return the page that holds one experiment against another; raises NotFound.

        Raises:
            InvalidInput: they cannot be compared.
        """
        before, after = (
            stored_measures(self._store, each, self._node_types_of) for each in (other, name)
        )
        found = compare(before, after)
        return page(
            "comparison.html",
            found=found,
            drawn=comparison_plots(found),
            told=wording,
            experiment_name=name,
        )

    def _made(self, name: str, standing: Standing) -> str:
        record = experiment_record(self._store, name, self._node_types_of)
        with self._store.transaction(read_only=True) as tx:
            others = [each for each in tx.experiments() if are_alike(each, record.experiment)]
        rows = rows_of(record)
        return page(
            "experiment.html",
            standing=standing,
            headlines=headlines(rows),
            note=record.reached.note,
            drawn=experiment_plots(record, rows),
            told=wording,
            state_of=state_of,
            others=[each.name for each in others],
        )


def are_alike(one: Experiment, other: Experiment) -> bool:
    """Return whether two experiments may be held against each other, as far as plans tell."""
    a, b = one.plan, other.plan
    return one.name != other.name and (a.platform, a.runs_per_trial, a.sla_rule) == (
        b.platform,
        b.runs_per_trial,
        b.sla_rule,
    )


def state_of(standing: Standing) -> str:
    """Return where an experiment stands, in one word."""
    state = standing.experiment.state
    return "finished" if not standing.open_count and state is ExperimentState.OPEN else state.value
