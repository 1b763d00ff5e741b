"""What `rnncli tune` has tried, as the user interface shows it: plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

FINISHED, PAUSED, RUNNING, FAILED = "finished", "paused", "running", "failed"
_MOST = 2**53  # updates


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

    def require_sound(self) -> None:
        """Raise ValueError for what no training comes to, such as the numbers of an edited journal."""
        if not all(map(math.isfinite, (self.figure, self.loss, self.seconds))):
            raise ValueError("an outcome has a number that is not finite")
        if not (0 <= self.update < _MOST and 1 <= self.updates < _MOST and self.seconds >= 0):
            raise ValueError("an outcome has counts that no run has")


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

    def require_sound(self, keys: Set[str], rungs: int) -> None:
        """Raise ValueError for what no trial is in a search of these keys over so many rungs."""
        for outcome in self.outcomes:
            outcome.require_sound()
        least, most = {FINISHED: (rungs, rungs), PAUSED: (1, rungs - 1)}.get(self.state, (0, rungs))
        if not least <= self.rung <= most:
            raise ValueError(f"trial {self.number} is {self.state} at rung {self.rung} of {rungs}")
        to_come = not self.settings and (self.number == 0 or self.state == RUNNING)
        if self.settings.keys() != keys and not to_come:
            raise ValueError(f"trial {self.number} has no value, or one too many, of what is searched")


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


def require_alike(trials: Iterable[Trial]) -> None:
    """Raise ValueError where more is better in one outcome and less in another."""
    if len({outcome.higher_is_better for trial in trials for outcome in trial.outcomes}) > 1:
        raise ValueError("more is better in one outcome, and less in another")
