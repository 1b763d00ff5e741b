"""Whether a network over- or under-fits, judged by the losses of its evaluations, and what to change.

Training loss is a mean over the updates since the evaluation before, dropout included. Validation loss is `best` at
the evaluation whose weights are kept.

    over-fits    at the end it is 1% worse than at best, while training loss fell, or that is 20% below it at best
    under-fits   it was best at the end, and the training loss is no more than 3% below it
    fits         neither

Where fewer than 1,000 tokens are held out chance may decide on so little, and losses of other tasks on training and on
validation are not means over alike values. There only one thing is told: the network

    over-fits    over the last quarter of the evaluations it was 20% worse than at best, while training loss still fell

After fewer than four evaluations, and of losses that are nearly 0, nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from rnncli.config.model_section import ModelConfig
from rnncli.training.curves import Curve, curve_of
from rnncli.training.reports import Fit

OVER, UNDER, FITS = "over-fits", "under-fits", "fits"
FEWEST_TOKENS, FEWEST_EVALUATIONS = 1000, 4
_NEARLY_ZERO = 0.05  # nats
_WORSE_AT_END, _FAR_BELOW, _NEAR = 0.01, 0.2, 0.03
_MUCH_WORSE, _LONG = 0.2, 4  # of the last evaluations, one of so many
_PATIENCE = 10  # evaluations: what `training.patience` is by default
_MORE_DROPOUT, _MOST_DROPOUT, _LITTLE_DROPOUT = 0.2, 0.6, 0.1


def fit(lines: Iterable[Mapping[str, Any]], held_out: int, model: ModelConfig, longer: str) -> Fit | None:
    """Return how a network with this `model` fits, None where that cannot be told.

    lines: of metrics.jsonl. held_out: the number of validation tokens. longer: the key and value, as `--set` takes
    them, that train for twice as long.
    """
    if held_out < FEWEST_TOKENS:
        return over_fit(lines, model)
    if (curve := _judged(lines)) is None or curve.best is None:
        return None
    best, end, trained = curve.valid[curve.best], curve.valid[-1], curve.train[curve.best]
    if end > (1 + _WORSE_AT_END) * best and not curve.train[-1] >= trained:  # of which nothing may be known
        return _worse_at_end(curve, curve.best, _smaller(model))
    losses = f"training loss {trained:.3f}, validation loss {best:.3f}"
    if trained < (1 - _FAR_BELOW) * best:
        return Fit(OVER, losses, _smaller(model))
    if curve.best == len(curve.steps) - 1 and trained > (1 - _NEAR) * best:
        return Fit(UNDER, losses, _larger(model, longer))
    return Fit(FITS, losses)


def over_fit(lines: Iterable[Mapping[str, Any]], model: ModelConfig) -> Fit | None:
    """Return that a network over-fits where it learnt on while validation became much worse; None otherwise."""
    if (curve := _judged(lines)) is None or curve.best is None:
        return None
    last = curve.valid[-max(1, len(curve.valid) // _LONG) :]
    learnt_on = curve.train[-1] < next(loss for loss in curve.train[curve.best :] if math.isfinite(loss))
    if learnt_on and min(last) > (1 + _MUCH_WORSE) * curve.valid[curve.best]:
        return _worse_at_end(curve, curve.best, _smaller(model) if model.num_layers != 1 else _halved(model))
    return None


def _judged(lines: Iterable[Mapping[str, Any]]) -> Curve | None:
    """Return the course of a training that can be judged, None where chance decides."""
    curve = curve_of("", lines)
    if curve is None or len(curve.steps) < FEWEST_EVALUATIONS or curve.best is None:
        return None
    known = (curve.valid[curve.best], curve.valid[-1], curve.train[-1])
    return curve if all(map(math.isfinite, known)) and known[0] >= _NEARLY_ZERO else None


def _worse_at_end(curve: Curve, kept: int, change: tuple[str, ...]) -> Fit:
    """Return that a network over-fits; where its best weights, the `kept` ones, came early, training may end sooner."""
    trained, best, end = curve.train[kept], curve.valid[kept], curve.valid[-1]
    losses = f"validation loss {best:.3f} at best after update {curve.steps[kept]:,.0f} of {curve.steps[-1]:,.0f}"
    losses += f", {end:.3f} at the end"
    if math.isfinite(trained):  # which is not so before the first update
        losses += f", while training loss fell from {trained:.3f} to {curve.train[-1]:.3f}"
    sooner = (f"training.patience={_PATIENCE}",) if kept + _PATIENCE < len(curve.steps) // 2 else ()
    return Fit(OVER, losses, (*change, *sooner))


def _smaller(model: ModelConfig) -> tuple[str, ...]:
    """Return what makes it harder to learn the data by heart. Dropout needs a second layer to stand between."""
    dropout = model.dropout or 0.0
    if model.num_layers == 1:
        return ("model.num_layers=2", f"model.dropout={max(dropout, _MORE_DROPOUT + _LITTLE_DROPOUT):g}")
    if dropout < _MOST_DROPOUT:
        return (f"model.dropout={min(dropout + _MORE_DROPOUT, _MOST_DROPOUT):g}",)
    return _halved(model)


def _halved(model: ModelConfig) -> tuple[str, ...]:
    return (f"model.hidden_size={max((model.hidden_size or 2) // 2, 1)}",)


def _larger(model: ModelConfig, longer: str) -> tuple[str, ...]:
    if model.num_layers != 1 and (model.dropout or 0.0) > _LITTLE_DROPOUT:
        return (longer, f"model.dropout={_LITTLE_DROPOUT:g}")
    return (longer, f"model.hidden_size={2 * (model.hidden_size or 1)}")
