"""What a task is. `tasks.registry` names them; workflows know tasks only through these two protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from rnncli.config.schema import Config
from rnncli.data.source import Source
from rnncli.models.network import Network
from rnncli.models.workspace import Workspace
from rnncli.training.loop import Learner
from rnncli.training.reports import Score
from rnncli.training.threads import ThreadPool


class Trainee(Protocol):
    """A network and its data, ready to be trained."""

    config: Config  # every null that the data decides is filled in
    network: Network
    learner: Learner
    facts: tuple[tuple[str, str], ...]  # (label, text) for the user: what was read, what is built

    def header(self) -> dict[str, Any]:
        """What a model file must say to be used alone; nothing that depends on threads, paths or the clock."""

    def score(self) -> Score | None:
        """The current weights beside their floors, on the test part or else the validation part."""


class Task(Protocol):
    """One task."""

    name: str

    def prepare(self, config: Config, source: Source, pool: ThreadPool, notes: list[str]) -> Trainee:
        """Read `source` as `config` says, fill in what is null, and build a network with its first weights."""

    def open(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Any:
        """The trained model in a model file; what it can do depends on the task."""

    def inspection(
        self, config: Config, source: Source | None, header: Mapping[str, Any] | None, notes: list[str]
    ) -> Inspection:
        """One float64 window of the data for `inspect-grads`; a header fixes vocabulary and shapes."""


class Inspection:
    """A float64 network, a window filled with data, and how to backpropagate from all steps or from the last."""

    def __init__(self, network: Network, work: Workspace, backward: Any):
        self.network, self.work, self.backward = network, work, backward
