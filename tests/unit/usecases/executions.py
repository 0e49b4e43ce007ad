"""Executions that took as long as their only run, for tests of whoever judges them."""

from datetime import timedelta

from isocost.domain.execution import Execution, ExecutionState
from isocost.testing.nouns import NOW


def execution_of(run):
    """Return the execution of a run, a day after the one before."""
    begin = NOW + timedelta(days=run.ordinal)
    return Execution(
        execution_id=f"e-{run.ordinal}",
        project_id=run.project_id,
        ordinal=run.ordinal,
        origin_run_id=str(run.ordinal),
        heard_at=begin,
        started_at=begin,
        ended_at=begin + timedelta(seconds=run.runtime_s),
        is_success=True,
        state=ExecutionState.CONCLUDED,
        run_ids=(run.run_id,),
    )
