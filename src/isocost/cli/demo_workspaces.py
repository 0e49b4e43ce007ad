"""The demo on two simulated workspaces: weeks lived through, a table, a report."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

from isocost import clock
from isocost.cli.console import OUT, print_json, run_progress
from isocost.cli.demo_table import demo_table, outcome_json
from isocost.cli.experiment_run import writable_page
from isocost.domain.workspace import Cloud, Plan, Workspace
from isocost.settings import Settings
from isocost.simulator.server.control import WorkspaceControl
from isocost.simulator.server.launching import launched
from isocost.simulator.server.serving import Address
from isocost.simulator.workspace.estate import EstatePlan
from isocost.usecases.loop import Loop
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
from isocost.wiring import Connection, at_home, open_loop

DEADLINE_FACTOR: Final = 1.5  # of what a run takes today: what a user would call "no slower"
MISS_FRACTION: Final = 0.05
DEFINITIONS_PER_WORKSPACE: Final = 10
# The jobs have some runs behind them when they are imported, as in real life.
_BEFORE: Final = timedelta(days=4)
# Changes come when most jobs have been learned, and leave time to adapt.
_CHANGES_AFTER: Final = 0.55  # of the days
_PLANS: Final[Mapping[Cloud, Plan]] = {Cloud.AWS: Plan.PREMIUM, Cloud.AZURE: Plan.PREMIUM}
_LOGS: Final = "dbfs:/cluster-logs"
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
    OUT.print(demo_table(result.outcomes))
    for line in _sentences(result):
        OUT.print(line, markup=False, highlight=False, soft_wrap=True)


def _lived_through(chosen: WorkspacesDemo, settings: Settings) -> _Result:
    begun = clock.monotonic_s()
    home = settings.storage.home / "demo"
    report = writable_page(chosen.html or home / "report.html")
    for left in home.glob("isocost.db*"):  # of the demo before
        left.unlink()
    plan = EstatePlan(
        job_count=DEFINITIONS_PER_WORKSPACE,
        seed=chosen.seed,
        changes_after_days=chosen.days * _CHANGES_AFTER,
    )
    with ExitStack() as stack:
        addresses = {c: stack.enter_context(launched(c, seed=chosen.seed)) for c in Cloud}
        stages = [_stage(cloud, address, plan) for cloud, address in addresses.items()]
        begin = stages[0].control.now()
        until = begin + timedelta(days=chosen.days)
        connections = [
            Connection(stage.workspace, address.token)
            for stage, address in zip(stages, addresses.values(), strict=True)
        ]
        by_name = {stage.workspace.name: stage for stage in stages}
        loop = stack.enter_context(
            open_loop(
                at_home(settings, home),
                connections=connections,
                now_in=lambda workspace: by_name[workspace.name].now(),
            )
        )
        _rehearse(loop, stages, until=until)
        alone = {name: runs for name, runs in _alone(chosen, plan, until=until)}
        found = outcomes(
            loop.store,
            stages,
            alone,
            changed_at=begin - _BEFORE + timedelta(days=plan.changes_after_days),
        )
        write_report(report, loop.store, title="Isocost demo", notes=_notes(chosen, until=until))
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


def _rehearse(loop: Loop, stages: Sequence[Stage], *, until: datetime) -> None:
    with run_progress("days") as progress:
        for stage in stages:
            progress(f"importing from {stage.workspace.name}", done=0, total=1)
            import_all(loop, stage, sla_factor=DEADLINE_FACTOR, miss_fraction=MISS_FRACTION)
        begin = stages[0].control.now()
        days = max(1, (until - begin).days)

        def tell(day: str, fraction: float) -> None:
            progress(day, done=int(fraction * days), total=days)

        live_through(loop, stages, until=until, tell=tell)


def _alone(
    chosen: WorkspacesDemo, plan: EstatePlan, *, until: datetime
) -> Iterator[tuple[str, list[TrueRun]]]:
    """Yield what the runs of each workspace would have been on the clusters people chose."""
    for cloud in Cloud:
        with launched(cloud, seed=chosen.seed) as address:
            stage = _stage(cloud, address, plan)
            begin = stage.control.now()
            stage.control.advance(until=until)
            yield stage.workspace.name, true_runs(stage.control, begin)


def _notes(chosen: WorkspacesDemo, *, until: datetime) -> list[str]:
    return [
        f"Two simulated workspaces (AWS and Azure, seed {chosen.seed}), lived through until "
        f"{until:%Y-%m-%d}; repeat it with: isocost demo --seed {chosen.seed} "
        f"--days {chosen.days}",
        f"Each job's deadline is {DEADLINE_FACTOR:g} times what its runs took when it was "
        f"imported, to be missed in at most {MISS_FRACTION:.0%} of runs.",
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
