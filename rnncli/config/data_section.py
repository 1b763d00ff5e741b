"""The section `data`: where sequences are, how tables of them are read, and how they are split."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.section import Character, Count, Encoding, FilePaths, Section, Split
from rnncli.config.values import LARGEST_FRACTION, refusal

DIALECT = ("encoding", "delimiter", "decimal", "skip_rows", "header", "quoting", "ragged")
"""The keys of `data` that define how a table is read, which a model file keeps."""
_ROLES = ("text", "inputs", "label", "id", "time", "group", "target")  # keys that name columns


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
