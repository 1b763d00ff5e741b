"""What tasks refuse that read whole sequences."""

from __future__ import annotations

from rnncli.config.schema import Config
from rnncli.errors import ConfigError


def require_whole_sequences(config: Config) -> None:
    """ConfigError for the keys of tasks that cut windows out of something endless."""
    for key in ("bptt", "bptt_stride"):
        if getattr(config.training, key) is not None:
            raise ConfigError(f"training.{key}: a {config.task} reads whole sequences; remove it")
    if config.data.format == "ts" and config.task not in ("classify", "regress"):
        raise ConfigError(f"data.format: is ts, which has one answer for each sequence; a {config.task} needs another")
    if config.data.scaling not in (None, "standard", "none"):
        raise ConfigError(f"data.scaling: is {config.data.scaling}; a {config.task} takes standard or none")


def refuse_keys(config: Config, keys: dict[str, str]) -> None:
    """ConfigError for the first of these keys, `section.key` with the reason, that is set."""
    for path, reason in keys.items():
        section, _, key = path.partition(".")
        part = getattr(config, section)
        if getattr(part, key) != type(part).model_fields[key].default:
            raise ConfigError(f"{path}: {reason}")
