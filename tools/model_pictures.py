"""A made-up project in, the pictures of docs/explanation/model.md out, drawn from the real model.

.venv/bin/python -m tools.model_pictures          rewrites them
.venv/bin/python -m tools.model_pictures --check  only says whether they would change
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import exp, log
from pathlib import Path
from typing import Final

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.project import Sla
from isocost.domain.recommendation import Abstention
from isocost.model.history import Observation
from isocost.model.points import RESERVED_GIB, Floats, points_of
from isocost.model.project import ProjectModel
from isocost.recommend.engine import Engine
from isocost.recommend.foretell import Terms
from isocost.recommend.outlook import Deadline, Outlook, look_out
from isocost.recommend.policy import DEFAULT_HORIZON_RUNS, Advice, Question
from isocost.recommend.search import Move, SearchRules, next_step, rules_for
from isocost.space.candidates import CandidateSpace
from isocost.units import PERCENT
from tools.svg_chart import BLUE, GREEN, INK, MUTED, ORANGE, PALE, Axis, Box, Panel, chart, key

FOLDER: Final = Path(__file__).parents[1] / "docs" / "explanation" / "images"

# Three made-up node types of four cores, which differ in memory and price about as EC2's do.
COMPUTE: Final = NodeType("compute", 4, 8.0, 0.17, coremark=64_000.0)
GENERAL: Final = NodeType("general", 4, 16.0, 0.20, coremark=56_000.0)
MEMORY: Final = NodeType("memory", 4, 32.0, 0.27, coremark=56_000.0)
TYPES: Final = (COMPUTE, GENERAL, MEMORY)
COLOR: Final = {"compute": ORANGE, "general": BLUE, "memory": GREEN}
COUNTS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
SPACE: Final = tuple(ClusterSpec(t.node_type_id, n) for t, n in product(TYPES, COUNTS))
# Into so much memory all that the made-up program caches fits; below it, it begins to recompute.
WORKING_SET_GIB: Final = 60.0
CLIFF_MIDDLE_GIB: Final = 52.0
CLIFF_WIDTH: Final = 0.12
CLIFF_HEIGHT: Final = 1.5
MAX_RUNTIME_S: Final = 330.0
# What each run in turn was off its curve: a made-up scatter of about 3 %.
SCATTER: Final = (0.02, -0.03, 0.01, 0.035, -0.02, -0.015)
_LEVELS: Final = (0.025, 0.1, 0.5, 0.9, 0.975)

DOT: Final = f"<circle r='4' fill='{INK}'/>"
TRUTH: Final = f"<path d='M-12 0H12' stroke='{INK}' stroke-width='1.6' stroke-dasharray='5 4'/>"
MEDIAN: Final = f"<path d='M-12 0H12' stroke='{BLUE}' stroke-width='2.2'/>"
IN_80: Final = f"<rect x='-12' y='-6' width='24' height='12' fill='{BLUE}' opacity='0.38'/>"
IN_95: Final = f"<rect x='-12' y='-6' width='24' height='12' fill='{BLUE}' opacity='0.16'/>"
KEY: Final = (
    (DOT, "a run"),
    (TRUTH, "the truth"),
    (MEDIAN, "median"),
    (IN_80, "80 %"),
    (IN_95, "95 %"),
)


def true_runtime_s(spec: ClusterSpec) -> float:
    """Return what the made-up program takes: work, a serial part, overhead, a memory cliff."""
    node_type = next(t for t in TYPES if t.node_type_id == spec.node_type_id)
    cores = node_type.cores * spec.worker_count
    usable_gib = (node_type.memory_gib - RESERVED_GIB) * spec.worker_count
    missing = log(CLIFF_MIDDLE_GIB / usable_gib) / CLIFF_WIDTH
    cliff = 1.0 + CLIFF_HEIGHT / (1.0 + exp(-missing))
    return (4000.0 / cores + 30.0 + 0.5 * cores) * cliff


def clusters_of(node_type: NodeType, counts: Iterable[int]) -> list[ClusterSpec]:
    """Return clusters of one node type."""
    return [ClusterSpec(node_type.node_type_id, count) for count in counts]


def runs_on(
    specs: Sequence[ClusterSpec], *, working_set_gib: float | None = None
) -> list[Observation]:
    """Return runs of the made-up program, one after the other."""
    return [
        Observation(
            run_id=f"r-{number}",
            spec=spec,
            runtime_s=true_runtime_s(spec) * exp(SCATTER[number]),
            working_set_gib=working_set_gib,
        )
        for number, spec in enumerate(specs)
    ]


def learned_from(history: Sequence[Observation]) -> ProjectModel:
    """Return the model of the project."""
    return ProjectModel(history, space=SPACE, node_types=TYPES)


def quantiles_s(model: ProjectModel, specs: Sequence[ClusterSpec]) -> Floats:
    """Return the runtimes of the next run at `_LEVELS`, (levels, specs)."""
    return np.exp(model.predict(points_of(specs, TYPES)).quantiles(_LEVELS))


def learning_by_runs() -> str:
    """Return runtime over cores after 1, 3 and 6 runs."""
    counts = (4, 10, 2, 16, 6, 1)
    panels = []
    for place, seen in enumerate((1, 3, 6)):
        panel = Panel(
            Box(52 + 290 * place, 34, 230, 210),
            Axis(4, 64, (4, 8, 16, 32, 64), "cores (memory nodes of 4)"),
            Axis(60, 8000, (100, 300, 1000, 3000), "runtime, s"),
            f"after {seen} run{'s' if seen > 1 else ''}",
        )
        _draw_posterior(panel, runs_on(clusters_of(MEMORY, counts[:seen])), MEMORY, per_worker=4.0)
        panels.append(panel)
    told = "Three panels: the intervals of runtime over cores narrow about the true curve."
    return _picture(told, panels)


def memory_cliff() -> str:
    """Return runtime over memory, with and without a measured working set."""
    panels = []
    for place, measured in enumerate((None, WORKING_SET_GIB)):
        history = runs_on(clusters_of(GENERAL, (16, 8)), working_set_gib=measured)
        usable = GENERAL.memory_gib - RESERVED_GIB
        panel = Panel(
            Box(52 + 440 * place, 34, 370, 210),
            Axis(usable, 16 * usable, (14, 28, 56, 112, 224), "usable memory of all nodes, GiB"),
            Axis(60, 8000, (100, 300, 1000, 3000), "runtime, s"),
            "working set not known" if measured is None else "working set measured: 60 GiB",
        )
        panel.line([(WORKING_SET_GIB, 60), (WORKING_SET_GIB, 8000)], MUTED, dash="2 4", width=1)
        _draw_posterior(panel, history, GENERAL, per_worker=usable)
        panels.append(panel)
    told = "Two panels: a measured working set tells where runtimes bend before any run shows it."
    return _picture(told, panels)


def gain_and_choice() -> str:
    """Return cost and worth of every candidate after two runs, and what is tried next."""
    history = runs_on(clusters_of(GENERAL, (8, 5)))
    outlook, rules = _outlook(history), rules_for(0.1)
    cost = Panel(
        Box(60, 34, 800, 150),
        Axis(1, 16, COUNTS, ""),
        Axis(0.06, 0.16, (0.06, 0.08, 0.1, 0.12, 0.16), "expected cost of a run, USD"),
    )
    worth = Panel(
        Box(60, 226, 800, 170),
        Axis(1, 16, COUNTS, "workers"),
        Axis(
            -1.5, 4.5, (-1, 0, 1, 2, 3, 4), "worth of a trial, in runs of the best", is_log=False
        ),
    )
    best_usd = _best_usd(outlook)
    cost.line([(1, best_usd), (16, best_usd)], INK, dash="5 4", width=1.4)
    cost.label((1, best_usd), "best in time", INK, shift="6,15")
    worth.line([(1, 0), (16, 0)], INK, width=1)
    _draw_candidates((cost, worth), outlook, rules)
    samples = [(f"<circle r='4' fill='{COLOR[t]}'/>", f"{t} nodes") for t in COLOR]
    hollow = f"<circle r='4' fill='#ffffff' stroke='{MUTED}' stroke-width='1.8'/>"
    samples.append((hollow, "more likely than δ = 0.1 to be late or to fail"))
    told = "Above, what each candidate costs; below, what trying it is worth; the best is tried."
    return chart((880, 460), told, [*cost.svg(), *worth.svg(), *key(samples, 80, 446)])


def cost_against_runtime() -> str:
    """Return all candidates by runtime and cost, the trade-off curve and the choice."""
    history = runs_on([*clusters_of(GENERAL, (8, 5)), *clusters_of(COMPUTE, (10, 8))])
    outlook, advice = _outlook(history), _advice(history)
    panel = Panel(
        Box(60, 34, 800, 300),
        Axis(60, 4000, (100, 200, 400, 800, 1600, 3200), "runtime, s"),
        Axis(0.06, 0.25, (0.06, 0.08, 0.1, 0.15, 0.2), "cost of a run, USD"),
    )
    panel.line([(MAX_RUNTIME_S, 0.06), (MAX_RUNTIME_S, 0.25)], INK, dash="5 4", width=1.4)
    panel.label((MAX_RUNTIME_S, 0.25), "deadline", INK, shift="6,14")
    for spec, runtime_s, usd in zip(
        SPACE, outlook.rough_runtime_s, outlook.rough_cost_usd, strict=True
    ):
        panel.dot((runtime_s, usd), COLOR[spec.node_type_id], size=3, hollow=True)
    _draw_curve(panel, advice)
    samples = [
        (f"<circle r='3.5' fill='#ffffff' stroke='{COLOR[t]}' stroke-width='1.8'/>", f"{t} nodes")
        for t in COLOR
    ]
    samples.append((f"<path d='M-12 0H12' stroke='{INK}' stroke-width='1.6'/>", "trade-off curve"))
    samples.append((f"<path d='M-12 0H12' stroke='{PALE}' stroke-width='5'/>", "80 % intervals"))
    told = "Candidates by runtime and cost; those that none beats in both, with their intervals."
    return chart((880, 400), told, [*panel.svg(), *key(samples, 80, 386)])


PICTURES: Final = {
    "learning.svg": learning_by_runs,
    "memory-cliff.svg": memory_cliff,
    "gain.svg": gain_and_choice,
    "trade-off.svg": cost_against_runtime,
}


def pictures() -> Mapping[str, str]:
    """Return the text of every picture by its file's name."""
    return {name: draw() for name, draw in PICTURES.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pictures, or compare them; return 1 if some would change."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="Compare only.")
    is_check = parser.parse_args(arguments).check
    changed = []
    for name, text in pictures().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            changed.append(name)
            if not is_check:
                path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"Changed: {', '.join(changed) or 'none'}\n")
    return int(is_check and bool(changed))


