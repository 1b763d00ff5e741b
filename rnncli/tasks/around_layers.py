"""What a config asks for around the recurrent layers of a network that is one stack, for its shape."""

from __future__ import annotations

from typing import Any, Literal

from rnncli.config.model_section import StackModelConfig
from rnncli.errors import ConfigError

Read = Literal["numbers", "one-hot", "vectors", "composed"]  # composed: vectors of words, from their characters


def around_layers(model: StackModelConfig, reads: Read) -> dict[str, Any]:
    """Return the arguments of a `NetworkShape`. ConfigError if what it reads has nothing that a key could act on."""
    rows = getattr(model, "embedding_dropout", 0.0)
    if reads == "one-hot" and model.input_dropout:
        raise ConfigError(
            "model.input_dropout: one-hot tokens have no vectors; set model.embedding_size, or use "
            "model.embedding_dropout"
        )
    if reads == "numbers" and rows:
        raise ConfigError("model.embedding_dropout: numbers are no tokens; use model.input_dropout")
    if reads == "composed" and rows:
        raise ConfigError(
            "model.embedding_dropout: words that are composed from characters are not looked up whole; use "
            "model.word_dropout, or set model.character_size: 0"
        )
    return {
        "skip_connections": model.skip_connections,
        "input_dropout": model.input_dropout,
        "output_dropout": model.output_dropout,
        "variational_dropout": model.variational_dropout,
        "embedding_dropout": rows,
    }
