"""Rate and time left of an experiment, in words."""

from io import StringIO

from rich.console import Console
from rich.progress import Progress

from isocost.cli.trial_progress import TrialProgress, told_speed
from isocost.domain.experiment import TrialState
from isocost.testing.nouns import an_experiment
from isocost.usecases.orchestrate import Standing


def a_standing(queued, running, succeeded):
    counts = dict.fromkeys(TrialState, 0)
    known = {
        TrialState.QUEUED: queued,
        TrialState.RUNNING: running,
        TrialState.SUCCEEDED: succeeded,
    }
    return Standing(an_experiment(), {**counts, **known})


def test_rate_is_of_what_ended_while_it_was_watched():
    assert told_speed(a_standing(8, 2, 30), 20, 60.0) == "20.0 trials/min, 30.0 s left"


def test_nothing_is_said_before_the_first_has_ended():
    assert told_speed(a_standing(8, 2, 30), 0, 60.0) == ""


def test_nothing_is_left_at_the_end():
    assert told_speed(a_standing(0, 0, 30), 15, 30.0) == "30.0 trials/min"


def test_drawing_is_told_in_lines_where_there_is_no_terminal():
    told = StringIO()
    shown = TrialProgress(Progress(console=Console(file=told), disable=True))
    for done in range(3):
        shown.drawing(done=done, total=99)
    assert told.getvalue() == "Drawing cold starts: 0 of 99 workloads\n"
