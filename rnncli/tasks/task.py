"""What a task is. `tasks.registry` names them; workflows know tasks only through these two protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from rnncli.config.schema import Config
from rnncli.data.source import Source
from rnncli.nn.network import FLOAT32, Model
from rnncli.training.loop import Learner
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool


class Trainee(Protocol):
    """A network and its data, ready to be trained."""

    @property
    def config(self) -> Config:
        """With every null filled in that the data decides."""

    @property
    def network(self) -> Model: ...

    @property
    def learner(self) -> Learner: ...

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """(label, text) for the user: what was read, what is built."""

    def header(self) -> dict[str, Any]:
        """What a model file must say to be used alone; nothing that depends on threads, paths or the clock."""

    def hold_out(self, source: Source, changes: Mapping[str, Any], notes: list[str]) -> None:
        """Score on these data in place of the test part; `changes` to the config's `data` say how they are read."""

    def score(self) -> Score | None:
        """The current weights beside their floors, on the test part or else the validation part."""


class Task(Protocol):
    """One task."""

    name: str

    def prepare(
        self, config: Config, source: Source, pool: ThreadPool, notes: list[str], dtype: np.dtype = FLOAT32,
        learnt: Mapping[str, Any] | None = None,
    ) -> Trainee:  # fmt: skip
        """Read `source` as `config` says, fill in what is null, and build a network with its first weights.

        learnt: the header of a model, whose vocabulary, labels and scales are taken in place of new ones.
        """

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
        """The trained model in a model file; what it can do depends on the task."""
