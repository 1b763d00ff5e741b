"""What `rnncli tune` has tried, as the user interface shows it: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FINISHED, PAUSED, RUNNING, FAILED = "finished", "paused", "running", "failed"


@dataclass(frozen=True)
class Outcome:
    """What validation says of a run so far, at the weights that it keeps.

    figure: that which training judges by, called `name`: the loss in its unit, or such as an accuracy, of which more is
    better (`higher_is_better`). loss: of the same weights. update, updates: how far it is. seconds: of training.
    """

    name: str
    figure: float
    higher_is_better: bool
    loss: float
    update: int
    updates: int
    seconds: float

    @property
    def error(self) -> float:
        """The figure, lower being better."""
        return -self.figure if self.higher_is_better else self.figure

    @property
    def order(self) -> tuple[float, float]:
        """What to sort by: the better one first."""
        return (self.error, self.loss)


@dataclass(frozen=True)
class Trial:
    """One trial; number 0 is the config as it is. settings: the searched keys and their values.

    state: one of the words above. outcomes: at the rungs that it has reached. why: it failed.
    """

    number: int
    run: str
    settings: Mapping[str, Any]
    state: str
    outcomes: tuple[Outcome, ...] = ()
    why: str = ""

    @property
    def rung(self) -> int:
        """How many rungs it has reached."""
        return len(self.outcomes)

    @property
    def outcome(self) -> Outcome | None:
        """The last one; None before the first rung."""
        return self.outcomes[-1] if self.outcomes else None


@dataclass(frozen=True)
class Begun:
    """A trial is trained up to a share of its updates.

    seed: of a trial that is trained again from it.
    """

    trial: Trial
    share: float
    seed: int | None = None


@dataclass(frozen=True)
class Ended:
    """A trial has come to this share of its updates, or failed."""

    trial: Trial
    share: float
    seed: int | None = None


@dataclass(frozen=True)
class Again:
    """A trial trained from several seeds; figures: those that came out, its own first."""

    number: int
    figures: tuple[float, ...]


@dataclass(frozen=True)
class Tuned:
    """The end of a study. ranked: its trials, the best first. baseline: the strongest on validation, if that is known.

    seeds: the best two from several seeds, and the sentence that this gives, empty while they are to be trained.
    importance: by key, a share of 1. best: the number of the trial whose config is in `config`. score: that of the
    best one's report.json. by_score: which trial leads by the final scores, in words, where that is another measure.
    left: what is yet to be done, in words, or nothing.
    """

    study: str
    ranked: tuple[Trial, ...]
    rungs: tuple[float, ...]
    name: str
    higher_is_better: bool
    best: int
    config: str
    importance: Mapping[str, float] = field(default_factory=dict)
    seeds: tuple[Again, ...] = ()
    sentence: str = ""
    baseline: tuple[str, float] | None = None
    score: Mapping[str, Any] | None = None
    by_score: str = ""
    left: str = ""
