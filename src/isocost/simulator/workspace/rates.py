"""A cloud's region in, what a simulated workspace there charges for job clusters out."""

from isocost.catalog import shipped
from isocost.catalog.kinds import Engine
from isocost.domain.cost import RateCard
from isocost.domain.workspace import Plan
from isocost.simulator.workspace.compute import Machinery


def rate_card(machinery: Machinery, *, is_photon: bool) -> RateCard:
    """Return list rates of job clusters on the premium plan."""
    engine = Engine.PHOTON if is_photon else Engine.STANDARD
    return shipped.load().rate_card(machinery.cloud, machinery.region, Plan.PREMIUM, engine=engine)
