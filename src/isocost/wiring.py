"""Settings in, objects out: the only file that knows which adapter stands behind which port.

What brings a large library along (a database, scipy) is imported where it is used: reading an
event log needs neither, and they weigh more than twice as much as the reader.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.catalog.shipped import load
from isocost.clouds.aws.s3 import S3Store
from isocost.clouds.azure.blob import AzureBlobStore
from isocost.clouds.databricks.files import DatabricksFileStore
from isocost.clouds.local import LocalStore
from isocost.domain.cluster import NodeType
from isocost.domain.grid import GridWorkload
from isocost.domain.profile import RunProfile
from isocost.domain.workspace import Cloud
from isocost.errors import Busy, InvalidInput, UnknownName
from isocost.eventlog.summarize import read_profile as profile_of_log
from isocost.platforms.base import Platform
from isocost.platforms.recorded.grids import read_grids
from isocost.platforms.recorded.platform import Recorded
from isocost.platforms.spark_local.machine import described
from isocost.platforms.spark_local.platform import SparkLocal
from isocost.platforms.spark_local.workloads import DEMO_WORKLOADS
from isocost.settings import Settings
from isocost.store.base import Store
from isocost.store.memory import MemoryStore
from isocost.usecases.experiment import Bench
from isocost.usecases.open_log import LogStores, open_one
from isocost.usecases.recommend import offer_of

if TYPE_CHECKING:
    from isocost.usecases.measure import Stage


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
    """Return a platform by the word that `--platform` takes.

    Raises:
        UnknownName: if there is no such platform.
    """
    make = _PLATFORMS.get(name)
    if make is None:
        raise UnknownName(
            f"No platform is called {name!r}. Known: {', '.join(_PLATFORMS)}, and recorded for "
            "`isocost bank run`. Pass one of them as --platform."
        )
    return make(settings)


def node_types_of(platform_name: str, settings: Settings) -> Sequence[NodeType]:
    """Return what the platform of a stored experiment can rent.

    Raises:
        UnknownName: if this version has no such platform.
    """
    make = _PLATFORMS.get(platform_name)
    if make is None:
        raise UnknownName(
            f"The experiment was run on platform {platform_name!r}, which this version of Isocost "
            f"does not have; it has {', '.join(_PLATFORMS)}. Use the version that ran it."
        )
    return make(settings).node_types()


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
