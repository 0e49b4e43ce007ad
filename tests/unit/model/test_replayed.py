"""An event log gives the scale-out shape from the first run, as long as its replay is right."""

from dataclasses import replace

import numpy as np
import pytest

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.model.points import points_of
from isocost.model.project import ProjectModel
from isocost.testing.nouns import a_profile, a_stage, some_durations
from isocost.wiring import read_profile
from tests.unit.model.clusters import (
    COMPUTE,
    COUNTS,
    a_logged_run,
    a_model,
    a_run,
    at,
    median_s,
    on,
    waves_s,
    width_95,
)

OTHERS = [on(count) for count in COUNTS]


def without_log(run):
    return replace(run, profile=None)


def log_groups(model):
    groups = [c.conditioned.group for c in model.posterior.components]
    return list({id(g): g for g in groups if g.name == "event log"}.values())


def error(model):
    told = median_s(model, *OTHERS)
    return np.mean([abs(s / waves_s(spec) - 1) for s, spec in zip(told, OTHERS, strict=True)])


def test_log_of_one_run_tells_other_core_counts():
    run = a_logged_run(on(4))
    logged, plain = a_model([run]), a_model([without_log(run)])
    assert error(logged) < 0.12
    assert error(logged) < 0.6 * error(plain)


def test_log_narrows_the_intervals_of_other_core_counts():
    run = a_logged_run(on(4))
    assert width_95(a_model([run]), on(16)) < width_95(a_model([without_log(run)]), on(16))


def test_log_that_proves_right_gains_weight():
    runs = [a_logged_run(on(n), f"r-{n}") for n in (4, 1, 12)]
    weights = [a_model(runs[:k]).posterior.weight_of("event log") for k in (1, 3)]
    assert 0.5 < weights[0] < weights[1]


def test_log_that_proves_wrong_loses_weight():
    contrary = [a_run(on(n), 100.0 * n**0.5, f"r-{n}") for n in (2, 8, 12)]
    model = a_model([a_logged_run(on(4)), *contrary])
    assert model.posterior.weight_of("event log") < 0.1


def test_replay_that_is_off_by_more_than_a_quarter_is_not_used_but_told():
    run = a_logged_run(on(4), log_off_by=2.0)
    model = a_model([run])
    assert model.posterior.weight_of("event log") == 0.0
    assert model.replay_error_fraction > 0.25
    plain = median_s(a_model([without_log(run)]), *OTHERS)
    assert median_s(model, *OTHERS) == pytest.approx(plain, rel=0.1)


def test_replay_error_is_not_known_without_a_log():
    assert a_model([a_run()]).replay_error_fraction is None


def test_a_log_without_spark_tasks_is_no_replay():
    idle = a_profile(a_stage(0, durations=some_durations()), runtime_s=20.0)
    assert a_model([a_run(profile=idle)]).posterior.weight_of("event log") == 0.0


def test_disturbed_run_is_not_replayed():
    disturbed = replace(a_logged_run(on(4)), is_disturbed=True)
    assert a_model([disturbed]).posterior.weight_of("event log") == 0.0


def test_only_the_newest_replay_of_a_cluster_and_three_in_all_are_mixed():
    runs = [a_logged_run(on(n), f"r-{n}-{k}") for k in range(2) for n in (1, 2, 4, 8)]
    assert len(log_groups(a_model(runs))) == 3


def gain_of_faster_cores(cpu_share):
    run = a_logged_run(on(4))
    (stage,) = run.profile.stages
    totals = replace(stage.totals, executor_run_s=960.0, executor_cpu_s=960.0 * cpu_share)
    profile = replace(run.profile, stages=(replace(stage, totals=totals),))
    general, compute = median_s(a_model([replace(run, profile=profile)]), on(2), on(2, COMPUTE))
    return np.log(general / compute)


def test_processor_share_of_the_log_says_what_a_faster_core_brings():
    assert gain_of_faster_cores(1.0) > gain_of_faster_cores(0.05) + 0.03


def test_replay_reaches_from_the_smallest_to_the_largest_candidate():
    (group,) = log_groups(a_model([a_logged_run(on(4))]))
    curve = group.curves.curve
    assert np.exp(curve.log_slots[[0, -1]]) == pytest.approx([4.0, 64.0])
    assert (np.diff(curve.log_s) < 0.02).all()  # but for warming more slots up
    assert curve.log_s[-1] < curve.log_s[0] - 1.5
    assert curve.features(at(on(4)))[:, 0] == pytest.approx([0.0, 0.0, 0.0])


MEASURED = [
    "sync/databricks.json.gz",
    "misc/sparklint__spark_event_log_example.gz",
    "misc/elfolink__app-svm-20161015180615-0000.gz",
    "misc/elfolink__app-agg-by-key-20161023170249-0000.gz",
]


@pytest.mark.parametrize("name", MEASURED)
def test_measured_log_predicts_its_own_cluster_and_what_more_cores_bring(shared_data, name):
    profile = read_profile(str(shared_data / "eventlogs" / name))
    count = profile.executor_count_peak
    cores = profile.core_count_peak // count
    types = [NodeType("its-own", cores, 4.0 * cores, 0.05 * cores)]
    space = [ClusterSpec("its-own", n) for n in (1, count, 2 * count, 4 * count)]
    run = a_run(space[1], profile.runtime_s, profile=profile)
    model = ProjectModel([run], space=space, node_types=types)
    one, own, double, fourfold = model.predict(points_of(space, types)).quantiles([0.5])[0]
    assert model.posterior.weight_of("event log") > 0.5
    assert np.exp(own) == pytest.approx(profile.runtime_s, rel=0.05)
    assert one > own > double > fourfold
