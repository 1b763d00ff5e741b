"""One network of a forecast, the windows that it reads, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.nn.network import Model
from rnncli.tasks.forecast.decoders import Decoder
from rnncli.tasks.forecast.losses import ForecastLoss
from rnncli.tasks.forecast.windows import Contexts, Frame, Windowing
from rnncli.training.backpropagation import Backpropagation


@dataclass(frozen=True)
class Member:
    """One network and the windows that it reads."""

    windowing: Windowing
    decoder: Decoder
    loss: ForecastLoss
    driver: Backpropagation

    @property
    def network(self) -> Model:
        model: Model = self.decoder.network
        return model

    def frame(self, contexts: Contexts) -> Frame:
        """As much of the contexts as it reads; it may be a longer past."""
        skipped = len(contexts.values) - self.windowing.context
        shorter = replace(
            contexts,
            values=contexts.values[skipped:],
            known=contexts.known[skipped:],
            past=contexts.past[skipped:],
            ahead=contexts.ahead[skipped:],
        )
        return self.windowing.frame(shorter)

    def point(self, contexts: Contexts) -> np.ndarray:
        """(horizon, B, C) in the series' own units."""
        frame = self.frame(contexts)
        return self.windowing.forecasts(frame, self.decoder.point(frame, self.driver, self.loss))

    def spread(self, contexts: Contexts) -> np.ndarray:
        """What a correction of 1 is, (B, C), in transformed units."""
        return self.frame(contexts).scale

    def quantiles(self, contexts: Contexts, levels: Sequence[float], seed: int) -> np.ndarray | None:
        """(L, horizon, B, C), or None of a loss that knows no distribution."""
        frame = self.frame(contexts)
        found = self.decoder.quantiles(frame, self.driver, self.loss, levels, seed)
        return None if found is None else self.windowing.forecasts(frame, found)

    def draws(self, contexts: Contexts, count: int, seed: int) -> np.ndarray | None:
        """(count, horizon, B, C), or None of a loss that knows no distribution."""
        frame = self.frame(contexts)
        drawn = self.decoder.draws(frame, self.driver, self.loss, count, seed)
        return None if drawn is None else self.windowing.forecasts(frame, drawn)
