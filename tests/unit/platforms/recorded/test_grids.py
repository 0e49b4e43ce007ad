"""Files of measured runs become workloads, or one message that names the line."""

from pathlib import Path

import pytest

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.errors import InvalidInput, NotFound
from isocost.platforms.recorded.grids import CHARGED_FAILURE_S, read_grids

HEADER = (
    "workload,program,instance_type,node_count,cores,memory_gib,usd_per_node_hour,runtime_s,"
    "cost_usd,status,input_bytes,working_set_gib"
)
SORT = "sort,sort,m5.large,2,4,16,0.1,600,,succeeded,1000,5"


def write(folder, *lines, name="grid.csv", header=HEADER):
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def read(folder, *lines, known=None):
    return read_grids([write(folder, *lines)], known or {})


def test_line_becomes_a_cluster_with_its_run(tmp_path):
    (workload,) = read(tmp_path, SORT)
    (cell,) = workload.cells
    (run,) = cell.runs
    assert (workload.name, workload.program) == ("sort", "sort")
    assert cell.spec == ClusterSpec("m5.large", 2)
    assert cell.usd_per_hour == pytest.approx(0.2)
    assert (run.runtime_s, run.input_bytes, run.working_set_gib) == (600.0, 1000.0, 5.0)


def test_cores_and_memory_are_those_of_one_node(tmp_path):
    (workload,) = read(tmp_path, SORT)
    assert workload.node_types == (NodeType("m5.large", 2, 8.0, 0.1),)


def test_what_no_grid_says_comes_from_the_known_types(tmp_path):
    known = {"m5.large": NodeType("m5.large", 2, 8.0, 9.9, coremark=28000.0, network_gbps=0.75)}
    (node_type,) = read(tmp_path, SORT, known=known)[0].node_types
    assert (node_type.coremark, node_type.network_gbps) == (28000.0, 0.75)
    assert node_type.usd_per_hour == 0.1


def test_known_type_of_another_size_is_another_machine(tmp_path):
    known = {"m5.large": NodeType("m5.large", 4, 8.0, 9.9, coremark=28000.0)}
    assert read(tmp_path, SORT, known=known)[0].node_types[0].coremark is None


def test_blank_is_unknown_and_zero_is_zero(tmp_path):
    blank = SORT.replace("1000,5", "-1,")
    zero = "scan,scan,m5.large,2,4,16,0.1,600,,succeeded,0,0"
    unknown, none_needed = (w.cells[0].runs[0] for w in read(tmp_path, blank, zero))
    assert (unknown.input_bytes, unknown.working_set_gib) == (None, None)
    assert (none_needed.input_bytes, none_needed.working_set_gib) == (0.0, 0.0)


def test_failed_run_takes_price_of_another_line_and_the_charge(tmp_path):
    failed = "sort,sort,m5.large,1,2,8,,,,failed,,"
    _, cell = read(tmp_path, SORT, failed)[0].cells
    assert cell.is_failing
    assert cell.runs[0].runtime_s == CHARGED_FAILURE_S
    assert cell.usd_per_hour == 0.1


def test_failed_run_is_charged_the_longest_runtime_if_that_is_longer(tmp_path):
    long = SORT.replace("600", "9000")
    failed = "sort,sort,m5.large,1,2,8,,,,failed,,"
    assert read(tmp_path, long, failed)[0].cells[1].runs[0].runtime_s == 9000.0


def test_failed_run_with_a_runtime_is_charged_that(tmp_path):
    failed = "sort,sort,m5.large,1,2,8,0.1,40,,timed_out,,"
    run = read(tmp_path, SORT, failed)[0].cells[1].runs[0]
    assert (run.runtime_s, run.is_failed, run.is_timed_out) == (40.0, True, True)


def test_lines_of_one_cluster_are_repetitions(tmp_path):
    again = SORT.replace("600", "700").replace("1000,", "1010,")
    slow = SORT.replace("600", "5000")
    (cell,) = read(tmp_path, SORT, again, slow)[0].cells
    assert [run.runtime_s for run in cell.runs] == [600.0, 700.0, 5000.0]
    assert cell.runtime_s == 700.0


def test_equal_names_in_two_files_get_the_files_name(tmp_path):
    paths = [write(tmp_path, SORT, name=name) for name in ("a.csv", "b.csv")]
    assert [w.name for w in read_grids(paths, {})] == ["a/sort", "b/sort"]


