"""How an experiment stands, again and again, in; a progress bar with rate and time left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from isocost.cli.amounts import told_seconds
from isocost.cli.console import ERR
from isocost.clock import monotonic_s
from isocost.domain.experiment import TrialState
from isocost.units import S_PER_MINUTE
from isocost.usecases.orchestrate import Standing

# Into a file or pipe each message is a line; a line a quarter of a minute can be read.
_LINE_EVERY_S: Final = 15.0


class TrialProgress:
    """Shows how an experiment stands; rate and time left are of the time that it watches."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._row = bar.add_task("starting", total=None, speed="")
        self._began_s = monotonic_s()
        self._done_before: int | None = None
        self._told_s = float("-inf")

    def drawing(self, *, done: int, total: int) -> None:
        """Show for how many of all workloads cold starts are drawn."""
        self._bar.update(self._row, description="drawing cold starts", completed=done, total=total)
        self._print_if(
            f"Drawing cold starts: {done} of {total} workloads",
            is_due=monotonic_s() - self._told_s > _LINE_EVERY_S,
        )

    def __call__(self, standing: Standing) -> None:
        """Show it."""
        if self._done_before is None:
            self._done_before = standing.done
        watched_s = monotonic_s() - self._began_s
        speed = told_speed(standing, standing.done - self._done_before, watched_s)
        name = standing.experiment.name
        self._bar.update(
            self._row,
            description=f"{name}: {standing.counts[TrialState.RUNNING]} under way",
            completed=standing.done,
            total=standing.total,
            speed=speed,
        )
        self._tell_line(standing, speed)

    def _tell_line(self, standing: Standing, speed: str) -> None:
        is_due = monotonic_s() - self._told_s > _LINE_EVERY_S or standing.open_count == 0
        self._print_if(f"[{standing.done}/{standing.total}] {speed}".rstrip(), is_due=is_due)

    def _print_if(self, line: str, *, is_due: bool) -> None:
        if self._bar.console.is_terminal or not is_due:
            return
        self._told_s = monotonic_s()
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def told_speed(standing: Standing, done: int, watched_s: float) -> str:
    """Return rate and time left, of `done` trials in `watched_s` seconds; empty if none ended."""
    if done < 1 or watched_s <= 0:
        return ""
    rate = f"{done / watched_s * S_PER_MINUTE:.1f} trials/min"
    if standing.open_count == 0:
        return rate
    return f"{rate}, {told_seconds(standing.open_count * watched_s / done)} left"


@contextmanager
def trial_progress() -> Iterator[TrialProgress]:
    """Show a progress bar on stderr for as long as the block lasts."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials"),
        TextColumn("{task.fields[speed]}"),
    )
    bar = Progress(*columns, console=ERR, disable=not ERR.is_terminal)
    with bar:
        yield TrialProgress(bar)
