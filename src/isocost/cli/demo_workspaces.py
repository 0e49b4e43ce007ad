"""The demo on two simulated workspaces: weeks lived through, a table, a report."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Final

from isocost import clock
from isocost.cli.console import OUT, RunProgress, print_json, run_progress
from isocost.cli.demo_table import REPORT_NOTE, change_notes, demo_listing, outcome_json
from isocost.cli.experiment_run import writable_page
from isocost.cli.listing import show_listing
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.jobbank.pool import ProcessPool
from isocost.settings import Settings
from isocost.simulator.server.control import WorkspaceControl
from isocost.simulator.server.launching import launched
from isocost.simulator.server.serving import Address
from isocost.simulator.workspace.estate import EstatePlan
from isocost.usecases.rehearse import (
    Outcome,
    Stage,
    TrueRun,
    import_all,
    live_through,
    outcomes,
    true_runs,
)
from isocost.web.report import write_report
from isocost.wiring import Connection, at_home, open_loop, open_store

DEADLINE_FACTOR: Final = 1.5  # of what a run takes today: what a user would call "no slower"
MISS_FRACTION: Final = 0.05
DEFINITIONS_PER_WORKSPACE: Final = 10
# The jobs have some runs behind them when they are imported, as in real life.
_BEFORE: Final = timedelta(days=4)
# Changes come when most jobs have been learned, and leave time to adapt.
_CHANGES_AFTER: Final = 0.55  # of the days
_PLANS: Final[Mapping[Cloud, Plan]] = {Cloud.AWS: Plan.PREMIUM, Cloud.AZURE: Plan.PREMIUM}
_LOGS: Final = "/Volumes/main/isocost/logs"
_LOOK_EVERY_S: Final = 0.5
# A job may become this much dearer before it counts: noise of its runs.
_DEARER: Final = 0.02


@dataclass(frozen=True, slots=True)
class WorkspacesDemo:
    """What of the demo on simulated workspaces can be chosen."""

    days: int
    seed: int
    html: Path | None


@dataclass(frozen=True, slots=True)
class _Result:
    outcomes: Sequence[Outcome]
    seconds: float
    report: Path
    home: Path


def show_on_workspaces(chosen: WorkspacesDemo, settings: Settings, *, json: bool) -> None:
    """Live through the demo, and show what came of it."""
    result = _lived_through(chosen, settings)
    if json:
        print_json(_as_json(result))
        return
    show_listing(demo_listing(result.outcomes))
    OUT.print()
    for line in _sentences(result):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)


def _lived_through(chosen: WorkspacesDemo, settings: Settings) -> _Result:
    begun = clock.monotonic_s()
    home = settings.storage.home / "demo"
    report = writable_page(chosen.html or home / "report.html")
    for stale in home.glob("isocost.db*"):  # of the demo before
        stale.unlink()
    plan = EstatePlan(
        job_count=DEFINITIONS_PER_WORKSPACE,
        seed=chosen.seed,
        changes_after_days=chosen.days * _CHANGES_AFTER,
    )
    at = at_home(settings, home)
    with ExitStack() as stack:
        addresses = [stack.enter_context(launched(c, seed=chosen.seed)) for c in Cloud]
        stages = [_stage(c, a, plan) for c, a in zip(Cloud, addresses, strict=True)]
        begin = stages[0].control.now()
        until = begin + timedelta(days=chosen.days)
        changed_at = begin - _BEFORE + timedelta(days=plan.changes_after_days)
        store = stack.enter_context(closing(open_store(at)))
        legs = [
            _Leg(stage.workspace, address, at, until)
            for stage, address in zip(stages, addresses, strict=True)
        ]
        with _progress(stages, until):
            for place, project_ids in ProcessPool()(_look_after, legs):
                stages[place].project_ids = project_ids
        twins = [_Twin(cloud, chosen.seed, plan, until) for cloud in Cloud]
        left = dict(ProcessPool()(_leave_alone, twins))
        found = outcomes(
            store,
            stages,
            {stage.workspace.name: left[place] for place, stage in enumerate(stages)},
            changed_at=changed_at,
        )
        notes = [*_notes(chosen, until=until), *change_notes(found, changed_at)]
        write_report(report, store, title="Isocost demo", notes=notes)
    return _Result(found, clock.monotonic_s() - begun, report, home)


def _stage(cloud: Cloud, address: Address, plan: EstatePlan) -> Stage:
    control = WorkspaceControl(address.url, address.control_token)
    settled = control.add_estate(plan)
    workspace = Workspace(
        name=f"demo-{cloud.value}",
        host=address.url,
        cloud=cloud,
        region=control.state()["region"],
        plan=_PLANS[cloud],
        added_at=control.now(),
        log_destination=_LOGS,
    )
    control.advance(_BEFORE)
    changes = {str(each["job_id"]): each["change"] for each in settled if each["change"]}
    return Stage(workspace, control, changes)


@dataclass(frozen=True, slots=True)
class _Leg:
    """One workspace's part of the demo, which a process of its own lives through."""

    workspace: Workspace
    address: Address
    settings: Settings
    until: datetime


