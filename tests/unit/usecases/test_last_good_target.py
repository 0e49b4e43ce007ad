"""After a bad run, only what did well with the project as it is now is gone back to."""

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.domain.deviation import CauseOfDeviation
from isocost.domain.project import Sla
from isocost.store.memory import MemoryStore
from isocost.testing.histories import DATA_DOUBLED
from isocost.testing.nouns import LARGE, SMALL, a_project, a_run
from isocost.usecases.observe import last_good_target
from tests.unit.usecases.executions import execution_of

OWN = ClusterSpec("own", 2)
PROJECT = a_project(sla=Sla(100.0, 0.05))
GIB = 2**30


def a_store(*runs):
    """Return a store with these runs, each of an execution that took as long as it."""
    store = MemoryStore()
    with store.transaction() as tx:
        tx.put_project(PROJECT)
        for run in runs:
            tx.put_execution(execution_of(run))
            tx.put_run(run)
    return store


def on(spec, ordinal, *, took_s=50.0, read_gib=10, deviation=None):
    return a_run(
        f"r-{ordinal}",
        ordinal=ordinal,
        spec=spec,
        asked_spec=spec,
        runtime_s=took_s,
        input_bytes=read_gib * GIB,
        execution_id=f"e-{ordinal}",
        deviation=deviation,
    )


def target(*runs, is_bad=True):
    with a_store(*runs).transaction(read_only=True) as tx:
        bad = runs[-1] if is_bad else None
        return last_good_target(
            tx, PROJECT, runs[-1].cluster_key, not_on=runs[-1].asked_spec, bad=bad
        ).spec


def test_newest_spec_that_was_in_time_is_gone_back_to():
    assert target(on(OWN, 0), on(SMALL, 1), on(LARGE, 2, took_s=150.0)) == SMALL


def test_spec_that_was_late_is_passed_over():
    late = on(SMALL, 1, took_s=150.0)
    assert target(on(OWN, 0), late, on(LARGE, 2, took_s=150.0)) == OWN


def test_what_did_well_on_less_input_is_no_use():
    bad = on(LARGE, 2, took_s=150.0, read_gib=20)
    assert target(on(OWN, 0), on(SMALL, 1), bad) == LARGE


@pytest.mark.parametrize("changed", [1, 2])
def test_what_did_well_before_the_project_changed_is_no_use(changed):
    deviations = {changed: DATA_DOUBLED}
    runs = [on(OWN, 0), *(on(LARGE, n, took_s=150.0, deviation=deviations.get(n)) for n in (1, 2))]
    assert DATA_DOUBLED.main_cause is CauseOfDeviation.DATA
    assert target(*runs) == LARGE


def test_what_did_well_since_the_project_changed_is_gone_back_to():
    runs = [on(OWN, 0, deviation=DATA_DOUBLED), on(SMALL, 1), on(LARGE, 2, took_s=150.0)]
    assert target(*runs) == SMALL


def test_a_person_may_go_back_to_anything():
    runs = [on(OWN, 0), on(LARGE, 1, took_s=150.0, deviation=DATA_DOUBLED)]
    assert target(*runs, is_bad=False) == OWN
