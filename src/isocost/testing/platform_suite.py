"""The platform's contract as tests; an adapter is finished when a subclass of this passes."""

from dataclasses import replace

import pytest

from isocost.domain.cluster import ClusterSpec
from isocost.errors import ClusterTooLarge, UnknownName
from isocost.platforms.base import Platform, RunOutcome, RunRequest


class PlatformSuite:
    """Give a subclass the fixtures `platform`, prepared, and `request_one`, which succeeds on it.

    A third fixture, `outcome`, is what `execute(request_one)` returned; where a run takes long,
    make it once for the class.
    """

    def test_name_is_one_word(self, platform: Platform) -> None:
        assert platform.name.isidentifier()

    def test_node_types_come_cheapest_first(self, platform: Platform) -> None:
        rates = [t.usd_per_hour for t in platform.node_types()]
        assert rates
        assert rates == sorted(rates)

    def test_node_type_names_are_distinct(self, platform: Platform) -> None:
        names = [t.node_type_id for t in platform.node_types()]
        assert len(set(names)) == len(names)

    def test_capacity_holds_the_smallest_node(self, platform: Platform) -> None:
        assert platform.capacity_cores() >= min(t.cores for t in platform.node_types())
        assert platform.capacity_gib() >= min(t.memory_gib for t in platform.node_types())

    def test_workload_names_are_distinct(self, platform: Platform) -> None:
        names = platform.workloads()
        assert names
        assert len(set(names)) == len(names)

    def test_preparing_twice_is_harmless(
        self, platform: Platform, request_one: RunRequest
    ) -> None:
        platform.prepare([request_one.workload])
        platform.prepare([request_one.workload])

    def test_preparing_an_unknown_workload_is_refused(self, platform: Platform) -> None:
        with pytest.raises(UnknownName, match="no/such-workload"):
            platform.prepare(["no/such-workload"])

    def test_unknown_workload_is_refused_with_what_is_near(
        self, platform: Platform, request_one: RunRequest
    ) -> None:
        misspelt = f"{request_one.workload}x"
        with pytest.raises(UnknownName, match=f"Did you mean.*{request_one.workload}"):
            platform.execute(replace(request_one, workload=misspelt))

    def test_unknown_node_type_is_refused(
        self, platform: Platform, request_one: RunRequest
    ) -> None:
        foreign = ClusterSpec("no-such-type", 1)
        with pytest.raises(UnknownName, match="no-such-type"):
            platform.execute(replace(request_one, spec=foreign))

    def test_too_large_a_cluster_is_refused(
        self, platform: Platform, request_one: RunRequest
    ) -> None:
        name = platform.node_types()[0].node_type_id
        huge = ClusterSpec(name, platform.capacity_cores() + 1)
        with pytest.raises(ClusterTooLarge, match=name):
            platform.execute(replace(request_one, spec=huge))

    def test_run_succeeds(self, outcome: RunOutcome) -> None:
        assert outcome.failure is None

    def test_run_ends_after_its_start(self, outcome: RunOutcome) -> None:
        assert outcome.ended_at > outcome.started_at

    def test_run_leaves_an_event_log_or_was_measured(self, outcome: RunOutcome) -> None:
        if outcome.event_log is not None:
            assert outcome.event_log.exists()
        else:
            assert outcome.measured is not None
            assert outcome.measured.runtime_s > 0

    def test_timeline_holds_every_worker(
        self, outcome: RunOutcome, request_one: RunRequest
    ) -> None:
        nodes = outcome.timeline.nodes
        assert len(nodes) == request_one.spec.worker_count
        assert {n.node_type_id for n in nodes} == {request_one.spec.node_type_id}

    def test_timeline_lies_within_the_run(self, outcome: RunOutcome) -> None:
        for node in outcome.timeline.nodes:
            assert outcome.started_at <= node.started_at <= node.ended_at <= outcome.ended_at

    def test_same_run_id_starts_afresh(
        self, platform: Platform, request_one: RunRequest, outcome: RunOutcome
    ) -> None:
        again = platform.execute(request_one)
        assert again.failure is None
        assert again.started_at >= outcome.ended_at
