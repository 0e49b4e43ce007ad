"""What parent and child tell each other comes through whole or not at all."""

from isocost.platforms.spark_local.request import (
    DriverRequest,
    Outcome,
    read_outcome,
    write_outcome,
)


def test_request_comes_back_equal(tmp_path):
    request = DriverRequest("tpcds/q3", {"spark.master": "local[1]"}, tmp_path / "data")
    request.write(tmp_path / "request.json")
    assert DriverRequest.read(tmp_path / "request.json") == request


def test_success_and_failure_come_back(tmp_path):
    for failure in (None, "ValueError: no"):
        write_outcome(tmp_path / "outcome.json", failure)
        assert read_outcome(tmp_path / "outcome.json") == Outcome(failure)


def test_child_that_wrote_nothing_has_no_outcome(tmp_path):
    assert read_outcome(tmp_path / "outcome.json") is None
