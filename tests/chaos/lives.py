"""What is to be lived through in; the closed loop on a simulated workspace, as a process, out.

A life imports every definition, looks after all of them, and moves time by half a day, until its
end. It keeps a diary of the steps that it passes, and may kill itself at one of them. Processes
are forked from one that has imported everything, so that dying costs a tenth of a second.
"""

import os
import signal
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from isocost.domain.change import Change
from isocost.domain.execution import Execution
from isocost.domain.limits import Limits
from isocost.domain.profile import RunProfile
from isocost.domain.project import Project, Sla
from isocost.domain.recommendation import Recommendation
from isocost.domain.run import Run
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.settings import Settings, read_settings
from isocost.simulator.conditions import Scenario
from isocost.simulator.server.control import WorkspaceControl
from isocost.simulator.server.launching import launched
from isocost.simulator.server.serving import Address
from isocost.simulator.workload import SimulatedSparkJob, SimulatedStage, Workload
from isocost.usecases.adopt import Intent, adopt
from isocost.usecases.loop import Loop, LoopStep
from isocost.usecases.watch import sweep
from isocost.wiring import Connection, open_loop, open_store

HALF_DAY = timedelta(hours=12)
# The second run of each definition finds no machines, so that what was applied is rolled back.
HALVES = 3
PATIENCE_S = 240.0  # a busy machine takes its time

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([
    "databricks.sdk",
    "isocost.platforms.databricks.host",
    "isocost.recommend.engine",
    "isocost.store.sql.postgres",
    "isocost.store.sql.store",
    "tests.chaos.lives",
])

INTENT = Intent(
    Sla(max_runtime_s=3_600.0, miss_fraction=0.05),
    Limits(families=("m5", "c5"), max_workers=8, max_cores=16),  # fewer to choose from is faster
    is_auto_apply=True,
)
WORKLOAD = Workload(
    "load",
    (
        SimulatedStage(
            stage_id=0,
            spark_job_id=0,
            name="scan",
            spark_task_count=24,
            cpu_s=1_440.0,
            input_bytes=4e9,
            memory_bytes=2e8,
            operators=("Scan parquet",),
        ),
    ),
    (SimulatedSparkJob(0, driver_s=5.0),),
)


def definition_settings(name):
    cluster = {
        "spark_version": "15.4.x-scala2.12",
        "node_type_id": "m5.2xlarge",
        "num_workers": 6,
        "aws_attributes": {"availability": "ON_DEMAND", "first_on_demand": 1},
    }
    return {
        "name": name,
        "tasks": [
            {
                "task_key": "main",
                "notebook_task": {"notebook_path": "/Shared/load"},
                "job_cluster_key": "main_cluster",
            }
        ],
        "job_clusters": [{"job_cluster_key": "main_cluster", "new_cluster": cluster}],
        "schedule": {
            "quartz_cron_expression": "0 0 2/12 * * ?",
            "timezone_id": "UTC",
            "pause_status": "UNPAUSED",
        },
    }


@dataclass(frozen=True)
class Place:
    """A simulated workspace, served by a process of its own.

    Attributes:
        ids: of its definitions, in their order.
    """

    address: Address
    begun_at: datetime
    ids: tuple[str, ...]

    @property
    def control(self) -> WorkspaceControl:
        return WorkspaceControl(self.address.url, self.address.control_token)

    @property
    def connection(self) -> Connection:
        host, name = self.address.url, "lake"
        workspace = Workspace(
            name, host, Cloud.AWS, "us-east-1", Plan.PREMIUM, self.begun_at, "dbfs:/logs"
        )
        return Connection(workspace, self.address.token)


@contextmanager
def a_place(definition_count: int) -> Iterator[Place]:
    """Serve a workspace; its first definitions and their lives are the same in every place."""
    with launched(Cloud.AWS, seed=5) as address:
        control = WorkspaceControl(address.url, address.control_token)
        now = control.now()
        scenario = Scenario(now)
        ids = [
            control.add_job(
                definition_settings(f"Load {n}"), workloads={"main": WORKLOAD}, scenario=scenario
            )
            for n in range(definition_count)
        ]
        control.trouble(
            begin_at=now + HALF_DAY, seconds=0, is_capacity_missing=True, end_at=now + 2 * HALF_DAY
        )
        yield Place(address, now, tuple(str(each) for each in ids))


