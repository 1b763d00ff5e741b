"""The sections and keys that tasks have in common; each task adds its own in its folder's `config.py`.

Each section is one pydantic model, frozen once checked. Types are strict: `true` is not 1, "3" is not 3, 3.0 is not
a whole number, and no number may be infinite. The descriptions also feed the documentation and the JSON Schema. The
messages for refused values are worded in `explanations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from rnncli.config.chosen import BEFORE, Chosen, chosen, is_open
from rnncli.config.values import (
    IS_PATH,
    LARGEST_COUNT,
    LARGEST_FRACTION,
    column,
    columns,
    duration,
    encoding_name,
    one_character,
    one_of,
    paths,
    refusal,
    searched,
    section,
    size,
    usable_path,
)
from rnncli.kernels.cells import CELLS

FilePath = Annotated[str, AfterValidator(usable_path), IS_PATH]
FilePaths = Annotated[str | list[str], BeforeValidator(paths), IS_PATH]
Split = Annotated[Annotated[float, Field(ge=0, le=0.9)] | int | str, BeforeValidator(size), IS_PATH]
Column = Annotated[int, Field(ge=1)] | str
OneColumn = Annotated[Column, BeforeValidator(column)]
Columns = Annotated[Column | list[Column], BeforeValidator(columns)]
Character = Annotated[str, BeforeValidator(one_character), Field(min_length=1, max_length=1)]
Encoding = Annotated[str, AfterValidator(encoding_name)]
Duration = Annotated[str, BeforeValidator(duration)]
Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]

DIALECT = ("encoding", "delimiter", "decimal", "skip_rows", "header", "quoting", "ragged")
"""The keys of `data` that define how a table is read, which a model file keeps."""
_ROLES = ("text", "inputs", "label", "id", "time", "group", "target")  # keys that name columns
KEEPERS = {"beta1": ("momentum", "adam", "adamw"), "beta2": ("rmsprop", "adam", "adamw")}  # the optimizers that use it
LARGEST_SEED = 2**63 - 1
MOST_SHARDS = 64
MOST_TOKENS = 65_535  # of a vocabulary besides <unk>: numbers of two bytes, and an output each


DEFAULT_PRECISION: Final = "float32"
Precision = Literal["float32", "bfloat16"]


class Section(BaseModel):
    """The base of the config and its sections: strict and frozen, without unknown keys or infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class DataConfig(Section):
    """The data: where the sequences are, how to read them, and how to split them."""

    path: FilePaths | None = Field(
        default=None,
        description="The training data, relative to the config file; - is standard input. For texts also a folder, a "
        "pattern such as poems/*.txt, or a list of files, each of which is a text of its own.",
    )
    format: Literal["text", "csv", "ts"] | None = Field(
        default=None, description="How to read the data; null decides by the file name."
    )
    encoding: Chosen[Encoding] = chosen(
        "The character encoding of the data; null is utf-8, or cp1252 for what is not UTF-8 and looks like that.",
        before="utf-8",
    )
    validation: Chosen[Split] = chosen(
        "What to validate on: the last fraction of the data (up to 0.9) or a file; for a forecast also a number of "
        "rows of each series. null is a tenth, of a large text less, and a fifth of series, or one horizon of many.",
        before=0.1,
    )
    test: Split | None = Field(
        default=None,
        description="What to test on, after the validation split: a fraction or a file; for a forecast also a number "
        "of rows of each series.",
    )

    counts_rows: ClassVar[bool] = False  # whether a split may be a number of rows

    @property
    def is_decoded(self) -> bool:
        """False if the bytes of the data are read as they are."""
        return True

    @field_validator("validation", "test")
    @classmethod
    def _is_no_count(cls, size: float | int | str | None) -> float | int | str | None:
        if isinstance(size, int) and size and not cls.counts_rows:
            raise refusal(f"must be a fraction from 0 to {LARGEST_FRACTION}, or the path of a file")
        return size


