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
    """How far back gradients reach in a layer, over lags up to the longest; see `inspection.reports.Reach`."""

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
    """A result beside its baselines: (name, value) pairs in `unit`, lower is better unless it says otherwise."""

    split: str
    unit: str
    network: float
    baselines: tuple[tuple[str, float], ...]
    detail: str = ""
    higher_is_better: bool = False
    confusion: Confusion | None = None


@dataclass(frozen=True)
class Finished:
    """The end of training: the best weights' score, None where nothing was held out."""

    score: Score | None
    best_update: int
    best_loss: float
    run: str


Report = Note | Started | Progress | Evaluated | Finished
