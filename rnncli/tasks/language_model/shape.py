"""The network that a config of a language model describes."""

from __future__ import annotations

from rnncli.data.text import WORDS
from rnncli.data.vectors import Vectors
from rnncli.errors import ConfigError
from rnncli.nn.network import NetworkShape
from rnncli.tasks.around_layers import around_layers
from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.recurrence import recurrence_of


def with_embedding(config: LanguageModelConfig, vectors: Vectors | None) -> LanguageModelConfig:
    """Return the config with the size of token vectors: that of given vectors; but for characters and single bytes,
    which need none unless they are tied, that of the hidden state. ConfigError if they are tied to a head that they do
    not fit."""
    model = config.model
    embedding = vectors.embedding_size(model.embedding_size) if vectors else model.embedding_size
    if embedding is None and (config.data.tokens in (*WORDS, "bpe") or model.tied_embeddings):
        embedding = model.hidden_size
    if model.tied_embeddings and model.skip_connections:
        raise ConfigError("model.tied_embeddings: with skip connections the head reads all layers; remove one of them")
    if model.tied_embeddings and embedding != model.hidden_size:
        raise ConfigError(
            f"model.tied_embeddings: token vectors have {embedding} numbers, and the hidden state "
            f"{model.hidden_size}; set model.hidden_size={embedding}"
        )
    return config.changed(model={"embedding_size": embedding})


def network_shape(config: LanguageModelConfig, vocabulary_size: int) -> NetworkShape:
    model = config.model
    return NetworkShape(
        cell=model.cell,
        input_size=vocabulary_size,
        hidden_size=model.hidden_size,
        num_layers=model.num_layers,
        output_size=vocabulary_size,
        token_input=True,
        embedding_size=model.embedding_size,
        activation=model.activation,
        dropout=model.dropout,
        recurrence=recurrence_of(model),
        precision=config.training.precision,
        tied_embeddings=model.tied_embeddings,
        **around_layers(model, "one-hot" if model.embedding_size is None else "vectors"),
    )
