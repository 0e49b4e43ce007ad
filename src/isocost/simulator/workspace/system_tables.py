"""A workspace in, the rows of Databricks' system tables about it out.

Columns and meanings are those of docs.databricks.com, "System tables reference"; columns that say
nothing about a simulated workspace are left out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isocost.simulator.workspace.clusters import JobCluster
from isocost.simulator.workspace.rates import rate_card
from isocost.simulator.workspace.runs import Result, Run
from isocost.simulator.workspace.values import Json, hex_id
from isocost.simulator.workspace.workspace import Workspace
from isocost.units import MIB_PER_GIB, S_PER_HOUR

_HOUR: Final = timedelta(hours=1)
_PRICES_SINCE: Final = datetime(2023, 1, 1)  # noqa: DTZ001  only its text is used
_RESULTS: Final = {
    Result.SUCCESS: "SUCCEEDED",
    Result.FAILED: "FAILED",
    Result.TIMED_OUT: "TIMED_OUT",
    Result.CANCELED: "CANCELLED",
    Result.UPSTREAM_FAILED: "SKIPPED",
    Result.UPSTREAM_CANCELED: "SKIPPED",
    Result.EXCLUDED: "SKIPPED",
    Result.TOO_MANY_RUNS: "SKIPPED",
}


@dataclass(frozen=True, slots=True)
class SystemTable:
    """One table.

    Attributes:
        columns: DuckDB's types by name.
        query: what makes the table of its rows, which are called `rows`.
    """

    columns: Mapping[str, str]
    rows: Callable[[Workspace, datetime], Iterator[Json]]
    query: str = "SELECT * FROM rows"


def _usage(workspace: Workspace, until: datetime) -> Iterator[Json]:
    for cluster in workspace.clusters.values():
        dbus: dict[tuple[datetime, str], float] = {}
        for node_type_id, dbu_per_hour, begin, end in _stays(cluster):
            for hour, hours in _hours(begin, end):
                key = (hour, node_type_id)
                dbus[key] = dbus.get(key, 0.0) + hours * dbu_per_hour
        for (hour, node_type_id), dbu in sorted(dbus.items()):
            if hour + _HOUR <= until:
                yield _usage_row(workspace, cluster, hour, node_type_id=node_type_id, dbu=dbu)


def _usage_row(
    workspace: Workspace, cluster: JobCluster, hour: datetime, *, node_type_id: str, dbu: float
) -> Json:
    is_photon = cluster.recipe.cluster.is_photon
    run = workspace.runs.get(cluster.run_id)
    begin = max(hour, cluster.requested_at)
    end = min(hour + _HOUR, cluster.released_at)
    return {
        **_account(workspace),
        "record_id": hex_id(cluster.cluster_id, hour, node_type_id, length=16),
        "sku_name": _sku(is_photon=is_photon),
        "cloud": workspace.options.cloud.upper(),
        "usage_start_time": _text(begin),
        "usage_end_time": _text(end),
        "usage_date": f"{hour:%Y-%m-%d}",
        "custom_tags": _tags(cluster, run),
        "usage_unit": "DBU",
        "usage_quantity": f"{dbu:.12f}",
        "usage_metadata": {
            "cluster_id": cluster.cluster_id,
            "job_id": None if cluster.job_id is None else str(cluster.job_id),
            "job_run_id": str(cluster.run_id),
            "job_name": cluster.run_name,
            "instance_pool_id": cluster.spec.get("instance_pool_id"),
            "warehouse_id": None,
            "node_type": node_type_id,
        },
        "identity_metadata": {"run_as": cluster.creator_user_name},
        "record_type": "ORIGINAL",
        "ingestion_date": f"{hour:%Y-%m-%d}",
        "billing_origin_product": "JOBS",
        "product_features": {
            "jobs_tier": "CLASSIC",
            "is_serverless": False,
            "is_photon": is_photon,
        },
        "usage_type": "COMPUTE_TIME",
    }


def _tags(cluster: JobCluster, run: Run) -> dict[str, str]:
    """Return the cluster's tags and those of its databricks job, which billing joins."""
    tags = {**(run.settings.get("tags") or {}), **(cluster.spec.get("custom_tags") or {})}
    return {str(key): str(value) for key, value in tags.items()}


