"""Builders of questions to a policy, about the made-up program of the model's tests."""

from dataclasses import replace

from isocost.domain.cluster import ClusterSpec
from isocost.domain.project import Sla
from isocost.recommend.engine import Engine
from isocost.recommend.policy import Question
from isocost.space.candidates import CandidateSpace
from tests.unit.model.clusters import SPACE, TYPES, a_run, true_runtime_s

RATES = {t.node_type_id: t.usd_per_hour / 3600 for t in TYPES}


def a_question(*history, space=SPACE, max_runtime_s=None, miss_fraction=0.1, **changes):
    """Return the question of a project with these runs, with or without a deadline."""
    sla = None if max_runtime_s is None else Sla(max_runtime_s, miss_fraction)
    question = Question(list(history), CandidateSpace(tuple(space), ()), TYPES, sla)
    return replace(question, **changes)


def ask(*history, **changes):
    """Return the engine's answer."""
    return Engine().advise(a_question(*history, **changes))


def cost_usd(spec: ClusterSpec, runtime_s=None):
    """Return what a run costs, by default as long as the made-up program takes."""
    return RATES[spec.node_type_id] * spec.worker_count * (runtime_s or true_runtime_s(spec))


def carried_on(*history, runs=12, answers_s=true_runtime_s, **changes):
    """Return the advices of a project that always follows them, and its history at the end."""
    engine, told = Engine(), []
    done = list(history)
    for number in range(runs):
        phase = {"phase": told[-1].phase} if told else {}
        told.append(engine.advise(a_question(*done, **changes | phase)))
        spec = told[-1].spec
        done.append(a_run(spec, answers_s(spec), f"next-{number}"))
    return told, done
