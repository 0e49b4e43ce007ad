"""Every queue keeps the contract."""

from contextlib import closing

import pytest

from isocost.queue.inline import InlineQueue
from isocost.queue.postgres.queue import PostgresQueue
from isocost.queue.postgres.worker import Pace
from isocost.testing.queue_suite import QueueSuite


class TestInlineQueue(QueueSuite):
    @pytest.fixture
    def queue(self):
        with closing(InlineQueue()) as queue:
            yield queue


class TestPostgresQueue(QueueSuite):
    @pytest.fixture
    def queue(self, postgres):
        address = postgres.a_database()
        pace = Pace(heartbeat_s=1.0, stalled_s=5.0, poll_s=0.05)
        with closing(PostgresQueue(address.url, name=str(address), pace=pace)) as queue:
            yield queue
