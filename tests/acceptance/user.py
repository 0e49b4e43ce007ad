"""What a user has at hand: ended commands, and projects looked after as the server does."""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import patch

from isocost import clock
from isocost.settings import read_settings
from isocost.simulator.workspace.estate import EstatePlan
from isocost.testing.workspaces import a_workspace
from isocost.usecases.reconcile import look_after
from isocost.wiring import open_loop

LOGS = "dbfs:/cluster-logs"


@dataclass(frozen=True)
class Ended:
    """A command that is over."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@contextmanager
def a_lived_in_workspace(job_count, *, seed=7, **options):
    """Give a workspace whose jobs have run for two days, its control, and the jobs.

    The product's time is the workspace's while the block lasts: which jobs have run and which are
    running now depends on the hour and on the weekday, and tests must not.
    """
    with a_workspace(seed=seed, **options) as (address, control):
        found = control.add_estate(
            EstatePlan(job_count=job_count, seed=seed, log_destination=LOGS)
        )
        control.advance(timedelta(days=2))
        with patch.object(clock, "now", control.now):
            yield address, control, found


def looked_after(control, project_ids, **options):
    """Look after projects as the server does; returns which are well."""
    settings = read_settings(os.environ)
    with open_loop(settings, now_in=lambda _: control.now(), **options) as loop:
        return [look_after(loop, project_id) for project_id in project_ids]


def names(isocost):
    return [w["name"] for w in isocost("workspace", "list", "--json").json["workspaces"]]


def shown(isocost, project_id):
    return isocost("project", "show", project_id, "--json").json


def job_id_of(isocost, project_id):
    return int(shown(isocost, project_id)["job_id"])
