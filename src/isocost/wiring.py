"""Settings in, objects out: the only file that knows which adapter stands behind which port.

What brings a large library along (a database, scipy) is imported where it is used: reading an
event log needs neither, and they weigh more than twice as much as the reader.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from isocost import clock
from isocost.catalog.kinds import Engine as SparkEngine
from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.catalog.shipped import load
from isocost.clouds.aws.s3 import S3Store
from isocost.clouds.azure.blob import AzureBlobStore
from isocost.clouds.databricks.files import DatabricksFileStore
from isocost.clouds.local import LocalStore
from isocost.domain.cluster import ClusterTimeline, NodeType
from isocost.domain.cost import CostBreakdown
from isocost.domain.experiment import DATABRICKS, WORKSPACE, ExperimentPlan
from isocost.domain.grid import GridWorkload
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.errors import Busy, InvalidInput, UnknownName
from isocost.eventlog.summarize import read_profile as profile_of_log
from isocost.platforms.base import Platform
from isocost.platforms.host import DefinedCluster, Host
from isocost.platforms.recorded.grids import read_grids
from isocost.platforms.recorded.platform import Recorded
from isocost.platforms.spark_local.machine import described
from isocost.platforms.spark_local.platform import SparkLocal
from isocost.platforms.spark_local.workloads import DEMO_WORKLOADS
from isocost.queue.base import Handlers, Queue, WorkItem
from isocost.settings import DATABASE_FILE, Settings, StorageSettings
from isocost.store.base import Store
from isocost.store.memory import MemoryStore
from isocost.store.secrets import SecretFile
from isocost.usecases.experiment import Bench
from isocost.usecases.open_log import LogStores, open_one
from isocost.usecases.recommend import Offer, offer_of

if TYPE_CHECKING:
    from isocost.jobbank.workspace_plans import Grounds
    from isocost.platforms.copies import Copies
    from isocost.recommend.policy import Policy
    from isocost.usecases.connect import Connecting, Reached
    from isocost.usecases.loop import Loop, LoopStep
    from isocost.usecases.measure import Stage
    from isocost.usecases.stand import Stand, StandPlan
    from isocost.usecases.trials import Carry

# A person who connects a workspace is waiting; a wrong address should not take a minute.
_PATIENCE_TO_CONNECT_S: Final = 15
# A volume's files are read as they are; those of DBFS travel in base64.
_STAND_LOGS: Final = "/Volumes/main/isocost/logs"


def open_store(settings: Settings) -> Store:
    """Return the store all commands share.

    Raises:
        Busy: if its schema must change and another process is writing.
        InvalidInput: if the database cannot be used as it is set.
        MissingDependency: if it is PostgreSQL's and the driver is not installed.
        PlatformError: if the disk or the server fails.
    """
    from isocost.store.sql.store import SqlStore

    return SqlStore(settings.storage.database)


def open_platform(name: str, settings: Settings) -> Platform:
    """Return a platform of this machine by the word that `--platform` takes.

    Raises:
        InvalidInput: if `--platform` takes the word, but means no platform of this machine.
        UnknownName: if it does not take the word.
    """
    make = _PLATFORMS.get(name)
    if make is not None:
        return make(settings)
    if name in _ELSEWHERE:
        raise InvalidInput(_ELSEWHERE[name])
    known = ", ".join((*_PLATFORMS, *_ELSEWHERE))
    raise UnknownName(
        f"No platform is called {name!r}. Known: {known}. Pass one of them as --platform."
    )


def workloads_on(platform: str, settings: Settings) -> tuple[str, ...]:
    """Return the names of what can be run on a platform.

    Raises:
        InvalidInput: if what can be run there is known only to a workspace or to files.
        UnknownName: if there is no such platform.
    """
    if platform == WORKSPACE:
        return tuple(recording.name for recording in grounds(settings).recordings)
    return tuple(open_platform(platform, settings).workloads())


def node_types_of(plan: ExperimentPlan, settings: Settings) -> Sequence[NodeType]:
    """Return what the platform of a stored experiment can rent.

    Raises:
        UnknownName: if this version has no such platform.
    """
    if plan.platform == WORKSPACE:
        from isocost.jobbank.workspace_plans import Grounds

        return Grounds((), load()).node_types(plan.cloud or Cloud.AWS)
    if plan.platform == DATABRICKS and plan.workspace is not None:
        with closing(open_store(settings)) as store, store.transaction(read_only=True) as tx:
            return node_types_in(tx.workspace(plan.workspace))
    make = _PLATFORMS.get(plan.platform)
    if make is None:
        raise UnknownName(
            f"The experiment was run on platform {plan.platform!r}, which this version of Isocost "
            f"does not have; it has {', '.join(_PLATFORMS)} and {WORKSPACE}. Use the version that "
            "ran it."
        )
    return make(settings).node_types()


def node_types_in(workspace: Workspace) -> Sequence[NodeType]:
    """Return the node types that have a price where a workspace is."""
    return load().node_types(workspace.cloud, workspace.region)


@contextmanager
def open_bench(platform_name: str, settings: Settings) -> Iterator[Bench]:
    """Open everything an experiment is carried out with."""
    from isocost.recommend.engine import Engine

    platform = open_platform(platform_name, settings)
    _make_directory(settings.storage.runs, "ISOCOST_HOME")
    _make_directory(settings.storage.cache, "ISOCOST_CACHE")
    store = open_store(settings)
    try:
        yield Bench(store, platform, offer_of(platform), read_profile, Engine())
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class Connection:
    """A workspace with its token, where neither comes from the user's own files."""

    workspace: Workspace
    token: str = field(repr=False)


