"""Profiled logs in, what a person wants to see first out: as tables and lines for the screen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from isocost.domain.finding import Finding
from isocost.domain.profile import RunProfile, StageProfile, StageStatus
from isocost.eventlog.document import failures_of
from isocost.eventlog.parts import FailedLog
from isocost.eventlog.wording import duration, size
from isocost.units import PERCENT, S_PER_HOUR
from isocost.usecases.profile_log import ProfiledLog

MAX_STAGES: Final = 20
_MEDIAN, _LONGEST = 3, -1


def overview(log: ProfiledLog) -> Iterator[RenderableType]:
    """Yield one application from the most important to the details."""
    profile = log.profile
    yield _title(profile)
    yield _facts(profile)
    if profile.missing:
        yield _missing(profile)
    yield _findings(log.findings)
    if profile.stages:
        yield _stages(profile)


def one_line(log: ProfiledLog | FailedLog) -> Text:
    """Return a log as one line of a list."""
    if isinstance(log, FailedLog):
        return Text.assemble(("failed  ", "red"), log.location, "  ", str(log.error))
    profile = log.profile
    mark = ("ok      ", "green") if profile.is_complete else ("partial ", "yellow")
    attempt = f" attempt {profile.attempt_id}" if profile.attempt_id else ""
    newest = "" if log.is_newest_attempt else " (superseded)"
    lacks = "; ".join(f"{fact.what}: {fact.reason}" for fact in profile.missing[:2])
    return Text.assemble(
        mark,
        f"{log.location}  {profile.application_id}{attempt}{newest}  ",
        (duration(profile.runtime_s), "bold"),
        "~" if profile.is_runtime_estimated else "",
        f"  {profile.core_count_peak} cores  {profile.task_count:,} spark tasks  "
        f"{_count(len(log.findings), 'finding')}",
        "" if profile.is_complete else f"  missing {lacks}",
    )


def _title(profile: RunProfile) -> Text:
    attempt = f", attempt {profile.attempt_id}" if profile.attempt_id else ""
    return Text.assemble(
        (profile.application_name or profile.application_id, "bold"),
        f"  {profile.application_id}{attempt}, Spark {profile.spark_version}, "
        f"started {profile.started_at:%Y-%m-%d %H:%M:%S} UTC",
    )


def _facts(profile: RunProfile) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan")
    table.add_column()
    for name, value in _fact_rows(profile):
        table.add_row(name, value)
    return Padding(table, (0, 0, 1, 2))


def _fact_rows(profile: RunProfile) -> Iterator[tuple[str, Text | str]]:
    totals = profile.totals
    yield "Runtime", _runtime(profile)
    yield "Cluster", _cluster(profile)
    yield "Work", _work(profile)
    yield (
        "Data",
        f"read {size(totals.input_bytes)}, written {size(totals.output_bytes)}, shuffled "
        f"{size(totals.shuffle_write_bytes)}, spilled to disk {size(totals.disk_spilled_bytes)}",
    )
    yield "Core time", _core_time(profile)


def _runtime(profile: RunProfile) -> Text:
    share = profile.driver_s / profile.runtime_s if profile.runtime_s else 0.0
    parts: list[str | tuple[str, str]] = [(duration(profile.runtime_s), "bold")]
    if profile.is_runtime_estimated:
        parts.append((" (estimated)", "yellow"))
    parts.append(f"; no stage runs for {duration(profile.driver_s)} ({_percent(share)})")
    if profile.ideal_runtime_s is not None:
        parts.append(f"; with unlimited cores {duration(profile.ideal_runtime_s)}")
    return Text.assemble(*parts)


def _cluster(profile: RunProfile) -> str:
    text = (
        f"{_count(profile.executor_count_peak, 'executor')} on "
        f"{_count(profile.node_count_peak, 'node')} with "
        f"{_count(profile.core_count_peak, 'core')} at most"
    )
    facts = profile.cluster
    if facts is not None and facts.worker_node_type:
        text += f"; {facts.worker_count or '?'} × {facts.worker_node_type}"
        text += f", driver {facts.driver_node_type}" if facts.driver_node_type else ""
        text += f", {facts.availability}" if facts.availability else ""
    causes: dict[str, int] = {}
    for span in profile.executors:
        if span.removal_cause is not None:
            causes[span.removal_cause.value] = causes.get(span.removal_cause.value, 0) + 1
    return f"{text}; left before the end: {_listed(causes)}" if causes else text


def _work(profile: RunProfile) -> str:
    failed_stages = sum(s.status is StageStatus.FAILED for s in profile.stages)
    failed_jobs = sum(j.is_succeeded is False for j in profile.spark_jobs)
    failures = f" ({_listed(failures_of(profile))})" if profile.failed_task_count else ""
    return (
        f"{profile.task_count:,} spark tasks{failures}, "
        f"{_count(profile.completed_stage_count, 'stage')}{_failed(failed_stages)}, "
        f"{_count(len(profile.spark_jobs), 'spark job')}{_failed(failed_jobs)}, "
        f"{_count(profile.sql_execution_count, 'SQL execution')}"
    )


def _core_time(profile: RunProfile) -> str:
    time = profile.core_time
    if time is None or time.total_core_s <= 0:
        return "not known: no executor was there within the runtime"
    whole = time.total_core_s
    return (
        f"{whole / S_PER_HOUR:.2f} core-hours: {_percent(time.busy_core_s / whole)} busy; idle "
        f"{_percent(time.driver_core_s / whole)} for the driver, "
        f"{_percent(time.skew_core_s / whole)} by skew, "
        f"{_percent(time.idle_core_s / whole)} otherwise"
    )


def _missing(profile: RunProfile) -> RenderableType:
    lines = Text()
    if not profile.is_complete:
        lines.append("This profile is not complete.\n", style="bold yellow")
    for fact in profile.missing:
        lines.append(f"Missing: {fact.what}", style="yellow")
        lines.append(f" ({fact.reason}). {fact.effect}\n")
    return Padding(lines, (0, 0, 0, 2))


def _findings(findings: Sequence[Finding]) -> RenderableType:
    if not findings:
        return Text("No findings.\n")
    table = Table(title="Findings, the weightiest first", title_justify="left", show_edge=False)
    table.add_column("Weight", justify="right")
    table.add_column("What", style="bold")
    table.add_column("What to do")
    table.add_column("Limit", style="dim")
    for finding in findings:
        table.add_row(
            _percent(finding.weight),
            finding.message,
            finding.advice,
            f"{finding.threshold} {finding.limit:g}",
        )
    return Padding(table, (0, 0, 1, 0))


def _stages(profile: RunProfile) -> Table:
    ranked = sorted(profile.stages, key=_stage_s, reverse=True)[:MAX_STAGES]
    shown = f"the {len(ranked)} longest of " if len(ranked) < len(profile.stages) else ""
    table = Table(
        title=f"Stages: {shown}{len(profile.stages)}; * on the critical path",
        title_justify="left",
        show_edge=False,
        box=SIMPLE_HEAD,
    )
    for name in ("Stage", "Starts", "Takes", "Tasks", "Median", "Longest", "CPU", "GC"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("Read", "Shuffled", "Spilled"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Name", overflow="ellipsis", no_wrap=True, max_width=34)
    on_path = {(step.stage_id, step.attempt_id) for step in profile.critical_path}
    for stage in ranked:
        table.add_row(*_stage_row(stage, is_critical=_key(stage) in on_path))
    return table


def _stage_row(stage: StageProfile, *, is_critical: bool) -> Iterator[str]:
    quantiles = stage.durations.quantiles_s
    shares = stage.time_shares
    cpu = shares.cpu if shares else None
    suffix = f".{stage.attempt_id}" if stage.attempt_id else ""
    yield f"{stage.stage_id}{suffix}{'*' if is_critical else ' '}"
    yield "?" if stage.submitted_s is None else _short(stage.submitted_s)
    yield "?" if stage.completed_s is None else _short(_stage_s(stage))
    yield f"{stage.task_count:,}"
    yield _short(quantiles[_MEDIAN]) if quantiles else ""
    yield _short(quantiles[_LONGEST]) if quantiles else ""
    yield "?" if cpu is None else _percent(cpu)
    yield _percent(shares.gc) if shares else ""
    yield size(stage.totals.input_bytes)
    yield size(stage.totals.shuffle_read_bytes + stage.totals.shuffle_write_bytes)
    yield size(stage.totals.disk_spilled_bytes)
    yield escape(_stage_name(stage))


def _short(seconds: float) -> str:
    """Return seconds with three digits, as far as that goes."""
    digits = 2 if seconds < 10 else 1 if seconds < 100 else 0
    return f"{seconds:,.{digits}f} s"


def _stage_name(stage: StageProfile) -> str:
    """Return the stage's name, after whatever went wrong with it."""
    odd = [] if stage.status is StageStatus.SUCCEEDED else [stage.status.value]
    odd += [f"{stage.failed_task_count} failed"] * (stage.failed_task_count > 0)
    return f"[{', '.join(odd)}] {stage.name}" if odd else stage.name


def _stage_s(stage: StageProfile) -> float:
    if stage.submitted_s is None or stage.completed_s is None:
        return 0.0
    return stage.completed_s - stage.submitted_s


def _key(stage: StageProfile) -> tuple[int, int]:
    return stage.stage_id, stage.attempt_id


def _percent(fraction: float) -> str:
    return f"{fraction * PERCENT:.0f} %"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _failed(number: int) -> str:
    return f" ({number} failed)" if number else ""


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in counts.items())
