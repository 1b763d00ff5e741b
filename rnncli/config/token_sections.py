"""The keys of tasks that read tokens: how texts are cut into them, and what a network knows of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.data_section import DataConfig
from rnncli.config.model_section import Dropped, ModelConfig, StackModelConfig
from rnncli.config.section import Count, FilePath
from rnncli.config.values import refusal

MOST_TOKENS = 65_535  # of a vocabulary besides <unk>: numbers of two bytes, and an output each


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
