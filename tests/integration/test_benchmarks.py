"""Benchmarks that start servers measure what they say, at a size that a test can wait for."""

import pytest

from benchmarks.api import ASKED, measure
from benchmarks.loop import a_bench, measured
from benchmarks.store_filling import Scale
from isocost.domain.workspace import Cloud
from isocost.simulator.server.launching import launched
from isocost.usecases.loop import LoopStep

SMALL = Scale(runs=30, projects=2, long_runs=20)


def test_loop_is_measured_from_a_run_to_its_change(tmp_path):
    with launched(Cloud.AWS, seed=1) as address, a_bench(address, tmp_path, 1.6) as bench:
        figures = measured(bench, history=1, iterations=1)
    assert figures.applied == 1
    assert figures.log_mb == pytest.approx(1.6, rel=0.1)
    assert {LoopStep.READ.value, LoopStep.CHANGE_CONFIRMED.value} < set(figures.steps_cpu_s)
    assert sum(figures.steps_wall_s.values()) == pytest.approx(figures.wall_s)
    assert min(figures.cpu_s, figures.wall_s) > 0.0


def test_server_answers_all_that_is_asked(tmp_path):
    answers = measure(tmp_path / "isocost.db", tmp_path, scale=SMALL, repetitions=1)
    assert set(answers.answers_ms) == set(ASKED)
    assert min(answers.sizes_kb.values()) > 0.0
