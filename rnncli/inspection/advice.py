"""Sentences about a network's memory, each with changes to try, if there are any, as `--set KEY=VALUE`.

No change leaves the range in which networks are trained: where only a value outside would help, something else is
wrong, and the sentence says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rnncli.config.section import Section
from rnncli.config.sections import Config
from rnncli.inspection.reports import (
    EXPLODING,
    FAILURE,
    INIT,
    LITTLE,
    MUCH,
    NO_GRADIENT,
    VANISHING,
    Advice,
    GradientReport,
    LayerGradients,
    by_part,
    deepest,
    percent,
)
from rnncli.kernels.cells import CELLS

_PLENTY = 0.3  # share of the gradient left at the end of bptt; above it there may be more to learn further back
_OFTEN = 0.5  # share of batches clipped, or of units dead, above which there is advice
_LEAP, _STEP = 0.1, 0.001  # norm of an update over that of its weights: the largest that is safe, and a usual one
# Limits of what is proposed.
_LEAST_RATE = 1e-6
_LEAST_SCALE, _MOST_SCALE = 0.05, 2.0
_LEAST_NORM, _MOST_NORM = 1e-6, 1e4  # of clip_norm
_LEAST_STEPS, _MOST_STEPS = 8, 2048  # of bptt; of bptt and chrono_init


def advice(config: Config, report: GradientReport) -> tuple[Advice, ...]:
    """Return advice: on each part of the network, then on depth, gates and clipping, if needed.

    Where training failed, it is about the likely reason instead.
    """
    if report.at == FAILURE:
        grown = [_exploding(config, report.at, layer) for layer in report.layers if layer.reach.verdict == EXPLODING]
        return (_of_failure(config, report), *grown[:1])
    return (
        *(_of_part(config, report.at, layers) for layers in by_part(report.layers)),
        *_of_depth(config, report),
        *_of_gates(config, report),
        *_of_clipping(config, report),
    )


def _of_failure(config: Config, report: GradientReport) -> Advice:
    known = ((one.update_ratio, one.name) for one in report.parameters if one.update_ratio is not None)
    ratio, name = max((both for both in known if not math.isnan(both[0])), default=(0.0, ""))
    if ratio <= _LEAP:
        return Advice(
            f"no update is more than {ratio:.2g} times the norm of its weights: the learning rate is not the reason; "
            "look at the data of this batch, and at which layer grows"
        )
    size = f"{ratio:.3g} times the norm of its weights" if math.isfinite(ratio) else "beyond all numbers"
    text = f"{name}: an update is {size}: it leaps"
    rate = config.training.learning_rate * _STEP / ratio
    if rate >= _LEAST_RATE:
        return Advice(text, (f"--set training.learning_rate={_floored(rate):g}",))
    return Advice(f"{text}, and no learning rate is low enough for that: the weights or the data are too large")


def _of_part(config: Config, at: str, layers: Sequence[LayerGradients]) -> Advice:
    exploding = [layer for layer in layers if layer.reach.verdict == EXPLODING]
    if exploding:
        return _exploding(config, at, max(exploding, key=lambda layer: layer.reach.decay or math.inf))
    best = deepest(layers)
    if best.reach.verdict == NO_GRADIENT:
        return Advice(f"{best.name}: no gradient arrives; the outputs are saturated, or nothing reads this layer")
    if best.reach.verdict == VANISHING:
        return _vanishing(config, at, best)
    others = [layer.name for layer in layers if layer.reach.verdict == VANISHING]
    return _healthy(config, best, others)


def _exploding(config: Config, at: str, layer: LayerGradients) -> Advice:
    decay, model = layer.reach.decay, config.model
    tries = []
    if at == INIT or model.recurrent_scale > 1:
        fitting = model.recurrent_scale / decay if decay is not None and decay > 1 else 1.0
        if _LEAST_SCALE <= fitting <= _MOST_SCALE and fitting < model.recurrent_scale:
            tries.append(f"--set model.recurrent_scale={_floored(fitting):g}")
        elif model.recurrent_scale > 1:
            tries.append("--set model.recurrent_scale=1")
    if model.activation in ("relu", "identity"):
        tries.append("--set model.activation=tanh")
    clip, rate = config.training.clip_norm, config.training.learning_rate
    if model.activation in ("tanh", "sigmoid"):  # without a bound the states grow too, and no clipping helps
        if clip is None or clip > 1:
            tries.append("--set training.clip_norm=1")
        else:
            tries += _halved(rate)
    if not tries:
        return Advice(f"{layer.name}: {_growth(layer)}; a shorter sequence has fewer steps to grow in")
    return Advice(f"{layer.name}: {_growth(layer)}", tuple(tries))


def _halved(rate: float) -> list[str]:
    """Return the change to half the learning rate; none where that would be next to nothing."""
    return [f"--set training.learning_rate={_floored(rate / 2):g}"] if rate / 2 >= _LEAST_RATE else []


def _growth(layer: LayerGradients) -> str:
    curve, decay = layer.own_left_by_lag[: layer.reach.judged + 1], layer.reach.decay
    if not all(map(math.isfinite, curve)):
        return "the gradient overflows"
    if decay is not None and decay > 1:
        return f"the gradient grows by a factor of {decay:.3g} a step back: the oldest steps drown the others"
    lag = max(range(len(curve)), key=curve.__getitem__)
    return f"the gradient {_steps(lag)} back is {curve[lag]:.3g} times that of the last step, and drowns it"


def _vanishing(config: Config, at: str, layer: LayerGradients) -> Advice:
    judged, windowed = layer.reach.judged, _has(config.training, "bptt") and not layer.part
    memory = layer.reach.memory_1_percent or judged
    text = f"{layer.name}: 1% of the gradient is left after {_steps(memory)} of {judged:,}: "
    bptt = getattr(config.training, "bptt", None) or judged + 1
    text += f"bptt {bptt} trains nothing beyond that" if windowed else "what lies further back teaches nothing"
    if at == INIT:
        text += " at first (train --watch-grads shows how that changes)"
    flows = max(judged + 1, bptt) if windowed else judged + 1  # however few lags were looked at
    tries = _longer_memory(config, flows)
    if not 1 <= config.model.recurrent_scale <= _MOST_SCALE:  # beyond it the activations saturate
        tries.insert(0, "--set model.recurrent_scale=1")
    shorter = max(memory - memory % _LEAST_STEPS, _LEAST_STEPS)  # whose steps are all worth going back
    if windowed and shorter <= flows // 2:  # else little is saved
        tries.append(f"--set training.bptt={shorter}{_stride_within(config, shorter)}")
    # Attention does not save a vanilla network (the adding problem of 200 steps: RMSE .41, a GRU's .016).
    if getattr(config.model, "pooling", "none") in (None, "last") and CELLS[config.model.cell].is_gated:
        tries.append("--set model.pooling=attention")
    if layer.part == "encoder" and getattr(config.model, "attention", None) == "none":
        tries.append("--set model.attention=dot")
    return Advice(text if tries else f"{text}; shorter sequences would do", tuple(tries))


def _stride_within(config: Config, bptt: int) -> str:
    """Return the change of bptt_stride that a shorter `bptt` needs; empty if the stride is null or fits."""
    stride = getattr(config.training, "bptt_stride", None)
    return f" --set training.bptt_stride={bptt}" if stride is not None and stride > bptt else ""


def _longer_memory(config: Config, steps: int) -> list[str]:
    """Return the change that initialises gates to remember about so many steps; none if they are so already."""
    model, steps = config.model, min(max(steps, 3), _MOST_STEPS)
    if not CELLS[model.cell].keeps_by_bias:
        activation = " --set model.activation=tanh" if model.activation != "tanh" else ""
        return [f"--set model.cell=gru --set model.chrono_init={steps}{activation}"]
    if model.chrono_init is None or model.chrono_init < steps:
        return [f"--set model.chrono_init={steps}"]
    return []


def _healthy(config: Config, layer: LayerGradients, vanishing: Sequence[str]) -> Advice:
    left, judged = layer.reach.left or 0.0, layer.reach.judged
    if judged == 0:
        return Advice(f"{layer.name}: reads one step, so no gradient flows back in time")
    text = f"{layer.name}: {percent(left)} of the gradient is left after {_steps(judged)}"
    if left >= 2:
        text = f"{layer.name}: the gradient {_steps(judged)} back is {left:.3g} times that of the last step"
    if layer.left_without_attention is not None:
        return Advice(f"{text}; without attention it would be {percent(layer.left_without_attention[judged])}")
    text += ": that is enough"
    if vanishing:
        text += f"; that it vanishes in {' and '.join(vanishing)} does not matter, one way back is enough"
    bptt, longer = getattr(config.training, "bptt", None), max(2 * (judged + 1), _LEAST_STEPS)
    fills = bptt is None or judged + 1 >= bptt
    if _has(config.training, "bptt_stride") and left > _PLENTY and fills and longer <= _MOST_STEPS:
        return Advice(f"{text}, and there may be more to learn further back", (f"--set training.bptt={longer}",))
    return Advice(text)


def _of_depth(config: Config, report: GradientReport) -> Iterator[Advice]:
    """Yield advice on the lowest layer to which much comes back through the layers above that it does not remember."""
    for layer in report.layers:
        reach, own = layer.reach, layer.memory_by_lag
        whole = layer.left_by_lag[: reach.judged + 1]
        if reach.verdict == VANISHING and whole[-1] >= LITTLE and own[reach.judged] < LITTLE:
            yield Advice(
                f"{layer.name}: {percent(whole[-1])} of the gradient comes back {_steps(reach.judged)} through the "
                "layers above: that is depth, which adds ways back, and makes no memory longer"
            )
            return
        if reach.verdict != EXPLODING and max(whole) > MUCH and not layer.reads_every_step:
            lag = max(range(len(whole)), key=whole.__getitem__)
            yield Advice(
                f"{layer.name}: the gradient {_steps(lag)} back is {whole[lag]:.3g} times that of the last step, as it "
                "comes back in many ways through the layers above",
                ("--set training.clip_norm=1",) if (config.training.clip_norm or math.inf) > 1 else (),
            )
            return


def _of_gates(config: Config, report: GradientReport) -> Iterator[Advice]:
    tries = ["--set model.activation=tanh"]
    if report.at != INIT:
        tries += _halved(config.training.learning_rate)
    for gate in report.gates:
        if gate.dead_units is not None and gate.dead_units > _OFTEN * gate.units:
            yield Advice(f"{gate.layer}: {gate.dead_units} of {gate.units} units never fire", tuple(tries))


def _of_clipping(config: Config, report: GradientReport) -> Iterator[Advice]:
    """Yield advice if clipping acts often; none for adaptive optimizers, which undo any scaling of gradients."""
    clip = report.clip
    explodes = any(layer.reach.verdict == EXPLODING for layer in report.layers)  # then clipping is needed
    if explodes or clip.clip_norm is None or clip.clipped <= _OFTEN or not math.isfinite(clip.mean_norm):
        return
    if config.training.optimizer not in ("sgd", "momentum"):
        return
    acts = f"clip_norm {clip.clip_norm:g} acts on {clip.clipped:.0%} of the batches"
    text = f"{acts}: it sets the pace, not the learning rate"
    if clip.mean_norm > _MOST_NORM / 2:
        yield Advice(f"{text}; gradients of {clip.mean_norm:.2g} need it, and tell that weights or data are too large")
    else:
        limit = f"{_ceiled(2 * clip.mean_norm):g}" if clip.mean_norm >= _LEAST_NORM else "null"
        yield Advice(text, (f"--set training.clip_norm={limit}",))


def _has(section: Section, key: str) -> bool:
    """Return True if the task's config has `key` in this section."""
    return key in type(section).model_fields


def _steps(count: int) -> str:
    return f"{count:,} step" + ("" if count == 1 else "s")


def _floored(value: float) -> float:
    """Round `value` down to two significant digits, but for rounding errors of floats."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.floor(value / unit + 1e-6) * unit


def _ceiled(value: float) -> float:
    """Round `value` up to a whole number, or to one digit if it is below 1, but for rounding errors of floats."""
    unit = min(10.0 ** math.floor(math.log10(value)), 1.0)
    return math.ceil(value / unit - 1e-6) * unit
