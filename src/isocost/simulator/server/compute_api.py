"""Requests about clusters, node types, policies and pools in, their answers out."""

from typing import Final

from isocost.domain.workspace import Cloud
from isocost.simulator.server.calls import Answer, Call, Endpoint, page
from isocost.simulator.workspace.access import Right
from isocost.simulator.workspace.clusters import cluster_view, event_views
from isocost.simulator.workspace.compute import RUNTIMES, node_type_view
from isocost.simulator.workspace.refusal import no_such_cluster, not_found
from isocost.simulator.workspace.values import Json

_BOTH: Final = ("2.0", "2.1")
_EVENTS_USUAL: Final = 50
_EVENTS_MOST: Final = 500
_CLUSTERS_PAGE: Final = 100


def get_cluster(call: Call) -> Answer:
    """Answer `clusters/get`."""
    call.demand(Right.READ_CLUSTERS)
    cluster_id = call.text("cluster_id")
    workspace = call.workspace
    if cluster_id in workspace.existing:
        return workspace.existing[cluster_id]
    found = workspace.clusters.get(cluster_id)
    if found is None:
        raise no_such_cluster(cluster_id)
    call.demand(Right.READ_CLUSTERS, found.job_id)
    return cluster_view(found, workspace.now)


def list_clusters(call: Call) -> Answer:
    """Answer `clusters/list`: all-purpose clusters, then job clusters, newest first."""
    call.demand(Right.READ_CLUSTERS)
    workspace = call.workspace
    views = [*workspace.existing.values()]
    views += [cluster_view(c, workspace.now) for c in reversed(workspace.clusters.values())]
    wanted_states = call.query.get("filter_by.cluster_states", "")
    if wanted_states:
        views = [v for v in views if v.get("state") in wanted_states.split(",")]
    limit = call.number_or("page_size", _CLUSTERS_PAGE) or _CLUSTERS_PAGE
    shown, following, before = page(views, call.value("page_token"), limit)
    return {"clusters": shown, "next_page_token": following, "prev_page_token": before}


def list_events(call: Call) -> Answer:
    """Answer `clusters/events`, by pages that the answer itself asks for next."""
    call.demand(Right.READ_CLUSTERS)
    cluster_id = call.text("cluster_id")
    if cluster_id not in call.workspace.clusters:
        raise no_such_cluster(cluster_id)
    found = event_views(call.workspace.clusters[cluster_id], call.workspace.now)
    kinds = call.body.get("event_types") or []
    chosen = [
        view
        for view in found
        if call.number_or("start_time", 0) <= view["timestamp"]
        and view["timestamp"] <= call.number_or("end_time", view["timestamp"])
        and (not kinds or view["type"] in kinds)
    ]
    if call.value("order") != "ASC":
        chosen.reverse()
    limit = call.number_or("page_size", 0) or call.number_or("limit", _EVENTS_USUAL)
    limit = max(1, min(limit, _EVENTS_MOST))
    token = call.value("page_token") or f"p{call.number_or('offset', 0)}"
    shown, following, before = page(chosen, token, limit)
    answer: Json = {"events": shown, "total_count": len(chosen)}
    if following:
        asked = {k: v for k, v in call.body.items() if k not in {"offset", "limit"}}
        answer["next_page"] = {**asked, "offset": int(following[1:]), "limit": limit}
        answer["next_page_token"] = following
    if before:
        answer["prev_page_token"] = before
    return answer


def list_node_types(call: Call) -> Answer:
    """Answer `clusters/list-node-types`."""
    call.demand(Right.READ_NODE_TYPES)
    found = call.workspace.machinery.node_types.values()
    return {"node_types": [node_type_view(each) for each in found]}


def list_spark_versions(call: Call) -> Answer:
    """Answer `clusters/spark-versions`."""
    versions = [
        {"key": key, "name": f"{name} (includes Apache Spark {spark}, Scala 2.12)"}
        for key, (spark, name) in RUNTIMES.items()
    ]
    return {"versions": versions}


def list_zones(call: Call) -> Answer:
    """Answer `clusters/list-zones`; Azure has none to choose."""
    region = call.workspace.machinery.region
    if call.workspace.options.cloud is Cloud.AZURE:
        return {"zones": [], "default_zone": ""}
    return {"zones": [region + letter for letter in "abc"], "default_zone": f"{region}a"}


def list_policies(call: Call) -> Answer:
    """Answer `policies/clusters/list`."""
    call.demand(Right.READ_POLICIES)
    found = list(call.workspace.policies.values())
    return {"policies": found, "total_count": len(found)}


def get_policy(call: Call) -> Answer:
    """Answer `policies/clusters/get`."""
    call.demand(Right.READ_POLICIES)
    return _found(call.workspace.policies, call.text("policy_id"), "cluster policy")


def list_pools(call: Call) -> Answer:
    """Answer `instance-pools/list`."""
    call.demand(Right.READ_POOLS)
    return {"instance_pools": list(call.workspace.machinery.pools.values())}


def get_pool(call: Call) -> Answer:
    """Answer `instance-pools/get`."""
    call.demand(Right.READ_POOLS)
    return _found(call.workspace.machinery.pools, call.text("instance_pool_id"), "instance pool")


def _found(known: dict[str, Json], name: str, what: str) -> Json:
    if name not in known:
        raise not_found(f"Can't find a {what} with id: {name}.")
    return known[name]


ENDPOINTS: Final = (
    Endpoint("GET", "/api/{version}/clusters/get", get_cluster, _BOTH),
    Endpoint("GET", "/api/{version}/clusters/list", list_clusters, _BOTH),
    Endpoint("POST", "/api/{version}/clusters/events", list_events, _BOTH),
    Endpoint("GET", "/api/{version}/clusters/list-node-types", list_node_types, _BOTH),
    Endpoint("GET", "/api/{version}/clusters/spark-versions", list_spark_versions, _BOTH),
    Endpoint("GET", "/api/{version}/clusters/list-zones", list_zones, _BOTH),
    Endpoint("GET", "/api/{version}/policies/clusters/list", list_policies),
    Endpoint("GET", "/api/{version}/policies/clusters/get", get_policy),
    Endpoint("GET", "/api/{version}/instance-pools/list", list_pools),
    Endpoint("GET", "/api/{version}/instance-pools/get", get_pool),
)
