"""What an experiment's runs cost so far, also where the cost of some is not known."""

from dataclasses import replace

import pytest

from isocost.errors import PlatformError
from isocost.testing.histories import IMPORTED, a_store
from isocost.testing.nouns import a_trial
from isocost.usecases.spending import spent_usd

TRIALS = [a_trial(project_id="p-1")]


def without_costs(store, *run_ids):
    with store.transaction() as tx:
        for run_id in run_ids:
            tx.put_run(replace(tx.run(run_id), cost=None))


def test_known_costs_are_summed():
    assert spent_usd(a_store(IMPORTED, runs=4), TRIALS) == 12.0


def test_unknown_cost_counts_at_the_highest_rate_of_the_others():
    store = a_store(IMPORTED, runs=4)
    without_costs(store, "e-3-main")
    with store.transaction(read_only=True) as tx:
        lasted_s = [execution.duration_s for execution in tx.executions_of("p-1")]
    assert spent_usd(store, TRIALS) == pytest.approx(
        4.0 + 4.0 + 2.0 + 4.0 / lasted_s[0] * lasted_s[3]
    )


@pytest.mark.parametrize(
    ("reason", "said"), [(None, "it left no cluster"), ("the log is gone", "the log is gone")]
)
def test_no_limit_is_kept_where_no_cost_is_known_and_the_reason_is_told(reason, said):
    store = a_store(IMPORTED, runs=1)
    without_costs(store, "e-0-main")
    with store.transaction() as tx:
        (execution,) = tx.executions_of("p-1")
        tx.put_execution(replace(execution, reason=reason))
    with pytest.raises(PlatformError, match=rf"is not known \({said}\), nor what any other did"):
        spent_usd(store, TRIALS)