def _picture(told: str, panels: Sequence[Panel]) -> str:
    parts = [part for panel in panels for part in panel.svg()]
    return chart((880, 300), told, [*parts, *key(KEY, 72, 288)])


def _draw_posterior(
    panel: Panel, history: Sequence[Observation], node_type: NodeType, *, per_worker: float
) -> None:
    """Draw bands, median, truth and runs over an amount of which each worker has so much."""
    specs = clusters_of(node_type, range(1, 17))
    amounts = [per_worker * spec.worker_count for spec in specs]
    low_95, low_80, median, high_80, high_95 = (
        list(zip(amounts, row, strict=True))
        for row in quantiles_s(learned_from(history), specs).tolist()
    )
    panel.band(low_95, high_95, BLUE, opacity=0.16)
    panel.band(low_80, high_80, BLUE, opacity=0.28)
    panel.line(median, BLUE, width=2.2)
    truth = [true_runtime_s(spec) for spec in specs]
    panel.line(list(zip(amounts, truth, strict=True)), INK, dash="5 4", width=1.6)
    for run in history:
        at = per_worker * run.spec.worker_count
        panel.dot((at, run.runtime_s or 0.0), INK, size=3.5, hollow=False)


def _outlook(history: Sequence[Observation]) -> Outlook:
    return look_out(
        learned_from(history),
        SPACE,
        Terms(TYPES, 0.0, MAX_RUNTIME_S),
        deadline=Deadline(MAX_RUNTIME_S, 0.1, is_asked_for=True),
        failed=frozenset(),
    )


