"""Builders of node types, clusters, runs and what the model makes of them, with plain defaults."""

from dataclasses import replace
from itertools import product
from math import ceil, exp

import numpy as np

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.profile import ExecutorSpan
from isocost.model.history import Observation
from isocost.model.points import points_of
from isocost.model.posterior import Observed
from isocost.model.project import ProjectModel
from isocost.testing.nouns import a_profile, a_stage

COMPUTE = NodeType("compute", 4, 8.0, 0.17, coremark=64_000.0, network_gbps=1.0)
GENERAL = NodeType("general", 4, 16.0, 0.20, coremark=56_000.0, network_gbps=1.0)
MEMORY = NodeType("memory", 4, 32.0, 0.27, coremark=56_000.0, network_gbps=1.0)
TYPES = (COMPUTE, GENERAL, MEMORY)
COUNTS = (1, 2, 3, 4, 6, 8, 12, 16)
SPACE = tuple(ClusterSpec(t.node_type_id, n) for t, n in product(TYPES, COUNTS))


def on(count=4, node_type=GENERAL):
    """Return a cluster."""
    return ClusterSpec(node_type.node_type_id, count)


def at(*specs, **changes):
    """Return clusters as points, some of whose arrays are others."""
    points = points_of(specs, TYPES)
    arrays = {
        name: np.broadcast_to(np.asarray(value, float), len(specs))
        for name, value in changes.items()
    }
    return replace(points, **arrays)


def true_runtime_s(spec):
    """Return what a made-up program takes: work over cores, a serial part, a little overhead."""
    cores = 4 * spec.worker_count
    return 4000.0 / cores + 30.0 + 0.5 * cores


def a_run(spec=None, runtime_s=None, run_id="r-1", **changes):
    """Return a run that succeeded, by default as long as the made-up program takes."""
    spec = spec or on()
    observation = Observation(run_id, spec, runtime_s or true_runtime_s(spec))
    return replace(observation, **changes)


def runs_on(*specs, factor=1.0):
    """Return one run on each cluster, in order, all longer by a factor."""
    return [
        a_run(spec, factor * true_runtime_s(spec), f"r-{number}")
        for number, spec in enumerate(specs)
    ]


WAVE_TASKS, WAVE_TASK_S, WAVE_DRIVER_S = 96, 10.0, 30.0


def waves_s(spec):
    """Return how long a program of equal spark tasks takes: whole waves, after the driver."""
    return WAVE_DRIVER_S + ceil(WAVE_TASKS / (4 * spec.worker_count)) * WAVE_TASK_S


def a_logged_run(spec, run_id="r-1", log_off_by=1.0, **profile_changes):
    """Return a run of that program with its event log, which may explain a part only."""
    stage = a_stage(
        0,
        *[WAVE_TASK_S / log_off_by] * WAVE_TASKS,
        submitted_s=WAVE_DRIVER_S,
        completed_s=waves_s(spec),
    )
    executors = tuple(
        ExecutorSpan(str(n), f"host-{n}", 4, 0.0, None, memory_bytes=2**33)
        for n in range(spec.worker_count)
    )
    values = {"runtime_s": waves_s(spec), "driver_s": WAVE_DRIVER_S, "executors": executors}
    profile = a_profile(stage, **values | profile_changes)
    return a_run(spec, waves_s(spec), run_id, profile=profile)


def some_observed(points, log_s, noise_sd=0.05):
    """Return values as the posterior takes them."""
    return Observed(points, np.asarray(log_s, float), np.full(len(points), noise_sd**2))


def a_model(history, space=SPACE, **changes):
    """Return the model of a project whose candidates are the whole space."""
    return ProjectModel(history, space=space, node_types=TYPES, **changes)


def median_s(model, *specs):
    """Return predicted medians in seconds, a float for one cluster."""
    medians = [exp(q) for q in model.predict(at(*specs)).quantiles([0.5])[0]]
    return medians if len(specs) > 1 else medians[0]


def width_95(model, spec):
    """Return the width of the 95 % interval of the log runtime."""
    low, high = model.predict(at(spec)).quantiles([0.025, 0.975])[:, 0]
    return high - low