def _stays(cluster: JobCluster) -> Iterator[tuple[str, float, datetime, datetime]]:
    """Yield node type, DBUs of an hour with Photon's factor, and stay of each node."""
    asked = cluster.recipe.cluster
    for node in cluster.nodes():
        kind = asked.driver_type if node.is_driver else asked.worker_type
        begin, end = cluster.outline.at(node.started_s), cluster.outline.at(node.ended_s)
        yield kind.node_type_id, kind.dbu_per_hour * cluster.dbu_factor, begin, end


def _hours(begin: datetime, end: datetime) -> Iterator[tuple[datetime, float]]:
    """Yield each clock hour of a stay, and how much of an hour falls into it."""
    hour = begin.replace(minute=0, second=0, microsecond=0)
    while hour < end:
        shared_s = (min(end, hour + _HOUR) - max(begin, hour)).total_seconds()
        yield hour, shared_s / S_PER_HOUR
        hour += _HOUR


def _list_prices(workspace: Workspace, _until: datetime) -> Iterator[Json]:
    for is_photon in (False, True):
        card = rate_card(workspace.machinery, is_photon=is_photon)
        usd = f"{card.usd_per_dbu or 0.0:.6f}"
        yield {
            "account_id": _account(workspace)["account_id"],
            "price_start_time": _PRICES_SINCE.isoformat(),
            "price_end_time": None,
            "sku_name": _sku(is_photon=is_photon),
            "cloud": workspace.options.cloud.upper(),
            "currency_code": "USD",
            "usage_unit": "DBU",
            "pricing": {
                "default": usd,
                "promotional": {"default": None},
                "effective_list": {"default": usd},
            },
        }


def _sku(*, is_photon: bool) -> str:
    return "PREMIUM_JOBS_COMPUTE_(PHOTON)" if is_photon else "PREMIUM_JOBS_COMPUTE"


def _clusters(workspace: Workspace, until: datetime) -> Iterator[Json]:
    for cluster in workspace.clusters.values():
        if cluster.requested_at > until:
            continue
        asked = cluster.recipe.cluster
        bounds = asked.autoscale
        is_gone = cluster.released_at <= until
        yield {
            **_account(workspace),
            "cluster_id": cluster.cluster_id,
            "cluster_name": cluster.name,
            "owned_by": cluster.creator_user_name,
            "create_time": _text(cluster.requested_at),
            "delete_time": _text(cluster.released_at) if is_gone else None,
            "driver_node_type": asked.driver_type.node_type_id,
            "worker_node_type": asked.worker_type.node_type_id,
            "worker_count": None if bounds else asked.worker_count,
            "min_autoscale_workers": bounds.min_workers if bounds else None,
            "max_autoscale_workers": bounds.max_workers if bounds else None,
            "tags": {str(k): str(v) for k, v in (cluster.spec.get("custom_tags") or {}).items()},
            "cluster_source": "JOB",
            "worker_instance_pool_id": cluster.spec.get("instance_pool_id"),
            "dbr_version": asked.runtime_version,
            "change_time": _text(cluster.released_at if is_gone else cluster.requested_at),
            "change_date": f"{cluster.requested_at:%Y-%m-%d}",
            "data_security_mode": cluster.spec.get("data_security_mode"),
            "policy_id": cluster.spec.get("policy_id"),
        }


def _node_types(workspace: Workspace, _until: datetime) -> Iterator[Json]:
    for node_type in workspace.machinery.node_types.values():
        yield {
            "account_id": _account(workspace)["account_id"],
            "node_type": node_type.node_type_id,
            "core_count": float(node_type.cores),
            "memory_mb": round(node_type.memory_gib * MIB_PER_GIB),
            "gpu_count": 0,
        }


def _node_stays(workspace: Workspace, until: datetime) -> Iterator[Json]:
    for cluster in workspace.clusters.values():
        for node in cluster.nodes():
            begin, end = cluster.outline.at(node.started_s), cluster.outline.at(node.ended_s)
            if begin < until:
                yield {
                    **_account(workspace),
                    "cluster_id": cluster.cluster_id,
                    "instance_id": node.instance_id,
                    "start_time": _text(begin),
                    "end_time": _text(min(end, until)),
                    "driver": node.is_driver,
                    "node_type": node.node_type_id,
                    "private_ip": node.host,
                }


