"""Every platform keeps the contract."""

import pytest

from isocost.catalog.local import LOCAL_NODE_TYPES
from isocost.domain.cluster import ClusterSpec
from isocost.platforms.base import RunRequest
from isocost.platforms.recorded.platform import Recorded
from isocost.platforms.spark_local.platform import SparkLocal
from isocost.testing.grids import a_cluster, a_workload
from isocost.testing.platform_suite import PlatformSuite


@pytest.mark.spark
class TestSparkLocal(PlatformSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def platform(cls, tmp_path_factory, tpcds_cache):
        root = tmp_path_factory.mktemp("runs")
        return SparkLocal(
            LOCAL_NODE_TYPES, root, tpcds_cache, scale_factor=0.01, time_limit_s=600.0
        )

    @pytest.fixture(scope="class")
    @classmethod
    def request_one(cls):
        return RunRequest("conformance/1", "tpcds/q3", ClusterSpec("local-1c-1g", 1))

    @pytest.fixture(scope="class")
    @classmethod
    def outcome(cls, platform, request_one):
        return platform.execute(request_one)


class TestRecorded(PlatformSuite):
    @pytest.fixture
    def platform(self):
        return Recorded(a_workload())

    @pytest.fixture
    def request_one(self):
        return RunRequest("conformance-1", "sort", a_cluster(2))

    @pytest.fixture
    def outcome(self, platform, request_one):
        return platform.execute(request_one)
