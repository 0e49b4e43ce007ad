"""What a user has at hand: ended commands, and projects looked after as the server does."""

import json
import os
from dataclasses import dataclass

from isocost.settings import read_settings
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
