"""Runs whose inputs vary in; hyperparameters of the law's kernel with their weights out.

The posterior of the hyperparameters is looked for by its mode (L-BFGS-B with exact gradients;
Rasmussen & Williams, 5.4.1) and drawn from by importance: from a normal with the curvature at the
mode, each draw weighted by prior over proposal. The likelihood comes in where groups compete.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from isocost.model.input_kernel import (
    HARDWARE,
    InputCurves,
    InputKernel,
    coordinates_of,
    linear_covariance,
)
from isocost.model.inputs import InputAxis
from isocost.model.kernels import INPUT_SLOPE_MEAN, likeness_of
from isocost.model.points import Floats
from isocost.model.posterior import Group, Observed, shared_covariance

# Arguments are recorded since somebody thought that they matter; one time in ten they do not.
INPUTS_MATTER: Final = 0.9
# Log runtime over log cores, while hyperparameters are looked for: between not at all and in
# proportion.
CORE_SLOPE: Final = (-0.7, 0.3)
# What a power law of the cores leaves unexplained, as in the group of power laws; within a factor
# of two, as are the lengths.
AMPLITUDE: Final = 0.30
FACTOR_LOG_SD: Final = 0.7
# Noise from a fifth to one and a half of what is assumed where only clusters vary: that was
# measured on Scout's shared clusters (5 %), repeats of C3O's scatter by 1.6 %.
NOISE_LOG_SD_MEAN: Final = -0.55
NOISE_LOG_SD_SD: Final = 0.6
LENGTH_LOG_RANGE: Final = (-2.0, 3.0)
AMPLITUDE_LOG_RANGE: Final = (-4.0, 1.0)
NOISE_LOG_RANGE: Final = (-2.5, 1.0)
MOST_STEPS: Final = 40
# Sets of hyperparameters that are averaged: the more runs, the less it matters and the more each
# costs.
MOST_SETS: Final = 24
FEWEST_SETS: Final = 4
SETS_TIMES_RUNS: Final = 600
SEED: Final = 20_24


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the likelihood of hyperparameters needs.

    h = (log amplitude, log lengths, half the log of the noise's multiple)

    Attributes:
        misfit: (runs,), observed less the law at the mean of its slopes.
        fixed: (runs, runs), covariance without g and noise.
        noise: (runs,), variances at a multiple of 1.
        squares: (dimensions, runs, runs), squared distances along each axis.
        mean, sd: (parameters,), of the prior of h.
    """

    misfit: Floats
    fixed: Floats
    noise: Floats
    squares: Floats
    mean: Floats
    sd: Floats

    def loss(self, h: Floats) -> tuple[float, Floats]:
        """Return −log p(y, h) up to a constant, with its gradient, (parameters,)."""
        inverse_squares = np.exp(-2.0 * h[1:-1])
        root = np.sqrt(5.0 * np.tensordot(inverse_squares, self.squares, axes=1))
        fading = np.exp(2.0 * h[0] - root)
        smooth = fading * (1.0 + root + root * root / 3.0)
        noise = np.exp(2.0 * h[-1]) * self.noise
        factor = cho_factor(self.fixed + smooth + np.diag(noise), lower=True, check_finite=False)
        weights = cho_solve(factor, self.misfit, check_finite=False)
        inverse = cho_solve(factor, np.eye(len(noise)), check_finite=False)
        apart = (h - self.mean) / self.sd
        loss = 0.5 * self.misfit @ weights + np.log(np.diag(factor[0])).sum()
        slope = 0.5 * (inverse - np.outer(weights, weights))
        by_length = slope * fading * (1.0 + root) * (5.0 / 3.0)
        gradient = np.concatenate([
            [2.0 * (slope * smooth).sum()],
            np.tensordot(self.squares, by_length, axes=2) * inverse_squares,
            [2.0 * (np.diag(slope) * noise).sum()],
        ])
        return float(loss + 0.5 * apart @ apart), gradient + apart / self.sd


