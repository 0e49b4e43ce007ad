"""A seed in, the life of one recurring application out: its runs as the product would know them.

The simulated cluster runs it every day for four weeks, on clusters that change from run to run as
a product that tries clusters changes them; on the fifteenth day something happens to it, or
nothing. The product reads event logs: nothing else of the simulation passes to it.
"""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from isocost.catalog.shipped import load
from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.deviation import CauseOfDeviation
from isocost.domain.profile import RunProfile
from isocost.domain.workspace import Cloud
from isocost.eventlog.summarize import read_profile_from_chunks
from isocost.model.history import Ending, Observation
from isocost.model.log_evidence import is_disturbed
from isocost.recommend.attribution import Witness
from isocost.simulator.cluster import AttachedDisks, Availability, SimulatedCluster
from isocost.simulator.conditions import CodeChange, Episode, Scenario, SizeJump
from isocost.simulator.event_log import databricks_log
from isocost.simulator.identity import RunIdentity, spark_context_id_from_seed
from isocost.simulator.run import NodeEnd, SimulatedRun
from isocost.simulator.simulate import EPOCH, simulate
from isocost.simulator.workload import Workload
from isocost.simulator.workspace.shapes import workload_of_shape

DAYS: Final = 28
CHANGE_DAY: Final = 14
# As the demo's estate: what people choose by hand, quieter weekends, ordinary growth.
TYPES: Final = {
    Cloud.AWS: ("m5.2xlarge", "r5.2xlarge", "c5.4xlarge", "m5d.2xlarge", "i3.2xlarge"),
    Cloud.AZURE: (
        "Standard_D8s_v3",
        "Standard_E8s_v3",
        "Standard_F16s_v2",
        "Standard_D8ds_v5",
        "Standard_E8ds_v5",
    ),
}
COUNTS: Final = (2, 3, 4, 5, 6, 8, 10, 12)
_WEEK: Final = (1.04, 1.02, 1.0, 1.02, 1.06, 0.94, 0.92)
_MOST_DRIFT_PER_DAY: Final = 0.002
_SPOT_LOSSES: Final = 0.01
# A product that has settled still changes the cluster now and then; one of three never settles.
_TRIES: Final = 8
_STAYS: Final = (0.85, 0.85, 0.3)
_GZIP: Final = 31  # zlib's word for a gzip header and the largest window


@dataclass(frozen=True, slots=True)
class Injection:
    """What happens to an application on the day of change.

    Attributes:
        cause: what it should be attributed to; None for nothing.
        is_mild: smaller than what the demo injects.
        spark_version: from then on; None for as before.
        days: how long an episode lasts.
    """

    name: str
    cause: CauseOfDeviation | None
    size_factor: float = 1.0
    code: CodeChange | None = None
    spark_version: str | None = None
    losses: float = 0.0
    slowdown: float = 1.0
    days: float = 3.0
    is_mild: bool = False


_AT: Final = EPOCH + timedelta(days=CHANGE_DAY)


def _code(version: str, work_factor: float, added_operator: str = "") -> CodeChange:
    return CodeChange(_AT, version, work_factor, added_operator=added_operator)


_DATA, _CODE = CauseOfDeviation.DATA, CauseOfDeviation.CODE
_PLATFORM, _SPOT = CauseOfDeviation.PLATFORM, CauseOfDeviation.SPOT
_RUNTIME: Final = CauseOfDeviation.RUNTIME_VERSION
INJECTIONS: Final = (
    Injection("nothing", None),
    Injection("data_doubled", _DATA, size_factor=2.0),
    Injection("data_halved", _DATA, size_factor=0.5),
    Injection("data_half_as_much_again", _DATA, size_factor=1.5, is_mild=True),
    Injection("code_and_plan", _CODE, code=_code("2", 1.7, "Window")),
    Injection("plan_only", _CODE, code=_code("2", 1.0, "Window"), is_mild=True),
    # The version is part of the simulated plans: as it was, the plan is the same.
    Injection("code_in_functions", _CODE, code=_code("1", 1.7)),
    Injection("code_in_functions_mild", _CODE, code=_code("1", 1.25), is_mild=True),
    Injection("spark_version", _RUNTIME, code=_code("1", 0.85), spark_version="3.5.2"),
    Injection("spot_storm", _SPOT, losses=3.0),
    Injection("slow_platform", _PLATFORM, slowdown=1.4),
    Injection("slow_platform_mild", _PLATFORM, slowdown=1.2, is_mild=True),
)


@dataclass(frozen=True, slots=True)
class Life:
    """One application's runs, oldest first.

    Attributes:
        space: clusters that it may run on.
        changed_from: place of the first run after the change.
        changed_until: place of the first run after the episode, or how many runs there are.
        losses: nodes that were lost in each run, by the simulation's own book.
    """

    shape: str
    seed: int
    injection: Injection
    witnesses: tuple[Witness, ...]
    space: tuple[ClusterSpec, ...]
    node_types: tuple[NodeType, ...]
    changed_from: int
    changed_until: int
    losses: tuple[int, ...]


