"""`isocost profile`: an event log in; its profile, findings and a picture out."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from isocost.cli.console import OUT, print_json, run_progress, say
from isocost.cli.profile_view import one_line, overview
from isocost.errors import InvalidInput
from isocost.eventlog.document import profile_document
from isocost.eventlog.summarize import ReadOptions
from isocost.eventlog.thresholds import Thresholds, with_changes
from isocost.usecases.profile_log import (
    Outcome,
    ProfiledLog,
    ProfiledLogs,
    ProfileOptions,
    profile_logs,
)
from isocost.wiring import log_stores


def profile(
    path: Annotated[
        str,
        typer.Argument(
            help="A file, a rolled or Databricks log directory, an archive, a directory of many "
            "logs, or s3://, abfss://, dbfs:/, /Volumes/…"
        ),
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a self-contained page with pictures here.")
    ] = None,
    keep_sql: Annotated[
        bool,
        typer.Option(
            "--keep-sql", help="Keep descriptions and plans of queries; they may quote data."
        ),
    ] = False,
    processes: Annotated[
        int, typer.Option(min=0, help="Logs to read at once; 0 for as many as there are cores.")
    ] = 0,
    threshold: Annotated[
        list[str] | None,
        typer.Option(help="Change what counts as a finding: NAME=NUMBER; may be repeated."),
    ] = None,
) -> None:
    """Say what an application did, where its time went and what could be changed about it.

    Example: isocost profile ./eventlog-dir --html profile.html
    """
    options = ProfileOptions(
        reading=ReadOptions(keep_sql=keep_sql),
        thresholds=_thresholds(threshold or []),
        process_count=processes or os.cpu_count() or 1,
    )
    found = _profiled(path, options)
    if html is not None:
        _write_picture(found, html)
    if json:
        print_json(_as_json(found))
    else:
        _show(found)


def _profiled(path: str, options: ProfileOptions) -> ProfiledLogs:
    with run_progress("logs") as progress:

        def on_done(outcome: Outcome, done: int, total: int) -> None:
            if total > 1:
                progress(outcome.location, done=done, total=total)

        return profile_logs(path, log_stores(), options, on_done=on_done)


def _thresholds(changes: Sequence[str]) -> Thresholds:
    parsed = {}
    for change in changes:
        name, _, number = change.partition("=")
        try:
            parsed[name.strip()] = float(number)
        except ValueError as error:
            raise InvalidInput(
                f"--threshold takes NAME=NUMBER; got {change!r}. Try --threshold skew_ratio=3."
            ) from error
    return with_changes(Thresholds(), parsed)


def _is_single(found: ProfiledLogs) -> bool:
    return len(found.logs) == 1 and not found.failed


def _as_json(found: ProfiledLogs) -> dict[str, Any]:
    if _is_single(found):
        return _log_json(found.logs[0])
    return {
        "applications": [_log_json(log) for log in found.logs],
        "failed": [{"path": log.location, "error": str(log.error)} for log in found.failed],
    }


def _log_json(log: ProfiledLog) -> dict[str, Any]:
    document = profile_document(log.profile, log.findings)
    return document | {"path": log.location, "is_newest_attempt": log.is_newest_attempt}


def _show(found: ProfiledLogs) -> None:
    if _is_single(found):
        for part in overview(found.logs[0]):
            OUT.print(part)
        return
    logs: list[Outcome] = [*found.logs, *found.failed]
    for log in logs:
        OUT.print(one_line(log), soft_wrap=True)
    if found.failed:
        say(f"{len(found.failed)} of {len(found.logs) + len(found.failed)} logs failed.")


def _write_picture(found: ProfiledLogs, path: Path) -> None:
    if not _is_single(found):
        raise InvalidInput(
            f"--html draws one application; {found.location} holds {len(found.logs)}. Name one of "
            f"them, such as {found.logs[0].location}."
            if found.logs
            else f"--html draws one application; none at {found.location} could be read."
        )
    # Plotly takes a third of a second to load; only whoever wants a picture waits for it.
    from isocost.eventlog.picture import picture

    log = found.logs[0]
    try:
        path.write_text(picture(log.profile, log.findings), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"Cannot write {path}: {error.strerror}. Pass --html a file in a folder that exists."
        ) from error
    say(f"Wrote {path}.")
