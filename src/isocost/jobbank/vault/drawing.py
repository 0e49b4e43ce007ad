"""A workload in, its shape as lines of text out: the DAG from top to bottom, a bar a stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from isocost.simulator.workload import SimulatedStage, Workload

BAR_WIDTH: Final = 20
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
# Deeper stages are not pushed further to the right: the screen ends somewhere.
MOST_INDENT: Final = 12


@dataclass(frozen=True, slots=True)
class DrawnStage:
    """One line of the picture.

    Attributes:
        tree: the stage under those that it reads, as deep as the chain before it is long.
        sources: "← 3, 5" for shuffles it reads, "⇠ 4" for a cache.
        bar: its part of all CPU seconds; full for the heaviest.
    """

    stage: SimulatedStage
    tree: str
    sources: str
    bar: str


def drawn(workload: Workload) -> tuple[DrawnStage, ...]:
    """Return the stages in order of their spark jobs."""
    depths = depths_of(workload.stages)
    heaviest = max(stage.cpu_s for stage in workload.stages) or 1.0
    return tuple(
        DrawnStage(
            stage,
            tree=_tree(depths[stage.stage_id], stage.name),
            sources=_sources(stage),
            bar=bar(stage.cpu_s / heaviest),
        )
        for stage in workload.stages
    )


def depths_of(stages: Sequence[SimulatedStage]) -> Mapping[int, int]:
    """Return for each stage how many stages lie on the longest chain before it."""
    depths: dict[int, int] = {}
    for stage in stages:
        sources = [*stage.parent_ids]
        if stage.cache_source_id is not None:
            sources.append(stage.cache_source_id)
        depths[stage.stage_id] = max((depths[source] + 1 for source in sources), default=0)
    return depths


def bar(fraction: float) -> str:
    """Return a bar of `BAR_WIDTH` characters at 1, to an eighth of a character."""
    eighths = round(min(max(fraction, 0.0), 1.0) * BAR_WIDTH * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + _EIGHTHS[rest]).strip()


def _tree(depth: int, name: str) -> str:
    indent = min(depth, MOST_INDENT)
    return f"{'  ' * (indent - 1)}└ {name}" if indent else name


def _sources(stage: SimulatedStage) -> str:
    read = f"← {', '.join(map(str, stage.parent_ids))}" if stage.parent_ids else ""
    cached = "" if stage.cache_source_id is None else f"⇠ {stage.cache_source_id}"
    return " ".join(part for part in (read, cached) if part)
