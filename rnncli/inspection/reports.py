"""Reports of inspect-grads: frozen, plain values. A number that does not exist is None, one beyond float64 infinite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rnncli.training.listed import differing
from rnncli.training.reports import Score

INIT, BEST, LAST, FAILURE = "init", "best", "last", "failure"  # which weights are looked at

# The rule of a layer's verdict, and what its words mean.
MUCH, LITTLE = 100.0, 0.01
EXPLODING, VANISHING, HEALTHY, NO_GRADIENT = "exploding", "vanishing", "healthy", "no gradient"
RULE = (
    f"verdicts go by the lags within bptt, or within a sequence; exploding: at one of them the gradient through the "
    f"recurrence is more than {MUCH:g}× that at lag 0; vanishing: less than {LITTLE:.0%} of it is left at the last; "
    "healthy: neither"
)

UNEQUAL = 1.5  # ratio of tokens trained on from which it is said that networks were not trained alike
_LEAST = 1e-4  # smaller shares are as good as nothing, and their digits do not matter
NEAR_END = 0.05  # share of a gate's range from 0 to 1, or of a tanh's from 0 to ±1, that counts as an end


def percent(share: float) -> str:
    """Return a share as a percentage of the digits that matter, such as 53%, 3.9% or 0.28%."""
    if share >= 0.0995:
        return f"{100 * share:,.0f}%"
    return f"{100 * share:.2g}%" if share >= _LEAST else f"less than {100 * _LEAST:g}%"


def layer_name(part: str, layer: int, *, reverse: bool) -> str:
    """Return the name of a layer, such as `layer 0` or `encoder layer 1 backward`."""
    return " ".join(filter(None, (part, f"layer {layer}", "backward" if reverse else "")))


@dataclass(frozen=True)
class Reach:
    """The decay of a gradient with the lag, with 95% intervals; None where a value cannot be determined.

    decay: the factor per step through the recurrence, fitted over the lags up to 1%. half_life: the number of lags in
    which the gradient halves; None if it takes more than were looked at (half_life_above says how many these are) or if
    the gradient is measured not to fall (then half_life_above is None too). memory_1_percent: the first lag with at
    most 1% of lag 0, None where more is left at every lag. longest: the longest lag looked at, of which not all need be
    shown. judged: the last lag that training flows back through, or the longest one; left: the share of lag 0 that is
    left there; verdict: by the lags up to it, see RULE.
    """

    decay: float | None
    half_life: float | None
    half_life_above: int | None
    half_life_interval: tuple[float | None, float | None] | None
    memory_1_percent: int | None
    memory_interval: tuple[int | None, int | None] | None
    longest: int
    judged: int
    left: float | None
    verdict: str


@dataclass(frozen=True)
class StepJacobians:
    """The Jacobian of one step of the whole state, along the data, as means over `sequences` sequences.

    norm, smallest: its largest and smallest singular value by lag, for the step that ends there; None at lags that
    were not measured. hidden_norm: the largest singular value of ∂h_t/∂h_{t−1} alone. lyapunov: the leading exponent
    in nats per step, −inf where nothing comes through, None if no sequence was measured.
    """

    sequences: int
    norm: tuple[float | None, ...]
    smallest: tuple[float | None, ...]
    hidden_norm: tuple[float | None, ...]
    lyapunov: float | None

    def up_to(self, lag: int) -> StepJacobians:
        """Return these Jacobians with their curves up to this lag alone."""
        return replace(
            self, norm=self.norm[: lag + 1], smallest=self.smallest[: lag + 1], hidden_norm=self.hidden_norm[: lag + 1]
        )


@dataclass(frozen=True)
class LayerGradients:
    """Gradients by lag of one layer, or of one direction of it; lags count steps in the order in which it reads them.

    part: "encoder", "decoder" or "". reads_every_step: whether attention or a pooling reads all steps of this part,
    which is a way back of its own, so that gradients enter at every lag. gradient_norm_by_lag[k]: the norm of
    dL_T/dh_{T−k}; state_gradient_norm_by_lag: that of the whole state (h, c); both per sequence, averaged over the
    sequences that are that long. left_by_lag: the share of the latter at lag 0 that is left, for the same sequences.
    without_attention_by_lag, left_without_attention: the values of the whole state if attention passed nothing back,
    None where there is no attention. own_gradient_norm_by_lag, own_left_by_lag: the norms of the whole state, and their
    shares of lag 0, if the gradient came back through the layer's own recurrence only: what also comes through the
    layers above is depth, not memory. reach: that of the own recurrence, or, where reads_every_step, of the whole
    state. spectral_radius: that of the recurrent matrix, in gated cells that of their candidate;
    spectral_radius_by_gate: (gate, radius) of each gate.
    """

    layer: int
    part: str
    reverse: bool
    reads_every_step: bool
    gradient_norm_by_lag: tuple[float, ...]
    state_gradient_norm_by_lag: tuple[float, ...]
    left_by_lag: tuple[float, ...]
    without_attention_by_lag: tuple[float, ...] | None
    left_without_attention: tuple[float, ...] | None
    own_gradient_norm_by_lag: tuple[float, ...]
    own_left_by_lag: tuple[float, ...]
    reach: Reach
    jacobians: StepJacobians
    spectral_radius: float | None
    spectral_radius_by_gate: tuple[tuple[str, float | None], ...]

    @property
    def name(self) -> str:
        return layer_name(self.part, self.layer, reverse=self.reverse)

    @property
    def memory_by_lag(self) -> tuple[float, ...]:
        """The shares by lag that `reach` is about."""
        return self.left_by_lag if self.reads_every_step else self.own_left_by_lag

    def up_to(self, lag: int) -> LayerGradients:
        """Return this layer with its curves up to this lag alone; `reach` stays that of all lags looked at."""
        curves = {name: curve[: lag + 1] for name in _CURVES if (curve := getattr(self, name)) is not None}
        return replace(self, jacobians=self.jacobians.up_to(lag), **curves)


_CURVES = (
    "gradient_norm_by_lag",
    "state_gradient_norm_by_lag",
    "left_by_lag",
    "without_attention_by_lag",
    "left_without_attention",
    "own_gradient_norm_by_lag",
    "own_left_by_lag",
)


@dataclass(frozen=True)
class ParameterGradient:
    """Norms of one parameter, with PyTorch's name and shape, as means over the batches.

    ratio = grad_norm / weight_norm, update_ratio = (norm of the optimizer's update) / weight_norm; None for zero
    weights. zero_share: the share of its gradient's elements that are exactly zero. signal_to_noise: the norm of the
    mean gradient over the root mean square distance of a batch's gradient from it; None for one batch.
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
    """Activity of one gate of a layer, over all steps, sequences and batches.

    low, high: the shares of its values within 5% of either end of its range (of a gate, below 0.05 and above 0.95;
    of a tanh, beyond ±0.95); None where it has no such ends. dead_units: the number of relu units that were zero
    throughout, None for other activations.
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
    """The effect of clipping by the global norm; a clip_norm of None never clips.

    clipped: the share of batches that are clipped. scale: the mean factor of their gradients, None without any.
    mean_norm, largest_norm: those of the whole gradient.
    """

    clip_norm: float | None
    clipped: float
    scale: float | None
    mean_norm: float
    largest_norm: float


@dataclass(frozen=True)
class CheckedParameter:
    """The check of one parameter by central differences: the worst relative error of `elements` of its elements."""

    name: str
    elements: int
    error: float


@dataclass(frozen=True)
class GradientCheck:
    """The check of gradients by central differences in float64; it passes if the worst error is within tolerance."""

    parameters: tuple[CheckedParameter, ...]
    tolerance: float

    @property
    def worst(self) -> CheckedParameter:
        return max(self.parameters, key=lambda one: one.error)

    @property
    def passed(self) -> bool:
        return self.worst.error <= self.tolerance


@dataclass(frozen=True)
class Advice:
    """A sentence about what was found, and changes to try, each one or more `--set KEY=VALUE`."""

    text: str
    tries: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.text}. Try {', or '.join(self.tries)}" if self.tries else self.text


@dataclass(frozen=True)
class GradientReport:
    """Results of backward passes through some batches: the mean loss, gradients by lag, by parameter and by gate.

    at: the weights, "init", "best", "last" or "failure". loss, batches: of the updates looked at. sequences: those
    whose gradient by lag was measured. lags: 0 to the longest of any layer.
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
    advice: tuple[Advice, ...]
    check: GradientCheck | None = None

    def up_to(self, lag: int) -> GradientReport:
        """Return this report with curves up to this lag alone; verdicts and advice go by all lags looked at."""
        return replace(self, lags=self.lags[: lag + 1], layers=tuple(layer.up_to(lag) for layer in self.layers))


@dataclass(frozen=True)
class Trained:
    """How long weights were trained: the updates, and the tokens (or values) that their losses counted."""

    updates: int
    tokens: int


@dataclass(frozen=True)
class Basis:
    """What a loss is the loss of, by aspect: losses on different bases cannot be compared."""

    aspects: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Compared:
    """One of the networks compared: its name, its report, and its score if it was trained for the comparison.

    trained: how long its weights were trained, None if unknown. basis: None if unknown.
    """

    name: str
    report: GradientReport
    score: Score | None = None
    trained: Trained | None = None
    basis: Basis | None = None


def incomparable(compared: Sequence[Compared]) -> list[str]:
    """Return the aspects, such as data or split, in which the bases of losses differ."""
    return differing(one.basis.aspects for one in compared if one.basis is not None)


def unequal(compared: Sequence[Compared]) -> tuple[int, int] | None:
    """Return the fewest and the most tokens that trained networks saw, if these differ by more than UNEQUAL."""
    tokens = [one.trained.tokens for one in compared if one.trained is not None and one.trained.updates]
    if len(tokens) < 2 or max(tokens) <= UNEQUAL * min(tokens):
        return None
    return min(tokens), max(tokens)


def by_part(layers: Sequence[LayerGradients]) -> list[list[LayerGradients]]:
    """Group the layers by part of the network, such as an encoder: a gradient must come back through one of each."""
    parts = dict.fromkeys(layer.part for layer in layers)
    return [[layer for layer in layers if layer.part == part] for part in parts]


def deepest(layers: Sequence[LayerGradients]) -> LayerGradients:
    """Return the layer with the largest share of the gradient left at the lag that verdicts go by."""
    return max(layers, key=lambda layer: -1.0 if layer.reach.left is None else layer.reach.left)
