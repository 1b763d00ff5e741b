"""What inspect-grads tells: frozen, plain values. A figure that cannot be had is None, one beyond float64 infinite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rnncli.training.reports import Score

INIT, BEST, LAST, FAILURE = "init", "best", "last", "failure"  # which weights are looked at

# The rule of a layer's verdict, and what its words mean.
MUCH, LITTLE = 100.0, 0.01
EXPLODING, VANISHING, HEALTHY, NO_GRADIENT = "exploding", "vanishing", "healthy", "no gradient"
RULE = (
    f"exploding: some lag has more than {MUCH:g}× the gradient at lag 0; vanishing: less than {LITTLE:.0%} of it is "
    "left at the longest lag; else healthy"
)

NEAR_END = 0.05  # of a gate's range from 0 to 1, or of a tanh's from 0 to ±1


def layer_name(part: str, layer: int, *, reverse: bool) -> str:
    """layer 0; encoder layer 1 backward."""
    return " ".join(filter(None, (part, f"layer {layer}", "backward" if reverse else "")))


@dataclass(frozen=True)
class Reach:
    """How a gradient decays with the lag, and how sure that is: intervals of 95%, None where nothing can be said.

    decay: what a step multiplies it by, fitted over all lags. half_life: lags in which it halves, None where it does
    not shrink. memory_1_percent: the first lag with at most 1% of lag 0, None where more is left at every lag.
    left: the share of lag 0 that is left at the longest lag.
    """

    decay: float | None
    half_life: float | None
    half_life_interval: tuple[float | None, float | None] | None
    memory_1_percent: int | None
    memory_interval: tuple[int | None, int | None] | None
    left: float | None
    verdict: str


@dataclass(frozen=True)
class StepJacobians:
    """The Jacobian of one step, of the whole state, along the data: means over `sequences` of them.

    norm, smallest: its largest and smallest singular value at the lags of the ruler, the step that ends there; None at
    lags that were not measured. hidden_norm: the largest of ∂h_t/∂h_{t−1} alone. lyapunov: the leading exponent, nats
    per step, −inf where nothing comes through, None of no sequence.
    """

    sequences: int
    norm: tuple[float | None, ...]
    smallest: tuple[float | None, ...]
    hidden_norm: tuple[float | None, ...]
    lyapunov: float | None


@dataclass(frozen=True)
class LayerGradients:
    """One layer's memory, or that of one direction of it, with its lags counted in steps as it reads them.

    part: "encoder", "decoder" or "". gradient_norm_by_lag[k] is the norm of dL_T/dh_{T−k}, state_gradient_norm_by_lag
    that of the whole state (h, c); both per sequence, averaged over the sequences that are that long. left_by_lag: the
    share of the latter at lag 0 that is left, of the same sequences. without_attention_by_lag, left_without_attention:
    the same of the whole state if attention passed nothing back, None where there is no attention.
    reach is that of the whole state. spectral_radius: of the recurrent matrix, of gated cells of their candidate's;
    spectral_radius_by_gate: (gate, radius) of each.
    """

    layer: int
    part: str
    reverse: bool
    gradient_norm_by_lag: tuple[float, ...]
    state_gradient_norm_by_lag: tuple[float, ...]
    left_by_lag: tuple[float, ...]
    without_attention_by_lag: tuple[float, ...] | None
    left_without_attention: tuple[float, ...] | None
    reach: Reach
    jacobians: StepJacobians
    spectral_radius: float | None
    spectral_radius_by_gate: tuple[tuple[str, float | None], ...]

    @property
    def name(self) -> str:
        return layer_name(self.part, self.layer, reverse=self.reverse)


@dataclass(frozen=True)
class ParameterGradient:
    """One parameter, by PyTorch's name and shape; means over the batches.

    ratio = grad_norm / weight_norm, update_ratio = (norm of the optimizer's update) / weight_norm, None for zero
    weights. zero_share: of its gradient's elements, those exactly zero. signal_to_noise: the norm of the mean gradient
    over the root mean square distance of a batch's gradient from it; None of one batch.
    """

    name: str
    shape: tuple[int, ...]
    weight_norm: float
    grad_norm: float
    ratio: float | None
    update_ratio: float | None
    zero_share: float
    signal_to_noise: float | None


@dataclass(frozen=True)
class GateActivity:
    """What one gate of a layer says, over all steps, sequences and batches.

    low, high: the shares of its values within 5% of either end of its range (of a gate, below 0.05 and above 0.95; of
    a tanh, beyond ±0.95); None where it has no such ends. dead_units: those of a relu that were zero throughout, else
    None.
    """

    layer: str
    gate: str
    mean: float
    low: float | None
    high: float | None
    dead_units: int | None
    units: int


@dataclass(frozen=True)
class Clipping:
    """How much clipping by the global norm acts. clip_norm None never does; clipped: the share of batches; scale: what
    their gradients are multiplied by, None where none is; mean_norm, largest_norm: of the whole gradient."""

    clip_norm: float | None
    clipped: float
    scale: float | None
    mean_norm: float
    largest_norm: float


@dataclass(frozen=True)
class CheckedParameter:
    """How far one parameter's gradient is from central differences: the worst relative error of `elements` of it."""

    name: str
    elements: int
    error: float


@dataclass(frozen=True)
class GradientCheck:
    """Gradients beside central differences in float64; a check passes where the worst error is within tolerance."""

    parameters: tuple[CheckedParameter, ...]
    tolerance: float

    @property
    def worst(self) -> CheckedParameter:
        return max(self.parameters, key=lambda one: one.error)

    @property
    def passed(self) -> bool:
        return self.worst.error <= self.tolerance


@dataclass(frozen=True)
class GradientReport:
    """Backward passes through some batches: the mean loss, gradients by lag, by parameter and by gate.

    at: which weights, "init", "best", "last" or "failure". lags: up to the longest of any layer. advice: sentences,
    each with the change to try as --set KEY=VALUE, if there is one.
    """

    at: str
    loss: float
    unit: str
    sequences: int
    batches: int
    lags: tuple[int, ...]
    layers: tuple[LayerGradients, ...]
    parameters: tuple[ParameterGradient, ...]
    gates: tuple[GateActivity, ...]
    clip: Clipping
    advice: tuple[str, ...]
    check: GradientCheck | None = None


@dataclass(frozen=True)
class Compared:
    """One network among those compared: what it is called, what is seen of it, and its score if it was trained."""

    name: str
    report: GradientReport
    score: Score | None = None


def by_part(layers: Sequence[LayerGradients]) -> list[list[LayerGradients]]:
    """The layers of each part of a network, such as an encoder: a gradient has to come back through one of them."""
    parts = dict.fromkeys(layer.part for layer in layers)
    return [[layer for layer in layers if layer.part == part] for part in parts]


def deepest(layers: Sequence[LayerGradients]) -> LayerGradients:
    """The layer with most left at its longest lag."""
    return max(layers, key=lambda layer: -1.0 if layer.reach.left is None else layer.reach.left)