def at_home(settings: Settings, home: Path) -> Settings:
    """Return settings under which all that must not be lost is kept in another directory."""
    storage = StorageSettings(home, settings.storage.cache, home / DATABASE_FILE)
    return replace(settings, storage=storage)


def open_secrets(settings: Settings) -> SecretFile:
    """Return the tokens of the user's workspaces."""
    return SecretFile(settings.storage.credentials, os.environ)


NowIn = Callable[[Workspace], datetime]


@contextmanager
def open_loop(
    settings: Settings,
    *,
    connections: Sequence[Connection] = (),
    now_in: NowIn | None = None,
    tell: "Callable[[LoopStep, str], None] | None" = None,
    patience_s: int | None = None,
) -> "Iterator[Loop]":
    """Open everything that projects are looked after with.

    Args:
        settings: name the store and where tokens are kept.
        connections: workspaces to remember in the store, with tokens that are not kept.
        now_in: the present moment in a workspace; None for the moment it is here.
        tell: hears of each step.
        patience_s: how long a workspace that asks for patience is waited for; None for the usual.
    """
    from isocost.recommend.engine import Engine

    _make_directory(settings.storage.home, "ISOCOST_HOME")
    given = {each.workspace.name: each.token for each in connections}
    secrets = open_secrets(settings)
    now_in = now_in or (lambda _: clock.now())
    around = _Workspaces(
        lambda name: given.get(name) or secrets.token_of(name),
        patience_s=patience_s,
        now_in=now_in,
    )
    store = open_store(settings)
    try:
        with store.transaction() as tx:
            for each in connections:
                tx.put_workspace(each.workspace)
        loop = _loop(store, around, Engine(), now_in=now_in)
        yield loop if tell is None else replace(loop, tell=tell)
    finally:
        store.close()


def _loop(store: Store, around: "_Workspaces", policy: "Policy", *, now_in: NowIn) -> "Loop":
    from isocost.usecases.loop import Loop

    return Loop(
        store=store,
        host_of=around.host_of,
        read_profile=around.read_profile,
        price=_price,
        offer_for=around.offer_for,
        policy=policy,
        now_in=now_in,
    )


