"""Databricks jobs as they were sent: raw settings in, the same settings out, field for field.

Nothing here knows all fields of a job; what is unknown is kept as it came.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from isocost.simulator.workspace.refusal import invalid, no_such_job
from isocost.simulator.workspace.values import Json, drawn_id, ms

# `jobs/update` merges these arrays by their key and replaces every other field
# (docs.databricks.com/api, "Update job settings partially").
_MERGED_BY: Final = {
    "tasks": "task_key",
    "job_clusters": "job_cluster_key",
    "environments": "environment_key",
    "parameters": "name",
}
MAX_TASKS: Final = 1_000  # of one databricks job (docs.databricks.com, "Resource limits")


@dataclass(slots=True)
class DatabricksJob:
    """One definition.

    Attributes:
        revision: how often it was changed.
        run_count: how many runs it had, skipped ones included.
    """

    job_id: int
    settings: Json
    creator_user_name: str
    created_at: datetime
    revision: int = 0
    run_count: int = 0
    is_deleted: bool = False


class Definitions:
    """All databricks jobs of a workspace, newest last."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._by_id: dict[int, DatabricksJob] = {}

    def create(self, settings: Mapping[str, Any], creator: str, at: datetime) -> DatabricksJob:
        """Keep a new definition."""
        kept = with_defaults(settings)
        check(kept)
        job_id = drawn_id(self._seed, "job", len(self._by_id))
        self._by_id[job_id] = DatabricksJob(job_id, kept, creator, at)
        return self._by_id[job_id]

    def get(self, job_id: int) -> DatabricksJob:
        """Return a definition; raises Refusal if there is none."""
        found = self._by_id.get(job_id)
        if found is None or found.is_deleted:
            raise no_such_job(job_id)
        return found

    def of_same_code(self, databricks_job: DatabricksJob) -> DatabricksJob | None:
        """Return the oldest other definition whose entries all run the same code."""
        code = _code_of(databricks_job.settings)
        others = (each for each in self._by_id.values() if each is not databricks_job)
        return next((each for each in others if _code_of(each.settings) == code), None)

    def any_of(self, job_id: int) -> DatabricksJob | None:
        """Return a definition, also a deleted one."""
        return self._by_id.get(job_id)

    def replace(self, job_id: int, settings: Mapping[str, Any]) -> DatabricksJob:
        """Put new settings in place of all old ones, as `jobs/reset` does."""
        found = self.get(job_id)
        kept = with_defaults(settings)
        check(kept)
        found.settings = kept
        found.revision += 1
        return found

    def delete(self, job_id: int) -> None:
        """Forget a definition; its runs stay."""
        self.get(job_id).is_deleted = True

    def __iter__(self) -> Iterator[DatabricksJob]:
        return (each for each in self._by_id.values() if not each.is_deleted)

    def with_deleted(self) -> Iterator[DatabricksJob]:
        """Yield every definition that there ever was."""
        return iter(self._by_id.values())


def with_defaults(settings: Mapping[str, Any]) -> Json:
    """Return settings with what Databricks adds: a name, a format, a limit of concurrent runs."""
    kept = deepcopy(dict(settings))
    kept.setdefault("name", "Untitled")
    kept.setdefault("max_concurrent_runs", 1)
    kept.setdefault("email_notifications", {})
    kept.setdefault("timeout_seconds", 0)
    kept["format"] = "MULTI_TASK"
    return kept


def merged(settings: Json, changes: Mapping[str, Any], removed: list[str]) -> Json:
    """Return settings after a partial update; `removed` names fields, or `tasks/KEY`."""
    result = deepcopy(settings)
    for name, value in changes.items():
        key = _MERGED_BY.get(name)
        old = result.get(name)
        if key and isinstance(old, list) and isinstance(value, list):
            result[name] = _merged_by_key(old, value, key)
        else:
            result[name] = deepcopy(value)
    for path in removed:
        _remove(result, path)
    return result


def _merged_by_key(old: list[Json], changed: list[Json], key: str) -> list[Json]:
    newer = {each.get(key): deepcopy(each) for each in changed}
    kept = [newer.pop(each.get(key), each) for each in old]
    return [*kept, *newer.values()]


def _remove(settings: Json, path: str) -> None:
    name, _, entry = path.partition("/")
    if not entry:
        settings.pop(name, None)
    elif name in _MERGED_BY and name in settings:
        settings[name] = [
            each for each in settings[name] if str(each.get(_MERGED_BY[name])) != entry
        ]
    elif isinstance(settings.get(name), dict):
        settings[name].pop(entry, None)


def entries_of(settings: Mapping[str, Any], name: str) -> list[Json]:
    """Return an array of the settings; empty if it is absent."""
    found: list[Json] = settings.get(name) or []
    return found


def check(settings: Mapping[str, Any]) -> None:
    """Raise Refusal for settings that Databricks would not keep."""
    entries = entries_of(settings, "tasks")
    keys = [each.get("task_key") for each in entries]
    if not all(isinstance(key, str) and key for key in keys):
        raise invalid("Missing required field: settings.tasks.task_key.")
    if len(set(keys)) < len(keys):
        raise invalid("Duplicate task_key in tasks.")
    if len(keys) > MAX_TASKS:
        raise invalid(f"The number of tasks {len(keys)} exceeds the limit of {MAX_TASKS}.")
    clusters = {each.get("job_cluster_key") for each in entries_of(settings, "job_clusters")}
    for each in entries:
        _check_entry(each, set(keys), clusters)
    order_of(entries)


def _check_entry(entry: Json, keys: set[Any], clusters: set[Any]) -> None:
    name = entry["task_key"]
    for dependency in entry.get("depends_on") or []:
        if dependency.get("task_key") not in keys:
            raise invalid(
                f"Task {name} depends on {dependency.get('task_key')}, which does not exist."
            )
    wanted = entry.get("job_cluster_key")
    if wanted is not None and wanted not in clusters:
        raise invalid(
            f"Job cluster '{wanted}' is not defined in field 'job_clusters'. "
            f"It is referenced by task '{name}'."
        )


def order_of(entries: list[Json]) -> list[str]:
    """Return the task keys, each after those it depends on; raises Refusal for a circle."""
    waiting = {
        each["task_key"]: {d["task_key"] for d in each.get("depends_on") or []} for each in entries
    }
    order: list[str] = []
    while waiting:
        ready = [key for key, before in waiting.items() if before <= set(order)]
        if not ready:
            raise invalid(f"Cycle detected in the tasks {', '.join(sorted(waiting))}.")
        order += ready
        for key in ready:
            del waiting[key]
    return order


def base_view(databricks_job: DatabricksJob) -> Json:
    """Return what lists and answers about a definition have in common, without its settings."""
    return {
        "job_id": databricks_job.job_id,
        "creator_user_name": databricks_job.creator_user_name,
        "run_as_user_name": databricks_job.creator_user_name,
        "created_time": ms(databricks_job.created_at),
    }


def _code_of(settings: Mapping[str, Any]) -> list[Json]:
    """Return what the entries run, whatever they run on."""
    return [
        {name: value for name, value in entry.items() if name.endswith("_task")}
        for entry in entries_of(settings, "tasks")
    ]
