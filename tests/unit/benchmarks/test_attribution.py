"""The attribution benchmark counts what was found, missed and blamed for nothing."""

from dataclasses import replace

import pytest

from benchmarks.attribution import Tally
from benchmarks.attribution_lives import CHANGE_DAY, DAYS, INJECTIONS, live
from isocost.domain.deviation import CauseOfDeviation

DOUBLED = next(i for i in INJECTIONS if i.name == "data_doubled")
NOTHING = next(i for i in INJECTIONS if i.cause is None)


@pytest.fixture(scope="module")
def doubled():
    return live("compute", 1, DOUBLED)


def test_life_grows_on_the_day_of_change(doubled):
    sizes = [w.observation.input_bytes for w in doubled.witnesses]
    assert len(sizes) == DAYS
    assert min(sizes[CHANGE_DAY:]) > 1.5 * max(sizes[:CHANGE_DAY])


def test_product_is_told_nothing_but_logs(doubled):
    assert all(w.observation.profile.plan_fingerprint for w in doubled.witnesses)


def test_change_that_is_found_counts_once(doubled):
    tally = Tally()
    tally.add(doubled)
    figures = tally.figures()
    assert figures["found"] == {"data_doubled": {"lives": 1, "found": 1}}
    assert figures["causes"]["data_doubled"]["data"] == 1
    assert figures["mild_found_fraction"] is None


def test_change_under_another_name_is_missed(doubled):
    tally = Tally()
    as_code = replace(DOUBLED, name="called_code", cause=CauseOfDeviation.CODE)
    tally.add(replace(doubled, injection=as_code))
    assert tally.figures()["found"] == {"called_code": {"lives": 1, "found": 0}}


def test_change_that_nobody_announced_is_a_false_alarm(doubled):
    tally = Tally()
    tally.add(replace(doubled, injection=NOTHING))
    assert tally.figures()["false_alarms"] == {"data": 1}
