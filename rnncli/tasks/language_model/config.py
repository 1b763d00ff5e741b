"""The config of a language model, and what it leaves to the size of the text."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.model_section import Dropped
from rnncli.config.section import Count
from rnncli.config.sections import Config
from rnncli.config.token_sections import (
    MOST_TOKENS,
    TokenModelConfig,
    TokensConfig,
    TokenStackModelConfig,
    VectorsConfig,
)
from rnncli.config.training_section import DEFAULT_PRECISION, Precision, TruncatedTrainingConfig
from rnncli.config.values import parse_duration, refusal
from rnncli.kernels.cells import CELLS
from rnncli.tasks import sizes
from rnncli.tasks.language_model.budget import row_for

BPTT = 64
BYTES = 256
LEAST_UPDATES = 1200
FEWEST_ITEMS, MOST_ITEMS = 8, 512  # of an update
LONGEST = 256  # steps of an item that gradients flow back through
_PAIRS = {500: 100_000, 1000: 1_000_000, 2000: 10_000_000}  # tokens, for texts of fewer bytes
WEIGHT_AVERAGING = 0.999
VALIDATION = 300_000  # characters of a large text tell enough


class TextConfig(TokensConfig, VectorsConfig):
    """The data: where the text is, how to cut it into tokens, and how to split it."""

    tokens: Chosen[Literal["char", "byte", "bpe", "word", "whitespace"]] = chosen(  # type: ignore[assignment]
        "The unit that a text is cut into; bpe: frequent sequences of bytes; whitespace: what stands between spaces, "
        "tabs and line ends. null is char.",
        before="char",
    )
    vocabulary_size: Annotated[int, Field(ge=2, le=MOST_TOKENS)] | None = Field(
        default=None,
        description="How many tokens the vocabulary keeps besides <unk>, the most frequent ones; null is 65,535. Of "
        "bpe, how many it learns, the 256 bytes included; null is 500 to 4,000, by the size of the text.",
    )

    @field_validator("tokens")
    @classmethod
    def _has_all_bytes(cls, tokens: str | None, info: ValidationInfo) -> str | None:
        size = info.data.get("vocabulary_size")
        if tokens == "bpe" and size is not None and size < BYTES:
            raise refusal(f"needs a data.vocabulary_size of {BYTES} or more, one for each byte; raise it, or remove it")
        return tokens

    items: Literal["stream", "lines", "paragraphs", "files"] = Field(
        default="stream",
        description="What has nothing to do with what stands before it: stream is nothing but each file; each line, "
        "each paragraph (blank lines are between them) or each whole file is an item of its own, which is learnt with "
        "its beginning and its end.",
    )

    @field_validator("items")
    @classmethod
    def _has_tokens_for_ends(cls, items: str, info: ValidationInfo) -> str:
        if items != "stream" and info.data.get("tokens") == "bpe":
            raise refusal("does not go with data.tokens: bpe; set another, such as char or word")
        return items

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

    cap_input_gate: Chosen[bool] = chosen(
        "Let the input gate of an lstm, a peephole or an rmslstm in by no more than the forget gate lets go: "
        "min(i, 1 − f); null is true of these.",
        before=False,
    )
    skip_connections: Chosen[bool] = chosen(
        "Let every layer read the network's input too, and the head read all layers (Graves, 2013); null is true of "
        "one-hot tokens.",
        before=False,
    )
    output_dropout: Chosen[Dropped] = chosen(
        "The fraction of values that training drops of the topmost layer, before the head; null is model.dropout "
        "where that is null too, else 0.",
        before=0.0,
    )
    tied_embeddings: Chosen[bool] = chosen(
        "Whether the head's weights are the token vectors, which are as long as the hidden state (Press and Wolf, "
        "2017): fewer parameters, and seldom words learn from both. null is true of words without vectors of their "
        "own.",
        before=False,
    )
    input_dropout: Chosen[Dropped] = chosen(
        "The fraction of values that training drops of token vectors; null is model.dropout of words, where that is "
        "null too, else 0.",
        before=0.0,
    )
    state_dropout: Chosen[Dropped] = chosen(
        "The fraction of the hidden state that training drops on its way to the next step, the same units at all steps "
        "of an update; null is 0, but of a text that --max-time lets training read often, where model.dropout is null "
        "too.",
        before=0.0,
    )


class StreamTrainingConfig(TruncatedTrainingConfig):
    """Training on contiguous streams."""

    bptt_stride: Chosen[Count] = chosen(
        "Truncated backpropagation through time: the number of steps between updates (k1); null is bptt.", before=None
    )

    weight_averaging: Chosen[Annotated[float, Field(ge=0, lt=1)]] = chosen(
        "Also keep an average of the weights, of which each update keeps this much; every evaluation judges it beside "
        "the weights, and the better of both may be the best. 0 is no average, null is 0.999.",
        before=0.0,
    )

    precision: Chosen[Precision] = chosen(
        "What the factors of matrix products are rounded to; sums, weights and states stay float32. null is float32, "
        "but bfloat16 where --max-time is all that says how long training is, and the CPU is faster at it: "
        "more of the text is then read in that time.",
        before=DEFAULT_PRECISION,
    )

    unknown_words: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="The fraction of the words that occur once which are read and predicted as <unk>, drawn anew in "
        "each epoch.",
    )

    with_ngram: bool = Field(
        default=False,
        description="Whether score and predict answer by the network and the Kneser-Ney 5-gram of the training split "
        "together, in shares that are fitted on the validation split. The model file has then that split's tokens.",
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


class Lengths(NamedTuple):
    """The lengths of items, in steps: of all, the mean, and one that hardly an item exceeds."""

    total: int
    mean: float
    usual: int


def vocabulary_size(size: int) -> int:
    """Return how many byte pairs are learnt from a text of `size` bytes, so that it has each some hundred times."""
    return next((tokens for tokens, below in _PAIRS.items() if size < below), 4000)


def completed(config: LanguageModelConfig, size: int, items: Lengths | None = None) -> LanguageModelConfig:
    """Return the config with what it leaves open chosen for a text of `size` bytes, or for its items, and the time that
    it is to fill.

    Below a thousand updates little is learnt. MAX_TIME ends what a slow machine or a large text would make endless. Of
    items an update has about as many tokens as of a stream, and nearly all of them are read whole.
    """
    training, fills = config.training, config.fills_time
    words = config.data.tokens in ("word", "whitespace")
    row = row_for(size, parse_duration((fills and training.max_time) or sizes.MAX_TIME), words=words)
    batch_size, steps, tokens = row.batch_size, BPTT, size
    if items is not None:
        batch_size = min(max(round(batch_size * BPTT / items.mean), FEWEST_ITEMS), MOST_ITEMS)
        steps, tokens = min(items.usual, LONGEST), items.total
    batch_size = training.batch_size or batch_size
    bptt = training.bptt or max(steps, training.bptt_stride or 0)
    per_update = batch_size * min(bptt, items.mean if items else bptt)
    wanted = int(LEAST_UPDATES * per_update // max(tokens, 1))
    model = config.model
    cell = model.cell or (row.cell if model.activation == "tanh" else "rnn")
    own_vectors = model.embedding_size is not None or config.data.vectors is not None
    skips = not (own_vectors or model.tied_embeddings) and config.data.tokens in (None, "char", "byte")
    tied = words and not (own_vectors or model.skip_connections)
    pairs = {"vocabulary_size": vocabulary_size(size)} if config.data.tokens == "bpe" else {}
    config = config.completed(
        data=pairs | {"tokens": "char", "validation": min(0.1, round(VALIDATION / max(size, 1), 6))},
        model={
            "cell": cell,
            "hidden_size": row.hidden_size,
            "num_layers": row.num_layers,
            "dropout": row.dropout,
            "output_dropout": row.dropout if model.dropout is None else 0.0,
            "input_dropout": row.dropout if words and model.dropout is None else 0.0,
            "state_dropout": row.state_dropout if fills and model.dropout is None else 0.0,
            "tied_embeddings": tied,
            "cap_input_gate": CELLS[cell].caps,
            "skip_connections": skips,
        },
        training={
            "batch_size": batch_size,
            "learning_rate": row.learning_rate,
            "weight_averaging": WEIGHT_AVERAGING,
            "bptt": bptt,
            "bptt_stride": training.bptt_stride or bptt,
            "precision": "bfloat16" if fills and _bfloat_pays() else DEFAULT_PRECISION,
        },
    )
    epochs = 1 if size > 3_000_000 else min(max(wanted, 10), 400)
    return sizes.with_training(config, row.most_epochs if fills else epochs, None)


def _bfloat_pays() -> bool:
    from rnncli.kernels import register_tile  # which loads the compiler

    return register_tile.pairs_pay()
