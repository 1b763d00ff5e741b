"""What training tells the world: frozen, plain values; the user interface draws them and knows nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A sentence for the user: something inferred, or something that will take a while."""

    text: str


@dataclass(frozen=True)
class Started:
    """Before the first update. `facts` are (label, text) pairs to show: data, model, plan."""

    facts: tuple[tuple[str, str], ...]
    update: int
    updates: int
    unit: str
    resumed: bool


@dataclass(frozen=True)
class Progress:
    """After an update. Losses are means per token (or value) since the last evaluation, in the task's unit."""

    update: int
    updates: int
    epoch: int
    train_loss: float
    grad_norm: float
    learning_rate: float
    tokens_per_second: float


@dataclass(frozen=True)
class Memory:
    """How far back gradients reach in a layer, over lags up to the longest; see `gradient_reports.Reach`."""

    layer: str
    longest: int
    half_life: float | None
    memory_1_percent: int | None
    left: float | None
    verdict: str


@dataclass(frozen=True)
class Evaluated:
    """One line of metrics.jsonl. `improved` says that these weights are the best so far; memory is empty unless it is
    watched."""

    step: int
    epoch: int
    tokens: int
    seconds: float
    train_loss: float
    valid_loss: float
    learning_rate: float
    grad_norm: float
    tokens_per_second: float
    improved: bool
    reason: str  # "scheduled", "finished", "patience" or "stopped"
    memory: tuple[Memory, ...] = ()


@dataclass(frozen=True)
class Confusion:
    """counts[i][k]: how many sequences labelled labels[i] were predicted to be labels[k]."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Score:
    """A result beside its floors: (name, value) pairs in `unit`, lower is better unless it says otherwise."""

    split: str
    unit: str
    network: float
    floors: tuple[tuple[str, float], ...]
    detail: str = ""
    higher_is_better: bool = False
    confusion: Confusion | None = None


@dataclass(frozen=True)
class Judged:
    """One forecaster in a backtest: its means; how probably the network is better, and that in words."""

    name: str
    mae: float
    rmse: float
    smape: float
    mase: float
    rmsse: float
    network_better: float | None = None
    verdict: str = ""


@dataclass(frozen=True)
class Covered:
    """An interval of `asked` percent held `got` percent of `count` values."""

    asked: float
    got: float
    count: int


@dataclass(frozen=True)
class BacktestReport:
    """A rolling-origin backtest: the network first, then what needs no learning. wql is the network's, if it has
    intervals. independent: how many groups of windows share nothing, which is what verdicts rest on."""

    split: str
    windows: int
    step: int
    horizon: int
    series: int
    independent: int
    forecasters: tuple[Judged, ...]
    wql: float | None
    coverage: tuple[Covered, ...]


@dataclass(frozen=True)
class Finished:
    """The end of training: the best weights' score, None where nothing was held out."""

    score: Score | None
    best_update: int
    best_loss: float
    run: str


@dataclass(frozen=True)
class ParameterGradient:
    """One parameter, by PyTorch's name and shape. ratio = grad_norm / weight_norm, None for zero weights."""

    name: str
    shape: tuple[int, ...]
    weight_norm: float
    grad_norm: float
    ratio: float | None


@dataclass(frozen=True)
class LayerGradients:
    """gradient_norm_by_lag[k] is the norm of dL_T/dh_{T−k}, per sequence, averaged over sequences."""

    layer: int
    gradient_norm_by_lag: tuple[float, ...]


@dataclass(frozen=True)
class GradientReport:
    """One backward pass: the mean loss of the window, gradients by lag and by parameter."""

    loss: float
    unit: str
    sequences: int
    lags: tuple[int, ...]
    layers: tuple[LayerGradients, ...]
    parameters: tuple[ParameterGradient, ...]


@dataclass(frozen=True)
class ForecastChart:
    """A series and what follows it, oldest first, in its own units: `title` is a series' id or the target's name.

    history and forecast pair a label (a stamp or a row's number) with a value, None where it is missing; a forecast
    has at least one row. A band is (level in percent, lows, highs) with one low and one high per row of the forecast;
    bands stand in any order.
    """

    title: str
    history: tuple[tuple[str, float | None], ...]
    forecast: tuple[tuple[str, float], ...]
    bands: tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]


Report = Note | Started | Progress | Evaluated | Finished
