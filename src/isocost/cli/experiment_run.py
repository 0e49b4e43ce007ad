"""An experiment asked for in; it is carried out under a progress bar, and its result shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from isocost import clock
from isocost.cli.console import OUT, run_progress, say
from isocost.cli.experiment_view import lineage_table, summary_lines
from isocost.jobbank.lineage import ExperimentRecord, Lineage, busy_s, lineages
from isocost.jobbank.report import report_html
from isocost.jobbank.summary import Summary, summarize
from isocost.settings import Settings
from isocost.usecases.conduct import Asked, conduct
from isocost.wiring import only_one, open_bench


@dataclass(frozen=True, slots=True)
class Result:
    """An experiment as far as it has come, and where its report lies.

    Attributes:
        seconds: that its runs took, from the first one's start to the last one's end.
    """

    name: str
    lineages: list[Lineage]
    summary: Summary
    seconds: float
    report: Path


def carry_out(asked: Asked, platform: str, settings: Settings, *, html: Path | None) -> Result:
    """Create or resume an experiment, run it to its end and write its report."""

    @contextmanager
    def claim(name: str) -> Iterator[None]:
        with only_one(name, settings):
            say(f"Experiment {name}. If interrupted, the same command with --name {name} goes on.")
            yield

    with open_bench(platform, settings) as bench, run_progress() as progress:
        record = conduct(bench, asked, claim=claim, progress=progress)
    return write_report(record, settings, html=html)


def write_report(record: ExperimentRecord, settings: Settings, *, html: Path | None) -> Result:
    """Write the HTML report and return the result."""
    name = record.experiment.name
    path = (html or settings.storage.reports / f"{name}.html").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report_html(record, made_at=clock.now()), encoding="utf-8")
    return Result(name, lineages(record), summarize(record), busy_s(record), path)


def show(result: Result) -> None:
    """Print the table, the figures and the path of the report."""
    OUT.print(lineage_table(result.lineages))
    for line in summary_lines(result.summary):
        OUT.print(line, highlight=False)
    OUT.print(f"Report: {result.report}", highlight=False, soft_wrap=True)
