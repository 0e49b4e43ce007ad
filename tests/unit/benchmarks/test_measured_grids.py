"""Grids are read as they are measured, and a broken row is named."""

import pytest

from benchmarks.measured_grids import RunStatus, read_grid, rows_from
from isocost.errors import InvalidInput, NotFound

ROW = {
    "workload": "sort_huge",
    "program": "sort",
    "instance_type": "m4.xlarge",
    "node_count": "4",
    "cores": "16",
    "memory_gib": "64",
    "usd_per_node_hour": "0.2",
    "runtime_s": "100.5",
    "cost_usd": "0.02",
    "status": "succeeded",
    "input_bytes": "1000",
    "working_set_gib": "",
    "input_iterations": "25.0",
    "input_features": "",
    "repetition": "3",
}


def row(**changes):
    (found,) = rows_from([ROW | changes], origin="grid.csv")
    return found


def test_every_column_is_typed():
    found = row()
    assert (found.runtime_s, found.node_count, found.input_bytes) == (100.5, 4, 1000)
    assert (found.working_set_gib, found.repetition) == (None, 3)
    assert found.features == (("iterations", 25.0),)
    assert found.cluster == ("m4.xlarge", 4)


def test_columns_that_a_file_lacks_are_unknown():
    needed = ("workload", "instance_type", "node_count", "cores", "memory_gib", "status")
    lean = {name: ROW[name] for name in needed} | {"runtime_s": "7"}
    (found,) = rows_from([lean], origin="grid.csv")
    assert (found.program, found.repetition, found.cost_usd) == ("sort_huge", 1, None)


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_failed_run_has_no_runtime(status):
    found = row(status=status, runtime_s="", cost_usd="", input_bytes="-1")
    assert (found.status, found.has_succeeded) == (RunStatus.FAILED, False)
    assert (found.runtime_s, found.input_bytes) == (None, None)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"runtime_s": "0"}, "line 2: a run that succeeded with a runtime of '0' s"),
        ({"runtime_s": ""}, "runtime of ''"),
        ({"node_count": "0"}, "node_count is 0"),
        ({"cost_usd": "nan"}, "cost_usd is nan"),
    ],
)
def test_broken_value_is_named_with_its_line(changes, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        row(**changes)


def test_missing_column_is_named():
    lean = {name: text for name, text in ROW.items() if name != "cores"}
    with pytest.raises(InvalidInput, match="no column 'cores'"):
        rows_from([lean], origin="grid.csv")


def test_missing_file_says_what_to_pass(tmp_path):
    with pytest.raises(NotFound, match="Pass the CSV file"):
        read_grid(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("name", "count", "failed"), [("scout", 690, 51), ("modern_ec2", 420, 2), ("c3o", 2340, 0)]
)
def test_measured_grids_are_read_whole(shared_data, name, count, failed):
    rows = read_grid(shared_data / "grids" / f"{name}.csv")
    assert (len(rows), sum(not r.has_succeeded for r in rows)) == (count, failed)
