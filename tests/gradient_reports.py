"""Gradient reports made by hand, whose every number is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rnncli.inspection.reports import (
    HEALTHY,
    CheckedParameter,
    Clipping,
    GateActivity,
    GradientCheck,
    GradientReport,
    LayerGradients,
    ParameterGradient,
    Reach,
    StepJacobians,
)

LONG_NAMES = ("encoder.rnn.weight_ih_l1_reverse", "attention.combine.weight")


def powers(base: float, lags: int, first: float = 1.0) -> tuple[float, ...]:
    return tuple(first * base**lag for lag in range(lags))


def layer(norms: Sequence[float], number: int = 0, **changes: Any) -> LayerGradients:
    """A layer whose whole state has twice the gradient of its hidden state; fields of its reach by their names too."""
    count, of_first = len(norms), shares(norms, norms[0])
    left = norms[-1] / norms[0] if norms[0] else None
    reach = Reach(0.9, 6.5788, None, (6.25, 7.0), None, None, count - 1, count - 1, left, HEALTHY)
    of_reach = {name: changes.pop(name) for name in list(changes) if hasattr(reach, name)}
    jacobians = StepJacobians(
        8, (None, *[0.95] * (count - 1)), (None, *[0.05] * (count - 1)), (None, *[0.9] * (count - 1)), math.log(0.9)
    )
    made = LayerGradients(
        number,
        "",
        False,
        False,
        tuple(norm / 2 for norm in norms),
        tuple(norms),
        of_first,
        None,
        None,
        tuple(norms),
        of_first,
        replace(reach, **of_reach),
        jacobians,
        0.875,
        (("candidate", 0.875), ("forget", None)),
    )
    if (alone := changes.get("without_attention_by_lag")) is not None:
        changes["left_without_attention"] = shares(alone, norms[0])
    return replace(made, **changes)


def shares(norms: Sequence[float], whole: float) -> tuple[float, ...]:
    return tuple(norm / whole if 0 < whole < math.inf else math.nan for norm in norms)


def parameter(name: str, shape: tuple[int, ...] = (128, 64), **changes: Any) -> ParameterGradient:
    made = ParameterGradient(name, shape, 12.5, 0.25, 0.02, 0.00125, 0.375, 1.5)
    return replace(made, **changes)


def report(*layers: LayerGradients, **changes: Any) -> GradientReport:
    made = GradientReport(
        "best",
        1.25,
        "nats per token",
        8,
        4,
        tuple(range(max(len(one.gradient_norm_by_lag) for one in layers))),
        layers,
        (parameter("rnn.weight_ih_l0"), parameter("rnn.bias_hh_l0", (128,), update_ratio=None)),
        (GateActivity("layer 0", "forget", 0.75, 0.125, 0.5, None, 64),),
        Clipping(5.0, 0.75, 0.42, 9.1, 14.0),
        (),
    )
    return replace(made, **changes)


def checked(*errors: float, tolerance: float = 1e-6) -> GradientCheck:
    return GradientCheck(tuple(CheckedParameter(f"p{i}", 20, error) for i, error in enumerate(errors)), tolerance)
