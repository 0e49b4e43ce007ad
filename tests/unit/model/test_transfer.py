"""What other projects teach: a sibling its parameters, a stranger only what all programs share."""

from dataclasses import replace

import numpy as np
import pytest

from isocost.model.groups import Beliefs
from isocost.model.history import Ending, Transfer
from isocost.model.transfer import learn
from tests.unit.model.clusters import (
    COMPUTE,
    GENERAL,
    MEMORY,
    SPACE,
    TYPES,
    a_model,
    a_run,
    at,
    median_s,
    on,
    runs_on,
    true_runtime_s,
    width_95,
)

EVERYWHERE = tuple(runs_on(*SPACE))


def taught(*histories, kind="same_program"):
    return learn(Transfer(**{kind: histories}, node_types=TYPES))


def error(model):
    told = np.array(median_s(model, *SPACE))
    return np.mean(np.abs(told / [true_runtime_s(spec) for spec in SPACE] - 1))


def test_without_other_projects_the_built_in_beliefs_stand():
    assert learn(Transfer()).beliefs == Beliefs()
    assert learn(Transfer()).sibling(None) is None


def test_sibling_at_another_level_teaches_the_shape():
    other_size = tuple(replace(run, runtime_s=5 * run.runtime_s) for run in EVERYWHERE)
    alone = a_model(runs_on(on(2)))
    told = a_model(runs_on(on(2)), learned=taught(other_size))
    assert error(told) < 0.7 * error(alone)
    assert width_95(told, on(16)) < width_95(alone, on(16))


def test_sibling_that_scales_otherwise_loses_its_weight():
    flat = tuple(replace(run, runtime_s=100.0) for run in EVERYWHERE)
    model = a_model(runs_on(on(1), on(4), on(16)), learned=taught(flat))
    assert model.posterior.weight_of("same program") < 0.1
    assert error(model) < 0.2


def cliff_s(spec, working_set_gib):
    is_short = at(spec).usable_gib[0] < working_set_gib
    return true_runtime_s(spec) * (4.0 if is_short else 1.0)


def test_working_set_of_a_sibling_moves_with_the_input():
    # Known at 2 GB, with a cliff at 60 GiB; asked at 1 GB, where 40 GiB is enough.
    known = tuple(a_run(s, cliff_s(s, 60.0), input_bytes=2e9) for s in SPACE)
    model = a_model([a_run(on(8, MEMORY), input_bytes=1e9)], learned=taught(known))
    clear, still_short = on(7, COMPUTE), on(3, COMPUTE)  # 42 and 18 usable GiB
    memory = model.posterior.memory_part(at(clear, still_short))
    weights = np.concatenate([c.weights for c in model.posterior.components])
    mean = weights @ memory / weights.sum()
    assert mean[1] > mean[0] + 0.5


def test_strangers_shift_beliefs_but_hardly():
    unlike = tuple(replace(run, runtime_s=100.0 * (1 + n % 5)) for n, run in enumerate(EVERYWHERE))
    beliefs = taught(unlike, kind="other_programs").beliefs
    assert beliefs != Beliefs()
    assert beliefs.physics_mass == pytest.approx(Beliefs().physics_mass, abs=0.05)
    assert sum(p for _, p in beliefs.residual) == pytest.approx(1.0, abs=0.01)


def test_strangers_with_a_cliff_make_cliffs_likelier():
    with_cliff = tuple(a_run(s, cliff_s(s, 100.0)) for s in SPACE)
    chances = [
        taught(*[runs] * 8, kind="other_programs").beliefs.has_cliff
        for runs in (EVERYWHERE, with_cliff)
    ]
    assert chances[0] < 0.5 < chances[1]


def test_stranger_teaches_no_level_and_no_shape():
    shifted = tuple(replace(run, runtime_s=1000 * run.runtime_s) for run in EVERYWHERE)
    model = a_model(runs_on(on(4)), learned=taught(shifted, kind="other_programs"))
    assert median_s(model, on(4)) == pytest.approx(true_runtime_s(on(4)), rel=0.02)
    assert model.posterior.weight_of("same program") == 0.0


def test_failed_runs_of_a_sibling_are_left_out():
    failed = (a_run(on(4, GENERAL), ending=Ending.FAILED),)
    assert taught(failed).same_program == []