def live(shape: str, seed: int, injection: Injection, *, noise_cv: float = 0.03) -> Life:
    """Return an application's life, the same for the same seed."""
    rng = np.random.default_rng([seed, len(shape)])
    cloud = (Cloud.AWS, Cloud.AZURE)[seed % 2]
    node_types = _node_types(cloud)
    space = tuple(ClusterSpec(t.node_type_id, n) for t in node_types for n in COUNTS)
    workload = workload_of_shape(shape, seed, f"{shape}-{seed}")
    scenario = _scenario(injection, float(rng.uniform(0.0, _MOST_DRIFT_PER_DAY)), noise_cv)
    is_photon = bool(rng.random() < 1 / 6)
    witnesses, losses = [], []
    stays = _STAYS[seed % len(_STAYS)]
    for day, spec in enumerate(_clusters(space, rng, stays)):
        cluster = _cluster(spec, cloud, node_types, is_photon=is_photon, rng=rng)
        if injection.spark_version and day >= CHANGE_DAY:
            cluster = replace(cluster, spark_version=injection.spark_version)
        run = _run(workload, cluster, scenario, seed=1000 * seed + day, day=day)
        witnesses.append(_witness(run, spec, f"r-{day}"))
        losses.append(_losses(run))
    is_episode = injection.losses > 0 or injection.slowdown > 1
    until = CHANGE_DAY + int(injection.days) if is_episode else DAYS
    return Life(
        shape,
        seed,
        injection,
        tuple(witnesses),
        space,
        node_types,
        CHANGE_DAY,
        until,
        tuple(losses),
    )


def _node_types(cloud: Cloud) -> tuple[NodeType, ...]:
    catalog = load()
    region = catalog.regions(cloud)[0]
    return tuple(catalog.node_type(cloud, region, name) for name in TYPES[cloud])


def _clusters(
    space: tuple[ClusterSpec, ...], rng: np.random.Generator, stays: float
) -> list[ClusterSpec]:
    """Return each day's cluster: first many, then mostly the same."""
    found: list[ClusterSpec] = []
    for day in range(DAYS):
        is_other = day <= _TRIES or rng.random() > stays
        found.append(space[int(rng.integers(len(space)))] if is_other else found[-1])
    return found


def _cluster(
    spec: ClusterSpec,
    cloud: Cloud,
    node_types: tuple[NodeType, ...],
    *,
    is_photon: bool,
    rng: np.random.Generator,
) -> SimulatedCluster:
    node_type = next(t for t in node_types if t.node_type_id == spec.node_type_id)
    return SimulatedCluster(
        node_type,
        spec.worker_count,
        node_type,
        cloud=cloud,
        availability=Availability.SPOT_WITH_FALLBACK,
        is_photon=is_photon,
        disks=AttachedDisks(count=0) if node_type.local_disk_gib else AttachedDisks(),
    )


def _scenario(injection: Injection, drift_per_day: float, noise_cv: float) -> Scenario:
    is_episode = injection.losses > 0 or injection.slowdown > 1
    until = _AT + timedelta(days=injection.days)
    episode = Episode(_AT, until, injection.losses, injection.slowdown)
    return Scenario(
        begin_at=EPOCH,
        drift_per_day=drift_per_day,
        weekday_factors=_WEEK,
        jumps=(SizeJump(_AT, injection.size_factor),) if injection.size_factor != 1.0 else (),
        code_changes=(injection.code,) if injection.code else (),
        episodes=(episode,) if is_episode else (),
        noise_cv=noise_cv,
        spot_losses_per_node_hour=_SPOT_LOSSES,
    )


def _run(
    workload: Workload, cluster: SimulatedCluster, scenario: Scenario, *, seed: int, day: int
) -> SimulatedRun:
    when: datetime = EPOCH + timedelta(days=day)
    return simulate(
        scenario.workload_at(workload, when),
        cluster,
        scenario.conditions_at(when),
        seed=seed,
        requested_at=when,
    )


def _losses(run: SimulatedRun) -> int:
    return sum(node.end is NodeEnd.SPOT_LOSS for node in run.nodes)


def _witness(run: SimulatedRun, spec: ClusterSpec, run_id: str) -> Witness:
    """Return what the product knows of a run: its log, and whether it succeeded."""
    profile = _profile(run)
    if run.failure is not None or profile is None:
        failed = Observation(run_id, spec, run.runtime_s, Ending.FAILED, profile=profile)
        return Witness(failed, _losses(run))
    observation = Observation(
        run_id,
        spec,
        profile.runtime_s,
        input_bytes=profile.totals.input_bytes or None,
        is_disturbed=is_disturbed(profile),
        profile=profile,
    )
    return Witness(observation, _losses(run))


def _profile(run: SimulatedRun) -> RunProfile | None:
    identity = RunIdentity(
        f"app-{run.seed}", spark_context_id_from_seed(run.seed), "0105-060000-abcd1234", "life"
    )
    parts = [
        zlib.decompress(part.content, _GZIP) if part.name.endswith(".gz") else part.content
        for part in databricks_log(run, identity)
    ]
    return read_profile_from_chunks(parts) if parts else None
