"""The configs of seq2seq and caption."""

from __future__ import annotations

import warnings
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.data_section import CutConfig, GroupedConfig
from rnncli.config.section import Columns
from rnncli.config.sections import Config
from rnncli.config.token_sections import TokenModelConfig, TokensConfig, VocabularyConfig
from rnncli.config.training_section import SeededTrainingConfig
from rnncli.config.values import refusal

WHOLE = dict.fromkeys(("training.bptt", "training.bptt_stride"), "reads whole sequences; remove it")


class PairsConfig(GroupedConfig, TokensConfig, VocabularyConfig):
    """The data: where the pairs are, and in which columns."""

    target: Columns | None = Field(default=None, description="The column to write.")

    @field_validator("format")
    @classmethod
    def _has_pairs(cls, form: str | None) -> str | None:
        if form == "ts":
            raise refusal("a .ts file has one answer for each sequence; pairs need a text to write")
        return form


class SourcesConfig(PairsConfig, CutConfig):
    """Data of pairs of texts; only sources are cut, because a cut target would teach to stop too early."""

    source: Columns | None = Field(default=None, description="The column or columns to read; null takes the first.")
    residual: Literal["change-of-ending", "none"] | None = chosen(
        "What the network corrects: the change of ending that was most frequent in training, which is the answer where "
        "the network finds no other more than e² times as probable; null is that for words with aligned attention.",
        before="none",
    )


class PromptsConfig(PairsConfig):
    """Data of pairs of labels or numbers and a text."""

    inputs: Columns | None = Field(
        default=None, description="The columns of labels and numbers to read; null takes all but the target."
    )


with warnings.catch_warnings():  # pydantic warns of a key with the name of a method that nobody here calls
    warnings.filterwarnings("ignore", 'Field name "copy"')

    class Seq2seqModelConfig(TokenModelConfig):
        """A network of an encoder and a decoder."""

        attention: Literal["none", "dot", "additive", "aligned"] | None = Field(
            default=None,
            description="How the decoder attends to the source: to all of it (dot, additive), or to the token that it "
            "copies or leaves out next (aligned); null is aligned for words that keep most of their letters, else dot.",
        )
        encoder_bidirectional: bool | None = Field(
            default=None, description="Read the source from both ends; null is true."
        )
        copy: Literal["none", "attention"] = Field(  # type: ignore[assignment]
            default="none",
            description="What is written for a token that the model does not know: never one (none), or the source "
            "token that attention looks at (attention).",
        )

        @field_validator("copy")
        @classmethod
        def _copies_what_is_looked_at(cls, copy: str, info: ValidationInfo) -> str:
            seen = info.data.get("attention")
            if copy == "attention" and seen in ("none", "aligned"):
                raise refusal(f"must be none when model.attention is {seen}; set model.attention to dot or additive")
            return copy


class WritingTrainingConfig(SeededTrainingConfig):
    """Training of a decoder."""

    seeds: Chosen[Annotated[int, Field(ge=1, le=100)]] = chosen(
        "The number of networks to train side by side, from seeds that follow training.seed; the answer is the mean of "
        "their probabilities. null is 3 with aligned attention for up to 2,000 pairs that are not cross-validated and "
        "whose epochs is null, else 1.",
        before=1,
    )
    teacher_forcing: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="The fraction of true tokens that the decoder reads at the end of training; it starts at 1, and "
        "the others are its own predictions (scheduled sampling).",
    )


class WritingConfig(Config):
    """The keys that seq2seq and caption share."""

    data: PairsConfig = Field(default={}, validate_default=True)
    model: TokenModelConfig = Field(default={}, validate_default=True)
    training: WritingTrainingConfig = Field(default={}, validate_default=True)


class Seq2seqConfig(WritingConfig):
    """The config of seq2seq: a text for a text."""

    refused = {
        key: f"a seq2seq {reason}, and cut long sources with data.max_length" for key, reason in WHOLE.items()
    } | {
        "model.bidirectional": "a decoder cannot read what it has not written; set model.encoder_bidirectional",
        "model.pooling": "a seq2seq has no one answer for a whole sequence; remove it",
    }

    data: SourcesConfig = Field(default={}, validate_default=True)
    model: Seq2seqModelConfig = Field(default={}, validate_default=True)


class CaptionConfig(WritingConfig):
    """The config of caption: a text for labels and numbers."""

    refused = {key: f"a caption {reason}" for key, reason in WHOLE.items()} | {
        "model.bidirectional": "a decoder cannot read what it has not written; remove it",
        "model.pooling": "a caption has no one answer for a whole sequence; remove it",
    }

    data: PromptsConfig = Field(default={}, validate_default=True)
