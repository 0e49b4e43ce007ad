"""The options of `isocost bank run --platform recorded` in; a measurement, shown, out."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from isocost import clock
from isocost.cli.console import INTERRUPTED, OUT, print_json, run_progress, say
from isocost.cli.experiment_run import report_path, write_page
from isocost.cli.recorded_view import measurement_json, policy_table, workload_table
from isocost.domain.experiment import check_experiment_name
from isocost.domain.grid import GridWorkload
from isocost.errors import InvalidInput
from isocost.jobbank.measured.measurement import Measurement
from isocost.jobbank.measured.page import measurement_html
from isocost.jobbank.measured.plan import (
    DEFAULT_RUNS,
    DEFAULT_SEEDS,
    RANDOM_START,
    Deadline,
    Prior,
    Terms,
    deadline_from_text,
)
from isocost.jobbank.measured.policies import ENGINE
from isocost.jobbank.plans import matching_workloads
from isocost.jobbank.pool import ProcessPool
from isocost.recommend.policy import DEFAULT_HORIZON_RUNS
from isocost.settings import read_settings
from isocost.usecases.measure import measure
from isocost.wiring import open_grids, recorded_stage

RECORDED: Final = "recorded"
PANEL: Final = "With --platform recorded"
SHARED_PANEL: Final = "With --platform recorded or workspace"

Grid = Annotated[
    list[Path] | None,
    typer.Option(help="CSV file of measured runs, one a line; repeatable.", rich_help_panel=PANEL),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        help="Who chooses clusters: engine, bayes (CherryPick), random, static, and in workspaces "
        "autoscaling (Databricks' own, from one worker on); repeated or with commas: all from "
        "the same starts.",
        rich_help_panel=SHARED_PANEL,
    ),
]
Seeds = Annotated[
    int | None, typer.Option(help="Starts of each workload; 10.", rich_help_panel=PANEL)
]
PriorRuns = Annotated[
    str | None,
    typer.Option(
        "--prior",
        help="Runs of the other workloads that may be learned from: none, other-programs (all), "
        "same-program (10 of each).",
        rich_help_panel=PANEL,
    ),
]
WorkingSet = Annotated[
    bool,
    typer.Option(
        "--working-set",
        help="Each run tells the working set in the column of this name.",
        rich_help_panel=PANEL,
    ),
]
Failures = Annotated[
    str | None,
    typer.Option(
        help="Clusters on which a workload failed: remove them from its candidates, or keep "
        "them. A failed run without a runtime is charged 7200 s.",
        rich_help_panel=PANEL,
    ),
]
Noise = Annotated[
    float | None,
    typer.Option(
        help="Scale of Student t noise, 4 degrees of freedom, on log runtimes.",
        rich_help_panel=PANEL,
    ),
]
Horizon = Annotated[
    int | None,
    typer.Option(
        help="Runs that an improvement is expected to be enjoyed for; 25.", rich_help_panel=PANEL
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        help="Processes to spread the trials over, by default one a core; the figures are the "
        "same with any number.",
        rich_help_panel=SHARED_PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class RecordedOptions:
    """The options that only recorded runs take, as given."""

    grids: Sequence[Path] | None
    policies: Sequence[str]
    seeds: int | None
    prior: str | None
    knows_working_set: bool
    failures: str | None
    noise_sd: float | None
    horizon_runs: int | None
    processes: int | None

    def given(self) -> list[str]:
        """Return the names of those that were given."""
        by_name: Mapping[str, object] = {
            "--grid": self.grids,
            "--policy": self.policies,
            "--seeds": self.seeds,
            "--prior": self.prior,
            "--working-set": self.knows_working_set,
            "--failures": self.failures,
            "--noise": self.noise_sd,
            "--horizon": self.horizon_runs,
            "--processes": self.processes,
        }
        return [name for name, value in by_name.items() if value not in (None, False, ())]


@dataclass(frozen=True, slots=True)
class SharedOptions:
    """Options that every platform takes, as recorded runs understand them."""

    name: str
    workloads: Sequence[str]
    cold_starts: Sequence[str]
    runs: int | None
    sla: Sequence[str]
    miss_fraction: float


def measure_recorded(
    shared: SharedOptions, own: RecordedOptions, *, html: Path | None, as_json: bool
) -> None:
    """Carry the policies through the grids and show what they achieve.

    Raises:
        UserError: if an option or a file cannot be used; nothing was run then.
    """
    page = None if html is None else report_path(shared.name, read_settings(os.environ), html=html)
    check_experiment_name(shared.name)
    if not own.grids:
        raise InvalidInput(
            "--platform recorded needs measured runs to repeat. Pass their CSV file as --grid; it "
            "may be given several times."
        )
    if own.processes is not None and own.processes < 1:
        raise InvalidInput(f"--processes takes 1 or more; got {own.processes}.")
    terms = terms_from(shared, own)
    measured = open_grids(own.grids, tell=say)
    known = [workload.name for workload in measured]
    names = matching_workloads(shared.workloads or ("*",), known, listed_by=None)
    began_s = clock.monotonic_s()
    result = _measured(measured, names, terms, processes=own.processes)
    if page is not None:
        write_page(measurement_html(shared.name, result, made_at=clock.now()), page)
        say(f"Report: {page}")
    show(shared.name, result, clock.monotonic_s() - began_s, as_json=as_json)


def _measured(
    workloads: Sequence[GridWorkload],
    judged: Sequence[str],
    terms: Terms,
    *,
    processes: int | None,
) -> Measurement:
    try:
        with run_progress("trials") as progress:
            return measure(
                workloads,
                terms,
                set_stage=recorded_stage,
                spread=ProcessPool(processes),
                progress=progress,
                judged=judged,
            )
    except KeyboardInterrupt as interrupt:
        say("Interrupted. Recorded runs are not stored; repeat the command for its figures.")
        raise typer.Exit(INTERRUPTED) from interrupt


def terms_from(shared: SharedOptions, own: RecordedOptions) -> Terms:
    """Return the terms; raises InvalidInput if an option has no such value."""
    return Terms(
        policies=tuple(own.policies) or (ENGINE,),
        cold_start=_single(shared.cold_starts, "--cold-start") or RANDOM_START,
        seeds=DEFAULT_SEEDS if own.seeds is None else own.seeds,
        runs=DEFAULT_RUNS if shared.runs is None else shared.runs,
        deadline=_deadline(shared.sla),
        miss_fraction=shared.miss_fraction,
        prior=Prior(_word(own.prior, "--prior", [p.value for p in Prior])),
        knows_working_set=own.knows_working_set,
        keeps_failures=_word(own.failures, "--failures", ["remove", "keep"]) == "keep",
        noise_sd=own.noise_sd or 0.0,
        horizon_runs=DEFAULT_HORIZON_RUNS if own.horizon_runs is None else own.horizon_runs,
    )


def show(name: str, result: Measurement, seconds: float, *, as_json: bool) -> None:
    """Print the figures for people or for machines."""
    if as_json:
        print_json(measurement_json(name, result, seconds=seconds))
        return
    OUT.print(policy_table(result))
    OUT.print(workload_table(result))


def _deadline(given: Sequence[str]) -> Deadline | None:
    text = _single(given, "--sla")
    return None if text is None else deadline_from_text(text)


def _single(given: Sequence[str], option: str) -> str | None:
    if len(given) > 1:
        raise InvalidInput(
            f"--platform recorded takes one {option} for all trials; got {', '.join(given)}. Run "
            "the command once for each."
        )
    return given[0] if given else None


def _word(given: str | None, option: str, known: Sequence[str]) -> str:
    """Return the word given, or the first of those known if none was."""
    word = known[0] if given is None else given
    if word not in known:
        raise InvalidInput(f"{option} takes {', '.join(known)}; got {word!r}.")
    return word
