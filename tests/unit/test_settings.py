"""Settings: file, environment, and what is said of a bad value."""

import pytest

from isocost.errors import InvalidInput
from isocost.settings import DEFAULT_SCALE_FACTOR, read_settings
from isocost.store.address import PostgresAddress


@pytest.fixture
def environ(tmp_path):
    return {"ISOCOST_HOME": str(tmp_path)}


def test_defaults_need_no_file(environ):
    assert read_settings(environ).spark_local.scale_factor == DEFAULT_SCALE_FACTOR


def test_file_sets_a_value(environ, tmp_path):
    (tmp_path / "isocost.toml").write_text("[spark_local]\nscale_factor = 0.5\n")
    assert read_settings(environ).spark_local.scale_factor == 0.5


def test_environment_wins_over_the_file(environ, tmp_path):
    (tmp_path / "isocost.toml").write_text("[spark_local]\nscale_factor = 0.5\n")
    environ["ISOCOST_SPARK_LOCAL_SCALE_FACTOR"] = "2"
    assert read_settings(environ).spark_local.scale_factor == 2.0


def test_database_is_a_file_in_home_unless_it_is_set(environ, tmp_path):
    assert read_settings(environ).storage.database == tmp_path / "isocost.db"
    environ["ISOCOST_STORAGE_DATABASE"] = ""
    assert read_settings(environ).storage.database == tmp_path / "isocost.db"


def test_file_sets_the_database(environ, tmp_path):
    (tmp_path / "isocost.toml").write_text('[storage]\ndatabase = "postgresql://ada@db/costs"\n')
    assert read_settings(environ).storage.database == PostgresAddress("postgresql://ada@db/costs")


def test_environment_wins_over_the_file_for_the_database(environ, tmp_path):
    (tmp_path / "isocost.toml").write_text('[storage]\ndatabase = "postgresql://ada@db/costs"\n')
    environ["ISOCOST_STORAGE_DATABASE"] = "postgresql://bob@db/costs"
    assert str(read_settings(environ).storage.database) == "postgresql://bob@db/costs"


def test_settings_print_no_password(environ):
    environ["ISOCOST_STORAGE_DATABASE"] = "postgresql://ada:secret@db/costs"
    assert "postgresql://ada:***@db/costs" in repr(read_settings(environ))
    assert "secret" not in repr(read_settings(environ))


@pytest.mark.parametrize(
    "content", ['[storage]\ndatabase = "mysql://ada:secret@db"', 'storage = "//ada:secret@db"']
)
def test_bad_database_is_refused_without_showing_the_password(environ, tmp_path, content):
    (tmp_path / "isocost.toml").write_text(content)
    with pytest.raises(InvalidInput, match=r"isocost\.toml") as refused:
        read_settings(environ)
    assert "secret" not in str(refused.value)


def test_bad_database_names_every_place_searched(environ):
    environ["ISOCOST_STORAGE_DATABASE"] = "sqlite:///x"
    with pytest.raises(InvalidInput, match=r"ISOCOST_STORAGE_DATABASE.*isocost\.toml"):
        read_settings(environ)


@pytest.mark.parametrize("value", ["fast", "0", "-1", "nan", "inf"])
def test_bad_value_names_every_place_searched(environ, value):
    environ["ISOCOST_SPARK_LOCAL_TIME_LIMIT_S"] = value
    with pytest.raises(InvalidInput, match=r"ISOCOST_SPARK_LOCAL_TIME_LIMIT_S.*isocost\.toml"):
        read_settings(environ)


def test_broken_file_is_named(environ, tmp_path):
    (tmp_path / "isocost.toml").write_text("scale_factor = ")
    with pytest.raises(InvalidInput, match=r"isocost\.toml"):
        read_settings(environ)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("spark_local = 3", r"isocost\.toml sets spark_local = 3.*scale_factor, time_limit_s"),
        ("[spark]\nscale_factor = 1", r"isocost\.toml sets 'spark'.*Known: .*\[spark_local\]"),
        ("scale_factor = 1", r"isocost\.toml sets 'scale_factor'.*Known: .*\[spark_local\]"),
        ("[spark_local]\nscale = 1", r"isocost\.toml sets 'scale'.*scale_factor, time_limit_s"),
        ("[spark_local]\nscale_factor = true", r"got True.*isocost\.toml"),
        ("[spark_local]\nscale_factor = [1]", r"got \[1\].*isocost\.toml"),
        ("[spark_local]\nscale_factor = 1" + "0" * 400, r"above 0.*isocost\.toml"),
    ],
)
def test_file_that_says_something_else_is_refused_with_the_known_names(
    environ, tmp_path, content, message
):
    (tmp_path / "isocost.toml").write_text(content)
    with pytest.raises(InvalidInput, match=message):
        read_settings(environ)


@pytest.mark.parametrize("variable", ["ISOCOST_HOME", "ISOCOST_CACHE"])
def test_home_of_nobody_is_named(environ, variable):
    environ[variable] = "~nobody-is-called-so/x"
    with pytest.raises(InvalidInput, match=f"{variable} is '~nobody-is-called-so/x'"):
        read_settings(environ)
