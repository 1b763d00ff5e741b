"""Reports of training: frozen, plain values. The user interface draws them and knows nothing else of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rnncli.data.typed import typed
from rnncli.training.headline import Headline

if TYPE_CHECKING:
    from rnncli.training.paired_bootstrap import Compared

NETWORK = "network"  # who answers, where no baseline does


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
class Figure:
    """A figure of the network that a score prints, by its name, such as an accuracy.

    count: of how many answers. margin: the difference up to which two figures count as equal, so that the loss decides.
    power: of the errors of which it is the mean, 2 for the root of a mean of squares.
    """

    name: str
    value: float
    count: int = 1
    higher_is_better: bool = True
    margin: float = 0.0
    power: int = 1


@dataclass(frozen=True)
class Evaluated:
    """The report after an evaluation, which is one line of metrics.jsonl.

    train_loss, grad_norm: None before the first update. valid_loss: None where nothing is held out. improved: these
    weights are kept, as the best so far or, where nothing is held out, as the last. figure: that of the validation
    split which the score prints, unless it is the loss. averaged: whether valid_loss and figure are of the average of
    the weights, since that was the better; losses: on validation, of the weights and of their average, where there is
    one. memory: one entry per layer under --watch-grads, else empty. notes: what happened since the scheduled
    evaluation before, such as a change at a resume.
    """

    step: int
    epoch: int
    tokens: int
    seconds: float
    train_loss: float | None
    valid_loss: float | None
    learning_rate: float
    grad_norm: float | None
    tokens_per_second: float
    improved: bool
    reason: str  # "scheduled", "finished", "patience" or "stopped"
    figure: Figure | None = None
    averaged: bool = False
    losses: tuple[float, float] | None = None
    memory: tuple[Memory, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix. pairs: (i, k, count), how often labels[i] was predicted as labels[k], where it ever was."""

    labels: tuple[str, ...]
    pairs: tuple[tuple[int, int, int], ...]

    def rows(self) -> Iterator[list[int]]:
        """Yield the whole matrix by row."""
        of_row: dict[int, list[tuple[int, int]]] = {}
        for i, k, count in self.pairs:
            of_row.setdefault(i, []).append((k, count))
        for i in range(len(self.labels)):
            row = [0] * len(self.labels)
            for k, count in of_row.get(i, ()):
                row[k] = count
            yield row

    def largest(self) -> list[tuple[str, str, int]]:
        """Return (actual, predicted, count) of all confusions of two labels, the most frequent first."""
        wrong = sorted((-count, i, k) for i, k, count in self.pairs if i != k)
        return [(self.labels[i], self.labels[k], -count) for count, i, k in wrong]


@dataclass(frozen=True)
class LabelScore:
    """How well one label is found; support: the number of examples, or steps, that have it."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Fit:
    """Whether a network over- or under-fits, in a word; the losses that say so; what to `change`, as `--set` takes it.

    See `rnncli.training.fit`.
    """

    verdict: str
    losses: str
    change: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the verdict as a sentence."""
        tried = f"; try {' '.join(f'--set {one}' for one in self.change)}" if self.change else ""
        return f"the network {self.verdict}: {self.losses}{tried}"

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as `train -f json` and report.json have it."""
        return {"verdict": self.verdict, "text": self.text(), "set": list(self.change)}


@dataclass(frozen=True)
class Compressed:
    """How well compressors do on the same text: (name, bits per `unit`) pairs, given the training split."""

    unit: str
    bits: tuple[tuple[str, float], ...]

    def text(self) -> str:
        """Return the figures as a sentence."""
        found = ", ".join(f"{name} {bits:.3f}" for name, bits in self.bits)
        return f"bits per {self.unit}: {found}, given the training split"


@dataclass(frozen=True)
class Score:
    """A score beside its baselines, (name, value) pairs in `unit`, the strongest first; lower is better unless
    `higher_is_better` is set.

    figures: further (name, value) pairs of the network. labels: a score for each label that occurs or was predicted.
    verdicts: by the name of a baseline whether the network is better, in words, where that was tested. independent: on
    how many independent groups, or other things. compressed: what compressors make of the same text, which is no
    baseline. compared: the errors that verdicts come from, in no header. used: who answers, "network" or the name of a
    baseline; empty for tasks of which always the network does. headline: the same as a sentence that people can use.
    """

    split: str
    unit: str
    network: float
    baselines: tuple[tuple[str, float], ...]
    detail: str = ""
    higher_is_better: bool = False
    confusion: Confusion | None = None
    figures: tuple[tuple[str, float], ...] = ()
    labels: tuple[LabelScore, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    used: str = ""
    headline: Headline | None = None
    independent: int | None = None
    compressed: Compressed | None = None
    compared: Compared | None = field(default=None, compare=False, repr=False)

    def judged(self, compared: Compared) -> Score:
        """Return the score with the verdicts on these errors."""
        return replace(self, verdicts=compared.verdicts(), independent=compared.count, compared=compared)

    def to_header(self) -> dict[str, Any]:
        header = asdict(replace(self, compared=None))
        del header["compared"]
        if self.compressed is None:
            del header["compressed"]
        return header

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Score:
        """Return the score whose `to_header` is read from JSON; ValueError if it is none."""
        return typed(cls, header, "cross_validated", compared=None)


def strongest_first(baselines: Mapping[str, float], *, higher_is_better: bool = False) -> tuple[tuple[str, float], ...]:
    """Return the scores of baselines as a `Score` has them."""
    return tuple(sorted(baselines.items(), key=lambda one: one[1], reverse=higher_is_better))


@dataclass(frozen=True)
class Finished:
    """The report at the end of training; `score` is that of the weights that are kept, None where nothing was held out.

    kept: which these are: "best", "last" where nothing was held out for validation, or "cross-validated" if they were
    trained on all data for as long as cross-validation found best. next: the command to go on with. averaged: whether
    they are an average. fit: whether it over- or under-fits, None where that cannot be told.
    """

    score: Score | None
    best_update: int
    best_loss: float
    run: str
    kept: str = "best"
    next: tuple[str, ...] = ()
    averaged: bool = False
    fit: Fit | None = None


Report = Note | Started | Progress | Evaluated | Finished
