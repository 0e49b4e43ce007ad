"""The loaders of the scaling data read what the files mean."""

import gzip
import json

import pytest

from benchmarks.scaling_decima import FOLDER as DECIMA
from benchmarks.scaling_decima import read_traces
from benchmarks.scaling_gibilisco import FOLDER as GIBILISCO
from benchmarks.scaling_gibilisco import read_applications
from benchmarks.scaling_tpcxbb import FILE as TPCXBB
from benchmarks.scaling_tpcxbb import read_workloads


def gzipped(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def waves(first, rest):
    return {"first_wave": first, "rest_wave": rest, "fresh_durations": first}


@pytest.fixture
def decima_folder(tmp_path):
    scan = waves({"2": [4000.0, 3000.0], "4": [5000.0] * 3}, {"2": [1000.0], "4": []})
    child = waves({"2": [200.0], "4": []}, {"2": [], "4": []})  # lost on 4 executors
    raw = {"2g/7": {"0": scan, "1": child}}
    gzipped(tmp_path / DECIMA / "task_durations_raw.json.gz", json.dumps(raw))
    (tmp_path / DECIMA / "dag_edges.csv").write_text("size,query,parent,child\n2g,7,0,1\n")
    return tmp_path


def test_first_wave_is_launched_before_the_rest(decima_folder):
    (traced,) = read_traces(decima_folder)
    assert (traced.query, traced.size, traced.parents) == (7, "2g", ((), (0,)))
    assert traced.task_s[2] == ((4.0, 3.0, 1.0), (0.2,))


def test_executor_counts_at_which_a_stage_was_lost_are_left_out(decima_folder):
    (traced,) = read_traces(decima_folder)
    assert list(traced.task_s) == [2]


def test_replay_of_a_trace_runs_one_spark_task_an_executor(decima_folder):
    (traced,) = read_traces(decima_folder)
    assert traced.replayed(2, measured_at=2).runtime_s == pytest.approx(4.2)
    assert traced.replayed(1, measured_at=2).runtime_s == pytest.approx(8.2)


def test_driver_time_is_what_no_stage_covers(tmp_path):
    columns = "app,family,hosts,data_size,runtime_s\n"
    stages = "app,executed,submit_ms,complete_ms\n"
    folder = tmp_path / GIBILISCO
    overlapping = "a,True,1000,4000\na,True,2000,3000\na,True,6000,7000\na,False,0,9000\n"
    gzipped(folder / "stages.csv.gz", stages + overlapping)
    (folder / "apps.csv").write_text(columns + "a,Sort,3,2.5,10\nb,Sort,,2.5,10\n")
    (run,) = read_applications(tmp_path)["Sort"]
    assert (run.executor_count, run.size, run.runtime_s, run.driver_s) == (3, 2.5, 10.0, 6.0)


def test_work_is_summed_over_executors_and_untrusted_runs_are_left_out(tmp_path):
    columns = "workload,template,executor_instances,executor_cores,executor.runTime.avg\n"
    gzipped(tmp_path / TPCXBB, columns + "1-0,1,4,2,1500\n1-0,1,36,2,9000\n1-0,1,2,2,\n")
    (workload,) = read_workloads(tmp_path)
    assert (list(workload.slots), list(workload.work_s)) == ([8.0], [6.0])
