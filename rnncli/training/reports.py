"""Reports of training: frozen, plain values. The user interface draws them and knows nothing else of training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A sentence for the user about something inferred, or something that will take a while."""

    text: str


@dataclass(frozen=True)
class Started:
    """The report before the first update; `facts` are (label, text) pairs to show on data, model and run."""

    facts: tuple[tuple[str, str], ...]
    update: int
    updates: int
    unit: str
    resumed: bool


@dataclass(frozen=True)
class Progress:
    """A report after an update; its loss is a mean per token or value since the last evaluation, in the task's unit."""

    update: int
    updates: int
    epoch: int
    train_loss: float
    grad_norm: float
    learning_rate: float
    tokens_per_second: float


@dataclass(frozen=True)
class Memory:
    """The reach of gradients back in time in a layer, over lags up to `longest`; see `inspection.reports.Reach`."""

    layer: str
    longest: int
    half_life: float | None
    memory_1_percent: int | None
    left: float | None
    verdict: str


@dataclass(frozen=True)
class Evaluated:
    """The report after an evaluation, which is one line of metrics.jsonl.

    improved: these weights are the best so far. memory: one entry per layer under --watch-grads, else empty.
    """

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
    """A confusion matrix: counts[i][k] is how often the label labels[i] was predicted as labels[k]."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Score:
    """A score beside its baselines, (name, value) pairs in `unit`; lower is better unless `higher_is_better` is set."""

    split: str
    unit: str
    network: float
    baselines: tuple[tuple[str, float], ...]
    detail: str = ""
    higher_is_better: bool = False
    confusion: Confusion | None = None


@dataclass(frozen=True)
class Finished:
    """The report at the end of training; `score` is that of the best weights, None where nothing was held out."""

    score: Score | None
    best_update: int
    best_loss: float
    run: str


Report = Note | Started | Progress | Evaluated | Finished
