"""Sentences about a network's memory, each with a change to try, if there is one, as `--set KEY=VALUE`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rnncli.config.sections import Config, Section
from rnncli.inspection.reports import (
    EXPLODING,
    FAILURE,
    INIT,
    NO_GRADIENT,
    VANISHING,
    GradientReport,
    LayerGradients,
    by_part,
    deepest,
)
from rnncli.kernels.cells import CELLS

_PLENTY = 0.3  # share of the gradient left at the longest lag; above it there may be more to learn further back
_OFTEN = 0.5  # share of batches clipped, or of units dead, above which there is advice
_TINY = 1e-290  # smaller values are not rounded, as their digits would be denormals
_LEAP, _STEP = 0.1, 0.001  # norm of an update over that of its weights: the largest that is safe, and a usual one


def advice(config: Config, report: GradientReport) -> tuple[str, ...]:
    """Return sentences of advice: one or more per part of the network, then others on gates and clipping, if needed.

    Where training failed, they are about the likely reason instead.
    """
    if report.at == FAILURE:
        grown = [_exploding(config, report.at, layer) for layer in report.layers if layer.reach.verdict == EXPLODING]
        return (_of_failure(config, report), *grown[:1])
    sentences = [_of_part(config, report.at, layers) for layers in by_part(report.layers)]
    return tuple(filter(None, [*sentences, *_of_gates(config, report), _of_clipping(config, report)]))


def _of_failure(config: Config, report: GradientReport) -> str:
    known = ((one.update_ratio, one.name) for one in report.parameters if one.update_ratio is not None)
    ratio, name = max((both for both in known if not math.isnan(both[0])), default=(0.0, ""))
    if ratio > _LEAP:
        rate = config.training.learning_rate * _STEP / ratio
        size = f"{ratio:.3g} times the norm of its weights" if math.isfinite(ratio) else "beyond all numbers"
        tries = [f"--set training.learning_rate={_floored(rate):g}"] if rate > 0 else ["a lower training.learning_rate"]
        return f"{name}: an update is {size}: it leaps. {_try(tries)}"
    return (
        f"no update is more than {ratio:.2g} times the norm of its weights: the learning rate is not the reason; look "
        "at the data of this batch, and at which layer grows"
    )


def _of_part(config: Config, at: str, layers: Sequence[LayerGradients]) -> str:
    exploding = [layer for layer in layers if layer.reach.verdict == EXPLODING]
    if exploding:
        return _exploding(config, at, max(exploding, key=lambda layer: layer.reach.decay or math.inf))
    best = deepest(layers)
    if best.reach.verdict == NO_GRADIENT:
        return f"{best.name}: no gradient arrives; the outputs are saturated, or nothing reads this layer"
    if best.reach.verdict == VANISHING:
        return _vanishing(config, at, best)
    others = [layer.name for layer in layers if layer.reach.verdict == VANISHING]
    vanish = f"; that it vanishes in {' and '.join(others)} does not matter, one way back is enough" if others else ""
    return _healthy(config, best) + vanish


def _exploding(config: Config, at: str, layer: LayerGradients) -> str:
    decay, model = layer.reach.decay, config.model
    tries = []
    if decay is None and model.recurrent_scale > 1:
        tries.append("--set model.recurrent_scale=1")
    elif (at == INIT or model.recurrent_scale > 1) and decay is not None and decay > 1:
        tries.append(f"--set model.recurrent_scale={_floored(model.recurrent_scale / decay):g}")
    if model.activation in ("relu", "identity"):
        tries.append("--set model.activation=tanh")
    clip, rate = config.training.clip_norm, config.training.learning_rate
    if model.activation in ("tanh", "sigmoid"):  # without a bound the states grow too, and no clipping helps
        milder = "clip_norm=1" if clip is None or clip > 1 else f"learning_rate={_floored(rate / 2):g}"
        tries.append(f"--set training.{milder}")
    return f"{layer.name}: {_growth(layer)}. {_try(tries)}"


def _growth(layer: LayerGradients) -> str:
    curve, decay = layer.left_by_lag, layer.reach.decay
    if not all(map(math.isfinite, curve)):
        return "the gradient overflows"
    if decay is not None and decay > 1:
        return f"the gradient grows by a factor of {decay:.3g} a step: the oldest steps drown the others"
    lag = max(range(len(curve)), key=curve.__getitem__)
    return f"the gradient {_steps(lag)} back is {curve[lag]:.3g} times that of the last step, and drowns it"


def _vanishing(config: Config, at: str, layer: LayerGradients) -> str:
    memory, longest = layer.reach.memory_1_percent, len(layer.gradient_norm_by_lag)
    windowed = _has(config.training, "bptt") and not layer.part
    beyond = f"bptt {longest} trains nothing beyond that" if windowed else "what lies further back teaches nothing"
    if at == INIT:
        beyond += " at first (train --watch-grads shows how it goes on)"
    text = f"{layer.name}: 1% of the gradient is left after {_steps(memory or longest - 1)} of {longest - 1}: {beyond}."
    shorter = 2 ** math.ceil(math.log2(max(memory or longest, 2)))
    tries = [_longer_memory(config, longest)]
    if config.model.recurrent_scale < 1:
        tries.insert(0, "--set model.recurrent_scale=1")
    if windowed and shorter < longest:
        tries.append(f"--set training.bptt={shorter}{_stride_within(config, shorter)}")
    # Attention does not save a vanilla network (the adding problem of 200 steps: RMSE .41, a GRU's .016).
    if getattr(config.model, "pooling", "none") in (None, "last") and CELLS[config.model.cell].is_gated:
        tries.append("--set model.pooling=attention")
    if layer.part == "encoder" and getattr(config.model, "attention", None) == "none":
        tries.append("--set model.attention=dot")
    return f"{text} {_try(list(filter(None, tries)))}"


def _stride_within(config: Config, bptt: int) -> str:
    """Return the change of bptt_stride that a shorter `bptt` needs; empty if the stride is null or fits."""
    stride = getattr(config.training, "bptt_stride", None)
    return f" --set training.bptt_stride={bptt}" if stride is not None and stride > bptt else ""


def _longer_memory(config: Config, longest: int) -> str:
    """Return the `--set` change that initialises gates to remember about `longest` steps; empty if already set."""
    model, steps = config.model, max(longest, 3)
    if not CELLS[model.cell].keeps_by_bias:
        activation = " --set model.activation=tanh" if model.activation != "tanh" else ""
        return f"--set model.cell=gru --set model.chrono_init={steps}{activation}"
    if model.chrono_init is None or model.chrono_init < steps:
        return f"--set model.chrono_init={steps}"
    return ""


def _healthy(config: Config, layer: LayerGradients) -> str:
    left, longest = layer.reach.left or 0.0, len(layer.gradient_norm_by_lag)
    if longest == 1:
        return f"{layer.name}: reads one step, so no gradient flows back in time"
    text = f"{layer.name}: {100 * left:.3g}% of the gradient is left after {_steps(longest - 1)}"
    if left >= 2:
        text = f"{layer.name}: the gradient {_steps(longest - 1)} back is {left:.3g} times that of the last step"
    if layer.left_without_attention is not None:
        return f"{text}; without attention it would be {100 * layer.left_without_attention[-1]:.2g}%"
    text += ": nothing to mend"
    bptt = getattr(config.training, "bptt", None)
    if _has(config.training, "bptt_stride") and left > _PLENTY and (bptt is None or longest >= bptt):
        return f"{text}. There may be more to learn further back. {_try([f'--set training.bptt={2 * longest}'])}"
    return text


def _of_gates(config: Config, report: GradientReport) -> Iterator[str]:
    tries = ["--set model.activation=tanh"]
    if report.at != INIT:
        tries.append(f"--set training.learning_rate={_floored(config.training.learning_rate / 2):g}")
    for gate in report.gates:
        if gate.dead_units is not None and gate.dead_units > _OFTEN * gate.units:
            yield f"{gate.layer}: {gate.dead_units} of {gate.units} units never fire. {_try(tries)}"


def _of_clipping(config: Config, report: GradientReport) -> str:
    """Return advice if clipping acts often; none for adaptive optimizers, which undo any scaling of gradients."""
    clip = report.clip
    explodes = any(layer.reach.verdict == EXPLODING for layer in report.layers)  # then clipping is needed
    if explodes or clip.clip_norm is None or clip.clipped <= _OFTEN or not math.isfinite(clip.mean_norm):
        return ""
    if config.training.optimizer not in ("sgd", "momentum"):
        return ""
    return (
        f"clip_norm {clip.clip_norm:g} acts on {clip.clipped:.0%} of the batches: it sets the pace, not the learning "
        f"rate. {_try([f'--set training.clip_norm={_ceiled(2 * clip.mean_norm):g}'])}"
    )


def _has(section: Section, key: str) -> bool:
    """Return True if the task's config has `key` in this section."""
    return key in type(section).model_fields


def _try(changes: Sequence[str]) -> str:
    return f"Try {', or '.join(changes)}" if changes else "Try a shorter sequence"


def _steps(count: int) -> str:
    return f"{count:,} step" + ("" if count == 1 else "s")


def _floored(value: float) -> float:
    """Round `value` down to two significant digits, but for rounding errors of floats."""
    if value < _TINY:
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.floor(value / unit + 1e-6) * unit


def _ceiled(value: float) -> float:
    """Round `value` up to a whole number, or to one digit if it is below 1, but for rounding errors of floats."""
    if value < _TINY:
        return value
    unit = min(10.0 ** math.floor(math.log10(value)), 1.0)
    return math.ceil(value / unit - 1e-6) * unit