def _databricks_jobs(workspace: Workspace, until: datetime) -> Iterator[Json]:
    for each in workspace.definitions.with_deleted():
        if each.created_at <= until:
            yield {
                **_account(workspace),
                "job_id": str(each.job_id),
                "name": each.settings["name"],
                "description": each.settings.get("description"),
                "creator_id": each.creator_user_name,
                "run_as": each.creator_user_name,
                "tags": {str(k): str(v) for k, v in (each.settings.get("tags") or {}).items()},
                "change_time": _text(each.created_at),
                "delete_time": _text(until) if each.is_deleted else None,
            }


def _run_periods(workspace: Workspace, until: datetime) -> Iterator[Json]:
    for run in workspace.runs:
        begin = run.began_at or run.requested_at
        result = run.result()
        for start, end, is_last in _periods(begin, run.ended_at, until):
            yield {
                **_account(workspace),
                "job_id": None if run.job_id is None else str(run.job_id),
                "run_id": str(run.run_id),
                "period_start_time": _text(start),
                "period_end_time": _text(end),
                "trigger_type": "CRON" if run.trigger == "PERIODIC" else "ONETIME",
                "run_type": "SUBMIT_RUN" if run.job_id is None else "JOB_RUN",
                "run_name": run.name,
                "compute_ids": [each.cluster_id for each in run.clusters],
                "result_state": _RESULTS[result] if is_last and result else None,
                "termination_code": result.value if is_last and result else None,
            }


def _entry_periods(workspace: Workspace, until: datetime) -> Iterator[Json]:
    for run in workspace.runs:
        for entry in run.entries:
            if entry.started_at is None:
                continue
            for start, end, is_last in _periods(entry.started_at, entry.ended_at, until):
                result = entry.result if is_last else None
                yield {
                    **_account(workspace),
                    "job_id": None if run.job_id is None else str(run.job_id),
                    "run_id": str(entry.run_id),
                    "job_run_id": str(run.run_id),
                    "parent_run_id": str(run.run_id),
                    "period_start_time": _text(start),
                    "period_end_time": _text(end),
                    "task_key": entry.key,
                    "compute_ids": [entry.cluster.cluster_id] if entry.cluster else [],
                    "result_state": _RESULTS[result] if result else None,
                    "termination_code": result.value if result else None,
                }


def _periods(
    begin: datetime, end: datetime | None, until: datetime
) -> Iterator[tuple[datetime, datetime, bool]]:
    """Yield a span by clock hours, as timelines are written, and whether each is its last."""
    last = end if end is not None and end <= until else None
    start = begin
    while start < until:
        after = start.replace(minute=0, second=0, microsecond=0) + _HOUR
        if last is not None and last <= after:
            yield start, last, True
            return
        if after > until:
            return
        yield start, after, False
        start = after


def _account(workspace: Workspace) -> dict[str, str]:
    text = hex_id("account", length=16) * 2
    account_id = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    return {"account_id": account_id, "workspace_id": str(workspace.workspace_id)}


def _text(at: datetime) -> str:
    """Return a moment without its zone: all of a table's are UTC."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds")


_ACCOUNT: Final = {"account_id": "VARCHAR", "workspace_id": "VARCHAR"}
_TAGS: Final = "MAP(VARCHAR, VARCHAR)"
_PERIOD: Final = {"period_start_time": "TIMESTAMP", "period_end_time": "TIMESTAMP"}
_END: Final = {
    "compute_ids": "VARCHAR[]",
    "result_state": "VARCHAR",
    "termination_code": "VARCHAR",
}
# What a busy node's minute looks like; nobody should read more than "was there" out of it.
_CPU_PERCENT: Final = 70.0
_MINUTES: Final = f"""
    SELECT account_id, workspace_id, cluster_id, instance_id, minute AS start_time,
           minute + INTERVAL 1 MINUTE AS end_time, driver,
           CASE WHEN driver THEN 10.0 ELSE {_CPU_PERCENT} END AS cpu_user_percent,
           3.0::DOUBLE AS cpu_system_percent, 1.0::DOUBLE AS cpu_wait_percent,
           55.0::DOUBLE AS mem_used_percent, 0.0::DOUBLE AS mem_swap_percent,
           node_type, private_ip
    FROM (SELECT *, unnest(generate_series(
            date_trunc('minute', start_time), end_time - INTERVAL 1 MILLISECOND,
            INTERVAL 1 MINUTE)) AS minute
          FROM (SELECT * FROM rows))
