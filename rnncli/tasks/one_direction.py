"""What tasks refuse that must not see a sequence's future."""

from __future__ import annotations

from rnncli.config.schema import Config
from rnncli.errors import ConfigError


def require_one_direction(config: Config) -> None:
    """ConfigError where the model would read the answer, or read one answer where there is one for each step."""
    if config.model.bidirectional:
        raise ConfigError(
            f"model.bidirectional: read from its end, a sequence shows the answer that a {config.task} is to find; "
            "set it to false"
        )
    if config.model.pooling is not None:
        raise ConfigError(f"model.pooling: a {config.task} has no one answer for a whole sequence; remove it")
