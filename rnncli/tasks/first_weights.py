"""The first weights of a network: by its seed alone, and the vectors that its words start with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnncli.config.sections import Config

if TYPE_CHECKING:
    from rnncli.config.token_sections import VectorsConfig
    from rnncli.data.vectors import Vectors
    from rnncli.data.vocabulary import Vocabulary
    from rnncli.nn.network import Model


def set_first_weights(network: Model, config: Config) -> None:
    """Set a model's first weights, as a config defines them, from its seed alone."""
    model = config.model
    network.initialise(model.recurrent_init, model.recurrent_scale, config.training.seed, model.chrono_init)


def start_words(network: Model, data: VectorsConfig, vectors: Vectors | None, vocabulary: Vocabulary) -> None:
    """Start the embeddings of words with their vectors, if there are any, and freeze them if the config says so."""
    if data.vectors is None:
        return
    embedding = network.parameters.named("embedding.weight")
    embedding.frozen = data.freeze_vectors
    if vectors is not None:
        numbers, values = vectors.of(vocabulary)
        embedding.value[numbers] = values
        network.pack()