"""  # noqa: S608  made of constants alone

TABLES: Final[Mapping[str, SystemTable]] = {
    "billing.usage": SystemTable(
        {
            **_ACCOUNT,
            "record_id": "VARCHAR",
            "sku_name": "VARCHAR",
            "cloud": "VARCHAR",
            "usage_start_time": "TIMESTAMP",
            "usage_end_time": "TIMESTAMP",
            "usage_date": "DATE",
            "custom_tags": _TAGS,
            "usage_unit": "VARCHAR",
            "usage_quantity": "DECIMAL(38,18)",
            "usage_metadata": "STRUCT(cluster_id VARCHAR, job_id VARCHAR, job_run_id VARCHAR, "
            "job_name VARCHAR, instance_pool_id VARCHAR, warehouse_id VARCHAR, node_type VARCHAR)",
            "identity_metadata": "STRUCT(run_as VARCHAR)",
            "record_type": "VARCHAR",
            "ingestion_date": "DATE",
            "billing_origin_product": "VARCHAR",
            "product_features": "STRUCT(jobs_tier VARCHAR, is_serverless BOOLEAN, "
            "is_photon BOOLEAN)",
            "usage_type": "VARCHAR",
        },
        _usage,
    ),
    "billing.list_prices": SystemTable(
        {
            "account_id": "VARCHAR",
            "price_start_time": "TIMESTAMP",
            "price_end_time": "TIMESTAMP",
            "sku_name": "VARCHAR",
            "cloud": "VARCHAR",
            "currency_code": "VARCHAR",
            "usage_unit": "VARCHAR",
            "pricing": 'STRUCT("default" DECIMAL(38,18), promotional STRUCT("default" '
            'DECIMAL(38,18)), effective_list STRUCT("default" DECIMAL(38,18)))',
        },
        _list_prices,
    ),
    "compute.clusters": SystemTable(
        {
            **_ACCOUNT,
            "cluster_id": "VARCHAR",
            "cluster_name": "VARCHAR",
            "owned_by": "VARCHAR",
            "create_time": "TIMESTAMP",
            "delete_time": "TIMESTAMP",
            "driver_node_type": "VARCHAR",
            "worker_node_type": "VARCHAR",
            "worker_count": "BIGINT",
            "min_autoscale_workers": "BIGINT",
            "max_autoscale_workers": "BIGINT",
            "tags": _TAGS,
            "cluster_source": "VARCHAR",
            "worker_instance_pool_id": "VARCHAR",
            "dbr_version": "VARCHAR",
            "change_time": "TIMESTAMP",
            "change_date": "DATE",
            "data_security_mode": "VARCHAR",
            "policy_id": "VARCHAR",
        },
        _clusters,
    ),
    "compute.node_types": SystemTable(
        {
            "account_id": "VARCHAR",
            "node_type": "VARCHAR",
            "core_count": "DOUBLE",
            "memory_mb": "BIGINT",
            "gpu_count": "BIGINT",
        },
        _node_types,
    ),
    "compute.node_timeline": SystemTable(
        {
            **_ACCOUNT,
            "cluster_id": "VARCHAR",
            "instance_id": "VARCHAR",
            "start_time": "TIMESTAMP",
            "end_time": "TIMESTAMP",
            "driver": "BOOLEAN",
            "node_type": "VARCHAR",
            "private_ip": "VARCHAR",
        },
        _node_stays,
        _MINUTES,
    ),
    "lakeflow.jobs": SystemTable(
        {
            **_ACCOUNT,
            "job_id": "VARCHAR",
            "name": "VARCHAR",
            "description": "VARCHAR",
            "creator_id": "VARCHAR",
            "run_as": "VARCHAR",
            "tags": _TAGS,
            "change_time": "TIMESTAMP",
            "delete_time": "TIMESTAMP",
        },
        _databricks_jobs,
    ),
    "lakeflow.job_run_timeline": SystemTable(
        {
            **_ACCOUNT,
            "job_id": "VARCHAR",
            "run_id": "VARCHAR",
            **_PERIOD,
            "trigger_type": "VARCHAR",
            "run_type": "VARCHAR",
            "run_name": "VARCHAR",
            **_END,
        },
        _run_periods,
    ),
    "lakeflow.job_task_run_timeline": SystemTable(
        {
            **_ACCOUNT,
            "job_id": "VARCHAR",
            "run_id": "VARCHAR",
            "job_run_id": "VARCHAR",
            "parent_run_id": "VARCHAR",
            **_PERIOD,
            "task_key": "VARCHAR",
            **_END,
        },
        _entry_periods,
    ),
}
