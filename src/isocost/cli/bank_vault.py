"""`isocost bank vault`: record applications as workloads, list them and look at their shapes."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from isocost.cli.console import OUT, print_json, run_progress, say
from isocost.errors import InvalidInput, PlatformError
from isocost.eventlog.wording import duration, size
from isocost.jobbank.plans import matching_workloads
from isocost.jobbank.vault import shelf
from isocost.jobbank.vault.drawing import drawn
from isocost.jobbank.vault.growth import default_gb, scaled
from isocost.jobbank.vault.provenance import RecordedOn
from isocost.jobbank.vault.recording import Recording, spark_task_count
from isocost.jobbank.vault.shape import shape_of
from isocost.settings import read_settings
from isocost.simulator.workload import SimulatedStage, Workload
from isocost.units import BYTES_PER_GB
from isocost.usecases.vault import RecordedAll, Recorder, record_applications, record_log
from isocost.wiring import known_machines, open_platform, read_profile, this_machine

PLATFORM: Final = "spark_local"

app = typer.Typer(help="Workloads recorded from real Spark.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Names = Annotated[
    list[str] | None, typer.Argument(help="Names or patterns such as 'tpcds/q1*'; all if none.")
]
VaultFile = Annotated[
    Path | None, typer.Option("--vault", help="The vault's file instead of the user's own.")
]


@app.callback()
def vault() -> None:
    """Record applications on real Spark, once, for runs on simulated clusters."""


@app.command()
def record(
    names: Names = None,
    *,
    eventlog: Annotated[
        str | None, typer.Option(help="Take this event log instead of running anything.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the event log's workload is called; own/APPLICATION.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Run what the vault has already, too.")
    ] = False,
    vault: VaultFile = None,
    json: Json = False,
) -> None:
    """Run applications on this machine and keep what they ask of any cluster.

    An interrupted recording goes on where it stopped. The scale factor is the one set for
    spark_local.

    Example: isocost bank vault record --eventlog ./eventlog-dir --name own/nightly
    """
    settings = read_settings(os.environ)
    file = vault or settings.storage.vault
    if eventlog is not None:
        if names or again:
            raise InvalidInput("--eventlog takes one log: leave out the names and --again.")
        profile = read_profile(eventlog)
        taken = record_log(profile, name, vault=file, machines=known_machines())
        _present_recorded(RecordedAll([taken]), file, as_json=json)
        return
    if name is not None:
        raise InvalidInput("--name names an event log's workload: pass --eventlog, too.")
    platform = open_platform(PLATFORM, settings)
    on = RecordedOn(this_machine(), scale_factor=settings.spark_local.scale_factor)
    chosen = matching_workloads(names, platform.workloads()) if names else platform.workloads()
    recorder = Recorder(platform, file, on, read_profile)
    with run_progress() as progress:
        found = record_applications(chosen, recorder, is_again=again, on_done=progress)
    _present_recorded(found, file, as_json=json)
    if found.failed:
        raise PlatformError(
            f"{len(found.failed)} of {len(chosen)} applications were not recorded: "
            f"{', '.join(found.failed)}. Repeat the command: it goes on with these."
        )


@app.command("list")
def list_(names: Names = None, *, vault: VaultFile = None, json: Json = False) -> None:
    """List the shipped workloads and the user's own.

    Example: isocost bank vault list 'tpch/*'
    """
    recordings = shelf.all_recordings(vault or read_settings(os.environ).storage.vault)
    by_name = {recording.name: recording for recording in recordings}
    chosen = matching_workloads(
        names or ("*",), list(by_name), listed_by="isocost bank vault list"
    )
    rows = [_row(by_name[each]) for each in chosen]
    if json:
        print_json({"workloads": rows})
    else:
        OUT.print(_table(rows))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Of the workload.")],
    *,
    gb: Annotated[
        float | None, typer.Option(help="Gigabytes that it reads; its default if left out.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures here.")] = None,
    vault: VaultFile = None,
    json: Json = False,
) -> None:
    """Draw a workload's stages, and say where it was recorded.

    Example: isocost bank vault show tpcds/q64 --gb 1000
    """
    recordings = shelf.all_recordings(vault or read_settings(os.environ).storage.vault)
    recording = shelf.find(name, recordings)
    input_gb = default_gb(recording) if gb is None else gb
    workload = scaled(recording, input_gb)
    if html is not None:
        _write_page(recording, input_gb, html)
    if json:
        stages = [_stage_json(stage) for stage in workload.stages]
        print_json(_row(recording) | {"input_gb": input_gb, "stages": stages})
    else:
        _draw(recording, workload, input_gb)


def _present_recorded(found: RecordedAll, file: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({
            "vault": str(file),
            "recorded": [_row(recording) for recording in found.recorded],
            "skipped": found.skipped,
            "failed": [{"name": n, "error": why} for n, why in found.failed.items()],
        })
        return
    if found.recorded:
        OUT.print(_table([_row(recording) for recording in found.recorded]))
    _say_replaced(found.recorded, file)
    if found.skipped:
        say(f"{len(found.skipped)} were in {file} already; --again records them anew.")


def _say_replaced(recordings: list[Recording], file: Path) -> None:
    shipped = {each.name for each in shelf.shipped()}
    replaced = [each.name for each in recordings if each.name in shipped]
    if replaced:
        say(
            f"In your experiments this replaces the shipped {', '.join(replaced)}, as long as "
            f"{file} has it."
        )


def _row(recording: Recording) -> dict[str, Any]:
    """Return what a list says of a workload, with the keys of `--json`."""
    size_gb = default_gb(recording)
    workload = scaled(recording, size_gb)
    about = recording.provenance
    return {
        "name": recording.name,
        "shape": shape_of(workload),
        "is_own": recording.is_own,
        "stage_count": len(workload.stages),
        "spark_job_count": len(workload.spark_jobs),
        "recorded_gb": recording.data_bytes / BYTES_PER_GB,
        "recorded_spark_task_count": spark_task_count(recording.workload),
        "default_gb": size_gb,
        "default_spark_task_count": spark_task_count(workload),
        "default_cpu_s": sum(stage.cpu_s for stage in workload.stages),
        "provenance": {
            "spark_version": about.spark_version,
            "scale_factor": about.scale_factor,
            "machine": about.machine,
            "cluster": about.cluster,
            "core_count": about.core_count,
            "cpu_speed": about.cpu_speed,
            "recorded_at": about.recorded_at,
            "runtime_s": about.runtime_s,
        },
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    table.add_column("Workload", style="bold", no_wrap=True)
    table.add_column("Shape", no_wrap=True)
    for heading in ("Stages", "Recorded", "By default", "Spark tasks", "CPU time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row['name']}{' (own)' if row['is_own'] else ''}",
            row["shape"],
            f"{row['stage_count']}",
            _gb(row["recorded_gb"]),
            _gb(row["default_gb"]),
            f"{row['default_spark_task_count']:,}",
            duration(row["default_cpu_s"]),
        )
    return table


def _draw(recording: Recording, workload: Workload, input_gb: float) -> None:
    about = recording.provenance
    scale = f" at scale factor {about.scale_factor:g}" if about.scale_factor else ""
    OUT.print(Text.assemble((recording.name, "bold"), f"  {shape_of(workload)}"))
    OUT.print(
        f"On {_gb(input_gb)}: {len(workload.stages)} stages in {len(workload.spark_jobs)} spark "
        f"jobs, {spark_task_count(workload):,} spark tasks, "
        f"{duration(sum(s.cpu_s for s in workload.stages))} of CPU, "
        f"{duration(sum(j.driver_s for j in workload.spark_jobs))} in the driver.",
        highlight=False,
    )
    OUT.print(
        f"Recorded {about.recorded_at:%Y-%m-%d} with Spark {about.spark_version}{scale}, "
        f"{_gb(recording.data_bytes / BYTES_PER_GB)} in {duration(about.runtime_s)}, on "
        f"{about.machine}; {about.cluster}.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    OUT.print(_stages(workload))


def _stages(workload: Workload) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    table.add_column("Stage", justify="right", no_wrap=True)
    table.add_column("Does", no_wrap=True, overflow="ellipsis", max_width=44)
    table.add_column("Reads", no_wrap=True, overflow="ellipsis", max_width=16)
    table.add_column("CPU time", no_wrap=True, min_width=20, style="cyan")
    for heading in ("", "Tasks", "Scanned", "Shuffled", "Skew"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in drawn(workload):
        stage = line.stage
        table.add_row(
            f"{stage.stage_id}",
            escape(line.tree),
            line.sources,
            line.bar,
            duration(stage.cpu_s),
            f"{stage.spark_task_count:,}",
            _size(stage.input_bytes),
            _size(stage.shuffle_read_bytes + stage.shuffle_write_bytes),
            f"{stage.skew:.1f}" if stage.skew > 1.0 else "",
        )
    return table


def _gb(size_gb: float) -> str:
    return f"{size_gb:,.0f} GB" if size_gb >= 10 else f"{size_gb:.2g} GB"


def _size(count: float) -> str:
    return size(count) if count else ""


def _stage_json(stage: SimulatedStage) -> Mapping[str, object]:
    return {
        "stage_id": stage.stage_id,
        "spark_job_id": stage.spark_job_id,
        "name": stage.name,
        "parent_ids": stage.parent_ids,
        "cache_source_id": stage.cache_source_id,
        "spark_task_count": stage.spark_task_count,
        "cpu_s": stage.cpu_s,
        "input_bytes": stage.input_bytes,
        "output_bytes": stage.output_bytes,
        "shuffle_read_bytes": stage.shuffle_read_bytes,
        "shuffle_write_bytes": stage.shuffle_write_bytes,
        "cached_bytes": stage.cached_bytes,
        "memory_bytes": stage.memory_bytes,
        "skew": stage.skew,
        "operators": stage.operators,
    }


def _write_page(recording: Recording, input_gb: float, path: Path) -> None:
    # Plotly takes a third of a second to load; only whoever wants a picture waits for it.
    from isocost.jobbank.vault.page import recording_html

    try:
        path.write_text(recording_html(recording, input_gb), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"Cannot write {path}: {error.strerror}. Pass --html a file in a folder that exists."
        ) from error
    say(f"Wrote {path}.")
