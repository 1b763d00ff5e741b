"""A run in a list of runs, as `rnncli runs` finds and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FINISHED, STOPPED, RUNNING, FAILED, DAMAGED = "finished", "stopped", "running", "failed", "damaged"
IMPORTED, STUDY, FOREIGN = "imported", "study", "no run"
BASIS = {  # keys of `data` that decide what a loss or a score is one of
    "split": ("validation", "test", "folds"),
    "tokens": ("tokens", "min_count", "vocabulary_size"),
    "target": ("target", "label", "horizon"),
    "values": ("missing", "duplicates", "resample", "aggregate", "na_values", "decimal", "thousands"),
}


def aspects_of(data: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Return, by the aspects of BASIS, what a loss or a score of a run with these keys of `data` is one of; the values
    only of a forecast, which they are the truth of."""
    return {
        aspect: tuple(data.get(key) for key in keys)
        for aspect, keys in BASIS.items()
        if aspect != "values" or "horizon" in data
    }


@dataclass(frozen=True)
class Listed:
    """A folder that holds a run, a study, or neither.

    state: one of the words above. steps, seconds: of training, as far as it went. score: as report.json has it, None
    where there is none. config: what the report says, by `section.key`. differs: the keys in which it differs from the
    runs that it compares with. best_of: their number, where this one is the best of them.
    """

    path: str
    state: str
    task: str | None = None
    score: Mapping[str, Any] | None = None
    steps: int | None = None
    seconds: float | None = None
    ended: str | None = None
    data_sha256: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    differs: Mapping[str, Any] = field(default_factory=dict)
    best_of: int | None = None

    @property
    def comparable(self) -> tuple[Any, ...] | None:
        """What two runs must share to be compared: task, data, split, unit and what was scored. Of a file only that
        there is one, since the hash of the data covers it; tokens, where they are what the score is the mean of."""
        if self.score is None:
            return None
        scored = tuple(self.score.get(key) for key in ("split", "unit", "higher_is_better"))
        aspects = aspects_of({key.removeprefix("data."): value for key, value in self.config.items()})
        aspects["split"] = tuple("a file" if isinstance(one, str | list) else one for one in aspects["split"])
        if "per token" not in str(self.score.get("unit")):
            del aspects["tokens"]
        return (self.task, self.data_sha256, *scored, *(str(values) for values in aspects.values()))

    @property
    def can_be_evaluated(self) -> bool:
        """Whether there is a split to score it on, and a file of its data."""
        return self.score is not None and self.config.get("data.path") is not None

    @property
    def error(self) -> float:
        """The score of the network, lower being better; infinity where there is none."""
        if self.score is None:
            return float("inf")
        value = float(self.score["network"])
        return -value if self.score.get("higher_is_better") else value
