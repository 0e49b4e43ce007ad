"""`isocost bank compare`: whether one experiment is better or worse than another."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from isocost import clock
from isocost.cli.console import OUT, print_json
from isocost.cli.experiment_run import writable_page, write_page
from isocost.jobbank.analysis.comparison import (
    TOGETHER,
    Comparison,
    MeasureDifference,
    Verdict,
)
from isocost.jobbank.report import comparison_html
from isocost.settings import read_settings
from isocost.units import PERCENT
from isocost.usecases.compare import compare_experiments
from isocost.wiring import node_types_of, open_store

WORSE_EXIT: Final = 1
_COLOURS: Final = {Verdict.BETTER: "green", Verdict.WORSE: "red"}


def compare(
    before: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="An experiment, or FILE.json that `bank export --to FILE.json` wrote.",
        ),
    ],
    after: Annotated[
        str, typer.Argument(metavar="B", help="Another one: is it better or worse than A?")
    ],
    *,
    policy: Annotated[
        str | None, typer.Option(help="Only this policy's trials; without it all they share.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the differences as a page, too.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare experiment B with experiment A: exit code 1 if B is worse beyond chance, else 0.

    Trials are paired by workload, cold start and policy. Each difference has a confidence
    interval (Student's t over workloads); all intervals together hold with 95 % (Bonferroni).

    Example: isocost bank compare before after
    """
    settings = read_settings(os.environ)
    page = None if html is None else writable_page(html)
    store = open_store(settings)
    try:
        found = compare_experiments(
            store, (before, after), lambda p: node_types_of(p, settings), policy=policy
        )
    finally:
        store.close()
    if page is not None:
        write_page(comparison_html(found, made_at=clock.now()), page)
    if json:
        print_json(comparison_json(found))
    else:
        _show(found)
    if found.verdict is Verdict.WORSE:
        raise typer.Exit(WORSE_EXIT)


def comparison_json(found: Comparison) -> Mapping[str, object]:
    """Return a comparison as one JSON object; numbers that are not known are null."""
    return {
        "a": found.before,
        "b": found.after,
        "verdict": found.verdict.value,
        "pairs": found.pair_count,
        "unit": found.unit,
        "confidence_together": TOGETHER,
        "confidence_each": found.confidence_each,
        "measures": {measure.name: _measure_json(measure) for measure in found.measures},
        "notes": list(found.notes),
    }


def _measure_json(measure: MeasureDifference) -> Mapping[str, object]:
    d = measure.difference
    return {
        "meaning": measure.meaning,
        "a": measure.before,
        "b": measure.after,
        "difference": d and d.mean,
        "low": d and d.low,
        "high": d and d.high,
        "pairs": d.value_count if d else 0,
        "units": d.group_count if d else 0,
        "verdict": measure.verdict.value,
    }


def _show(found: Comparison) -> None:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("")
    for heading in (found.before, found.after, "Difference", "between"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Verdict")
    for measure in found.measures:
        table.add_row(*_cells(measure))
    OUT.print(table)
    for note in found.notes:
        OUT.print(note, highlight=False)
    OUT.print(
        f"{found.pair_count} pairs; a {found.unit} counts as one witness. The intervals together "
        f"hold with {TOGETHER * PERCENT:.0f} %, each with {found.confidence_each * PERCENT:g} %.",
        highlight=False,
    )
    OUT.print(f"{found.after} against {found.before}: {found.verdict.value}.", highlight=False)


def _cells(measure: MeasureDifference) -> tuple[str, ...]:
    d, verdict = measure.difference, measure.verdict
    colour = _COLOURS.get(verdict)
    return (
        measure.meaning,
        _percent(measure.before),
        _percent(measure.after),
        "–" if d is None else f"{d.mean * PERCENT:+.1f}",
        "–" if d is None else f"{d.low * PERCENT:+.1f} and {d.high * PERCENT:+.1f}",
        f"[{colour}]{verdict.value}[/]" if colour else verdict.value,
    )


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{fraction * PERCENT:.1f} %"
