"""An experiment asked for in; it is carried out under a progress bar, and its result shown."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from isocost import clock
from isocost.cli.console import OUT, run_progress, say
from isocost.cli.experiment_view import lineage_table, show_note, summary_lines
from isocost.domain.experiment import check_experiment_name
from isocost.errors import InvalidInput
from isocost.jobbank.lineage import ExperimentRecord, Lineage, busy_s, lineages
from isocost.jobbank.reached import Reached
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

    reached: Reached
    lineages: list[Lineage]
    summary: Summary
    seconds: float
    report: Path


def carry_out(asked: Asked, platform: str, settings: Settings, *, html: Path | None) -> Result:
    """Create or resume an experiment, run it to its end and write its report.

    Raises:
        InvalidInput: if the report could not be written; nothing was run then.
    """
    path = report_path(asked.name, settings, html=html)

    @contextmanager
    def claim(name: str) -> Iterator[None]:
        with only_one(name, settings):
            yield

    with open_bench(platform, settings) as bench, run_progress() as progress:
        record = conduct(bench, asked, claim=claim, progress=progress, begun=say_how_to_go_on)
    return write_report(record, path)


def say_how_to_go_on(name: str) -> None:
    """Say what goes on with an experiment that is stored."""
    say(f"Experiment {name}. If interrupted, the same command with --name {name} goes on.")


def report_path(name: str, settings: Settings, *, html: Path | None) -> Path:
    """Return where the report of an experiment goes, once that is known to be writable.

    Raises:
        InvalidInput: if it is not, or if no experiment can have this name.
    """
    check_experiment_name(name)
    return writable_page(html or settings.storage.reports / f"{name}.html")


def writable_page(page: Path) -> Path:
    """Return where a page goes, once that is known to be writable; raises InvalidInput if not."""
    path = page.absolute()
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.open("ab").close()
        else:
            # It vanishes at once, so that an experiment that fails leaves no empty report.
            tempfile.TemporaryFile(dir=path.parent).close()
    return path


def write_report(record: ExperimentRecord, path: Path) -> Result:
    """Write the HTML report and return the result; raises InvalidInput if it cannot be written."""
    write_page(report_html(record, made_at=clock.now()), path)
    return Result(record.reached, lineages(record), summarize(record), busy_s(record), path)


def write_page(page: str, path: Path) -> None:
    """Write an HTML page; raises InvalidInput if it cannot be written."""
    with _writing(path):
        path.write_text(page, encoding="utf-8")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(
            f"The report cannot be written to {path}: {error.strerror}. Pass --html a file in a "
            "directory that can be written."
        ) from error


def show(result: Result) -> None:
    """Print the table, the figures and the path of the report."""
    OUT.print(lineage_table(result.lineages))
    for line in summary_lines(result.summary):
        OUT.print(line, highlight=False)
    show_note(result.reached)
    OUT.print(f"Report: {result.report}", highlight=False, soft_wrap=True)
