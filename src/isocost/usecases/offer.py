"""A cluster of an imported project in; the clusters it may be instead, and their prices, out."""

from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from isocost.catalog.catalog import ALWAYS_ATTACHED_GIB, Catalog
from isocost.catalog.kinds import Engine
from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.cost import RateCard
from isocost.domain.limits import Field, Limits
from isocost.domain.project import Project
from isocost.domain.workspace import Cloud, Workspace
from isocost.errors import InvalidInput, UnknownName
from isocost.platforms.host import DefinedCluster
from isocost.pricing.purchase import Purchase
from isocost.space.candidates import CandidateSpace
from isocost.space.families import DEFAULT_BREADTH, family_of
from isocost.space.within import candidate_space_within
from isocost.usecases.recommend import Offer

_NEAREST_COUNT: Final = 3
# Candidate spaces that are remembered: some hundred kilobytes each, for the projects of one look.
_KNOWN_SPACES: Final = 64


def offer_for(
    project: Project,
    cluster: DefinedCluster,
    *,
    workspace: Workspace,
    catalog: Catalog,
    rentable: frozenset[str] | None,
) -> Offer:
    """Return what one cluster of a project may be within the project's limits, and how it is paid.

    Args:
        project: whose limits hold.
        cluster: as the definition asks for it now.
        workspace: where it runs.
        catalog: of node types and rates.
        rentable: node types that the workspace lists; None where it does not say.

    Raises:
        InvalidInput: the present node type, or the driver's, has no known price.
        UnknownName: the workspace's region or plan has no rates.
    """
    priced = {t.node_type_id: t for t in catalog.node_types(workspace.cloud, workspace.region)}
    _priced_type(cluster.spec.node_type_id, cluster, priced, project=project)
    driver = _driver_of(cluster, priced, project)
    machines = catalog.machines(workspace.cloud, workspace.region)
    space = _space(
        tuple(priced.get(m.node_type_id, m) for m in machines),
        _limits_of(project, cluster),
        cluster.spec,
        driver=driver,
        rentable=rentable,
    )
    purchase = _purchase(cluster, driver, workspace, catalog=catalog)
    return Offer(tuple(priced.values()), space, purchase)


@lru_cache(maxsize=_KNOWN_SPACES)
def _space(
    node_types: tuple[NodeType, ...],
    limits: Limits,
    present: ClusterSpec,
    *,
    driver: NodeType | None,
    rentable: frozenset[str] | None,
) -> CandidateSpace:
    """Return the candidates; most questions about a cluster are asked again and again."""
    return candidate_space_within(
        node_types, limits, present, driver=driver, rentable=rentable, breadth=DEFAULT_BREADTH
    )


def attached_gib(cloud: Cloud, cluster: DefinedCluster) -> float:
    """Return the volumes attached to each node: the cluster's own and what is always attached.

    Nothing is published of what Azure always attaches, so that is left out.
    """
    return (ALWAYS_ATTACHED_GIB[cloud] or 0.0) + cluster.disk_gib


def check_families(limits: Limits, workspace: Workspace, catalog: Catalog) -> None:
    """Raise UnknownName if limits name a family that the workspace's region does not have."""
    node_types = catalog.machines(workspace.cloud, workspace.region)
    known = {family_of(t.node_type_id).casefold(): family_of(t.node_type_id) for t in node_types}
    for name in limits.families:
        if name.casefold() not in known:
            # Without a cutoff: some names, however far, show what a family's name looks like.
            near = get_close_matches(name.casefold(), known, n=_NEAREST_COUNT, cutoff=0.0)
            nearest = ", ".join(known[other] for other in near)
            raise UnknownName(
                f"There is no family {name!r} of node types on {workspace.cloud} in "
                f"{workspace.region}. Nearest: {nearest}. A family is a node type's name without "
                "its size."
            )


def _limits_of(project: Project, cluster: DefinedCluster) -> Limits:
    """Return the project's limits; a pool fixes the node type as pinning does."""
    limits = project.limits
    return (
        replace(limits, pinned=limits.pinned | {Field.NODE_TYPE}) if cluster.is_pooled else limits
    )


def _driver_of(
    cluster: DefinedCluster, priced: dict[str, NodeType], project: Project
) -> NodeType | None:
    name = cluster.driver_node_type_id
    return None if name is None else _priced_type(name, cluster, priced, project=project)


def _priced_type(
    name: str, cluster: DefinedCluster, priced: dict[str, NodeType], *, project: Project
) -> NodeType:
    if name in priced:
        return priced[name]
    role = "workers" if name == cluster.spec.node_type_id else "driver"
    near = get_close_matches(name, priced, n=_NEAREST_COUNT)
    raise InvalidInput(
        f"Cluster {cluster.cluster_key!r} of project {project.name!r} has {role} of node type "
        f"{name!r}, whose price the catalog does not know in this region, so nothing can be "
        "compared with it. Move it to one that the catalog knows"
        + (f" ({', '.join(near)}), " if near else ", ")
        + "or leave this project out."
    )


def _purchase(
    cluster: DefinedCluster, driver: NodeType | None, workspace: Workspace, *, catalog: Catalog
) -> Purchase:
    rates = catalog.rate_card(
        workspace.cloud,
        workspace.region,
        workspace.plan,
        engine=Engine.PHOTON if cluster.is_photon else Engine.STANDARD,
    )
    return Purchase(
        rates=rates,
        driver=driver,
        is_driver_like_workers=driver is None,
        is_spot=cluster.is_spot,
        disk_gib=_billed_gib(attached_gib(workspace.cloud, cluster), rates),
    )


def _billed_gib(attached: float, rates: RateCard) -> float:
    # Volumes without a rate are left out of all candidates alike, as they are of what is billed.
    return 0.0 if rates.disk_usd_per_gib_month is None else attached