def grounds(settings: Settings) -> "Grounds":
    """Return what trials on simulated workspaces are drawn from; raises as the vault does."""
    from isocost.jobbank.vault.shelf import all_recordings
    from isocost.jobbank.workspace_plans import Grounds

    return Grounds(all_recordings(settings.storage.vault), load())


@lru_cache(maxsize=1)
def carrier(settings: Settings) -> "Carry":
    """Return what carries trials in this process; it remembers the workload it was at last."""
    from isocost.usecases.carry import carrier

    return carrier(grounds(settings), open_stand)


@dataclass(frozen=True, slots=True)
class TrialHandler:
    """Carries the trial that an item of a queue names, in whatever process it is sent to."""

    settings: Settings

    def __call__(self, item: WorkItem) -> None:
        """Carry it, unless it is over or its experiment is paused; raises as the store does."""
        from isocost.usecases.trials import carry_stored

        store = _store_of_process(self.settings)
        carry_stored(store, item.group, item.key, carry=carrier(self.settings))


@lru_cache(maxsize=1)
def _store_of_process(settings: Settings) -> Store:
    """Return a store that stays open as long as this process: to open one takes a while."""
    return open_store(settings)


def trial_handlers(settings: Settings) -> Handlers:
    """Return who carries out what an experiment puts into a queue."""
    from isocost.usecases.orchestrate import TRIAL

    return {TRIAL: TrialHandler(settings)}


@contextmanager
def open_stand(plan: "StandPlan") -> "Iterator[Stand]":
    """Serve a simulated workspace from this process, with a loop that keeps its rows in memory."""
    from isocost.simulator.server.control import WorkspaceControl
    from isocost.simulator.server.serving import serving
    from isocost.simulator.workspace.workspace import REGIONS, WorkspaceOptions
    from isocost.usecases.stand import Stand, WorkspaceTime

    options = WorkspaceOptions(cloud=plan.cloud, seed=plan.seed)
    with serving(options, is_waited_for=False) as address:
        control = WorkspaceControl(address.url, address.control_token)
        time = WorkspaceTime(control)
        workspace = Workspace(
            name="bank",
            host=address.url,
            cloud=plan.cloud,
            region=REGIONS[plan.cloud],
            plan=Plan.PREMIUM,
            added_at=options.start_at,
            log_destination=_STAND_LOGS,
        )
        store = MemoryStore()
        with store.transaction() as tx:
            tx.put_workspace(workspace)

        def now_in(_: Workspace) -> datetime:
            return time.now()

        around = _Workspaces(lambda _: address.token, patience_s=None, now_in=now_in)
        loop = _loop(store, around, plan.policy, now_in=now_in)
        yield Stand(workspace, loop, control, time, around.starting_in(workspace))


@contextmanager
def open_connecting(settings: Settings) -> "Iterator[Connecting]":
    """Open everything that workspaces are connected with."""
    from isocost.usecases.connect import Connecting

    _make_directory(settings.storage.home, "ISOCOST_HOME")
    catalog = load()
    store = open_store(settings)
    try:
        regions = {cloud: catalog.regions(cloud) for cloud in Cloud}
        yield Connecting(store, open_secrets(settings), _reached, regions)
    finally:
        store.close()


def log_lister(settings: Settings, workspace: Workspace) -> Callable[[str], None]:
    """Return what looks at a log destination of a workspace; raises what its store raises."""
    token = open_secrets(settings).token_of(workspace.name)
    return _reached(workspace, token).read_logs


def copies_in(settings: Settings, workspace: Workspace) -> "Copies":
    """Return what makes and runs copies of a workspace's definitions."""
    from isocost.platforms.databricks.connection import Calls
    from isocost.platforms.databricks.copies import DatabricksCopies

    return DatabricksCopies(Calls(workspace.host, open_secrets(settings).token_of(workspace.name)))


def _reached(workspace: Workspace, token: str) -> "Reached":
    from isocost.platforms.databricks.whereabouts import region_of
    from isocost.usecases.connect import Reached

    opened = _Opened(
        workspace, token, patience_s=_PATIENCE_TO_CONNECT_S, now_in=lambda _: clock.now()
    )
    return Reached(opened.host, lambda: region_of(opened.calls), opened.list_logs)


