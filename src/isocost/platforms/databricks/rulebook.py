"""Ids of cluster policies and pools in; their rules and facts out, each asked for once."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from isocost.catalog import shipped
from isocost.errors import NotFound
from isocost.platforms.databricks.changes import Bounds, MachineFacts, NamedRules
from isocost.platforms.databricks.connection import Calls
from isocost.platforms.databricks.definitions import PoolOf
from isocost.platforms.databricks.policies import rules_of

_POLICY: Final = "/api/2.0/policies/clusters/get"
_POOL: Final = "/api/2.0/instance-pools/get"


def bounds_of(calls: Calls, *, region: str = "", pool_of: PoolOf | None = None) -> Bounds:
    """Return what the workspace allows as of now; policies and pools are remembered in it."""
    return Bounds(
        policy=policies_of(calls),
        pool=pool_of or pools_of(calls),
        machine=lambda node_type_id: _machines().get(node_type_id),
        region=region,
    )


def policies_of(calls: Calls) -> Callable[[str], NamedRules]:
    """Return a lookup of cluster policies; a deleted one rules nothing.

    What a cluster with a deleted policy may be, only the workspace itself can say.
    """

    @cache
    def policy(policy_id: str) -> NamedRules:
        what = f"reading cluster policy {policy_id}"
        grant = "CAN USE on the cluster policy"
        try:
            found = calls.get(what, _POLICY, {"policy_id": policy_id}, grant=grant)
        except NotFound:
            return NamedRules(policy_id, {})
        return NamedRules(str(found.get("name") or policy_id), rules_of(found))

    return policy


def pools_of(calls: Calls) -> PoolOf:
    """Return a lookup of instance pools; a deleted one is empty."""

    @cache
    def pool(pool_id: str) -> Mapping[str, Any]:
        what = f"reading instance pool {pool_id}"
        grant = "CAN ATTACH TO on the instance pool"
        try:
            return calls.get(what, _POOL, {"instance_pool_id": pool_id}, grant=grant)
        except NotFound:
            return {}

    return pool


@cache
def _machines() -> dict[str, MachineFacts]:
    rows = shipped.load().tables.node_types
    return {row.node_type_id: MachineFacts(row.dbu_per_hour, row.architecture) for row in rows}
