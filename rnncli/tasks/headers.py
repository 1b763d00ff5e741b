"""What the header of a model file says of its config, and how a config is read from one, older ones included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnncli.config.chosen import is_chosen, value_before
from rnncli.config.loading import config_from_mapping
from rnncli.config.section import keys_of
from rnncli.config.sections import SECTIONS, C, Config
from rnncli.config.training_section import DEFAULT_PRECISION
from rnncli.data.encodings import UTF_8
from rnncli.errors import ConfigError

WORDS_BEFORE = {"data.words": "letters"}  # of a task with tokens: what its `before` says of them


def config_in(header: Mapping[str, Any], schema: type[C]) -> C:
    """Return the config in the header of a model file; ConfigError if it makes no sense."""
    kept = {"training": {}} | {name: header[name] for name in ("task", *SECTIONS) if name in header}
    for section, values in kept.items():
        if isinstance(values, dict):
            kept[section] = _chosen(section, values, schema)
    config = config_from_mapping(kept, {str(header["task"]): schema})
    assert isinstance(config, schema)
    return config.completed(data={"encoding": UTF_8})


def _chosen(section: str, values: Mapping[str, Any], schema: type[Config]) -> dict[str, Any]:
    """Return a section of a header, of whose model and training what is not written is as it was before there was a
    choice; ConfigError for a null where training has chosen a value."""
    fields = {key: field for key, field in keys_of(schema, section).items() if is_chosen(field)}
    then = {key: value for key, field in fields.items() if (value := value_before(field)) is not None}
    if null := [key for key in then if key in values and values[key] is None]:
        raise ConfigError(f"{section}.{null[0]}: is null, and every model has a value of it")
    return dict(values) if section == "data" else {**then, **values}


def training_in_header(config: Config, *keys: str) -> dict[str, Any]:
    """Return what the header of a model says of its training: these keys, several networks, another precision."""
    kept = config.training.model_dump(include=set(keys))
    if config.networks > 1:
        kept["seeds"] = config.networks
    if config.training.precision != DEFAULT_PRECISION:
        kept["precision"] = config.training.precision
    return {"training": kept} if kept else {}


def with_words_of_letters(within: Mapping[str, Any]) -> dict[str, Any]:
    """Return a header, or what is in it, in which every kind of token that was `word` is `letters`."""
    new = {key: with_words_of_letters(value) if isinstance(value, dict) else value for key, value in within.items()}
    return new | {"kind": "letters"} if new.get("kind") == "word" else new