def input_groups(
    groups: Sequence[Group], observed: Observed, axes: Sequence[InputAxis]
) -> list[Group]:
    """Return groups of curves for a project whose inputs vary.

    Args:
        groups: that know nothing of inputs.
        observed: runs, with coordinates on the axes.
        axes: none where only the input size varies.
    """
    slopes = np.array([axis.slope[0] for axis in axes])
    slope_sd = tuple(axis.slope[1] for axis in axes)
    kernels = tuple(
        (_kernel(h, slope_sd), log_weight)
        for h, log_weight in _weighted_sets(_evidence(observed, axes, slopes))
    )
    moved = [
        Group(
            group.name,
            InputCurves(group.curves, slopes),
            group.log_prior + np.log(INPUTS_MATTER),
            kernels,
        )
        for group in groups
    ]
    still = [
        replace(group, log_prior=group.log_prior + np.log(1.0 - INPUTS_MATTER)) for group in groups
    ]
    return [*moved, *still]


def _kernel(h: Floats, slope_sd: tuple[float, ...]) -> InputKernel:
    lengths = tuple(float(length) for length in np.exp(h[1:-1]))
    return InputKernel(slope_sd, float(np.exp(h[0])), lengths, float(np.exp(2.0 * h[-1])))


def _evidence(observed: Observed, axes: Sequence[InputAxis], slopes: Floats) -> _Evidence:
    points = observed.points
    log_cores = np.log(points.cores)
    law = CORE_SLOPE[0] * log_cores + INPUT_SLOPE_MEAN * points.log_input + points.inputs @ slopes
    misfit = observed.log_s - law
    fixed = shared_covariance(points, points) + HARDWARE.over(likeness_of(points, points))
    fixed += CORE_SLOPE[1] ** 2 * np.outer(log_cores, log_cores)
    fixed += linear_covariance([axis.slope[1] for axis in axes], points, points)
    lengths = np.array([1.0, 1.0, *(axis.length for axis in axes)])
    x = coordinates_of(points, len(axes))
    return _Evidence(
        misfit=misfit - misfit.mean(),
        fixed=fixed,
        noise=observed.noise_variance,
        squares=(x.T[:, :, None] - x.T[:, None, :]) ** 2,
        mean=np.array([np.log(AMPLITUDE), *np.log(lengths), NOISE_LOG_SD_MEAN]),
        sd=np.array([*[FACTOR_LOG_SD] * (1 + len(lengths)), NOISE_LOG_SD_SD]),
    )


def _weighted_sets(evidence: _Evidence) -> list[tuple[Floats, float]]:
    """Return draws of h with the logarithms of prior over proposal, less that of their count."""
    dimensions = len(evidence.mean) - 2
    ranges = [AMPLITUDE_LOG_RANGE, *[LENGTH_LOG_RANGE] * dimensions, NOISE_LOG_RANGE]
    low, high = np.array(ranges).T
    found = minimize(
        evidence.loss,
        evidence.mean,
        jac=True,
        method="L-BFGS-B",
        bounds=ranges,
        options={"maxiter": MOST_STEPS},
    )
    spread = _spread(evidence, found.x)
    count = int(np.clip(SETS_TIMES_RUNS // len(evidence.misfit), FEWEST_SETS, MOST_SETS))
    random = np.random.default_rng(SEED)
    drawn = random.normal(size=(count, len(evidence.mean)))
    drawn[0] = 0.0
    sets = np.clip(found.x + drawn @ spread.T, low, high)
    apart = (sets - evidence.mean) / evidence.sd
    log_prior = -0.5 * (apart**2).sum(axis=1) - np.log(evidence.sd).sum()
    log_proposal = -0.5 * (drawn**2).sum(axis=1) - np.linalg.slogdet(spread)[1]
    log_weights = log_prior - log_proposal - np.log(count)
    return [(h, float(weight)) for h, weight in zip(sets, log_weights, strict=True)]


def _spread(evidence: _Evidence, mode: Floats) -> Floats:
    """Return a square root of the inverse curvature at the mode, (parameters, parameters)."""
    step = 1e-3
    rows = [
        (evidence.loss(mode + move)[1] - evidence.loss(mode - move)[1]) / (2.0 * step)
        for move in step * np.eye(len(mode))
    ]
    values, vectors = np.linalg.eigh(0.5 * (np.array(rows) + np.array(rows).T))
    # The prior alone curves by sd⁻²; less is noise, or the edge of a bound.
    values = np.maximum(values, float((evidence.sd**-2).min()) / 2)
    return np.asarray(vectors / np.sqrt(values))
