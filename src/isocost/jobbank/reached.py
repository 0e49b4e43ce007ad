"""An experiment and its trials' states in; how far it has come, and a sentence on that, out."""

from collections.abc import Mapping
from dataclasses import dataclass

from isocost.domain.experiment import Experiment, ExperimentState, TrialState


@dataclass(frozen=True, slots=True)
class Reached:
    """How far an experiment has come, for whoever reads its figures.

    Attributes:
        over: trials that came to an end of their own; a cancelled one did not.
        total: trials of the plan.
    """

    experiment: Experiment
    over: int
    total: int

    @property
    def note(self) -> str | None:
        """What the figures leave out, and what to do about it; None where they are of all."""
        if self.over >= self.total:
            return None
        name, state = self.experiment.name, self.experiment.state
        # A simulated trial is stored once it is over, one on real Spark run by run.
        of = "of those only" if self.experiment.plan.is_simulated else "of the runs that are over"
        counted = f"{self.over} of {self.total} trials"
        match state:
            case ExperimentState.CANCELLED:
                return f"Cancelled with {counted} over: figures are {of}."
            case ExperimentState.PAUSED:
                return (
                    f"Paused with {counted} over: figures are {of}. Go on with: isocost bank "
                    f"resume {name}"
                )
            case ExperimentState.OPEN:
                return (
                    f"{counted} are over: figures are {of}. Go on with the command that began it: "
                    f"isocost bank run … --name {name}"
                )


def reached(experiment: Experiment, counts: Mapping[TrialState, int]) -> Reached:
    """Return how far an experiment has come.

    Args:
        experiment: which.
        counts: of its trials in each state; those it does not name have none.
    """
    ended = (TrialState.SUCCEEDED, TrialState.SET_ASIDE)
    over = sum(counts.get(state, 0) for state in ended)
    return Reached(experiment, over, sum(counts.values()))


def reached_json(found: Reached) -> dict[str, int]:
    """Return the object that reports and exports print as `trials`."""
    return {"over": found.over, "all": found.total}
