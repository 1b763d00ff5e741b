"""The configs of classify, regress and tag."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.data_section import CutConfig, GroupedConfig
from rnncli.config.section import Columns, OneColumn
from rnncli.config.sections import Config
from rnncli.config.token_sections import TokenModelConfig, TokensConfig, TokenStackModelConfig, VectorsConfig
from rnncli.config.training_section import SeededTrainingConfig
from rnncli.config.values import refusal

_WHOLE = "reads whole sequences; remove it"


def _refused(task: str) -> dict[str, str]:
    """Return why a task with one answer for a sequence does not truncate its backpropagation, by key."""
    why = f"a {task} {_WHOLE}, and cut long ones with data.max_length"
    return dict.fromkeys(("training.bptt", "training.bptt_stride"), why)


class LabelledConfig(GroupedConfig, VectorsConfig):
    """The data: where the labelled sequences are, and in which columns."""

    text: OneColumn | None = Field(default=None, description="The column that holds texts; for tag, words.")
    inputs: Columns | None = Field(
        default=None, description="The columns of numbers to read; null takes all but label, id and time."
    )
    id: OneColumn | None = Field(
        default=None, description="The column that names the sequence of each row: rows with the same id are its steps."
    )
    time: str | None = Field(default=None, description="The column of times, which is not an input.")
    label: OneColumn | None = Field(
        default=None,
        description="The column with the answers; null looks for label or class, regress also for the only numbers.",
    )
    missing: Literal["refuse", "ffill", "interpolate", "mask"] = Field(
        default="refuse",
        description="What to do with missing numbers: refuse them; fill them with the value before (ffill) or from "
        "their neighbours (interpolate); or mask them: give the network a further input per column, 1 where there is "
        "a value, else 0.",
    )
    scaling: Literal["standard", "series", "none"] | None = chosen(
        "How numbers are scaled: standard, by their mean and standard deviation in the training split; series, each "
        "sequence by its own. null is standard for tag, and else what an echo state network answers better by.",
        before=None,
    )
    differences: Chosen[bool] = chosen(
        "Give the network the differences of numbers from the step before as further inputs; null is false.",
        before=False,
    )
    stratify: bool = Field(
        default=True,
        description="Whether each split has its share of every answer, and of numbers its share of low and high ones; "
        "false draws splits by chance alone, as version 0.1 did.",
    )

    @property
    def listed_inputs(self) -> list[str | int] | None:
        """The columns of numbers as a list, None where none are named."""
        return [self.inputs] if isinstance(self.inputs, (str, int)) else self.inputs


class ExamplesConfig(LabelledConfig, TokensConfig, CutConfig):
    """Data of sequences with one answer each."""


class ClassifyDataConfig(ExamplesConfig):
    """Data of sequences with a label each, or several."""

    label_separator: str | None = Field(
        default=None,
        min_length=1,
        max_length=8,
        description="What separates the labels of one example, such as ; where several may apply; null finds several "
        "in fastText's lines alone.",
    )
    residual: Literal["naive-bayes", "echo-state", "echo-state-half", "none"] | None = chosen(
        "What the network corrects: naive-bayes, for texts; echo-state, an echo state network, for numbers; or none. "
        "With echo-state-half every second one of several networks corrects none, and cross-validation weighs both "
        "kinds. null is naive-bayes for words, and for up to 500 series of numbers, each with one label, "
        "echo-state-half where several networks are cross-validated, else echo-state.",
        before=None,
    )


class RegressDataConfig(ExamplesConfig):
    """Data of sequences with a number each."""

    residual: Literal["linear", "linear-half", "none"] | None = chosen(
        "What the network corrects: linear, a linear model of texts; or none. With linear-half every second one of "
        "several networks corrects none, and held-out texts weigh both kinds. null is linear-half for words, or linear "
        "with one network.",
        before=None,
    )


class TagDataConfig(LabelledConfig):
    """Data of sequences with a tag for every step."""

    @field_validator("format")
    @classmethod
    def _has_steps(cls, form: str | None) -> str | None:
        if form == "ts":
            raise refusal("a .ts file has one answer for each sequence; a tag needs one for every step")
        return form


class StepModelConfig(TokenModelConfig, TokenStackModelConfig):
    """A network over whole sequences."""

    bidirectional: Chosen[bool] = chosen("Read each sequence from both ends; null is true.", before=False)
    character_size: int | None = Field(
        default=None,
        ge=0,
        le=4096,
        description="The size of the network that composes word vectors from characters, for words only; 0 has none, "
        "null is 32 for tag, else 0.",
    )
    word_dropout: Chosen[Annotated[float, Field(ge=0, lt=1)]] = chosen(
        "The fraction of words that training replaces by the unknown word; null is chosen from the data.", before=0.0
    )


class TagModelConfig(StepModelConfig):
    """A network with an answer for every step."""

    affix_size: int | None = Field(
        default=None,
        ge=0,
        le=4096,
        description="The size of the vectors of a word's shape, of its first two and three letters, and of its last "
        "ones, beside the vector that is composed from its characters; 0 has none, null is 16 for words.",
    )
    head: Literal["softmax", "crf"] | None = Field(
        default=None,
        description="How tags are chosen: softmax, each step by itself; or crf, all steps together, by how well each "
        "tag follows another (a conditional random field). null is crf for tags of spans, such as B-person, and of "
        "numbers, else softmax.",
    )


class PooledModelConfig(StepModelConfig):
    """A network with one answer for a sequence."""

    pooling: Literal["last", "mean", "max", "attention"] | None = chosen(
        "How all steps become the one vector that the answer is computed from; null is chosen from the data.",
        before=None,
    )


class SequencesTrainingConfig(SeededTrainingConfig):
    """Training on sequences."""

    seeds: Chosen[Annotated[int, Field(ge=1, le=100)]] = chosen(
        "The number of networks to train side by side, from seeds that follow training.seed; the answer is the mean of "
        "their probabilities or numbers. null is up to 4 for few short series whose epochs is null, 2 for numbers of "
        "words, else 1.",
        before=1,
    )


class ExamplesTrainingConfig(SequencesTrainingConfig):
    """Training on sequences with one answer each; series may be changed a little, every time in another way."""

    jitter: Chosen[Annotated[float, Field(ge=0, le=10)]] = chosen(
        "Augmentation of series of numbers: the standard deviation of the noise that training adds to each scaled "
        "number; null is 0.1 for classify with up to 1,000 series of at least 8 steps that are scaled, else 0.",
        before=0.0,
    )
    magnitude: Chosen[Annotated[float, Field(ge=0, le=1)]] = chosen(
        "Augmentation of series of numbers: training multiplies each column of a series by a factor that has this "
        "standard deviation around 1; null is as for jitter.",
        before=0.0,
    )


class ClassifyTrainingConfig(ExamplesTrainingConfig):
    """Training on labels."""

    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="How labels are weighted in the loss; balanced gives every label the same total weight.",
    )


class ClassifyConfig(Config):
    """The config of classify: a label for each sequence."""

    refused = _refused("classify")

    data: ClassifyDataConfig = Field(default={}, validate_default=True)
    model: PooledModelConfig = Field(default={}, validate_default=True)
    training: ClassifyTrainingConfig = Field(default={}, validate_default=True)


class RegressConfig(Config):
    """The config of regress: a number for each sequence."""

    refused = _refused("regress")

    data: RegressDataConfig = Field(default={}, validate_default=True)
    model: PooledModelConfig = Field(default={}, validate_default=True)
    training: ExamplesTrainingConfig = Field(default={}, validate_default=True)


class TagConfig(Config):
    """The config of tag: a label for every step of a sequence."""

    refused = {f"training.{key}": f"a tag {_WHOLE}" for key in ("bptt", "bptt_stride")} | {
        "model.pooling": "a tag has an answer for every step; remove it",
        "data.max_length": "a tag has an answer for every step, so none is cut off; remove it, or give long "
        "sequences in several",
    }

    data: TagDataConfig = Field(default={}, validate_default=True)
    model: TagModelConfig = Field(default={}, validate_default=True)
    training: SequencesTrainingConfig = Field(default={}, validate_default=True)
