"""What kind of workspace can be simulated."""

from math import inf, nan

import pytest

from isocost.errors import InvalidInput
from isocost.simulator.workspace.workspace import WorkspaceOptions


@pytest.mark.parametrize("speed_up", [-1.0, inf, nan, 1e300])
def test_time_that_would_have_no_next_moment_is_refused(speed_up):
    with pytest.raises(InvalidInput, match="speed-up is 0 to 1,000,000"):
        WorkspaceOptions(speed_up=speed_up)
