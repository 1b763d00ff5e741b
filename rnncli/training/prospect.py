"""What a training would be, as `rnncli check` tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prospect:
    """A training that was prepared but not begun.

    facts: (label, text), as training shows them. chosen: what the data choose, by key. memory: bytes that the network
    and its training take. seconds: of updates and evaluations, as a calibration measured them; without compilation,
    baselines and scores. limited: True if training.max_time ends it.
    """

    facts: tuple[tuple[str, str], ...]
    chosen: Mapping[str, Any] = field(default_factory=dict)
    parameters: int = 0
    memory: int = 0
    available_memory: int = 0
    updates: int = 0
    epochs: float = 0.0
    seconds: float = 0.0
    limited: bool = False