class VocabularyConfig(DataConfig):
    """The data, with the limits of the vocabulary that is made of their tokens."""

    min_count: Count = Field(
        default=1,
        description="How often the training split must have a token; one that is seen less often is read and written "
        "as <unk>.",
    )
    vocabulary_size: Annotated[int, Field(ge=2, le=MOST_TOKENS)] | None = Field(
        default=None,
        description="How many tokens the vocabulary keeps besides <unk>, the most frequent ones; null is 65,535.",
    )


class VectorsConfig(VocabularyConfig):
    """The data, with the vectors that their words start with."""

    vectors: FilePath | None = Field(
        default=None,
        description="A file of vectors with which words start: text of word2vec or GloVe, or .safetensors with the "
        "words in its metadata.",
    )
    freeze_vectors: bool = Field(default=False, description="Leave all vectors of words as they start.")

    @field_validator("freeze_vectors")
    @classmethod
    def _has_vectors(cls, freeze: bool, info: ValidationInfo) -> bool:
        if freeze and info.data.get("vectors") is None:
            raise refusal("needs data.vectors; name a file of them, or remove it")
        return freeze


class TableConfig(DataConfig):
    """The data, with the keys for reading a table."""

    delimiter: Character | None = Field(default=None, description="The character between CSV columns; null detects it.")
    decimal: Literal[".", ","] = Field(default=".", description="The decimal mark of numbers in a CSV.")
    skip_rows: int = Field(default=0, ge=0, le=10**9, description="The number of lines to skip before the CSV header.")
    header: bool | None = Field(
        default=None,
        description="Whether the first row of a table names its columns, which are else called column1, column2 and so "
        "on; null looks at the row.",
    )
    quoting: Literal["minimal", "none"] | None = Field(
        default=None,
        description="Whether quotes hold the text of a CSV field together (minimal) or are part of it (none); null is "
        "none for a .tsv.",
    )
    ragged: Literal["refuse", "skip"] = Field(
        default="refuse", description="What to do with a CSV row that has too many or too few fields."
    )

    @property
    def dialect(self) -> dict[str, Any]:
        """The values of the keys in DIALECT, and the columns that other keys name."""
        return {key: getattr(self, key) for key in DIALECT} | {"named": self._named}

    @property
    def _named(self) -> list[str | int]:
        values = (getattr(self, key, None) for key in _ROLES)
        lists = (value if isinstance(value, list) else [value] for value in values if value is not None)
        return [name for names in lists for name in names]

    @field_validator("decimal")
    @classmethod
    def _decimal_is_not_the_delimiter(cls, decimal: str, info: ValidationInfo) -> str:
        if decimal == info.data.get("delimiter"):
            raise refusal("must differ from data.delimiter; set another delimiter, such as ;")
        return decimal


class CutConfig(Section):
    """Keys of data whose sequences may be cut."""

    max_length: Count | None = Field(
        default=None,
        description="Cut longer sequences to this many steps (tokens of a text or of a source), in training and in "
        "prediction; null keeps them whole.",
    )
    truncate: Literal["end", "start", "middle", "refuse"] = Field(
        default="end",
        description="What of a sequence longer than max_length is left out: its end, its start, or its middle, so that "
        "both ends are kept; or refuse it.",
    )


NO_GROUP = "none"  # as data.group: each sequence is drawn by itself


class GroupedConfig(TableConfig):
    """The data of a table whose sequences are drawn into splits, equal ones together."""

    validation: Chosen[Split] = chosen(
        "What to validate on: a fraction of the data (up to 0.9) or a file; null is 0.1, or data.folds.", before=0.1
    )
    folds: Annotated[int, Field(ge=2, le=20)] | Literal[0] | None = chosen(
        "Cross-validate with so many folds, in place of a validation split, to find how long to train on all of the "
        "data; 0 does not. null is 5 if a tenth of the data is fewer than 100 sequences, and no data.validation is "
        "given.",
        before=0,
    )
    group: str | None = Field(
        default=None,
        description="The column whose equal cells, such as a person's, stay in one split; null keeps equal inputs "
        "together, none draws each sequence by itself.",
    )

    @field_validator("folds")
    @classmethod
    def _takes_the_place_of_validation(cls, folds: int | None, info: ValidationInfo) -> int | None:
        if folds and info.data.get("validation") is not None:
            raise refusal("takes the place of data.validation; remove one of them")
        return folds