class _Opened:
    """One workspace with everything that is asked of it."""

    def __init__(
        self, workspace: Workspace, token: str, *, patience_s: int | None, now_in: NowIn
    ) -> None:
        from isocost.platforms.databricks.connection import PATIENCE_S, Calls
        from isocost.platforms.databricks.host import DatabricksHost

        self.calls = Calls(workspace.host, token, patience_s=patience_s or PATIENCE_S)
        self.host: Host = DatabricksHost(
            self.calls,
            region=workspace.region,
            log_destination=workspace.log_destination,
            now=lambda: now_in(workspace),
        )
        self._rentable: frozenset[str] | None = None

    def rentable(self) -> frozenset[str]:
        """Return the node types that it rents; asked for once."""
        if self._rentable is None:
            self._rentable = self.host.node_type_ids()
        return self._rentable

    def log_stores(self) -> LogStores:
        """Return the places that its clusters deliver logs to."""
        client = self.calls.call("connecting", lambda: self.calls.client)
        return (S3Store(), AzureBlobStore(os.environ), DatabricksFileStore(client))

    def list_logs(self, location: str) -> None:
        """Try whether a location may be listed; raises what its store raises."""
        for store in self.log_stores():
            if store.handles(location):
                store.look_into(location)
                return
        raise InvalidInput(f"No logs can be read from {location!r}. Choose another destination.")


class _Workspaces:
    """The workspaces in use, each opened once for each token. Thread-safe."""

    def __init__(
        self, token_of: Callable[[str], str], *, patience_s: int | None, now_in: NowIn
    ) -> None:
        self._token_of = token_of
        self._patience_s = patience_s
        self._now_in = now_in
        self._opened: dict[tuple[str, str, str], _Opened] = {}
        self._lock = threading.Lock()

    def host_of(self, workspace: Workspace) -> Host:
        return self._open(workspace).host

    def read_profile(self, workspace: Workspace, location: str) -> RunProfile:
        return profile_of_log(open_one(location, self._open(workspace).log_stores()))

    def starting_in(self, workspace: Workspace) -> Callable[[str, str], str]:
        """Return what triggers a run of a definition; the same token starts no second one."""
        from isocost.platforms.databricks.starting import run_now

        calls = self._open(workspace).calls
        return lambda definition_id, token: run_now(calls, definition_id, token=token)

    def offer_for(self, workspace: Workspace, project: Project, cluster: DefinedCluster) -> Offer:
        from isocost.usecases.offer import offer_for

        rentable = self._open(workspace).rentable()
        return offer_for(project, cluster, workspace=workspace, catalog=load(), rentable=rentable)

    def _open(self, workspace: Workspace) -> _Opened:
        token = self._token_of(workspace.name)
        key = (workspace.host, workspace.region, token)
        with self._lock:
            if key not in self._opened:
                self._opened[key] = _Opened(
                    workspace, token, patience_s=self._patience_s, now_in=self._now_in
                )
            return self._opened[key]


def _price(
    workspace: Workspace, cluster: DefinedCluster, timeline: ClusterTimeline
) -> CostBreakdown | None:
    """Return what a cluster cost; None where the catalog lacks one of its node types."""
    from isocost.pricing.list_cost import list_cost

    catalog = load()
    rates = catalog.rate_card(
        workspace.cloud,
        workspace.region,
        workspace.plan,
        engine=SparkEngine.PHOTON if cluster.is_photon else SparkEngine.STANDARD,
    )
    try:
        return list_cost(timeline, catalog.node_types(workspace.cloud, workspace.region), rates)
    except InvalidInput:
        return None


