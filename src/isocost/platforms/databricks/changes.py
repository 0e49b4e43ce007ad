"""A definition and what is wanted of it in; its whole new settings, minimally changed, out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isocost.domain.cluster import ClusterSpec
from isocost.errors import InvalidInput
from isocost.platforms.databricks.definitions import (
    PlacedCluster,
    PoolOf,
    log_destination_of,
    placed_clusters,
)
from isocost.platforms.databricks.difference import difference
from isocost.platforms.databricks.policies import Rules, broken_rules
from isocost.platforms.host import (
    PROJECT_TAG,
    RECOMMENDATION_TAG,
    ChangePlan,
    DefinedCluster,
    Definition,
    Settings,
)

# The events that end a run; of others nobody needs to hear.
_EVENTS: Final = ("on_success", "on_failure")
# For one event (docs.databricks.com, "Add notifications on a job").
_MOST_DESTINATIONS: Final = 3
_LOG_KINDS: Final = {"dbfs:/": "dbfs", "s3://": "s3", "/Volumes/": "volumes"}


@dataclass(frozen=True, slots=True)
class NamedRules:
    """A cluster policy: what people call it and what it rules."""

    name: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What rules and pools ask of a node type."""

    dbu_per_hour: float | None
    architecture: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a workspace allows, looked up by id.

    Attributes:
        policy: the rules of a cluster policy.
        pool: an instance pool as the workspace shows it.
        machine: what is known of a node type; None if nothing is.
        region: of the workspace, which log delivery to S3 has to name.
    """

    policy: Callable[[str], NamedRules]
    pool: PoolOf
    machine: Callable[[str], MachineFacts | None]
    region: str = ""


def planned_specs(
    definition: Definition,
    specs: Mapping[str, tuple[ClusterSpec, str | None]],
    bounds: Bounds,
) -> ChangePlan:
    """Return the definition with other clusters; see `Host.planned_specs`.

    Raises:
        InvalidInput: a cluster key is none of the definition's.
    """
    changed: dict[str, dict[str, Any]] = {}
    refusals: list[str] = []
    for key, (spec, recommendation_id) in specs.items():
        placed, defined = _found(definition, key)
        asked = _respecified(placed.asked, defined, spec)
        changed[key] = _tagged(asked, RECOMMENDATION_TAG, recommendation_id)
        refusals += _refusals(placed.asked, changed[key], spec, defined=defined, bounds=bounds)
    return _plan(definition.settings, _with_clusters(definition.settings, changed), refusals)


def refused_specs(
    definition: Definition, cluster_key: str, specs: Sequence[ClusterSpec], *, bounds: Bounds
) -> dict[ClusterSpec, str]:
    """Return the specs that a pool or a cluster policy forbids, each with the reason."""
    placed, defined = _found(definition, cluster_key)
    refused = {}
    for spec in specs:
        asked = _respecified(placed.asked, defined, spec)
        found = list(_refusals(placed.asked, asked, spec, defined=defined, bounds=bounds))
        if found:
            refused[spec] = " ".join(found)
    return refused


def planned_set_up(
    definition: Definition,
    project_id: str,
    bounds: Bounds,
    *,
    log_destination: str,
    webhook_id: str,
) -> ChangePlan:
    """Return the definition with log delivery, the project's tag and the webhook.

    A log destination that a cluster already has is kept. Where an event already has as many
    destinations as Databricks allows, the webhook is left out: runs are found by polling, too.

    Raises:
        InvalidInput: clusters cannot deliver logs to the destination.
    """
    changed: dict[str, dict[str, Any]] = {}
    refusals: list[str] = []
    for key, defined in definition.clusters.items():
        placed, _ = _found(definition, key)
        asked = _tagged(placed.asked, PROJECT_TAG, project_id)
        if log_destination and not log_destination_of(asked):
            asked["cluster_log_conf"] = _log_conf(log_destination, bounds.region)
        changed[key] = asked
        spec = defined.spec
        refusals += _policy_refusals(placed.asked, asked, spec, defined=defined, bounds=bounds)
    settings = _with_clusters(definition.settings, changed)
    if webhook_id:
        settings = _with_webhook(settings, webhook_id)
    return _plan(definition.settings, settings, refusals)


def _plan(before: Settings, after: Settings, refusals: Sequence[str]) -> ChangePlan:
    return ChangePlan(after, difference(before, after), " ".join(refusals) or None)


def _found(definition: Definition, cluster_key: str) -> tuple[PlacedCluster, DefinedCluster]:
    placed = {each.cluster_key: each for each in placed_clusters(definition.settings)}
    if cluster_key not in placed or cluster_key not in definition.clusters:
        known = ", ".join(sorted(definition.clusters)) or "none"
        raise InvalidInput(
            f"Databricks job {definition.definition_id} has no cluster {cluster_key!r} that can "
            f"be changed; it has {known}. Import it again if it was edited."
        )
    return placed[cluster_key], definition.clusters[cluster_key]


def _with_clusters(settings: Settings, changed: Mapping[str, Settings]) -> dict[str, Any]:
    """Return settings with some clusters replaced; all else is shared with the old ones."""
    result = dict(settings)
    for placed in placed_clusters(settings):
        if placed.cluster_key in changed:
            entries = list(result[placed.array])
            new_cluster = changed[placed.cluster_key]
            entries[placed.index] = {**entries[placed.index], "new_cluster": new_cluster}
            result[placed.array] = entries
    return result


def _respecified(asked: Settings, defined: DefinedCluster, spec: ClusterSpec) -> dict[str, Any]:
    """Return a cluster of another size and type, its driver moved along with its workers."""
    result = dict(asked)
    if spec.node_type_id != defined.spec.node_type_id and not defined.is_pooled:
        result["node_type_id"] = spec.node_type_id
        if asked.get("driver_node_type_id") and defined.driver_node_type_id is None:
            result["driver_node_type_id"] = spec.node_type_id
    if asked.get("autoscale") or asked.get("num_workers") != spec.worker_count:
        result.pop("autoscale", None)
        result["num_workers"] = spec.worker_count
    return result


def _tagged(asked: Settings, tag: str, value: str | None) -> dict[str, Any]:
    """Return a cluster with a tag, or without it where `value` is None."""
    result = dict(asked)
    tags = dict(asked.get("custom_tags") or {})
    if value is not None:
        result["custom_tags"] = {**tags, tag: value}
    elif tag in tags:
        del tags[tag]
        result["custom_tags"] = tags
        if not tags:
            del result["custom_tags"]
    return result


def _refusals(
    before: Settings,
    after: Settings,
    spec: ClusterSpec,
    *,
    defined: DefinedCluster,
    bounds: Bounds,
) -> Iterator[str]:
    if defined.is_pooled:
        yield from _pool_refusals(before, spec, defined=defined, pool_of=bounds.pool)
    else:
        yield from _mixture_refusals(spec, defined, bounds.machine)
        yield from _alternate_refusals(before, after, defined)
    yield from _policy_refusals(before, after, spec, defined=defined, bounds=bounds)


def _pool_refusals(
    asked: Settings, spec: ClusterSpec, *, defined: DefinedCluster, pool_of: PoolOf
) -> Iterator[str]:
    pool_id = str(asked.get("instance_pool_id"))
    pool = pool_of(pool_id)
    name = f"Instance pool {pool.get('instance_pool_name') or pool_id}"
    if spec.node_type_id != defined.spec.node_type_id:
        yield (
            f"{name} gives cluster {defined.cluster_key} nodes of type "
            f"{defined.spec.node_type_id} only (would be {spec.node_type_id}); the number of "
            "workers can change."
        )
    most, wanted = pool.get("max_capacity"), spec.worker_count + 1
    if most is not None and wanted > int(most) and spec.worker_count > defined.spec.worker_count:
        yield f"{name} holds at most {most} nodes (would take {wanted}, the driver included)."


def _mixture_refusals(
    spec: ClusterSpec, defined: DefinedCluster, machine: Callable[[str], MachineFacts | None]
) -> Iterator[str]:
    """Yield that a driver of its own cannot run beside workers of another architecture."""
    if defined.driver_node_type_id is None or spec.node_type_id == defined.spec.node_type_id:
        return
    driver, worker = machine(defined.driver_node_type_id), machine(spec.node_type_id)
    if driver and worker and driver.architecture != worker.architecture:
        yield (
            f"The driver of cluster {defined.cluster_key} is pinned to "
            f"{defined.driver_node_type_id} ({driver.architecture}); its workers must be of the "
            f"same architecture ({spec.node_type_id} is {worker.architecture})."
        )


def _alternate_refusals(
    before: Settings, after: Settings, defined: DefinedCluster
) -> Iterator[str]:
    """Yield that a list of alternates, which are like one node type, forbids another type."""
    for kind in ("worker", "driver"):
        name = "node_type_id" if kind == "worker" else "driver_node_type_id"
        field = f"{kind}_node_type_flexibility"
        alternates = (before.get(field) or {}).get("alternate_node_type_ids")
        if alternates and before.get(name) != after.get(name):
            yield (
                f"Cluster {defined.cluster_key} may fall back from {before.get(name)} to "
                f"{', '.join(alternates)} ({field}), which cannot stand in for "
                f"{after.get(name)}; remove the list to allow other types."
            )


def _policy_refusals(
    before: Settings,
    after: Settings,
    spec: ClusterSpec,
    *,
    defined: DefinedCluster,
    bounds: Bounds,
) -> Iterator[str]:
    if not defined.policy_id:
        return
    policy = bounds.policy(defined.policy_id)
    dbus = (
        _dbu_per_hour(defined.spec, defined, bounds.machine),
        _dbu_per_hour(spec, defined, bounds.machine),
    )
    broken = broken_rules(before, after, policy.rules, dbus_per_hour=dbus)
    if broken:
        yield (
            f"Cluster policy {policy.name} forbids it for cluster {defined.cluster_key}: "
            f"{'; '.join(broken)}."
        )


def _dbu_per_hour(
    spec: ClusterSpec,
    defined: DefinedCluster,
    machine: Callable[[str], MachineFacts | None],
) -> float | None:
    """Return what the cluster's largest size bills in an hour; None if it is not known."""
    worker = machine(spec.node_type_id)
    driver = machine(defined.driver_node_type_id or spec.node_type_id)
    if not worker or not driver or worker.dbu_per_hour is None or driver.dbu_per_hour is None:
        return None
    # Published rates have at most four decimals; without rounding the sum would show more.
    return round(driver.dbu_per_hour + spec.worker_count * worker.dbu_per_hour, 4)


def _log_conf(destination: str, region: str) -> dict[str, Any]:
    kind = next((k for start, k in _LOG_KINDS.items() if destination.startswith(start)), None)
    if kind is None:
        raise InvalidInput(
            f"Clusters cannot deliver logs to {destination!r}: Databricks takes dbfs:/…, "
            "/Volumes/… and, on AWS, s3://…. Give the workspace one of these."
        )
    place = {"destination": destination}
    return {kind: {**place, "region": region} if kind == "s3" and region else place}


def _with_webhook(settings: Settings, webhook_id: str) -> dict[str, Any]:
    notified = dict(settings.get("webhook_notifications") or {})
    for event in _EVENTS:
        found = list(notified.get(event) or ())
        is_there = any(str(each.get("id")) == webhook_id for each in found)
        if not is_there and len(found) < _MOST_DESTINATIONS:
            notified[event] = [*found, {"id": webhook_id}]
    if notified == (settings.get("webhook_notifications") or {}):
        return dict(settings)
    return {**settings, "webhook_notifications": notified}
