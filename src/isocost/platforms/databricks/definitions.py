"""A databricks job's raw settings in; its steps, its clusters and why it does not qualify out.

It qualifies as soon as one of its clusters does. What its other steps run on (serverless compute,
a SQL warehouse, an all-purpose cluster) is left as it is and counts only by the time it takes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from isocost.domain.cluster import ClusterSpec
from isocost.platforms.host import RECOMMENDATION_TAG, DefinedCluster, Settings

# Takes an instance pool's id; returns the pool as the workspace shows it, empty if it cannot.
PoolOf = Callable[[str], Settings]

STEPS: Final = "tasks"
SHARED: Final = "job_clusters"
KEY_OF: Final = {STEPS: "task_key", SHARED: "job_cluster_key"}
# Keys are letters, digits, dashes and underscores, so that none of them begins like this.
_OWN: Final = "step:"

# What a step does that needs no job cluster, by the field that says so.
_ELSEWHERE: Final[Mapping[str, str]] = {
    "pipeline_task": "It runs a pipeline, which has a cluster of its own",
    "sql_task": "It runs on a SQL warehouse, not on a job cluster",
    "dashboard_task": "It runs on a SQL warehouse, not on a job cluster",
    "alert_task": "It runs on a SQL warehouse, not on a job cluster",
    "power_bi_task": "It runs on a SQL warehouse, not on a job cluster",
    "run_job_task": "It starts another databricks job; import that one",
    "condition_task": "It only decides what runs next",
    "for_each_task": "It repeats a step for each entry of a list, which varies from run to run",
}
_SERVERLESS: Final = "It runs on serverless compute, which has no cluster to choose"
_STREAM_METRIC: Final = "STREAMING_"
_SINGLE_NODE: Final = "singleNode"
# Databricks' own size of a volume where none is stated (docs.databricks.com/api,
# `aws_attributes.ebs_volume_size`).
_USUAL_VOLUME_GIB: Final = 100


@dataclass(frozen=True, slots=True)
class DefinedStep:
    """One step (a Databricks task) as a definition states it.

    Attributes:
        cluster_key: of the job cluster it runs on, also of one that does not qualify; empty for a
            step without.
    """

    step_key: str
    cluster_key: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedCluster:
    """One `new_cluster` of a definition and the array entry that holds it."""

    cluster_key: str
    array: str
    index: int
    asked: Settings


def steps_of(settings: Settings) -> tuple[DefinedStep, ...]:
    """Return the steps, in the definition's order."""
    shared = _shared_keys(settings)
    return tuple(
        DefinedStep(
            str(step.get("task_key")),
            _cluster_key(step, shared),
            tuple(str(d.get("task_key")) for d in step.get("depends_on") or ()),
        )
        for step in entries_of(settings, STEPS)
    )


def placed_clusters(settings: Settings) -> tuple[PlacedCluster, ...]:
    """Return every job cluster, shared ones first, whether it qualifies or not."""
    return tuple(_placed(settings))


def clusters_of(settings: Settings, pool_of: PoolOf) -> dict[str, DefinedCluster]:
    """Return, by key, the clusters that qualify: of known size and type, and in use."""
    found = ((placed, _why_not(settings, placed, pool_of)) for placed in _placed(settings))
    return {p.cluster_key: _defined(p, pool_of) for p, why_not in found if not why_not}


def obstacles_of(settings: Settings, pool_of: PoolOf) -> tuple[str, ...]:
    """Return why the definition does not qualify, a sentence each; empty if it does."""
    of_all = tuple(_of_all(settings))
    if of_all or clusters_of(settings, pool_of):
        return of_all
    clusters = {p.cluster_key: _why_not(settings, p, pool_of) for p in _placed(settings)}
    reasons: dict[str, list[str]] = {}
    for step, raw in zip(steps_of(settings), entries_of(settings, STEPS), strict=True):
        reason = clusters.get(step.cluster_key) or _elsewhere(raw)
        reasons.setdefault(reason, []).append(step.step_key)
    return tuple(f"{reason} ({_named(steps)})." for reason, steps in reasons.items())


