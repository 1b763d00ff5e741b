"""The config of a language model, and what it leaves to the size of the text."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.sections import (
    Config,
    Count,
    TokenModelConfig,
    TokensConfig,
    TokenStackModelConfig,
    TruncatedTrainingConfig,
    VectorsConfig,
)
from rnncli.config.values import refusal
from rnncli.tasks import sizes

BPTT = 64
LEAST_UPDATES = 1200
VALIDATION = 300_000  # characters of a large text tell enough


class TextConfig(TokensConfig, VectorsConfig):
    """The data: where the text is, how to cut it into tokens, and how to split it."""

    @property
    def is_decoded(self) -> bool:
        return self.tokens != "byte"

    @field_validator("format")
    @classmethod
    def _is_text(cls, form: str | None) -> str | None:
        if form not in (None, "text"):
            raise refusal("a language-model reads text; change it, or the task")
        return form


class TextModelConfig(TokenModelConfig, TokenStackModelConfig):
    """A network that predicts the next token."""


class StreamTrainingConfig(TruncatedTrainingConfig):
    """Training on contiguous streams."""

    bptt_stride: Chosen[Count] = chosen(
        "Truncated backpropagation through time: the number of steps between updates (k1); null is bptt.", before=None
    )

    unknown_words: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="The fraction of the words that occur once which are read and predicted as <unk>, drawn anew in "
        "each epoch.",
    )

    @field_validator("bptt_stride")
    @classmethod
    def _stride_within_bptt(cls, stride: int | None, info: ValidationInfo) -> int | None:
        bptt = info.data.get("bptt")
        if stride is not None and bptt is not None and stride > bptt:
            raise refusal(f"must not be greater than training.bptt, which is {bptt}")
        return stride


class LanguageModelConfig(Config):
    """The config of language-model: the next character, byte or word of a text."""

    refused = {
        "model.bidirectional": "read from its end, a sequence shows the answer that a language-model is to find; "
        "remove it",
        "model.pooling": "a language-model has no one answer for a whole sequence; remove it",
    }

    data: TextConfig = Field(default={}, validate_default=True)
    model: TextModelConfig = Field(default={}, validate_default=True)
    training: StreamTrainingConfig = Field(default={}, validate_default=True)


def completed(config: LanguageModelConfig, size: int) -> LanguageModelConfig:
    """Return the config with what it leaves open chosen for a text of `size` bytes.

    A small text overfits, and a large one takes long: width, dropout, batch and epochs depend on the size. Below a
    thousand updates little is learnt; max_time ends runs that a slow machine or a large text would make endless.
    """
    if size < 20_000:
        cell, hidden_size, num_layers, dropout, batch_size, learning_rate = "gru", 64, 1, 0.0, 4, 5e-3
    elif size < 300_000:
        cell, hidden_size, num_layers, dropout, batch_size, learning_rate = "gru", 128, 2, 0.3, 16, 5e-3
    else:
        cell, hidden_size, num_layers, batch_size, learning_rate = "lstm", 256, 2, 32, 3e-3
        dropout = 0.3 if size < 3_000_000 else 0.1
    training = config.training
    batch_size = training.batch_size or batch_size
    bptt = training.bptt or max(BPTT, training.bptt_stride or 0)
    wanted = LEAST_UPDATES * batch_size * bptt // max(size, 1)
    config = config.completed(
        data={"tokens": "char", "validation": min(0.1, round(VALIDATION / max(size, 1), 6))},
        model={
            "cell": cell if config.model.activation == "tanh" else "rnn",
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "dropout": dropout,
        },
        training={
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "bptt": bptt,
            "bptt_stride": training.bptt_stride or bptt,
        },
    )
    return sizes.with_training(config, 1 if size > 3_000_000 else min(max(wanted, 10), 400), None)
