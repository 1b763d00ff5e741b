"""What a config asks of the recurrence in a network's layers."""

from __future__ import annotations

from rnncli.config.model_section import ModelConfig
from rnncli.nn.recurrence import Recurrence


def recurrence_of(model: ModelConfig) -> Recurrence:
    return Recurrence(model.cap_input_gate, model.weight_drop, model.state_dropout)