def _advice(history: Sequence[Observation]) -> Advice:
    space = CandidateSpace(SPACE, ())
    advice = Engine().advise(Question(history, space, TYPES, Sla(MAX_RUNTIME_S, 0.1)))
    if isinstance(advice, Abstention):
        raise TypeError(f"The engine declined: {advice.reason}")
    return advice


def _best_usd(outlook: Outlook) -> float:
    return float(outlook.tried.usd[outlook.tried.is_in_time].min())


def _draw_candidates(panels: tuple[Panel, Panel], outlook: Outlook, rules: SearchRules) -> None:
    """Draw each candidate never tried, the clusters tried, and the next step."""
    cost, worth = panels
    untried, best_usd = outlook.untried, _best_usd(outlook)
    extra = np.maximum(untried.expected_usd / best_usd - 1.0, 0.0)
    chance = 1.0 - untried.miss_probability
    gain = DEFAULT_HORIZON_RUNS * untried.gain_usd * chance / best_usd
    worths = gain - rules.trial_price - rules.extra_cost_share * extra
    step = next_step(untried, outlook.tried, horizon_runs=DEFAULT_HORIZON_RUNS, rules=rules)
    for place, spec in enumerate(outlook.specs):
        is_risky = bool(untried.miss_probability[place] > rules.safe_miss)
        color = COLOR[spec.node_type_id]
        at = float(spec.worker_count)
        cost.dot((at, float(untried.expected_usd[place])), color, hollow=is_risky)
        worth.dot((at, float(worths[place])), color, hollow=is_risky)
    for seen, usd in zip(outlook.seen, outlook.tried.usd, strict=True):
        cost.dot((float(seen.spec.worker_count), float(usd)), INK, hollow=False)
        cost.label((float(seen.spec.worker_count), float(usd)), "tried", INK, shift="7,-7")
    if step.move is Move.EXPLORE:
        spec = outlook.specs[step.place]
        best = (float(spec.worker_count), float(worths[step.place]))
        worth.dot(best, COLOR[spec.node_type_id], size=7, hollow=False)
        worth.label(best, f"next: {spec}", INK, shift="0,-13")


def _draw_curve(panel: Panel, advice: Advice) -> None:
    """Draw the trade-off curve with intervals, and mark the choice."""
    by_spec = {c.spec: c.prediction for c in advice.evidence.considered}
    curve = [by_spec[spec] for spec in advice.evidence.tradeoff]
    for p in curve:
        interval = [(p.runtime_80_s.low, p.cost_usd), (p.runtime_80_s.high, p.cost_usd)]
        panel.line(interval, PALE, width=5)
    panel.line([(p.runtime_s, p.cost_usd) for p in curve], INK, width=1.6)
    for spec in advice.evidence.tradeoff:
        p = by_spec[spec]
        panel.dot((p.runtime_s, p.cost_usd), COLOR[spec.node_type_id], hollow=False)
    at = (advice.prediction.runtime_s, advice.prediction.cost_usd)
    panel.dot(at, COLOR[advice.spec.node_type_id], size=7, hollow=False)
    chance = (advice.prediction.sla_probability or 0.0) * PERCENT
    panel.label(at, f"next: {advice.spec}, {chance:.0f} % in time", INK, shift="-8,22")


if __name__ == "__main__":
    sys.exit(main())