@contextmanager
def only_one(name: str, settings: Settings) -> Iterator[None]:
    """Hold the experiment called `name` for this process; a killed one lets go of it.

    Raises:
        Busy: if another process is at it.
    """
    folder = settings.storage.home / "locks"
    _make_directory(folder, "ISOCOST_HOME")
    lock = FileLock(folder / f"{name}.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise Busy(
            f"Another process is carrying out experiment {name!r}. Wait for it, or start another "
            "one with a different --name."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _make_directory(directory: Path, variable: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"The directory {directory} cannot be made: {error.strerror}. Point {variable} to a "
            "directory that can be written."
        ) from error


def open_queue(settings: Settings) -> Queue:
    """Return the queue beside the store: PostgreSQL's, or one of this process."""
    if isinstance(settings.storage.database, Path):
        from isocost.queue.inline import InlineQueue

        return InlineQueue()
    return open_shared_queue(settings)


def open_shared_queue(settings: Settings) -> Queue:
    """Return the queue that workers share.

    Raises:
        InvalidInput: if the database is not PostgreSQL's, or its address cannot be used.
        MissingDependency: if what talks to it is not installed.
    """
    database = settings.storage.database
    if isinstance(database, Path):
        raise InvalidInput(
            "Workers share a PostgreSQL database, and none is set: everything is kept in "
            f"{database}. Set ISOCOST_STORAGE_DATABASE to "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or leave workers out: without them "
            "`isocost bank run` uses all cores of this machine."
        )
    # Loaded only here: who keeps to SQLite needs neither procrastinate nor a driver.
    from isocost.queue.postgres.queue import PostgresQueue

    return PostgresQueue(database.url, name=str(database))


def log_stores() -> LogStores:
    """Return the places event logs are read from, in the order they are asked."""
    return (LocalStore(), S3Store(), AzureBlobStore(os.environ), DatabricksFileStore())


def read_profile(location: str) -> RunProfile:
    """Return the profile of the only application at a location.

    Raises:
        UserError: if there is none, or more than one, or it cannot be read.
        PlatformError: if the place refused or failed.
    """
    return profile_of_log(open_one(location, log_stores()))


def open_grids(paths: Sequence[Path], *, tell: Callable[[str], None]) -> tuple[GridWorkload, ...]:
    """Return the workloads of some files of measured runs; `tell` hears what is left out.

    Raises:
        UserError: if a file is not there or cannot be used; the message names the line.
    """
    return read_grids(paths, known_machines(), tell=tell)


def known_machines() -> Mapping[str, NodeType]:
    """Return every machine of the catalog by name; what is read of them has no region."""
    catalog = load()
    return {
        machine.node_type_id: machine
        for cloud in Cloud
        for region in catalog.regions(cloud)
        for machine in catalog.machines(cloud, region)
    }


def recorded_stage(workload: GridWorkload, seed: int, noise_sd: float) -> "Stage":
    """Return an empty store in memory and the platform that repeats recorded runs."""
    from isocost.usecases.measure import Stage

    platform = Recorded(workload, seed=seed, noise_sd=noise_sd)
    return Stage(MemoryStore(), platform, read_profile)


def this_machine() -> str:
    """Return what recordings on real Spark say of where they were made."""
    return described()


def demo_workloads() -> tuple[str, ...]:
    """Return the workloads the demo shows."""
    return tuple(DEMO_WORKLOADS)


def _spark_local(settings: Settings) -> Platform:
    return SparkLocal(
        LOCAL_NODE_TYPES,
        settings.storage.runs,
        settings.storage.cache,
        scale_factor=settings.spark_local.scale_factor,
        time_limit_s=settings.spark_local.time_limit_s,
    )


_PLATFORMS: Final[Mapping[str, Callable[[Settings], Platform]]] = {"spark_local": _spark_local}
# The other words of --platform, and where to look for what runs there.
_ELSEWHERE: Final[Mapping[str, str]] = {
    WORKSPACE: "Simulated workspaces run the vault's workloads: see `isocost bank vault list`.",
    DATABRICKS: "A workspace of yours runs its own jobs: see `isocost job list WORKSPACE`.",
    "recorded": "Recorded runs are those of the files given as --grid, each with its workload.",
}
