"""A model's first weights, as a config wants them."""

from __future__ import annotations

from rnncli.config.schema import Config
from rnncli.nn.network import Model


def set_first_weights(network: Model, config: Config) -> None:
    """From the seed alone."""
    model = config.model
    network.initialise(model.recurrent_init, model.recurrent_scale, config.training.seed, model.chrono_init)
