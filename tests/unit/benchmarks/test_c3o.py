"""Programs, their one machine type and their splits are taken as C3O's protocols say."""

from dataclasses import replace

import pytest

from benchmarks.c3o import measured, programs_of, split_figures, splits
from benchmarks.measured_grids import MeasuredRun, RunStatus

RUN = MeasuredRun(
    workload="w",
    program="w",
    instance_type="a",
    node_count=4,
    cores=32,
    memory_gib=120.0,
    status=RunStatus.SUCCEEDED,
    runtime_s=100.0,
    usd_per_node_hour=None,
    cost_usd=None,
    input_bytes=10**9,
    working_set_gib=None,
    features=(("k", 3.0),),
    repetition=1,
)


def a_measured_run(node_count=4, k=3.0, runtime_s=None, **changes):
    took_s = runtime_s or 20.0 + (200.0 + 100.0 * k) / node_count
    run = replace(RUN, node_count=node_count, cores=8 * node_count, runtime_s=took_s)
    return replace(run, **{"features": (("k", k),)} | changes)


def a_program():
    [program] = programs_of([
        a_measured_run(n, k) for n in range(2, 13) for k in (1.0, 3.0, 9.0, 20.0)
    ])
    return program


def test_repetitions_count_as_their_median():
    runs = [a_measured_run(runtime_s=s, repetition=n) for n, s in enumerate((90.0, 99.0, 400.0))]
    [program] = programs_of(runs)
    assert [one.runtime_s for one in program.configurations] == [99.0]


def test_the_machine_type_with_most_configurations_is_taken():
    runs = [a_measured_run(2), *(a_measured_run(n, instance_type="b") for n in (2, 4))]
    [program] = programs_of(runs)
    assert program.node_type.node_type_id == "b"


def test_two_nodes_are_left_out_of_programs_that_learn_from_observations():
    features = (("observations", 1e8),)
    [program] = programs_of([a_measured_run(n, features=features) for n in (2, 4, 6)])
    assert [one.run.spec.worker_count for one in program.configurations] == [4, 6]


def test_local_splits_share_their_arguments():
    program = a_program()
    for learned, asked in splits(program, "local", 8):
        assert len({program.configurations[place].arguments for place in learned + asked}) == 1
        assert len(asked) == 2  # a tenth of 11, rounded up


def test_a_program_without_arguments_has_no_local_splits():
    [program] = programs_of([a_measured_run(n, features=()) for n in (2, 4, 6)])
    assert not list(splits(program, "local", 3))


@pytest.mark.parametrize(("protocol", "count"), [("n6", 6), ("n30", 30), ("global", 39)])
def test_no_run_is_both_learned_from_and_asked_for(protocol, count):
    [(learned, asked)] = splits(a_program(), protocol, 1)
    assert len(learned) == count
    assert sorted(learned + asked) == list(range(44))


def test_a_law_without_noise_is_found():
    program = a_program()
    [(learned, asked)] = splits(program, "global", 1)
    found = split_figures(program, learned, asked)
    assert found.mape < 0.02
    assert found.mape < found.ernest_mape


def test_protocols_that_no_program_allows_are_null():
    [program] = programs_of([a_measured_run(n, features=()) for n in range(2, 13)])
    assert measured([program], {"local": 2}) == {"local": None}