class TokensConfig(DataConfig):
    """The data, with the keys for cutting a text into tokens."""

    tokens: Chosen[Literal["char", "byte", "word", "whitespace"]] = chosen(
        "The unit that a text is cut into; whitespace: what stands between spaces, tabs and line ends. null is word "
        "for the prose of classify and regress, else char.",
        before="char",
    )
    words: Literal["unicode", "letters"] = Field(
        default="unicode",
        description="What a word is: by the word boundaries of Unicode, or a run of letters and digits, as in version "
        "0.1.",
    )

    @property
    def kind(self) -> Literal["char", "byte", "word", "whitespace", "letters"]:
        """The kind of the tokens, which tells words of version 0.1 (letters) from others."""
        return "letters" if (self.tokens, self.words) == ("word", "letters") else self.tokens


class ModelConfig(Section):
    """The network: its cell, its size, and its initial weights."""

    cell: Chosen[Annotated[str, one_of(CELLS)]] = chosen(
        "The recurrent cell: rnn (Elman), gru, lstm, peephole (an LSTM whose gates see the memory) or slstm (the "
        "scalar-memory cell of xLSTM); null is chosen from the data.",
        before="lstm",
    )
    activation: Literal["tanh", "relu", "sigmoid", "identity"] = Field(
        default="tanh", description="The activation of the hidden state; only the cell rnn takes another than tanh."
    )
    hidden_size: Chosen[Annotated[int, Field(ge=1, le=65536)]] = chosen(
        "The number of units in each recurrent layer; null is chosen from the data.", before=128
    )
    num_layers: Chosen[Annotated[int, Field(ge=1, le=64)]] = chosen(
        "The number of stacked recurrent layers; null is chosen from the data.", before=2
    )
    dropout: Chosen[Annotated[float, Field(ge=0, lt=1)]] = chosen(
        "The fraction of values that training drops between layers, and before the answer for a whole sequence; null "
        "is chosen from the data.",
        before=0.0,
    )
    recurrent_init: Literal["orthogonal", "xavier", "uniform"] = Field(
        default="orthogonal", description="How the recurrent weights are initialised."
    )
    chrono_init: int | None = Field(
        default=None,
        ge=3,
        le=LARGEST_COUNT,
        description="Initialise the gate biases for memories of up to this many steps (chrono initialisation); null "
        "keeps the usual biases.",
    )
    recurrent_scale: float = Field(default=1.0, gt=0, le=1e30, description="A factor on the initial recurrent weights.")
    cap_input_gate: bool = Field(
        default=False,
        description="Let the input gate of an lstm or a peephole in by no more than the forget gate lets go: "
        "min(i, 1 − f).",
    )

    weight_drop: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The fraction of recurrent weights that training drops, anew for each update.",
    )
    state_dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The fraction of the hidden state that training drops on its way to the next step, the same units "
        "at all steps of an update.",
    )

    @field_validator("activation")
    @classmethod
    def _activation_fits_the_cell(cls, activation: str, info: ValidationInfo) -> str:
        if activation == "tanh":  # which every cell takes, so that none need be loaded
            return activation
        cell = CELLS.get(info.data.get("cell") or "")  # none where it is null, or was itself refused
        if cell is not None and activation not in cell.activations:
            others = [name for name, other in CELLS.items() if activation in other.activations]
            raise refusal(f"must be tanh when model.cell is {cell.name}; only {' or '.join(others)} takes another")
        return activation

    @field_validator("cap_input_gate")
    @classmethod
    def _cap_fits_the_cell(cls, capped: bool, info: ValidationInfo) -> bool:
        named = info.data.get("cell")
        if capped and not (named and CELLS[named].caps):
            fit = " or ".join(name for name, cell in CELLS.items() if cell.caps)
            raise refusal(f"must be false unless model.cell is {fit}, whose input gate has a forget gate beside it")
        return capped

    @field_validator("chrono_init")
    @classmethod
    def _chrono_needs_gates(cls, chrono: int | None, info: ValidationInfo) -> int | None:
        if chrono is None:
            return None
        named = info.data.get("cell") or ("rnn" if info.data.get("activation", "tanh") != "tanh" else "")
        cell = CELLS.get(named)
        if cell is not None and not cell.keeps_by_bias:
            raise refusal(f"must be null when model.cell is {cell.name}, which has no gates")
        return chrono


