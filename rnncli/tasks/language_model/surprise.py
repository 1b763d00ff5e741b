"""How surprising each token of a held-out text was, for a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Surprise:
    """Nats of each token of a text, by the network and by a baseline; both lists are as long as `tokens`.

    apart: True if tokens are words, which stand apart when they are written.
    """

    split: str
    tokens: tuple[str, ...]
    network: tuple[float, ...]
    baseline: tuple[float, ...]
    baseline_name: str
    apart: bool = False
