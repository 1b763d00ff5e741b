"""Every config key: its type, default, range, and what it is for.

One model for each section, frozen once checked. Types are strict: `true` is not 1, "3" is not 3, 3.0 is
not a whole number, and no number may be infinite. The descriptions also feed the documentation and the
JSON Schema. What the user reads when a value is refused is worded in `explanations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from rnncli.config.durations import parse_duration
from rnncli.config.values import (
    column,
    columns,
    contexts,
    duration,
    encoding_name,
    one_character,
    part,
    refusal,
    scalings,
    section,
    usable_path,
)

__all__ = ["CELLS", "TASKS", "Config", "DataConfig", "ModelConfig", "TrainingConfig", "parse_duration"]

Task = Literal["language-model", "forecast", "classify", "regress", "tag", "seq2seq", "caption"]
Cell = Literal["rnn", "gru", "lstm"]
TASKS: tuple[str, ...] = get_args(Task)
CELLS: tuple[str, ...] = get_args(Cell)

FilePath = Annotated[str, AfterValidator(usable_path)]
Split = Annotated[Annotated[float, Field(ge=0, le=0.9)] | int | str, BeforeValidator(part)]
Column = Annotated[int, Field(ge=1)] | str
OneColumn = Annotated[Column, BeforeValidator(column)]
Columns = Annotated[Column | list[Column], BeforeValidator(columns)]
Character = Annotated[str, BeforeValidator(one_character), Field(min_length=1, max_length=1)]
Encoding = Annotated[str, AfterValidator(encoding_name)]
Duration = Annotated[str, BeforeValidator(duration)]
Count = Annotated[int, Field(ge=1)]
Contexts = Annotated[int | list[int], BeforeValidator(contexts)]
Scalings = Annotated[str | list[str], BeforeValidator(scalings)]


class Section(BaseModel):
    """What the config and its sections share."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataConfig(Section):
    """Where the sequences are, how to read them, and how to split them."""

    path: FilePath | None = Field(
        default=None, description="The training data, relative to the config file; - is standard input."
    )
    format: Literal["text", "csv", "ts"] | None = Field(
        default=None, description="How to read the data; null takes it from the file name."
    )
    encoding: Encoding = Field(default="utf-8", description="The character encoding of the data.")
    delimiter: Character | None = Field(default=None, description="What separates CSV columns; null finds out.")
    decimal: Literal[".", ","] = Field(default=".", description="The decimal mark of the numbers in a CSV.")
    skip_rows: int = Field(default=0, ge=0, le=10**9, description="How many lines to skip before the CSV header.")
    ragged: Literal["refuse", "skip"] = Field(
        default="refuse", description="What to do with a CSV row that has too many or too few columns."
    )
    validation: Split = Field(
        default=0.1,
        description="The last part of the data to validate on: a fraction up to 0.9, a file, or for a forecast a "
        "number of rows of each series.",
    )
    test: Split | None = Field(default=None, description="The data to test on, after the validation part: likewise.")
    tokens: Literal["char", "byte", "word"] = Field(default="char", description="The units a text is cut into.")
    text: OneColumn | None = Field(
        default=None, description="Classify, regress, tag: the column that holds texts, of a tag words."
    )
    inputs: Columns | None = Field(
        default=None,
        description="Classify, regress, tag: the columns of numbers; null takes all but label, id and time. "
        "Caption: the columns that are given; null takes all but the target.",
    )
    id: OneColumn | None = Field(
        default=None,
        description="Rows of a CSV with the same id are the steps of one sequence or series; null finds unique_id, "
        "item_id or series_id for a forecast.",
    )
    label: OneColumn | None = Field(
        default=None, description="Classify, regress, tag: the column of answers; null takes one called label or class."
    )
    source: Columns | None = Field(
        default=None, description="Seq2seq: the column or columns of a pair that are given; null takes the first."
    )
    time: str | None = Field(
        default=None, description="Forecast: the column that holds the time of each row; none ignores the times."
    )
    target: Columns | None = Field(
        default=None,
        description="Forecast: the column or columns to predict, by name or by number from 1. Seq2seq, caption: the "
        "column to write.",
    )
    layout: Literal["wide", "long", "rows"] | None = Field(
        default=None,
        description="Forecast: series side by side, one under another with an id, or a row for each; null finds out.",
    )
    channels: Literal["joint", "independent"] = Field(
        default="joint",
        description="Forecast, several targets side by side: one network reads and says all of them, or each is a "
        "series of its own for the same network.",
    )
    past_covariates: Columns | None = Field(
        default=None, description="Forecast: columns that are known up to the last row."
    )
    known_covariates: Columns | None = Field(
        default=None,
        description="Forecast: columns that are known of the rows ahead too, from rows without a target at the end of "
        "the data or from data.future.",
    )
    future: FilePath | None = Field(
        default=None, description="Forecast: a second file with the known covariates of the rows ahead."
    )
    static: Columns | None = Field(default=None, description="Forecast: columns with one value for each series.")
    calendar: bool = Field(
        default=False, description="Forecast: read time of day, day of week and time of year off the time column."
    )
    horizon: Count | None = Field(default=None, description="Forecast: how many steps ahead to predict.")
    context: Contexts | None = Field(
        default=None,
        description="Forecast: how many past steps the model sees; of a list, one after another for each of "
        "training.seeds.",
    )
    freq: str | None = Field(default=None, description="Forecast: the time between rows; null finds out.")
    season: Count | None = Field(default=None, description="Forecast: the steps in one season; null finds out.")
    missing: Literal["refuse", "ffill", "interpolate", "mask"] = Field(
        default="refuse",
        description="Forecast: what to do with missing values and rows; mask keeps them out of the loss, and tells the "
        "network.",
    )
    duplicates: Literal["refuse", "first", "last", "mean"] = Field(
        default="refuse", description="Forecast: what to do with rows of the same series and time."
    )
    transform: Literal["none", "log", "log1p", "sqrt", "box-cox"] = Field(
        default="none", description="Forecast: what is done to the targets first, and undone at last."
    )
    residual: Literal["none", "last-value", "seasonal-naive", "seasonal-growth", "naive-bayes"] | None = Field(
        default=None,
        description="What the network corrects. Forecast: a naive forecast, or none; null takes last-value or "
        "seasonal-naive, the better one on the training part. Classify: naive-bayes, of texts; null is nothing.",
    )
    scaling: Scalings | None = Field(
        default=None,
        description="Forecast: what each context is divided by; null is seasonal-error. Of a list, one after another "
        "for each of training.seeds.",
    )

    @property
    def scalings(self) -> list[str]:
        """One or more, or none given."""
        return [] if self.scaling is None else self.scaling if isinstance(self.scaling, list) else [self.scaling]

    @property
    def contexts(self) -> list[int]:
        """One or more, or none given."""
        return [] if self.context is None else self.context if isinstance(self.context, list) else [self.context]

    @field_validator("decimal")
    @classmethod
    def _decimal_is_not_the_delimiter(cls, decimal: str, info: ValidationInfo) -> str:
        if decimal == info.data.get("delimiter"):
            raise refusal("must differ from data.delimiter; set another delimiter, such as ;")
        return decimal


