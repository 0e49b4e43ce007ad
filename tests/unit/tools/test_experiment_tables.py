"""The reference of an experiment's tables is what the rows say, and its queries run."""

import os
import re

import duckdb
import pytest

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.store.memory import MemoryStore
from isocost.testing.experiments import Scale, an_experiment_record, put_record
from isocost.usecases.export import export
from tools.experiment_tables import PAGE, page

QUERIES = re.findall(r"```sql\n(.*?)```", page(), re.DOTALL)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    store = MemoryStore()
    put_record(store, an_experiment_record(scale=Scale(4, 2, 4)))
    export(store, "nightly", lambda _: LOCAL_NODE_TYPES, to=folder / "tables")
    return folder


def test_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("query", QUERIES)
def test_query_shown_gives_rows(exported, query, monkeypatch):
    monkeypatch.chdir(exported)
    assert os.listdir() == ["tables"]
    assert duckdb.sql(query).fetchall()
