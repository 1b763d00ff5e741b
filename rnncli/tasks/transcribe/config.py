"""The config of transcribe."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rnncli.config.chosen import Chosen, chosen
from rnncli.config.model_section import StackModelConfig
from rnncli.config.recordings import RecordingsConfig
from rnncli.config.section import Split
from rnncli.config.sections import Config
from rnncli.config.token_sections import TokensConfig
from rnncli.config.training_section import TrainingConfig

Share = Annotated[float, Field(ge=0, le=0.5)]
_WHOLE = "a transcribe reads whole recordings; remove it"


class TranscriptsConfig(RecordingsConfig, TokensConfig):
    """The data: recordings and their transcripts."""

    validation: Chosen[Split] = chosen(
        "What to validate on: a fraction of the recordings (up to 0.9) drawn by training.seed, or others like the data "
        "to learn from; null is 0.1.",
        before=0.1,
    )


class TranscribeModelConfig(StackModelConfig):
    """A network with an answer for every step."""

    bidirectional: Chosen[bool] = chosen("Read each recording from both ends; null is true.", before=False)


class TranscribeTrainingConfig(TrainingConfig):
    """Training on recordings, which may be changed a little, every time in another way."""

    speed: Chosen[Share] = chosen(
        "The largest share by which training changes the speed of a recording (augmentation); null is chosen from the "
        "data.",
        before=0.0,
    )
    mask_steps: Chosen[Share] = chosen(
        "The largest share of its steps that each of two runs has which training replaces by the mean of a recording "
        "(augmentation: SpecAugment; Park et al., 2019); null is chosen from the data.",
        before=0.0,
    )
    mask_features: Chosen[Share] = chosen(
        "The same for two runs of features, such as bands of frequencies (augmentation).",
        before=0.0,
    )


class TranscribeConfig(Config):
    """The config of transcribe: a text for a recording."""

    refused = dict.fromkeys(("training.bptt", "training.bptt_stride"), _WHOLE) | {
        "model.pooling": "a transcribe has an answer for every step; remove it",
        "data.max_length": "a transcribe reads all of a recording; remove it, or cut long ones with their transcripts",
    }

    data: TranscriptsConfig = Field(default={}, validate_default=True)
    model: TranscribeModelConfig = Field(default={}, validate_default=True)
    training: TranscribeTrainingConfig = Field(default={}, validate_default=True)