class ModelConfig(Section):
    """The network: its cell, its size, and how it starts."""

    cell: Cell = Field(default="lstm", description="The recurrent cell.")
    activation: Literal["tanh", "relu", "sigmoid", "identity"] = Field(
        default="tanh", description="The activation of the hidden state; only rnn takes another than tanh."
    )
    hidden_size: int = Field(default=128, ge=1, le=65536, description="The units in each recurrent layer.")
    num_layers: int = Field(default=2, ge=1, le=64, description="How many recurrent layers are stacked.")
    embedding_size: Count | None = Field(
        default=None,
        description="The size of token vectors; null: one-hot for char and byte, hidden_size for words.",
    )
    bidirectional: bool = Field(
        default=False, description="Read each sequence from both ends; not for tasks that would see the answer."
    )
    pooling: Literal["last", "mean", "max", "attention"] | None = Field(
        default=None, description="Classify, regress: what the answer is read from; null is last."
    )
    attention: Literal["none", "dot", "additive"] | None = Field(
        default=None, description="Seq2seq: how the decoder looks back at the source; null is dot."
    )
    encoder_bidirectional: bool | None = Field(
        default=None, description="Seq2seq: read the source from both ends; null is true."
    )
    character_size: int | None = Field(
        default=None,
        ge=0,
        le=4096,
        description="Classify, regress, tag of words: the size of the network that spells each one from both ends; "
        "0 has none, and null is 32 for a tag, else 0.",
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The share of values dropped between layers, and before the answer for a whole sequence.",
    )
    word_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Classify, regress, tag: the share of words taken for unknown ones in training.",
    )
    decoder: Literal["direct", "recursive", "segments"] = Field(
        default="direct",
        description="Forecast: all rows ahead at once, one by one from its own forecasts, or in segments.",
    )
    segment: Count | None = Field(default=None, description="Forecast: the rows in a segment; null is a season.")
    recurrent_init: Literal["orthogonal", "xavier", "uniform"] = Field(
        default="orthogonal", description="How the recurrent weights start."
    )
    chrono_init: int | None = Field(
        default=None,
        ge=3,
        description="Lstm, gru: the longest memory in steps that gates start with, by their biases; null leaves it.",
    )
    recurrent_scale: float = Field(default=1.0, gt=0, description="What the first recurrent weights are multiplied by.")

    @field_validator("activation")
    @classmethod
    def _activation_fits_the_cell(cls, activation: str, info: ValidationInfo) -> str:
        cell = info.data.get("cell", "rnn")  # absent when it was itself refused
        if activation != "tanh" and cell != "rnn":
            raise refusal(f"must be tanh when model.cell is {cell}; only rnn takes another")
        return activation

    @field_validator("chrono_init")
    @classmethod
    def _chrono_needs_gates(cls, chrono: int | None, info: ValidationInfo) -> int | None:
        if chrono is not None and info.data.get("cell") == "rnn":
            raise refusal("must be null when model.cell is rnn, which has no gates")
        return chrono


