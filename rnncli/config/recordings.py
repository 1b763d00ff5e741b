"""The keys of data whose sequences are recordings: files of sound, numbers or pictures, and a text for each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from rnncli.config.data_section import TableConfig
from rnncli.config.section import Columns, FilePath, OneColumn, Section
from rnncli.config.values import milliseconds, parse_milliseconds, refusal, section

Milliseconds = Annotated[str, BeforeValidator(milliseconds)]


class FeatureConfig(Section):
    """How a recording becomes rows of numbers, a step each."""

    kind: Literal["log-mel", "numbers", "columns"] | None = Field(
        default=None,
        description="What a step is: log-mel, the energy of bands in a window of sound; numbers, a row of them; "
        "columns, those of a grey picture from left to right. null decides by the files.",
    )
    bands: int = Field(
        default=40,
        ge=1,
        le=256,
        description="The bands of log-mel features, or the rows that a picture is scaled to.",
    )
    window: Milliseconds = Field(default="25ms", description="The window of sound that a row is made of.")
    hop: Milliseconds = Field(default="10ms", description="How much later the next window begins.")
    rate: Annotated[int, Field(ge=1000, le=192_000)] | None = Field(
        default=None,
        description="The samples a second to which sound of another rate is resampled; null is the rate of the first "
        "recording.",
    )
    stack: int = Field(default=1, ge=1, le=16, description="How many rows make one step of the network.")
    deltas: bool = Field(default=False, description="Put the slope of each feature over five rows beside it.")
    normalise: Literal["recording", "training", "none"] = Field(
        default="recording",
        description="What gives the mean and the standard deviation by which features are normalised: each recording "
        "its own, or the training split.",
    )

    @field_validator("hop")
    @classmethod
    def _leaves_nothing_out(cls, hop: str, info: ValidationInfo) -> str:
        window = info.data.get("window")
        if window is not None and parse_milliseconds(hop) > parse_milliseconds(window):
            raise refusal("must be at most data.features.window, or some of the sound is in no window")
        return hop

    @property
    def seconds(self) -> tuple[float, float]:
        """The window and the hop in seconds."""
        return parse_milliseconds(self.window), parse_milliseconds(self.hop)


class RecordingsConfig(TableConfig):
    """Data of recordings, each with its text."""

    text: OneColumn | None = Field(
        default=None,
        description="The column of a list of recordings, or of a table of steps, that holds what each says; null looks "
        "for text or transcript.",
    )
    inputs: Columns | None = Field(
        default=None,
        description="The columns of numbers to read from a table of steps; null takes all but text, id and time.",
    )
    id: OneColumn | None = Field(
        default=None,
        description="The column of a table of steps that names the recording of each row; null looks for id, and takes "
        "a table without it for one recording.",
    )
    transcripts: FilePath | None = Field(
        default=None,
        description="A table of what each recording in a table of steps says, by its id; null looks in that table.",
    )
    time: OneColumn | None = Field(default=None, description="The column of times in a table, which is not an input.")
    features: FeatureConfig = Field(
        default={}, validate_default=True, description="How a recording becomes rows of numbers, a step each."
    )

    @field_validator("features", mode="before")
    @classmethod
    def _empty_section(cls, value: Any) -> Any:
        return section(value)