Dropped = Annotated[float, Field(ge=0, lt=1)]


class StackModelConfig(ModelConfig):
    """A network that is one stack of layers with a head on it."""

    skip_connections: bool = Field(
        default=False,
        description="Let every layer read the network's input too, and the head read all layers (Graves, 2013).",
    )

    input_dropout: Dropped | None = Field(
        default=None,
        description="The fraction of values that training drops of what the first layer reads, vectors or numbers; "
        "null is model.dropout for the words of tag, else 0.",
    )
    output_dropout: Dropped | None = Field(
        default=None,
        description="The fraction of values that training drops of the topmost layer, before the head; null is "
        "model.dropout for classify, regress, tag and transcribe, else 0.",
    )
    variational_dropout: bool = Field(
        default=False,
        description="Hold each mask of dropout over all steps of a sequence or window (Gal and Ghahramani, 2016).",
    )

    @property
    def beyond_layers(self) -> list[str]:
        """The keys here that are set, which only a network of one stack has."""
        return [key for key in StackModelConfig.__annotations__ if getattr(self, key)]


class TokenStackModelConfig(StackModelConfig):
    """A network of one stack that may read tokens."""

    embedding_dropout: Dropped = Field(
        default=0.0,
        description="The fraction of tokens that training drops wherever they stand in a window, each whole vector or "
        "one-hot input (Merity et al., 2018).",
    )


class TokenModelConfig(ModelConfig):
    """A network that may read tokens."""

    embedding_size: Count | None = Field(
        default=None,
        description="The size of token vectors; null is one-hot for char and byte, else hidden_size.",
    )