@dataclass(frozen=True)
class Life:
    """What a process lives through.

    Attributes:
        home: of its store and its diary.
        database: address of a store elsewhere; empty for a file at home.
        deaths: by definition, the steps at which the process dies, each with its how-many-th
            passing.
        is_restless: it dies at the first of every three passings of every step.
    """

    home: Path
    place: Place
    database: str = ""
    deaths: Mapping[str, Collection[tuple[LoopStep, int]]] = field(default_factory=dict)
    is_restless: bool = False

    @property
    def settings(self) -> Settings:
        home = str(self.home)
        elsewhere = {"ISOCOST_STORAGE_DATABASE": self.database} if self.database else {}
        return read_settings({"ISOCOST_HOME": home, "ISOCOST_CACHE": home, **elsewhere})

    @property
    def diary(self) -> Path:
        return self.home / "diary"

    def is_over_at(self, step: LoopStep, definition_id: str, passing: int) -> bool:
        if self.is_restless:
            return passing % 3 == 1
        return (step, passing) in self.deaths.get(definition_id, ())


def live(life: Life) -> None:
    """Live to the end, or to the death that is planned; whoever died goes on where it was."""
    control = life.place.control
    with opened(life, tell=_killing(life)) as loop:
        import_all(loop, life.place)
        until = life.place.begun_at + HALVES * HALF_DAY
        while True:
            sweep(loop)
            if control.now() >= until:
                return
            control.advance(HALF_DAY)


def import_all(loop: Loop, place: Place) -> None:
    """Import every definition that is not imported yet."""
    for definition_id in place.ids:
        adopt(loop, place.connection.workspace, definition_id, intent=INTENT)


@contextmanager
def opened(life: Life, **options) -> Iterator[Loop]:
    control = life.place.control
    with open_loop(
        life.settings,
        connections=[life.place.connection],
        now_in=lambda _: control.now(),
        **options,
    ) as loop:
        yield loop


def _killing(life):
    diary = os.open(life.diary, os.O_APPEND | os.O_CREAT | os.O_RDWR)
    passed = Counter(life.diary.read_text().splitlines())

    def tell(step, project_id):
        definition_id = project_id.rpartition("-")[2]
        line = f"{definition_id} {step}"
        passed[line] += 1
        os.write(diary, f"{line}\n".encode())  # which the system keeps, whoever is killed
        if life.is_over_at(step, definition_id, passed[line]):
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


def begun(life: Life) -> BaseProcess:
    """Return a process that goes on with a life."""
    process = FORKS.Process(target=live, args=(life,))
    process.start()
    return process


def finished(life: Life) -> None:
    """Have a life lived to its end, in which nobody dies."""
    process = begun(life)
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def deaths_of(life: Life) -> Iterator[tuple[str, LoopStep]]:
    """Have a life lived, again and again, until its end; yields who died, while it is dead."""
    while True:
        process = begun(life)
        process.join(PATIENCE_S)
        if process.exitcode == 0:
            return
        assert process.exitcode == -signal.SIGKILL
        definition_id, step = life.diary.read_text().splitlines()[-1].split()
        yield definition_id, LoopStep(step)


@dataclass(frozen=True)
class Rows:
    """All that is stored of one project."""

    project: Project
    executions: list[Execution]
    runs: list[Run]
    profiles: dict[str, RunProfile]
    changes: list[Change]
    recommendations: list[Recommendation]


def rows_of(life: Life) -> dict[str, Rows]:
    """Return what is stored, by definition."""
    store = open_store(life.settings)
    try:
        with store.transaction(read_only=True) as tx:
            return {p.origin.definition_id: _rows(tx, p) for p in tx.imported_projects()}
    finally:
        store.close()


def _rows(tx, project):
    runs = list(tx.runs_of(project.project_id))
    return Rows(
        project,
        list(tx.executions_of(project.project_id)),
        runs,
        {r.run_id: tx.profile(r.run_id) for r in runs if r.input_bytes is not None},
        list(tx.changes_of(project.project_id)),
        list(tx.recommendations_of(project.project_id)),
    )


def ended_run_ids(place: Place, definition_id: str) -> list[str]:
    """Return the runs that ended, by the workspace's own books."""
    truths = place.control.truths()
    return sorted(str(t["run_id"]) for t in truths if str(t["job_id"]) == definition_id)
