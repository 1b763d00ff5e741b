"""A run in a list of runs, as `rnncli runs` finds and shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

FINISHED, STOPPED, RUNNING, FAILED, DAMAGED = "finished", "stopped", "running", "failed", "damaged"
IMPORTED, STUDY, FOREIGN = "imported", "study", "no run"
BASIS = {  # keys of `data` that decide what a loss or a score is one of
    "split": ("validation", "test", "folds"),
    "tokens": ("tokens", "min_count", "vocabulary_size"),
    "items": ("items",),
    "target": ("target", "label", "horizon"),
    "values": ("missing", "duplicates", "resample", "aggregate", "na_values", "decimal", "thousands"),
}


def basis_of(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the aspects of BASIS as these keys of `data` have them: the values only of a forecast, which they are the
    truth of. Of a file that is a split only that there is one, since the hash of the data covers it."""

    def worded(aspect: str, key: str) -> str:
        value = data.get(key)
        return "a file" if aspect == "split" and isinstance(value, str | list) else str(value)

    aspects = {aspect: keys for aspect, keys in BASIS.items() if aspect != "values" or "horizon" in data}
    return {aspect: tuple(worded(aspect, key) for key in keys) for aspect, keys in aspects.items()}


def differing(bases: Iterable[Mapping[str, tuple[str, ...]]]) -> list[str]:
    """Return the aspects, such as data or split, in which bases differ; what is not known of one differs from none."""
    known: dict[str, set[tuple[str, ...]]] = {}
    for basis in bases:
        for aspect, value in basis.items():
            known.setdefault(aspect, set()).add(value)
    return [aspect for aspect, values in known.items() if len(values) > 1]


@dataclass(frozen=True)
class Listed:
    """A folder that holds a run, a study, or neither.

    state: one of the words above. steps, seconds: of training, as far as it went. score: as report.json has it, None
    where there is none. config: what the report says, of an unfinished run its state, by `section.key`. differs: the
    keys in which it differs from the runs that it compares with. best_of: their number, where this one is the best of
    them.
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
        """What two runs must share to be compared: task, data, split, unit and what was scored; tokens, where they are
        what the score is the mean of."""
        if self.score is None:
            return None
        scored = tuple(self.score.get(key) for key in ("split", "unit", "higher_is_better"))
        return (*self.basis.values(), *scored)

    @property
    def basis(self) -> dict[str, tuple[str, ...]]:
        """What the score is one of: the task, the data by their hash, and what `basis_of` tells."""
        basis = {"task": (str(self.task),), "data": (str(self.data_sha256),), **basis_of(self.data)}
        if "per token" not in str((self.score or {}).get("unit")):
            del basis["tokens"]
        return basis

    @property
    def data(self) -> dict[str, Any]:
        """The section `data` of the config."""
        return {key.removeprefix("data."): value for key, value in self.config.items() if key.startswith("data.")}

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