class TrainingConfig(Section):
    """The training: how long, how fast, and with which method."""

    epochs: Chosen[Count] = chosen(
        "How many times to pass through the training data; null is chosen from the data: the less there are, the more "
        "often.",
        before=20,
    )
    updates: Count | None = Field(
        default=None,
        description="Train for so many updates, if epochs does not end it before; null is all updates of epochs. A run "
        "for a given max_time notes here how many it planned.",
    )
    max_time: Duration | None = chosen(
        "Train for this long: 8s, 10m, 1h30m. Where epochs and updates are null, as many updates are planned as fill "
        "it; else it ends them. null is at most 5m where those are null, and else no limit.",
        before=None,
    )
    batch_size: Chosen[Count] = chosen(
        "The number of sequences trained side by side; null is chosen from the data.", before=32
    )
    optimizer: Literal["sgd", "momentum", "rmsprop", "adam", "adamw"] = Field(
        default="adam", description="The optimizer that turns gradients into updates."
    )
    beta1: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None,
        description="How much of the mean of earlier gradients is kept (momentum, adam, adamw); null is 0.9.",
    )
    beta2: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None,
        description="How much of the mean of earlier squared gradients is kept (rmsprop, adam, adamw); null is 0.999, "
        "of rmsprop 0.99.",
    )
    weight_decay: Annotated[float, Field(ge=0, le=10)] | None = Field(
        default=None,
        description="The share of the weights, times the learning rate, by which each update shrinks them, besides "
        "what the gradient does (decoupled, with every optimizer); null is 0.01 of adamw, else 0.",
    )
    learning_rate: Chosen[Annotated[float, Field(gt=0)]] = chosen(
        "The learning rate at the start of the schedule; null is chosen from the data.", before=2e-3
    )
    warmup: int = Field(
        default=0,
        ge=0,
        le=10**9,
        description="For so many updates the learning rate rises evenly up to the one with which the schedule begins.",
    )
    schedule: Literal["constant", "cosine", "step", "plateau"] = Field(
        default="cosine",
        description="How the learning rate falls: cosine, to 0; step, to a tenth after half of the run and a "
        "hundredth after three quarters; plateau, by half when validation stops improving.",
    )
    clip_norm: float | None = Field(
        default=5.0,
        gt=0,
        description="Scale the gradient down to this global norm when it is larger; null never clips.",
    )
    patience: Count | None = chosen(
        "Stop after this many evaluations without a better one; null is chosen from the data where epochs "
        "is null, and else never stops early.",
        before=None,
    )
    on_divergence: Literal["stop", "halve"] = Field(
        default="stop",
        description="What to do where the loss or the gradient is not finite, or the loss absurdly large: stop, or go "
        "back to the last evaluation and on with half the learning rate, up to ten times.",
    )
    weight_averaging: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Also keep an average of the weights, of which each update keeps this much, such as 0.999; every "
        "evaluation judges it beside the weights, and the better of both may be the best. null is no average.",
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=LARGEST_SEED,
        description="The seed of every random choice; the same seed gives the same model.",
    )
    precision: Precision = Field(
        default=DEFAULT_PRECISION,
        description="What the factors of matrix products are rounded to; sums, weights and states stay float32. With "
        "bfloat16 training takes 0.6 to 0.7 of the time on a Zen 4, which multiplies it.",
    )
    shards: Annotated[int, Field(ge=1, le=MOST_SHARDS)] | None = Field(
        default=None,
        description="Cut each batch into so many groups of sequences, a power of two, and add up their gradients as a "
        "binary tree; null is 1. Any number of ranks that divides it may share the work, with the same result.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="The number of CPU threads; null is all cores. The result does not depend on it.",
    )

    @field_validator("shards")
    @classmethod
    def _halve_the_batch(cls, shards: int | None, info: ValidationInfo) -> int | None:
        batch_size = info.data.get("batch_size")
        if shards and shards & (shards - 1):
            raise refusal(f"must be a power of two, such as {1 << (shards.bit_length() - 1)}")
        if shards and batch_size and shards > batch_size:
            raise refusal(f"must be at most training.batch_size, which is {batch_size}")
        return shards

    @field_validator("beta1", "beta2")
    @classmethod
    def _optimizer_keeps_it(cls, beta: float | None, info: ValidationInfo) -> float | None:
        name = info.data.get("optimizer")
        keepers = KEEPERS[str(info.field_name)]
        if beta is not None and name is not None and name not in keepers:
            raise refusal(f"must be null when training.optimizer is {name}; only {', '.join(keepers)} keep that mean")
        return beta


class SeededTrainingConfig(TrainingConfig):
    """Training of several networks side by side."""

    seeds: int = Field(
        default=1,
        ge=1,
        le=100,
        description="The number of networks to train side by side, from seeds that follow training.seed; the answer is "
        "the mean of their probabilities, of forecasts the median.",
    )

    @field_validator("seeds")
    @classmethod
    def _follow_the_seed(cls, seeds: int | None, info: ValidationInfo) -> int | None:
        if seeds and info.data.get("seed", 0) + seeds > LARGEST_SEED + 1:
            raise refusal("must leave room for the seeds that follow training.seed; lower that")
        return seeds


class TruncatedTrainingConfig(TrainingConfig):
    """Training that may truncate backpropagation through time."""

    bptt: Chosen[Count] = chosen(
        "Truncated backpropagation through time: how many steps gradients flow back (k2); null leaves it to the task.",
        before=None,
    )


