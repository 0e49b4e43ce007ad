"""Every store keeps the contract."""

import pytest

from isocost.store.memory import MemoryStore
from isocost.store.sql.store import SqlStore
from isocost.testing.store_questions_suite import StoreQuestionsSuite
from isocost.testing.store_suite import StoreSuite


class TestMemoryStore(StoreSuite, StoreQuestionsSuite):
    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestSqliteStore(StoreSuite, StoreQuestionsSuite):
    @pytest.fixture
    def store(self, tmp_path):
        store = SqlStore(tmp_path / "isocost.db")
        yield store
        store.close()


class TestPostgresStore(StoreSuite, StoreQuestionsSuite):
    @pytest.fixture
    def store(self, postgres):
        store = SqlStore(postgres.a_database())
        yield store
        store.close()
