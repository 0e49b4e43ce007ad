"""What queues have in common."""

from isocost.queue.base import MOST_ATTEMPTS, Backlog, pause_s


def test_pauses_grow_up_to_a_minute():
    assert [pause_s(attempt) for attempt in (0, 1, 2, 3, 9)] == [1, 2, 4, 8, 60]


def test_a_fault_of_the_surroundings_has_minutes_to_pass():
    assert sum(pause_s(attempt) for attempt in range(MOST_ATTEMPTS - 1)) > 240


def test_what_is_under_way_is_left_to_do():
    assert not Backlog(0, 1).is_empty
    assert Backlog(0, 0).is_empty