class TuneConfig(Section):
    """The search for settings, which `rnncli tune` alone reads."""

    over: Annotated[dict[str, Any], BeforeValidator(searched)] = Field(
        default={},
        description="What to search, by key: a range such as 16..256, 5e-4..1e-2:log or 0..0.5:step=0.1, or a list. "
        "Empty is what the config itself suggests.",
    )
    trials: Count | None = Field(
        default=None, description="How many trials a study has; null is 27, or as many as max_time has room for."
    )
    max_time: Duration | None = Field(
        default=None, description="Search for this long: 30m, 2h. null is until all trials are done."
    )


C = TypeVar("C", bound="Config")


class Config(Section):
    """A whole config: the task and its three sections. Each task has its own subclass, with narrower sections.

    refused: by `section.key`, the reason why this task cannot have a key of other tasks, where it is not obvious.
    """

    refused: ClassVar[Mapping[str, str]] = {}

    task: str = Field(description="What to learn to do.")
    data: DataConfig = Field(
        default={}, validate_default=True, description="Where the sequences are, and how to read and split them."
    )
    model: ModelConfig = Field(
        default={}, validate_default=True, description="The network: its cell, its size, and how it starts."
    )
    training: TrainingConfig = Field(
        default={}, validate_default=True, description="How long, how fast, and with which method to train."
    )
    # In no file that is written, since it is not what a run was trained with.
    tune: TuneConfig = Field(
        default={}, validate_default=True, exclude=True, description="What `rnncli tune` searches, and for how long."
    )

    @field_validator("data", "model", "training", "tune", mode="before")
    @classmethod
    def _empty_section(cls, value: Any) -> Any:
        return section(value)

    def changed(self: C, **sections: Mapping[str, Any]) -> C:
        """Return a copy with these keys of `data`, `model` and `training` changed, which are not checked again."""
        return self.model_copy(
            update={name: getattr(self, name).model_copy(update=dict(keys)) for name, keys in sections.items()}
        )

    def completed(self: C, **sections: Mapping[str, Any]) -> C:
        """Return a copy with these values for keys of `data`, `model` and `training` that are null."""
        return self.changed(
            **{
                name: {key: value for key, value in keys.items() if getattr(getattr(self, name), key) is None}
                for name, keys in sections.items()
            }
        )

    @property
    def fills_time(self) -> bool:
        """True if training is to fill training.max_time, since nothing else says how long it is."""
        training = self.training
        return not (is_open(training.max_time) or training.updates or not is_open(training.epochs))

    @property
    def networks(self) -> int:
        """The number of networks that are trained side by side."""
        return getattr(self.training, "seeds", 1) or 1

    def of_one_network(self: C) -> C:
        """Return the config of the first of these networks alone."""
        return self.changed(training={"seeds": 1}) if self.networks > 1 else self


SECTIONS = ("data", "model", "training")


def chosen_keys(before: Config, after: Config) -> dict[str, Any]:
    """Return the values in `after` of the keys that may be left to the data, and that `before` left to them."""
    return {
        key: value
        for name in SECTIONS
        for key, field in keys_of(type(after), name).items()
        if BEFORE in (field.json_schema_extra or {})
        and getattr(getattr(before, name), key) is None
        and (value := getattr(getattr(after, name), key)) is not None
    }


def keys_of(schema: type[Section], name: str = "") -> dict[str, Any]:
    """The fields of a section of `schema` by key; the empty name is the top level, `data.features` within `data`."""
    within: Any = schema
    for one in name.split(".") if name else ():
        within = within.model_fields[one].annotation
    return dict(within.model_fields)


def sections_in(schema: type[Section], name: str) -> list[str]:
    """The names of the sections within a section of `schema`, such as `data.features`."""
    fields = keys_of(schema, name)
    return [f"{name}.{key}" for key, field in fields.items() if is_section(field)]


def is_section(field: Any) -> bool:
    """True for the field of a key whose value is a section."""
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)
