"""What a user asks for in, an experiment plan and its trials out."""

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of, total_cores
from isocost.domain.experiment import ColdStart, Experiment, Trial
from isocost.domain.project import DEFAULT_CLUSTER_KEY, Project, ProjectCluster, Sla
from isocost.errors import ClusterTooLarge, InvalidInput, UnknownName
from isocost.space.candidates import CandidateSpace

# The two situations users come with: a job that is late on a small cluster, and one that idles on
# a large cluster. The factors are ours, chosen so that both have somewhere to go.
LATE_SLA_FACTOR: Final = 0.85
IDLE_SLA_FACTOR: Final = 2.0

MOST_NAMED: Final = 8  # names in a message, a line and a half of them
FITTING_SHOWN: Final = 6  # as many clusters as a reader compares at a glance


def matching_workloads(
    patterns: Sequence[str],
    known: Sequence[str],
    *,
    listed_by: str | None = "isocost bank workloads",
) -> tuple[str, ...]:
    """Return the known workloads that any pattern matches, in the patterns' order.

    Args:
        patterns: names or shell patterns.
        known: names.
        listed_by: the command that lists all that are known; None if there is none.

    Raises:
        UnknownName: if a pattern matches none.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [name for name in known if fnmatchcase(name, pattern)]
        if not matches:
            few = known[:MOST_NAMED]
            others = f" and {len(known) - len(few)} others" if len(known) > len(few) else ""
            all_of_them = f": `{listed_by}` lists all" if others and listed_by else ""
            raise UnknownName(
                f"No workload is called {pattern!r}. Known are {', '.join(few)}{others}"
                f"{all_of_them}. Shell patterns such as 'tpcds/*' work too."
            )
        found.update(dict.fromkeys(matches))
    return tuple(found)


def cold_starts(
    candidates: Sequence[ClusterSpec],
    node_types: Sequence[NodeType],
    *,
    count: int,
    sla_factors: Sequence[float] = (),
) -> tuple[ColdStart, ...]:
    """Return `count` clusters to begin on, as far apart in cores as they can be.

    The first has the fewest cores and the second the most, with workers of equal memory, so that a
    pair of them shows what the cores do; each further one lies in the widest gap left. Without
    `sla_factors` a cold start on the fewest cores is late and any other idles; given factors are
    handed out in turn.

    Raises:
        InvalidInput: if `count` is out of range.
    """
    if not 1 <= count <= len(candidates):
        raise InvalidInput(
            f"{count} cold starts were asked for; this platform has {len(candidates)} clusters to "
            f"start on. Ask for 1 to {len(candidates)}."
        )
    specs = _spread(candidates, node_types, count)
    return with_deadlines(specs, candidates, node_types, sla_factors=sla_factors)


def with_deadlines(
    specs: Sequence[ClusterSpec],
    candidates: Sequence[ClusterSpec],
    node_types: Sequence[NodeType],
    *,
    sla_factors: Sequence[float] = (),
) -> tuple[ColdStart, ...]:
    """Return cold starts on these specs, each with a deadline; see `cold_starts`."""
    fewest = min(total_cores(spec, node_types) for spec in candidates)

    def factor(place: int, spec: ClusterSpec) -> float:
        if sla_factors:
            return sla_factors[place % len(sla_factors)]
        is_small = total_cores(spec, node_types) == fewest
        return LATE_SLA_FACTOR if is_small else IDLE_SLA_FACTOR

    return tuple(ColdStart(spec, factor(place, spec)) for place, spec in enumerate(specs))


def spec_from_text(text: str, node_types: Sequence[NodeType]) -> ClusterSpec:
    """Return the cluster that `TYPE:COUNT` names.

    Raises:
        InvalidInput: if the text has another form.
        UnknownName: if there is no such node type.
    """
    node_type_id, _, count = text.rpartition(":")
    if not node_type_id or not count.isdecimal():
        raise InvalidInput(
            f"{text!r} names no cluster. Write the node type and the number of workers as "
            f"{node_types[0].node_type_id}:1."
        )
    known = [node_type.node_type_id for node_type in node_types]
    if node_type_id not in known:
        near = get_close_matches(node_type_id, known, n=MOST_NAMED) or known[:MOST_NAMED]
        others = f" and {len(known) - len(near)} others" if len(known) > len(near) else ""
        raise UnknownName(
            f"No node type is called {node_type_id!r}. This platform has "
            f"{', '.join(near)}{others}."
        )
    return ClusterSpec(node_type_id, int(count))


def check_fits(spec: ClusterSpec, space: CandidateSpace, node_types: Sequence[NodeType]) -> None:
    """Raise ClusterTooLarge, with the limit and what fits, if the platform cannot run `spec`."""
    if spec in space.candidates:
        return
    rejected = next((r for r in space.rejections if r.spec == spec), None)
    why = rejected or f"{spec}: more workers than the platform has cores"
    raise ClusterTooLarge(
        f"This platform cannot run {why}. {_what_fits(space.candidates, node_types)}"
    )


def check_any_fits(space: CandidateSpace) -> None:
    """Raise ClusterTooLarge, with the limit, if the platform cannot run any cluster at all."""
    if space.candidates:
        return
    why = f": even {space.rejections[0]}" if space.rejections else ", for it has no node types"
    raise ClusterTooLarge(
        f"No cluster fits this machine{why}. Give it more cores or memory, or free some."
    )


def _what_fits(candidates: Sequence[ClusterSpec], node_types: Sequence[NodeType]) -> str:
    def size(spec: ClusterSpec) -> tuple[int, float]:
        memory_gib = node_type_of(spec, node_types).memory_gib * spec.worker_count
        return total_cores(spec, node_types), memory_gib

    largest = sorted(candidates, key=size, reverse=True)[:FITTING_SHOWN]
    names = ", ".join(str(spec) for spec in largest)
    if len(candidates) > len(largest):
        return f"The largest of {len(candidates)} that it can run are {names}."
    return f"It can run {names}."


def _spread(
    candidates: Sequence[ClusterSpec], node_types: Sequence[NodeType], count: int
) -> list[ClusterSpec]:
    """Return `count` candidates, each as far in cores from those before it as can be."""

    def cores(spec: ClusterSpec) -> int:
        return total_cores(spec, node_types)

    def memory_gib(spec: ClusterSpec) -> float:
        return node_type_of(spec, node_types).memory_gib

    def size(spec: ClusterSpec) -> tuple[float, int, ClusterSpec]:
        return -memory_gib(spec), spec.worker_count, spec

    fewest = min(candidates, key=lambda spec: (cores(spec), *size(spec)))
    alike = [spec for spec in candidates if memory_gib(spec) == memory_gib(fewest)]
    most = min(alike, key=lambda spec: (-cores(spec), *size(spec)))
    chosen = list(dict.fromkeys([fewest, most]))[:count]
    while len(chosen) < count:
        rest = [spec for spec in candidates if spec not in chosen]
        taken = [cores(spec) for spec in chosen]
        chosen.append(min(rest, key=lambda spec: (-_nearest(cores(spec), taken), *size(spec))))
    return chosen


def _nearest(cores: int, taken: Sequence[int]) -> float:
    """Return the smallest ratio to a count already taken: what doubling changes, not adding."""
    return min(max(cores / other, other / cores) for other in taken)


def trials_of_plan(experiment: Experiment) -> list[Trial]:
    """Return one queued trial for each workload and cold start, workload by workload."""
    plan = experiment.plan
    pairs = [(workload, start) for workload in plan.workloads for start in plan.cold_starts]
    return [
        trial_of(experiment, place, workload=workload, start=start)
        for place, (workload, start) in enumerate(pairs)
    ]


def trial_of(experiment: Experiment, ordinal: int, *, workload: str, start: ColdStart) -> Trial:
    """Return a queued trial."""
    return Trial(
        trial_id=f"{experiment.name}-{ordinal:04d}",
        experiment=experiment.name,
        ordinal=ordinal,
        project_id=f"{experiment.name}-{ordinal:04d}",
        workload=workload,
        cold_start=start,
    )


def project_of_trial(trial: Trial, *, miss_fraction: float) -> Project:
    """Return the project a trial carries through the loop.

    Its SLA is set by the first run where it is a factor of that one's runtime.
    """
    cluster = ProjectCluster(DEFAULT_CLUSTER_KEY, trial.cold_start.spec)
    max_runtime_s = trial.cold_start.max_runtime_s
    return Project(
        project_id=trial.project_id,
        name=f"{trial.workload} from {trial.cold_start.spec}",
        clusters={DEFAULT_CLUSTER_KEY: cluster},
        sla=None if max_runtime_s is None else Sla(max_runtime_s, miss_fraction),
    )