def entries_of(settings: Settings, array: str) -> tuple[Settings, ...]:
    """Return the entries of an array; none if it is absent."""
    return tuple(settings.get(array) or ())


def is_photon(asked: Settings) -> bool:
    """Whether a cluster is asked for with Photon."""
    return asked.get("runtime_engine") == "PHOTON" or "photon" in str(asked.get("spark_version"))


def log_destination_of(asked: Settings) -> str:
    """Return where a cluster delivers its logs; empty if nowhere."""
    kinds = (asked.get("cluster_log_conf") or {}).values()
    return next((str(kind["destination"]) for kind in kinds if kind.get("destination")), "")


def _placed(settings: Settings) -> Iterator[PlacedCluster]:
    shared = _shared_keys(settings)
    for index, entry in enumerate(entries_of(settings, SHARED)):
        key, asked = str(entry.get("job_cluster_key")), entry.get("new_cluster")
        if asked:
            yield PlacedCluster(key, SHARED, index, asked)
    for index, step in enumerate(entries_of(settings, STEPS)):
        if step.get("new_cluster"):
            key = _cluster_key(step, shared)
            yield PlacedCluster(key, STEPS, index, step["new_cluster"])


def _shared_keys(settings: Settings) -> frozenset[str]:
    return frozenset(str(e.get("job_cluster_key")) for e in entries_of(settings, SHARED))


def _cluster_key(step: Settings, shared: frozenset[str]) -> str:
    if step.get("new_cluster"):
        step_key = str(step.get("task_key"))
        return _OWN + step_key if step_key in shared else step_key
    return str(step.get("job_cluster_key") or "")


def _of_all(settings: Settings) -> Iterator[str]:
    """Yield what speaks against the definition whatever its clusters are."""
    if settings.get("continuous"):
        yield "It runs continuously: a run has no end that a deadline could be held against."
    rules = (settings.get("health") or {}).get("rules") or ()
    if any(str(rule.get("metric")).startswith(_STREAM_METRIC) for rule in rules):
        yield "It is watched for the backlog of a stream: a streaming run does not end by itself."
    if not entries_of(settings, STEPS):
        yield "It has no steps."


def _elsewhere(step: Settings) -> str:
    """Return what a step without a job cluster of its own runs on."""
    if step.get("existing_cluster_id"):
        named = step["existing_cluster_id"]
        return f"It runs on the all-purpose cluster {named}, not on a job cluster"
    if (step.get("dbt_task") or {}).get("warehouse_id"):
        return _ELSEWHERE["sql_task"]
    return next((why for name, why in _ELSEWHERE.items() if name in step), _SERVERLESS)


def _why_not(settings: Settings, placed: PlacedCluster, pool_of: PoolOf) -> str:
    """Return why a cluster does not qualify, without a full stop; empty if it does."""
    steps = entries_of(settings, STEPS)
    shared = _shared_keys(settings)
    users = [step for step in steps if _cluster_key(step, shared) == placed.cluster_key]
    asked = placed.asked
    if any(_cluster_key(inner, shared) == placed.cluster_key for inner in _repeated(steps)):
        return _ELSEWHERE["for_each_task"]
    if not users:
        return "No step runs on its cluster"
    if _is_single_node(asked):
        return "It runs on a single node, which has no workers to choose"
    if _most_workers(asked) < 1:
        return "It leaves the number of workers to its cluster policy; state it in the definition"
    if not _node_type_id(asked, pool_of):
        return "It leaves the node type to its policy or pool, which does not tell it"
    return ""


def _repeated(steps: tuple[Settings, ...]) -> Iterator[Settings]:
    """Yield the steps that a step repeats, which run on the same definition's clusters."""
    for step in steps:
        inner = (step.get("for_each_task") or {}).get("task")
        if inner:
            yield inner