def test_two_files_may_price_one_type_differently(tmp_path):
    paths = [
        write(tmp_path, SORT, name="a.csv"),
        write(tmp_path, SORT.replace("sort", "scan").replace("0.1", "0.3"), name="b.csv"),
    ]
    rates = [w.node_types[0].usd_per_hour for w in read_grids(paths, {})]
    assert rates == [0.1, 0.3]


def test_same_file_twice_is_refused(tmp_path):
    path = write(tmp_path, SORT)
    with pytest.raises(InvalidInput, match="Give each file once"):
        read_grids([path, path], {})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (SORT.replace("600", "ten"), "line 2: column 'runtime_s' is 'ten', no number"),
        (SORT.replace("600", ""), "line 2: column 'runtime_s' is blank"),
        (SORT.replace("600", "0"), "line 2: column 'runtime_s' is 0. It has to be above 0"),
        (SORT.replace("600", "-5"), "'runtime_s' is -5"),
        (SORT.replace("600", "nan"), "'runtime_s' is 'nan'"),
        (SORT.replace("600", "1e9"), "line 2: column 'runtime_s' is 1e\\+09. It is in seconds"),
        (SORT.replace(",2,4,", ",0,4,"), "'node_count' is 0"),
        (SORT.replace(",2,4,", ",1.5,4,"), "'node_count' is 1.5. It has to be a whole number"),
        (SORT.replace(",2,4,", ",3,4,"), "'cores' is 4. It counts all 3 nodes"),
        (SORT.replace(",16,", ",0,"), "'memory_gib' is 0"),
        (SORT.replace("0.1", "free"), "'usd_per_node_hour' is 'free'"),
        (SORT.replace("0.1", ""), "no line gives a price of m5.large"),
        (SORT.replace("sort,sort", ",sort"), "'workload' is blank"),
        (f"{SORT},7", "13 cells under 12 columns"),
        ("sort,sort,m5.large", "3 cells under 12 columns"),
        ("sort,sort,m5.large,2,4,16,0.1,,,failed,,", "No run of workload 'sort' succeeded"),
    ],
)
def test_bad_line_is_named_with_its_remedy(tmp_path, line, message):
    with pytest.raises(InvalidInput, match=message):
        read(tmp_path, line)


def test_missing_column_is_named(tmp_path):
    path = write(tmp_path, SORT, header=HEADER.replace("runtime_s", "seconds"))
    with pytest.raises(InvalidInput, match="line 1: no column 'runtime_s'"):
        read_grids([path], {})


def test_two_prices_of_one_type_in_one_workload_are_refused(tmp_path):
    other = "sort,sort,m5.large,4,8,32,0.2,300,,succeeded,1000,5"
    with pytest.raises(InvalidInput, match=r"line 3: m5.large differs in its price"):
        read(tmp_path, SORT, other)


def test_two_inputs_of_one_cluster_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"line 3: 'sort' ran on 2 × m5.large with another in"):
        read(tmp_path, SORT, SORT.replace("1000,5", "2000,5"))


def test_workload_that_always_failed_is_left_out_aloud(tmp_path):
    told = []
    failed = "scan,scan,m5.large,2,4,16,0.1,,,failed,,"
    workloads = read_grids([write(tmp_path, SORT, failed)], {}, tell=told.append)
    assert [w.name for w in workloads] == ["sort"]
    assert "no run of workload 'scan' succeeded" in told[0]


def test_file_without_a_run_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="holds no run"):
        read(tmp_path)


def test_missing_file_is_named():
    with pytest.raises(NotFound, match=r"nowhere.csv: there is no such file"):
        read_grids([Path("nowhere.csv")], {})


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'workload\n"\x00'])
def test_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "grid.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput):
        read_grids([path], {})


def test_byte_order_mark_of_a_spreadsheet_is_no_part_of_the_header(tmp_path):
    path = tmp_path / "grid.csv"
    path.write_text(f"{HEADER}\n{SORT}\n", encoding="utf-8-sig")
    assert read_grids([path], {})[0].name == "sort"


@pytest.mark.parametrize(("name", "workloads"), [("scout", 10), ("modern_ec2", 3)])
def test_measured_grids_are_read(shared_data, name, workloads):
    assert len(read_grids([shared_data / "grids" / f"{name}.csv"], {})) == workloads


def test_measured_grid_without_prices_says_what_to_do(shared_data):
    with pytest.raises(InvalidInput, match="Fill in the column usd_per_node_hour"):
        read_grids([shared_data / "grids" / "c3o.csv"], {})
