"""A project whose arguments change learns what they do, and pays nothing where they do not."""

from itertools import product
from math import exp, log

import numpy as np
import pytest
from scipy.optimize import check_grad

from isocost.errors import InvalidInput
from isocost.model import input_fit
from isocost.model.input_kernel import InputKernel
from isocost.model.kernels import likeness_of
from isocost.model.project import RunToPredict
from tests.unit.model.clusters import COUNTS, SPACE, a_model, a_run, at, median_s, on

NODES = COUNTS[2:7]
PASSES = (1.0, 5.0, 20.0, 60.0)


def iterated_s(count, passes):
    """Return what a made-up program takes that reads once and passes over the data."""
    return 20.0 + (400.0 + 90.0 * passes) / (4 * count)


def with_passes(count, passes, **changes):
    name = f"r-{count}-{passes}"
    return a_run(
        on(count), iterated_s(count, passes), name, inputs=(("passes", passes),), **changes
    )


def history(skip=()):
    """Return a run for each node count and number of passes, in no particular order."""
    pairs = [pair for pair in product(NODES, PASSES) if pair not in skip]
    order = np.random.default_rng(5).permutation(len(pairs))
    return [with_passes(*pairs[int(n)]) for n in order]


def told_s(model, count, passes):
    points = model.points_of_runs([RunToPredict(on(count), inputs=(("passes", passes),))])
    return exp(model.predict(points).quantiles([0.5])[0, 0])


def test_a_run_with_other_arguments_is_foretold_by_those_around_it():
    model = a_model(history(skip=[(4, 5.0)]))
    assert told_s(model, 4, 5.0) == pytest.approx(iterated_s(4, 5.0), rel=0.05)


def test_arguments_never_seen_are_interpolated():
    assert told_s(a_model(history()), 4, 10.0) == pytest.approx(iterated_s(4, 10.0), rel=0.08)


def test_candidates_are_foretold_at_the_next_runs_inputs():
    few, many = (a_model(history(), inputs=(("passes", p),)) for p in (1.0, 60.0))
    assert median_s(few, on(4)) == pytest.approx(iterated_s(4, 1.0), rel=0.05)
    assert median_s(many, on(4)) == pytest.approx(iterated_s(4, 60.0), rel=0.05)


def test_without_being_told_the_next_run_has_the_newest_inputs():
    runs = [*history(), with_passes(16, 60.0)]
    assert median_s(a_model(runs), on(4)) == pytest.approx(iterated_s(4, 60.0), rel=0.05)


def test_other_arguments_are_no_change_of_the_program():
    runs = [with_passes(4, p) for p in (1.0, 1.0, 60.0, 60.0, 1.0)]
    [seen] = a_model(runs).seen()
    assert seen.count == 3
    assert seen.log_s == pytest.approx(log(iterated_s(4, 1.0)))


def test_a_cluster_seen_with_other_arguments_alone_is_foretold():
    [seen] = a_model([with_passes(4, 1.0)], inputs=(("passes", 60.0),)).seen()
    assert seen.count == 0
    assert seen.log_s > log(iterated_s(4, 1.0))


def test_arguments_without_consequence_leave_the_clusters_alone():
    runs = [a_run(on(c), run_id=f"r-{c}") for c in NODES]
    noted = [
        a_run(on(c), run_id=f"r-{c}", inputs=(("date", n + 1.0),)) for n, c in enumerate(NODES)
    ]
    assert median_s(a_model(noted), on(4)) == pytest.approx(
        median_s(a_model(runs), on(4)), rel=0.1
    )


def test_constant_inputs_change_nothing():
    runs = [a_run(on(c), run_id=f"r-{c}") for c in NODES]
    noted = [a_run(on(c), run_id=f"r-{c}", inputs=(("seed", 7.0),)) for c in NODES]
    plain, same = (a_model(r).predict(at(*SPACE)) for r in (runs, noted))
    assert np.array_equal(plain.mean, same.mean)
    assert np.array_equal(plain.sd, same.sd)


def test_an_input_that_is_no_number_names_the_run():
    with pytest.raises(InvalidInput, match="r-1"):
        a_run(inputs=(("passes", float("nan")),))


def test_a_kernels_diagonal_is_its_variance():
    kernel = InputKernel((0.4,), 0.3, (1.0, 2.0, 0.5), 1.0)
    model = a_model(history())
    runs = [RunToPredict(on(c), 2.0**c, (("passes", p),)) for c, p in product(NODES, PASSES)]
    points = model.points_of_runs(runs)
    matrix = kernel.over(likeness_of(points, points))
    assert np.allclose(np.diag(matrix), kernel.variance(points))
    assert np.linalg.eigvalsh(matrix).min() > -1e-9


def test_the_gradient_is_that_of_the_loss():
    random = np.random.default_rng(1)
    x = random.normal(size=(9, 3))
    evidence = input_fit._Evidence(
        misfit=random.normal(size=9),
        fixed=np.ones((9, 9)),
        noise=np.full(9, 0.1),
        squares=(x.T[:, :, None] - x.T[:, None, :]) ** 2,
        mean=np.zeros(5),
        sd=np.ones(5),
    )
    h = np.array([-0.5, 0.1, 0.4, -0.2, 0.3])
    assert check_grad(lambda v: evidence.loss(v)[0], lambda v: evidence.loss(v)[1], h) < 1e-4