class TrainingConfig(Section):
    """How long, how fast, and with which method to train."""

    epochs: Count = Field(default=20, description="How many times to go through the training data.")
    max_time: Duration | None = Field(
        default=None, description="Stop after this long and keep the best model: 8s, 10m, 1h30m."
    )
    batch_size: Count = Field(default=32, description="How many sequences are trained side by side.")
    bptt: Count | None = Field(
        default=None,
        description="k2: the steps that gradients flow back through; null leaves it to the task.",
    )
    bptt_stride: Count | None = Field(default=None, description="k1: the steps between updates; null is bptt.")
    optimizer: Literal["sgd", "momentum", "rmsprop", "adam", "adamw"] = Field(
        default="adam", description="How gradients become updates."
    )
    learning_rate: float = Field(default=2e-3, gt=0, description="The size of the updates, before the schedule.")
    schedule: Literal["constant", "cosine", "step", "plateau"] = Field(
        default="cosine", description="How the learning rate falls during training."
    )
    loss: Literal["mae", "mse", "quantile", "gaussian", "student-t", "negative-binomial"] = Field(
        default="mae", description="Forecast: what is made small, or which distribution is learnt."
    )
    seeds: int = Field(
        default=1, ge=1, le=100, description="Forecast: how many networks are trained, whose median is the forecast."
    )
    with_baseline: bool = Field(
        default=False, description="Forecast: the median is taken with the baseline that the networks correct."
    )
    fallback: bool = Field(
        default=True, description="Forecast: predict with the best naive forecast if it was better on validation."
    )
    updates_per_epoch: Count | None = Field(
        default=None, description="Forecast: how many batches are an epoch; null is as many as there are."
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="Classify: what each label weighs in the loss; balanced, as much as every other."
    )
    teacher_forcing: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Seq2seq, caption: the share of true tokens that the decoder reads at the end of training; at the "
        "start it is 1. The others are its own.",
    )
    clip_norm: float | None = Field(
        default=5.0,
        gt=0,
        description="Scale gradients down to this norm when they exceed it; null never does.",
    )
    patience: Count | None = Field(
        default=None, description="Stop after this many evaluations without a better one; null never does."
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="The start of every random choice.")
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="How many cores to use; null is all. The result does not depend on it.",
    )

    @field_validator("bptt_stride")
    @classmethod
    def _stride_within_bptt(cls, stride: int | None, info: ValidationInfo) -> int | None:
        bptt = info.data.get("bptt")
        if stride is not None and bptt is not None and stride > bptt:
            raise refusal(f"must not be greater than training.bptt, which is {bptt}")
        return stride