def _is_single_node(asked: Settings) -> bool:
    profile = (asked.get("spark_conf") or {}).get("spark.databricks.cluster.profile")
    has_none = asked.get("num_workers") == 0 and not asked.get("autoscale")
    return bool(asked.get("is_single_node")) or profile == _SINGLE_NODE or has_none


def _defined(placed: PlacedCluster, pool_of: PoolOf) -> DefinedCluster:
    asked = placed.asked
    node_type_id = _node_type_id(asked, pool_of)
    driver = _driver_type_id(asked, pool_of)
    autoscale = asked.get("autoscale") or {}
    policy_id = asked.get("policy_id")
    tag = (asked.get("custom_tags") or {}).get(RECOMMENDATION_TAG)
    return DefinedCluster(
        placed.cluster_key,
        ClusterSpec(node_type_id, _most_workers(asked)),
        min_workers=int(autoscale.get("min_workers") or 0) if autoscale else None,
        driver_node_type_id=None if driver in {"", node_type_id} else driver,
        is_spot=_is_spot(asked, _pool(asked, pool_of), node_type_id),
        is_photon=is_photon(asked),
        disk_gib=_disk_gib(asked, _pool(asked, pool_of)),
        recommendation_id=None if tag is None else str(tag),
        is_pooled=bool(asked.get("instance_pool_id")),
        policy_id=None if policy_id is None else str(policy_id),
        spark_version=str(asked.get("spark_version") or ""),
        log_destination=log_destination_of(asked),
    )


def _most_workers(asked: Settings) -> int:
    bounds = asked.get("autoscale") or {}
    return int(bounds.get("max_workers") or 0) if bounds else int(asked.get("num_workers") or 0)


def _pool(asked: Settings, pool_of: PoolOf) -> Settings:
    pool_id = asked.get("instance_pool_id")
    return pool_of(str(pool_id)) if pool_id else {}


def _node_type_id(asked: Settings, pool_of: PoolOf) -> str:
    return str(_pool(asked, pool_of).get("node_type_id") or asked.get("node_type_id") or "")


def _driver_type_id(asked: Settings, pool_of: PoolOf) -> str:
    pool_id = asked.get("driver_instance_pool_id")
    if pool_id:
        return str(pool_of(str(pool_id)).get("node_type_id") or "")
    # The driver of a pooled cluster comes from the same pool, whatever else is written.
    return "" if asked.get("instance_pool_id") else str(asked.get("driver_node_type_id") or "")


def _is_spot(asked: Settings, pool: Settings, node_type_id: str) -> bool:
    """Whether workers may be spot nodes; a pool decides it for its nodes."""
    is_azure = node_type_id.startswith("Standard_")
    name = "azure_attributes" if is_azure else "aws_attributes"
    attributes: Mapping[str, Any] = pool.get(name) or asked.get(name) or {}
    # Without a word AWS nodes are spot nodes and Azure's are not (docs.databricks.com/api,
    # `aws_attributes.availability` and `azure_attributes.availability`).
    usual = "ON_DEMAND_AZURE" if is_azure else "SPOT_WITH_FALLBACK"
    is_bought_so = str(attributes.get("availability") or usual).startswith("SPOT")
    sheltered = int(attributes.get("first_on_demand") or 0)
    return is_bought_so and sheltered < _most_workers(asked) + 1  # the driver is one of them


def _disk_gib(asked: Settings, pool: Settings) -> float:
    disks = pool.get("disk_spec")
    if disks:
        return float(disks.get("disk_count") or 0) * float(disks.get("disk_size") or 0)
    attributes = asked.get("aws_attributes") or {}
    count = int(attributes.get("ebs_volume_count") or 0)
    return float(count * int(attributes.get("ebs_volume_size") or _USUAL_VOLUME_GIB))


def _named(steps: list[str]) -> str:
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {', '.join(steps)}"
