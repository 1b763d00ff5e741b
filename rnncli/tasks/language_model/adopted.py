"""A network of another program as a language model."""

from __future__ import annotations

from typing import Any

from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import UsageError, amount
from rnncli.tasks.adopting import Adopted, Given, config_of, kind_of, model_of, with_unknown_first
from rnncli.tasks.language_model.config import LanguageModelConfig

_KEPT = ("tokens", "words", "encoding", "items")


def adopted(given: Given) -> Adopted:
    """Return the config and the header of this network; UsageError where it is none of a language model."""
    network, tokens = given.network, given.tokens
    if tokens is None:
        raise UsageError("a language model needs the tokens that it reads and writes; name them with --vocabulary FILE")
    if network.bidirectional:
        raise UsageError(f"{given.where}: reads its text from both ends, so that it cannot go on with one")
    if network.outputs != len(tokens):
        raise UsageError(
            f"{given.where}: has {amount(network.outputs, 'output')}, and the vocabulary {amount(len(tokens), 'token')}"
        )
    kind = kind_of(tokens, given.keys)
    data = {"tokens": kind, "encoding": "utf-8", "items": "stream"}
    model = model_of(network) | ({"tied_embeddings": True} if network.tied else {})
    config = config_of("language-model", given, data, model, LanguageModelConfig)
    arrays, tokens = with_unknown_first(given, writes=True)
    header: dict[str, Any] = {
        "task": config.task,
        "data": {key: getattr(config.data, key) for key in _KEPT},
        "model": config.model.model_dump(),
        "vocabulary": Vocabulary(tokens, config.data.tokens).to_header(),
    }
    return Adopted(config, header, arrays)