class Config(Section):
    """One whole config: the task and its three sections."""

    task: Task = Field(description="What to learn to do.")
    data: Annotated[DataConfig, BeforeValidator(section)] = Field(
        default=DataConfig(), description="Where the sequences are, and how to read and split them."
    )
    model: Annotated[ModelConfig, BeforeValidator(section)] = Field(
        default=ModelConfig(), description="The network: its cell, its size, and how it starts."
    )
    training: Annotated[TrainingConfig, BeforeValidator(section)] = Field(
        default=TrainingConfig(), description="How long, how fast, and with which method to train."
    )


SECTIONS: dict[str, type[Section]] = {"data": DataConfig, "model": ModelConfig, "training": TrainingConfig}

_EXAMPLES = ("classify", "regress", "tag")
MEANT_FOR: dict[str, tuple[str, ...]] = {
    "data.tokens": ("language-model", "classify", "regress", "seq2seq", "caption"),
    "data.text": _EXAMPLES,
    "data.inputs": (*_EXAMPLES, "caption"),
    "data.id": ("forecast", *_EXAMPLES),
    "data.label": _EXAMPLES,
    "data.source": ("seq2seq",),
    "data.time": ("forecast", *_EXAMPLES),
    "data.target": ("forecast", "seq2seq", "caption"),
    **dict.fromkeys(
        [
            f"data.{key}"
            for key in (
                "layout",
                "channels",
                "past_covariates",
                "known_covariates",
                "future",
                "static",
                "calendar",
                "horizon",
                "context",
                "freq",
                "season",
                "missing",
                "duplicates",
                "transform",
            )
        ]
        + ["model.decoder", "model.segment"]
        + [f"training.{key}" for key in ("loss", "seeds", "with_baseline", "fallback", "updates_per_epoch")],
        ("forecast",),
    ),
    "data.residual": ("forecast", "classify"),
    "data.scaling": ("forecast", *_EXAMPLES),
    "model.attention": ("seq2seq",),
    "model.encoder_bidirectional": ("seq2seq",),
    "model.character_size": _EXAMPLES,
    "model.word_dropout": _EXAMPLES,
    "training.class_weights": ("classify",),
    "training.teacher_forcing": ("seq2seq", "caption"),
}
"""The keys that mean something to some tasks only. Those that a task refuses with a reason of its own are not here."""


def unused(config: Config) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The keys that are set and mean nothing to the config's task, and the tasks that they are for."""
    for path, tasks in MEANT_FOR.items():
        name, _, key = path.partition(".")
        default = SECTIONS[name].model_fields[key].default
        if config.task not in tasks and getattr(getattr(config, name), key) != default:
            yield path, tasks
