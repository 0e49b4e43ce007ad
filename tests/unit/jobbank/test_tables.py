"""An experiment's tables say what its rows say, to whatever reads Parquet; all four or none."""

import resource
from contextlib import contextmanager
from dataclasses import replace

import duckdb
import pytest
from pyarrow import parquet

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.execution import Execution
from isocost.domain.project import Phase
from isocost.domain.run import RunState
from isocost.errors import InvalidInput, NotFound
from isocost.jobbank.parquet import FILES, exporting
from isocost.jobbank.rows import rows_of
from isocost.jobbank.tables import TABLES, columns_of
from isocost.store.memory import MemoryStore
from isocost.testing.experiments import Scale, an_experiment_record, put_record
from isocost.testing.nouns import NOW
from isocost.usecases.export import export

RECORD = an_experiment_record(scale=Scale(workload_count=2, cold_start_count=2, run_count=3))


@pytest.fixture
def exported(tmp_path):
    store = MemoryStore()
    put_record(store, RECORD)
    export(store, "nightly", lambda _: LOCAL_NODE_TYPES, to=tmp_path / "tables")
    return tmp_path / "tables"


def an_execution(execution_id, **fields):
    begun = {"heard_at": NOW, "started_at": NOW, "ended_at": NOW}
    return Execution(execution_id, "p", origin_run_id="1", is_success=True, **begun, **fields)


def test_every_table_is_there_and_nothing_else(exported):
    assert sorted(each.name for each in exported.iterdir()) == sorted(FILES.values())
    assert [each.name for each in exported.parent.iterdir()] == ["tables"]


def test_duckdb_joins_runs_with_their_trials(exported):
    found = duckdb.sql(
        f"select workload, cold_start, count(*) from '{exported}/trials.parquet' "
        f"join '{exported}/runs.parquet' using (trial_id, workload, cold_start) "
        "group by all order by all"
    ).fetchall()
    assert found == [("w/0", 0, 3), ("w/0", 1, 3), ("w/1", 0, 3), ("w/1", 1, 3)]


def test_pyarrow_reads_the_values_of_the_rows(exported):
    told = parquet.read_table(exported / "predictions.parquet").to_pylist()
    rows = rows_of(RECORD).predictions
    assert [each["error_fraction"] for each in told] == [row.error_fraction for row in rows]
    assert [each["predicted_s"] for each in told] == [row.predicted_s for row in rows]


def test_times_are_utc(exported):
    first = parquet.read_table(exported / "runs.parquet").to_pylist()[0]["requested_at"]
    assert first == RECORD.trials[0].runs[0].requested_at


@pytest.mark.parametrize("table", TABLES)
def test_each_column_says_in_the_file_what_it_means(exported, table):
    schema = parquet.read_schema(exported / FILES[table])
    told = {field.name: field.metadata[b"meaning"].decode() for field in schema}
    assert told == {column.name: column.meaning for column in columns_of(TABLES[table])}


def test_each_stage_of_each_profile_is_a_row(exported):
    stages = parquet.read_table(exported / "stages.parquet")
    assert stages.num_rows == sum(
        len(profile.stages) for trial in RECORD.trials for profile in trial.profiles.values()
    )


def fail_on_the_way(to):
    with exporting(to) as writer:
        writer.add("trials", rows_of(RECORD).trials)
        raise RuntimeError


def test_failure_on_the_way_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError):
        fail_on_the_way(tmp_path / "tables")
    assert list(tmp_path.iterdir()) == []


def test_failure_on_the_way_leaves_the_export_before(exported):
    before = {each.name: each.read_bytes() for each in exported.iterdir()}
    with pytest.raises(RuntimeError):
        fail_on_the_way(exported)
    assert {each.name: each.read_bytes() for each in exported.iterdir()} == before


def test_export_replaces_the_one_before(exported):
    with exporting(exported):
        pass
    assert parquet.read_table(exported / "trials.parquet").num_rows == 0
    assert [each.name for each in exported.parent.iterdir()] == ["tables"]


@contextmanager
def files_of_at_most(byte_count):
    """Let no file of this process grow beyond so many bytes, as a full disk does."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (byte_count, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_full_disk_is_named_and_leaves_the_export_before(exported):
    before = {each.name: each.read_bytes() for each in exported.iterdir()}
    store = MemoryStore()
    put_record(store, RECORD)
    with files_of_at_most(3_000), pytest.raises(InvalidInput, match="on a disk with room"):
        export(store, "nightly", lambda _: LOCAL_NODE_TYPES, to=exported)
    assert {each.name: each.read_bytes() for each in exported.iterdir()} == before
    assert [each.name for each in exported.parent.iterdir()] == ["tables"]


def test_link_to_a_directory_stays_a_link(exported):
    link = exported.parent / "newest"
    link.symlink_to(exported)
    with exporting(link):
        pass
    assert link.is_symlink()
    assert parquet.read_table(exported / "trials.parquet").num_rows == 0


def test_foreign_files_are_never_replaced(tmp_path):
    (tmp_path / "thesis.odt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"thesis\.odt"), exporting(tmp_path):
        pass
    assert (tmp_path / "thesis.odt").exists()


def test_unknown_experiment_leaves_nothing(tmp_path):
    with pytest.raises(NotFound):
        export(MemoryStore(), "nightly", lambda _: LOCAL_NODE_TYPES, to=tmp_path / "tables")
    assert list(tmp_path.iterdir()) == []


def test_cold_starts_are_counted_within_workload_and_policy():
    record = an_experiment_record(
        scale=Scale(workload_count=1, cold_start_count=2), policies=("engine", "random")
    )
    found = [(row.policy, row.cold_start) for row in rows_of(record).trials]
    assert found == [("engine", 0), ("random", 0), ("engine", 1), ("random", 1)]


def test_failed_run_is_late_and_has_no_runtime():
    trial = RECORD.trials[0]
    failed = replace(trial.runs[1], state=RunState.FAILED, runtime_s=None, failure="no memory")
    runs = [trial.runs[0], failed, *trial.runs[2:]]
    row = rows_of(replace(RECORD, trials=[replace(trial, runs=runs)])).runs[1]
    assert (row.is_late, row.took_s, row.failure) == (True, None, "no memory")


def test_whole_run_is_held_against_the_deadline_where_it_is_known():
    trial = RECORD.trials[0]
    run_id = trial.runs[0].run_id
    truth = replace(trial.trial.truth, duration_s={run_id: 73.0})
    known = replace(trial, trial=replace(trial.trial, truth=truth))
    row = rows_of(replace(RECORD, trials=[known])).runs[0]
    assert (row.runtime_s, row.took_s, row.is_late) == (60.0, 73.0, True)


def test_phase_of_a_run_is_what_the_execution_before_it_was_concluded_with():
    trial = RECORD.trials[0]
    executions = [
        an_execution(f"e-{n}", ordinal=n, run_ids=(run.run_id,), phase=phase)
        for n, (run, phase) in enumerate(
            zip(trial.runs, (Phase.OPTIMIZING, Phase.REBASING, Phase.LEARNING), strict=True)
        )
    ]
    rows = rows_of(replace(RECORD, trials=[replace(trial, executions=executions)])).runs
    assert [row.phase for row in rows] == ["cold_start", "optimizing", "rebasing"]
