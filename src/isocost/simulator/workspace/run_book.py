"""All runs of a workspace: by ID, by databricks job, and those that wait or go on."""

from collections import defaultdict
from collections.abc import Iterator

from isocost.simulator.workspace.refusal import no_such_run
from isocost.simulator.workspace.runs import EntryRun, Run


class RunBook:
    """Every run that there ever was, oldest first; years of them must not make a step slow."""

    def __init__(self) -> None:
        self._by_id: dict[int, Run] = {}
        self._by_token: dict[str, Run] = {}
        self._by_job: dict[int, list[Run]] = defaultdict(list)
        self._open: dict[int, Run] = {}

    def add(self, run: Run, token: str = "") -> None:
        """Keep a run; `token` is the idempotency token of its request."""
        self._by_id[run.run_id] = self._open[run.run_id] = run
        if run.job_id is not None:
            self._by_job[run.job_id].append(run)
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

    def reopen(self, run: Run) -> None:
        """Count a run that had ended among those that go on: it is repaired."""
        self._open[run.run_id] = run

    def entry(self, run_id: int) -> tuple[Run, EntryRun] | None:
        """Return the run and the attempt of an entry that has this ID; None if none has."""
        if run_id in self._by_id:
            return None
        for run in self._by_id.values():
            for entry in run.entries:
                if entry.run_id == run_id:
                    return run, entry
        return None

    def __iter__(self) -> Iterator[Run]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def of_job(self, job_id: int) -> list[Run]:
        """Return the runs of a databricks job, oldest first."""
        return self._by_job[job_id]

    def open(self) -> list[Run]:
        """Return the runs that wait or go on, oldest first."""
        over = [run_id for run_id, run in self._open.items() if run.is_over]
        for run_id in over:
            del self._open[run_id]
        return list(self._open.values())

    def newest_first(self) -> list[Run]:
        """Return all runs, as lists show them."""
        return list(reversed(self._by_id.values()))
