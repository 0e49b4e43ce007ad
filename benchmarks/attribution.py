"""What happens to recurring applications, and whether the product finds out why: one JSON object.

Applications of all shapes live through four weeks on the simulated cluster; something happens to
each on the fifteenth day, or nothing. Every run is attributed as the product would do it, from its
event log and those before it.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Final

from benchmarks.attribution_lives import INJECTIONS, Injection, Life, live
from isocost.domain.deviation import CauseOfDeviation, Deviation
from isocost.recommend.attribution import attribute
from isocost.simulator.workspace.shapes import SHAPES
from isocost.units import MS_PER_S, PERCENT

# Thresholds were settled on seeds 1 to 6, and 101 to 103 were looked at before the last changes.
FIRST_SEED: Final = 201
WITHIN_RUNS: Final = 2
# With fewer runs there is no usual yet.
FEWEST_RUNS: Final = 4
_OF_CHANCE: Final = frozenset({None, CauseOfDeviation.MODEL, CauseOfDeviation.NOISE})


@dataclass(slots=True)
class Tally:
    """What was found.

    Attributes:
        causes: by what happened, main causes of the first runs after it, "none" for no anomaly.
        found: lives in which the true cause was the main one within two runs.
        quiet: main causes of runs to which nothing happened, with their number.
        alarms: those among them that blame what did not happen.
    """

    lives: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    causes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    quiet: Counter[str] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)
    quiet_runs: int = 0
    spared: int = 0
    taken_ms: list[float] = field(default_factory=list)

    def add(self, life: Life) -> None:
        """Attribute every run of a life."""
        first = life.changed_from
        causes = [self._cause(life, day) for day in range(len(life.witnesses))]
        injected = life.injection.cause
        quiet_days = [*range(FEWEST_RUNS, first)]
        quiet_days += range(life.changed_until + WITHIN_RUNS, len(causes))
        if injected is None:
            quiet_days = [*range(FEWEST_RUNS, len(causes))]
        elif life.changed_until == len(causes):
            quiet_days += range(first + WITHIN_RUNS, len(causes))
        self._add_quiet(life, causes, quiet_days)
        if injected is not None:
            self._add_change(life, causes[first : first + WITHIN_RUNS])

    def _cause(self, life: Life, day: int) -> CauseOfDeviation | None:
        started = process_time()
        deviation: Deviation | None = attribute(
            life.witnesses[day],
            life.witnesses[:day],
            space=life.space,
            node_types=life.node_types,
        )
        self.taken_ms.append((process_time() - started) * MS_PER_S)
        return None if deviation is None else deviation.main_cause

    def _add_quiet(
        self, life: Life, causes: Sequence[CauseOfDeviation | None], days: Iterable[int]
    ) -> None:
        for day in days:
            cause = causes[day]
            self.quiet_runs += 1
            self.quiet[_name(cause)] += 1
            # Now and then a spot node is lost in calm times as well.
            is_true = cause is CauseOfDeviation.SPOT and life.losses[day] > 0
            if cause not in _OF_CHANCE and not is_true:
                self.alarms[_name(cause)] += 1

    def _add_change(self, life: Life, causes: Sequence[CauseOfDeviation | None]) -> None:
        injection, first = life.injection, life.changed_from
        if injection.losses and not any(life.losses[first : first + WITHIN_RUNS]):
            self.spared += 1  # the storm took none of its nodes
            return
        self.lives[injection.name] += 1
        self.found[injection.name] += injection.cause in causes
        self.causes[injection.name].update(_name(cause) for cause in causes)

    def figures(self) -> dict[str, object]:
        """Return all of it as JSON has it."""
        hundreds = self.quiet_runs / PERCENT
        return {
            "found": {
                name: {"lives": count, "found": self.found[name]}
                for name, count in self.lives.items()
            },
            "found_fraction": self._found([i for i in INJECTIONS if not i.is_mild]),
            "mild_found_fraction": self._found([i for i in INJECTIONS if i.is_mild]),
            "causes": {name: dict(counts) for name, counts in self.causes.items()},
            "storms_without_loss": self.spared,
            "quiet_runs": self.quiet_runs,
            "false_alarms_per_100_runs": sum(self.alarms.values()) / hundreds,
            "false_alarms": dict(self.alarms),
            "quiet_per_100_runs": {
                name: count / hundreds for name, count in self.quiet.items() if name != "none"
            },
            "ms_median": median(self.taken_ms),
            "ms_p95": quantiles(self.taken_ms, n=20)[-1],
        }

    def _found(self, injections: Iterable[Injection]) -> float | None:
        names = [i.name for i in injections if self.lives[i.name]]
        lives = sum(self.lives[name] for name in names)
        return sum(self.found[name] for name in names) / lives if lives else None


def _name(cause: CauseOfDeviation | None) -> str:
    return "none" if cause is None else cause.value


def main(arguments: Sequence[str] | None = None) -> None:
    """Live, attribute and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="accepted; the output is always JSON")
    parser.add_argument("--seeds", type=int, default=3, help="lives of each shape and change")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--noise", type=float, default=0.03, help="of equal runs, as a CV")
    asked = parser.parse_args(arguments)
    if asked.seeds < 1 or not 0 < asked.noise < 1:
        parser.error(f"--seeds is 1 or more, --noise in 0 to 1; got {asked.seeds}, {asked.noise}")
    started, tally = perf_counter(), Tally()
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        for shape in SHAPES:
            for injection in INJECTIONS:
                tally.add(live(shape, seed, injection, noise_cv=asked.noise))
    told = {**tally.figures(), "seconds": perf_counter() - started}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
