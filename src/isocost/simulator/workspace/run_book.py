"""All runs of a workspace: by ID, by databricks job and by the time of their request."""

from collections.abc import Iterator

from isocost.simulator.workspace.refusal import no_such_run
from isocost.simulator.workspace.runs import EntryRun, Run


class RunBook:
    """Every run that there ever was, oldest first."""

    def __init__(self) -> None:
        self._by_id: dict[int, Run] = {}
        self._by_token: dict[str, Run] = {}

    def add(self, run: Run, token: str = "") -> None:
        """Keep a run; `token` is the idempotency token of its request."""
        self._by_id[run.run_id] = run
        if token:
            self._by_token[token] = run

    def of_token(self, token: object) -> Run | None:
        """Return the run that a request with this idempotency token made."""
        return self._by_token.get(str(token)) if token else None

    def get(self, run_id: int) -> Run:
        """Return a run; raises Refusal if there is none."""
        if run_id not in self._by_id:
            raise no_such_run(run_id)
        return self._by_id[run_id]

    def entry(self, run_id: int) -> tuple[Run, EntryRun] | None:
        """Return the run and the attempt of an entry that has this ID; None if none has."""
        for run in self._by_id.values():
            for entry in run.entries:
                if entry.run_id == run_id:
                    return run, entry
        return None

    def __iter__(self) -> Iterator[Run]:
        return iter(self._by_id.values())

    def of_job(self, job_id: int) -> Iterator[Run]:
        """Yield the runs of a databricks job."""
        return (run for run in self._by_id.values() if run.job_id == job_id)

    def newest_first(self) -> list[Run]:
        """Return all runs, as lists show them."""
        return list(reversed(self._by_id.values()))
