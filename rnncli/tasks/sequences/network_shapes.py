"""The networks that classify, regress and tag share: their shapes, and whether they fit in memory."""

from __future__ import annotations

from typing import Any

from rnncli.config.sections import Config
from rnncli.errors import ConfigError
from rnncli.nn.memory import require_memory
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.around_layers import Read, around_layers
from rnncli.tasks.recurrence import recurrence_of
from rnncli.tasks.sequences.answers import Answers
from rnncli.tasks.sequences.config import LabelledConfig, StepModelConfig
from rnncli.tasks.sequences.readers import Numbers, Reader, Words
from rnncli.training.room import Room

_LETTERS = 10  # of a word, about
_MANY_TAGS = 1000  # from which on a chain may take more memory than all else


def network_shape(config: Config, reader: Reader, answers: Answers, number: int) -> NetworkShape:
    """Return the shape of the network of this number that the config describes, for the reader's inputs."""
    model, tokens = config.model, not isinstance(reader, Numbers)
    assert isinstance(model, StepModelConfig)
    characters = len(reader.characters) if isinstance(reader, Words) and model.character_size else 0
    vectors: Read = "composed" if characters else "vectors" if model.embedding_size else "one-hot"
    reads: Read = vectors if tokens else "numbers"
    affixes = reader.affixes.sizes if isinstance(reader, Words) and reader.affixes else ()
    return NetworkShape(
        cell=model.cell,
        input_size=reader.size,
        hidden_size=model.hidden_size,
        num_layers=model.num_layers,
        output_size=answers.outputs,
        token_input=tokens,
        embedding_size=model.embedding_size if tokens else None,
        activation=model.activation,
        dropout=model.dropout,
        recurrence=recurrence_of(model),
        precision=config.training.precision,
        bidirectional=model.bidirectional,
        pooling=None if answers.every_step else getattr(model, "pooling", None) or "last",
        head_starts_at_zero=answers.corrects(number),
        drops_ends=answers.every_step,
        word_dropout=model.word_dropout,
        characters=characters,
        character_size=(model.character_size or 0) if characters or not answers.every_step else 0,
        affixes=affixes,
        affix_size=getattr(model, "affix_size", 0) if affixes else 0,
        crf=getattr(model, "head", None) == "crf",
        **around_layers(model, reads),
    )


def word_size(config: Config) -> int | None:
    """Return the size of word vectors that the config names, by default as many as hidden units; None if it is that of
    the vectors in `data.vectors`."""
    assert isinstance(config.model, StepModelConfig)
    assert isinstance(config.data, LabelledConfig)
    return config.model.embedding_size or (None if config.data.vectors else config.model.hidden_size)


def require_memory_of(shape: NetworkShape, room: Room[Any], count: int) -> None:
    """Raise ConfigError if `count` networks and their batches cannot fit in memory."""
    T, B = int(room.longest[0]), room.together(room.longest)

    def plan() -> Network:
        network = Network(shape)
        network.workspace(T, B, 1 if shape.pooling else T, training=True)
        if network.words:
            network.words.memory_of(T * B, _LETTERS)
        return network

    spelt = "model.character_size, " if shape.characters else ""
    fewer = "training.seeds, " if count > 1 else ""
    mend = f"lower {fewer}{spelt}model.hidden_size or training.batch_size"
    if shape.crf and shape.output_size > _MANY_TAGS:
        mend = f"{shape.output_size:,} tags have a chain of so many squared; set model.head: softmax, or {mend}"
    if B == 1:
        cut = "cut it with data.max_length" if shape.pooling else "give it as several"
        mend = f"one sequence of {T:,} steps takes so much; {cut}, or lower {fewer}{spelt}model.hidden_size"
    require_memory(plan, shape, mend, count)


def require_words(config: Config, *, words: bool) -> None:
    """Raise ConfigError if keys that are for words alone are set for other data."""
    model = config.model
    assert isinstance(model, StepModelConfig)
    if (model.character_size or model.word_dropout) and not words:
        raise ConfigError(
            "model.character_size and model.word_dropout are for data.tokens: word or whitespace; set one, or remove "
            "them"
        )
