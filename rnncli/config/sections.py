"""A whole config of three sections that tasks have in common; each task adds its keys in its folder's `config.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import Field, field_validator

from rnncli.config.chosen import BEFORE, is_open
from rnncli.config.data_section import DataConfig
from rnncli.config.model_section import ModelConfig
from rnncli.config.section import Section, keys_of
from rnncli.config.training_section import TrainingConfig, TuneConfig
from rnncli.config.values import section

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
