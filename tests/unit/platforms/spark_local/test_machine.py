"""Cores and memory that a container's control group leaves, in both versions of its files."""

import os
import platform

from isocost.platforms.spark_local import machine
from isocost.units import BYTES_PER_GIB


def groups(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def test_no_control_group_grants_every_core(tmp_path):
    assert machine.usable_cores(tmp_path) == len(os.sched_getaffinity(0))


def test_version_2_quota_is_read(tmp_path):
    assert machine.core_quota(groups(tmp_path, cpu_DOT_max="150000 100000\n")) == 1.5


def test_version_2_without_quota_grants_all(tmp_path):
    assert machine.core_quota(groups(tmp_path, cpu_DOT_max="max 100000\n")) is None


def test_version_1_quota_is_read(tmp_path):
    files = {"cpu__cpu_DOT_cfs_quota_us": "400000", "cpu__cpu_DOT_cfs_period_us": "100000"}
    assert machine.core_quota(groups(tmp_path, **files)) == 4.0


def test_version_1_without_quota_grants_all(tmp_path):
    files = {"cpu__cpu_DOT_cfs_quota_us": "-1", "cpu__cpu_DOT_cfs_period_us": "100000"}
    assert machine.core_quota(groups(tmp_path, **files)) is None


def test_quota_below_one_core_still_leaves_one(tmp_path):
    assert machine.usable_cores(groups(tmp_path, cpu_DOT_max="50000 100000")) == 1


def test_memory_limit_counts_when_below_the_machine(tmp_path):
    limit = groups(tmp_path, memory_DOT_max=str(BYTES_PER_GIB // 2))
    assert machine.usable_gib(limit) == 0.5


def test_memory_without_limit_is_the_machines(tmp_path):
    free = groups(tmp_path, memory_DOT_max="max")
    assert machine.usable_gib(free) == machine.usable_gib(tmp_path / "absent") > 0.5


def test_machine_is_described_by_its_processor_and_size(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU 3 GHz\n")
    told = machine.described(tmp_path / "cpuinfo")
    assert told.startswith("Some CPU 3 GHz, ")
    assert " cores, " in told


def test_machine_without_a_cpuinfo_is_described_by_its_architecture(tmp_path):
    assert machine.described(tmp_path / "none").split(",")[0] == platform.machine()
