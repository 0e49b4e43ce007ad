"""`isocost bank`: run experiments of the Job Bank and report on them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from isocost import clock
from isocost.cli.bank_compare import compare
from isocost.cli.bank_control import cancel, pause, resume, status
from isocost.cli.bank_databricks import (
    DatabricksOptions,
    InWorkspace,
    SpendingLimit,
    run_on_databricks,
)
from isocost.cli.bank_explain import explain
from isocost.cli.bank_export import export
from isocost.cli.bank_list import list_
from isocost.cli.bank_recorded import (
    RECORDED,
    Failures,
    Grid,
    Horizon,
    Noise,
    Policies,
    PriorRuns,
    Processes,
    RecordedOptions,
    Seeds,
    SharedOptions,
    WorkingSet,
    measure_recorded,
)
from isocost.cli.bank_report import present, report
from isocost.cli.bank_vault import app as vault
from isocost.cli.bank_workspace import OnCloud, OnQueue, Seed, WorkspaceOptions, run_on_workspaces
from isocost.cli.console import OUT, print_json, say
from isocost.cli.experiment_run import carry_out
from isocost.domain.experiment import DATABRICKS, WORKSPACE
from isocost.errors import InvalidInput
from isocost.settings import read_settings
from isocost.usecases.conduct import Asked
from isocost.wiring import demo_workloads, workloads_on

app = typer.Typer(help="Measure the closed loop on many workloads.", no_args_is_help=True)
app.command()(explain)
app.command()(report)
app.command()(export)
app.command()(compare)
app.command("list")(list_)
app.add_typer(vault, name="vault")
for change in (pause, resume, cancel, status):
    app.command()(change)

Platform = Annotated[
    str,
    typer.Option(
        help="Who runs the workloads: spark_local on this machine, simulated workspaces "
        "(workspace), a real workspace of yours (databricks), or recorded, which repeats measured "
        "runs."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Html = Annotated[Path | None, typer.Option(help="Where to write the HTML report.")]
Workloads = Annotated[
    list[str] | None,
    typer.Option(help="Names or patterns such as 'tpcds/q1*'; commas or repeated."),
]
ColdStart = Annotated[
    list[str] | None,
    typer.Option(
        help="A cluster to begin on, as TYPE:COUNT; repeatable. Instead of a number. In simulated "
        "workspaces of at most 1000 workers. Of recorded runs also random (the default) or "
        "cheapest by the hour."
    ),
]
ColdStarts = Annotated[int, typer.Option(help="Clusters that each workload begins on.")]
ColdStartCount = Annotated[
    int | None,
    typer.Option(
        help="Clusters that each workload begins on; 2, in simulated workspaces 5, drawn anew for "
        "each workload, at most 100."
    ),
]
Runs = Annotated[int, typer.Option(help="Runs of each project, the parent included.")]
RunCount = Annotated[
    int | None,
    typer.Option(
        help="Runs of each project, the parent included, at most 1000; 2, in simulated "
        "workspaces 8, of recorded runs 25."
    ),
]
Sla = Annotated[
    list[str] | None,
    typer.Option(
        help="Deadline over the cold start's runtime; repeated: handed to the cold starts in "
        "turn. Without it the smallest cold start gets 0.85 (late today), any other 2.0 (idle). "
        "In simulated workspaces one factor, fastest:1.5, a factor of what the fastest cluster "
        "takes, or 30min; without it 1.2. Of recorded runs one factor, or pNN, a percentile of "
        "all measured runtimes; without it there is no deadline."
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        help="The same name and options resume an experiment. Recorded runs are not stored; it "
        "names their page and the object of --json."
    ),
]
# What simulated workspaces share with recorded runs.
_OF_WORKSPACES: Final = frozenset({"--policy", "--processes"})

MissFraction = Annotated[float, typer.Option(help="How often the deadline may be missed.")]


@app.command()
def run(  # noqa: PLR0913  a command's parameters are its options
    *,
    platform: Platform = "spark_local",
    workloads: Workloads = None,
    cold_starts: ColdStartCount = None,
    cold_start: ColdStart = None,
    runs: RunCount = None,
    name: Name = None,
    sla: Sla = None,
    miss_fraction: MissFraction = 0.1,
    grid: Grid = None,
    policy: Policies = None,
    seeds: Seeds = None,
    prior: PriorRuns = None,
    working_set: WorkingSet = False,
    failures: Failures = None,
    noise: Noise = None,
    horizon: Horizon = None,
    processes: Processes = None,
    seed: Seed = None,
    cloud: OnCloud = None,
    queue: OnQueue = None,
    workspace: InWorkspace = None,
    spending_limit: SpendingLimit = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Carry workloads through parent run, recommendation and child run.

    Recorded runs take no time and are not stored: their figures are printed at the end, and
    written as a page to --html.

    Example: isocost bank run --platform workspace --workloads 'tpcds/q1*' --runs 6 --seed 7
    """
    policies = split_names(policy, "--policy")
    own = RecordedOptions(
        grid, policies, seeds, prior, working_set, failures, noise, horizon, processes
    )
    shared = SharedOptions(
        name=name_or_new(name, platform),
        workloads=split_names(workloads, "--workloads"),
        cold_starts=split_names(cold_start, "--cold-start"),
        runs=runs,
        sla=split_names(sla, "--sla"),
        miss_fraction=miss_fraction,
    )
    simulated = WorkspaceOptions(cold_starts, policies, seed, cloud, processes, queue)
    real = DatabricksOptions(workspace, spending_limit)
    _carry(
        platform,
        _Given(shared, own, simulated, real, html, is_named=name is not None, as_json=json),
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """The options of `bank run`, whatever the platform takes of them."""

    shared: SharedOptions
    recorded: RecordedOptions
    simulated: WorkspaceOptions
    real: DatabricksOptions
    html: Path | None
    is_named: bool
    as_json: bool


def _carry(platform: str, given: _Given) -> None:
    """Hand the options to who carries them out; raises InvalidInput for those of others."""
    shared, own, settings = given.shared, given.recorded, read_settings(os.environ)
    chosen = given.simulated
    simulated = {"--seed": chosen.seed, "--cloud": chosen.cloud, "--queue": chosen.queue}
    counted, page = {"--cold-starts": chosen.cold_start_count}, {"--html": given.html}
    if platform == DATABRICKS:
        check_none_given(DATABRICKS, own.given())
        check_none_given(DATABRICKS, {**simulated, **counted, **page})
        run_on_databricks(shared, given.real, settings, as_json=given.as_json)
        return
    check_none_given(platform, given.real.given())
    if platform == WORKSPACE:
        check_none_given(WORKSPACE, [o for o in own.given() if o not in _OF_WORKSPACES])
        check_none_given(WORKSPACE, page)
        run_on_workspaces(shared, chosen, settings, as_json=given.as_json)
        return
    check_none_given(platform, simulated)
    if platform == RECORDED:
        check_none_given(RECORDED, counted)
        measure_recorded(shared, own, html=given.html, as_json=given.as_json)
        if given.is_named:
            say(
                f"Recorded runs are not stored: {shared.name} names the object of --json and the "
                "page of --html, and no experiment of `isocost bank list`."
            )
        return
    check_none_given(platform, own.given())
    asked = asked_from(shared, cold_start_count=chosen.cold_start_count)
    present(carry_out(asked, platform, settings, html=given.html), as_json=given.as_json)


@app.command()
def workloads(*, platform: Platform = "spark_local", json: Json = False) -> None:
    """List what a platform can run; simulated workspaces run the vault's workloads.

    Example: isocost bank workloads
    """
    names = workloads_on(platform, read_settings(os.environ))
    if json:
        print_json({"platform": platform, "workloads": list(names)})
        return
    for known in names:
        OUT.print(known, highlight=False)


def split_names(given: list[str] | None, option: str) -> tuple[str, ...]:
    """Return the names of a repeatable option whose values may hold commas; () if not given.

    Raises:
        InvalidInput: if the option is given but names nothing.
    """
    names = tuple(name.strip() for text in given or () for name in text.split(",") if name.strip())
    if given and not names:
        raise InvalidInput(
            f"{option} names nothing: {', '.join(map(repr, given))}. Name something, or leave the "
            "option out for its default."
        )
    return names


def name_or_new(name: str | None, prefix: str) -> str:
    """Return the experiment's name, made from the time where the user gave none."""
    return f"{prefix}-{clock.now():%Y%m%d-%H%M%S}" if name is None else name


def asked_from(shared: SharedOptions, *, cold_start_count: int | None) -> Asked:
    """Return what is asked of a platform that really runs; raises InvalidInput for bad values."""
    return Asked(
        name=shared.name,
        workloads=shared.workloads or demo_workloads(),
        cold_start_count=2 if cold_start_count is None else cold_start_count,
        runs_per_trial=2 if shared.runs is None else shared.runs,
        sla_factors=tuple(_factor(text) for text in shared.sla),
        miss_fraction=shared.miss_fraction,
        cold_starts=shared.cold_starts,
    )


def _factor(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInput(
            f"--sla {text!r} is no factor of the cold start's runtime. Write a number such as "
            "1.25; percentiles such as p25 need --platform recorded."
        ) from error


def check_none_given(platform: str, given: Mapping[str, object] | Sequence[str]) -> None:
    """Raise InvalidInput if an option was given that this platform does not take."""
    if isinstance(given, Mapping):
        given = [option for option, value in given.items() if value is not None]
    if given:
        raise InvalidInput(
            f"--platform {platform} does not take {', '.join(given)}. Leave that out, or choose "
            "the platform it belongs to: see `isocost bank run --help`."
        )