def _look_after(leg: _Leg) -> dict[str, str]:
    """Import what there is and look after it until the end; returns the projects' ids."""
    control = WorkspaceControl(leg.address.url, leg.address.control_token)
    stage = Stage(leg.workspace, control, {})
    connections = [Connection(leg.workspace, leg.address.token)]
    with open_loop(leg.settings, connections=connections, now_in=lambda _: stage.now()) as loop:
        import_all(loop, stage, sla_factor=DEADLINE_FACTOR, miss_fraction=MISS_FRACTION)
        live_through(loop, stage, until=leg.until)
    return stage.project_ids


@dataclass(frozen=True, slots=True)
class _Twin:
    """A workspace like one of the demo's that nobody looks after."""

    cloud: Cloud
    seed: int
    plan: EstatePlan
    until: datetime


def _leave_alone(twin: _Twin) -> list[TrueRun]:
    """Return what the runs would have been on the clusters people chose."""
    with launched(twin.cloud, seed=twin.seed) as address:
        stage = _stage(twin.cloud, address, twin.plan)
        begin = stage.control.now()
        stage.control.advance(until=twin.until)
        return true_runs(stage.control, begin)


@contextmanager
def _progress(stages: Sequence[Stage], until: datetime) -> Iterator[None]:
    """Show how far the workspaces have come for as long as the block lasts."""
    begin, ended = min(stage.control.now() for stage in stages), Event()
    days = max(1, (until - begin).days)

    def watch(progress: RunProgress) -> None:
        shown = None
        while not ended.wait(_LOOK_EVERY_S):
            now = min(stage.control.now() for stage in stages)
            if now.date() != shown:
                shown = now.date()
                progress(f"{now:%A %d %B}", done=(now - begin).days, total=days)

    with run_progress("days") as progress:
        watching = Thread(target=watch, args=(progress,), daemon=True)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()


def _notes(chosen: WorkspacesDemo, *, until: datetime) -> list[str]:
    return [
        f"Two simulated workspaces (AWS and Azure, seed {chosen.seed}), lived through until "
        f"{until:%Y-%m-%d}; repeat it with: isocost demo --seed {chosen.seed} "
        f"--days {chosen.days}",
        f"Each job's deadline is {DEADLINE_FACTOR:g} times what its runs took when it was "
        f"imported, to be missed in at most {MISS_FRACTION:.0%} of runs.",
        REPORT_NOTE,
    ]


def _sentences(result: _Result) -> list[str]:
    figures = _figures(result)
    saving = figures["median_saving_fraction"]
    sla = figures["sla_met_fraction"]
    lines = [
        f"{len(result.outcomes)} jobs, {figures['runs']} runs in {result.seconds:.0f} s.",
    ]
    if isinstance(saving, float):
        lines.append(f"Median cost per run after learning: {saving:.0%} under the baseline.")
    if isinstance(sla, float):
        lines.append(f"Deadline met in {sla:.1%} of all runs, learning included.")
    causes = figures["causes"]
    lines += [
        f"Injected changes found with their true cause: {causes['found']} of {causes['injected']}."
        if isinstance(causes, dict)
        else "",
        f"Report: {result.report}",
        f"Look at it in the server: ISOCOST_HOME={result.home} isocost serve --no-poll",
    ]
    return lines


def _figures(result: _Result) -> dict[str, object]:
    savings = [o.saving_fraction for o in result.outcomes if o.saving_fraction is not None]
    runs = sum(o.run_count for o in result.outcomes)
    in_time = sum(o.in_time_count for o in result.outcomes)
    injected = [o for o in result.outcomes if o.is_found is not None]
    return {
        "jobs": len(result.outcomes),
        "runs": runs,
        "median_saving_fraction": median(savings) if savings else None,
        "sla_met_fraction": in_time / runs if runs else None,
        "dearer_jobs": sum(saving < -_DEARER for saving in savings),
        "causes": {"injected": len(injected), "found": sum(bool(o.is_found) for o in injected)},
    }


def _as_json(result: _Result) -> dict[str, object]:
    return {
        **_figures(result),
        "seconds": result.seconds,
        "report": str(result.report),
        "jobs_table": [outcome_json(outcome) for outcome in result.outcomes],
    }
