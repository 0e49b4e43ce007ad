"""What a user asks for in, an experiment plan and its trials out."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from isocost.domain.cluster import ClusterSpec, NodeType, node_type_of, total_cores
from isocost.domain.experiment import ColdStart, Experiment, Trial
from isocost.domain.project import DEFAULT_CLUSTER_KEY, Project, ProjectCluster
from isocost.errors import ClusterTooLarge, InvalidInput, UnknownName
from isocost.space.candidates import CandidateSpace

# The two situations users come with: a job that is late on a small cluster, and one that idles on
# a large cluster. The factors are ours, chosen so that both have somewhere to go.
LATE_SLA_FACTOR: Final = 0.85
IDLE_SLA_FACTOR: Final = 2.0


def matching_workloads(patterns: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the known workloads that any pattern matches, in the patterns' order.

    Raises:
        UnknownName: if a pattern matches none.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [name for name in known if fnmatchcase(name, pattern)]
        if not matches:
            raise UnknownName(
                f"No workload is called {pattern!r}. Known are {', '.join(known[:8])} and others: "
                "`isocost bank workloads` lists all; shell patterns such as 'tpcds/*' work too."
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

    The first two differ in their cores alone and have the largest memory, so that a pair of them
    shows what the cores do. Without `sla_factors` a cold start on the fewest cores is late and any
    other idles; given factors are handed out in turn.

    Raises:
        InvalidInput: if `count` is out of range.
    """
    if not 1 <= count <= len(candidates):
        raise InvalidInput(
            f"{count} cold starts were asked for; this platform has {len(candidates)} clusters to "
            f"start on. Ask for 1 to {len(candidates)}."
        )
    specs = _spread(candidates, node_types)[:count]
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
        raise UnknownName(
            f"No node type is called {node_type_id!r}. This platform has {', '.join(known)}."
        )
    return ClusterSpec(node_type_id, int(count))


def check_fits(spec: ClusterSpec, space: CandidateSpace) -> None:
    """Raise ClusterTooLarge, with the limit and what fits, if the platform cannot run `spec`."""
    if spec in space.candidates:
        return
    fitting = ", ".join(str(candidate) for candidate in space.candidates)
    rejected = next((r for r in space.rejections if r.spec == spec), None)
    why = rejected or f"{spec}: more workers than the platform has cores"
    raise ClusterTooLarge(f"This platform cannot run {why}. It can run {fitting}.")


def _spread(
    candidates: Sequence[ClusterSpec], node_types: Sequence[NodeType]
) -> list[ClusterSpec]:
    """Return the candidates: largest memory first, few and many cores in turn."""

    def key(spec: ClusterSpec) -> tuple[float, int, int]:
        node_type = node_type_of(spec, node_types)
        return -node_type.memory_gib, spec.worker_count, total_cores(spec, node_types)

    ordered = sorted(candidates, key=key)
    cores = [total_cores(spec, node_types) for spec in ordered]
    few = [s for s, c in zip(ordered, cores, strict=True) if c == min(cores)]
    many = [s for s in ordered if s not in few]
    in_turn = [spec for pair in zip(few, many, strict=False) for spec in pair]
    return in_turn + [spec for spec in ordered if spec not in in_turn]


def trials_of_plan(experiment: Experiment) -> list[Trial]:
    """Return one queued trial for each workload and cold start, workload by workload."""
    plan = experiment.plan
    pairs = [(workload, start) for workload in plan.workloads for start in plan.cold_starts]
    return [
        Trial(
            trial_id=f"{experiment.name}-{ordinal:04d}",
            experiment=experiment.name,
            ordinal=ordinal,
            project_id=f"{experiment.name}-{ordinal:04d}",
            workload=workload,
            cold_start=start,
        )
        for ordinal, (workload, start) in enumerate(pairs)
    ]


def project_of_trial(trial: Trial) -> Project:
    """Return the project a trial carries through the loop; its SLA is set by the first run."""
    cluster = ProjectCluster(DEFAULT_CLUSTER_KEY, trial.cold_start.spec)
    return Project(
        project_id=trial.project_id,
        name=f"{trial.workload} from {trial.cold_start.spec}",
        clusters={DEFAULT_CLUSTER_KEY: cluster},
    )
