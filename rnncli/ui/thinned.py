"""The lines of a long training that a log has room for: the first, then ever fewer, so that hours make about fifty."""

from __future__ import annotations

import math

_SHARE = 0.2  # of the way since the first ones, which the next line is away


class Thinned:
    """Lets some of growing places through: all of the `first`, then some ever further apart, from `least` to `most`."""

    def __init__(self, first: float, least: float, most: float = math.inf):
        self.first, self.least, self.most = first, least, most
        self.last = 0.0

    def lets(self, place: float, *, always: bool = False) -> bool:
        """Return whether this place is let through; always: whatever came before it."""
        apart = min(max(self.least, _SHARE * (self.last - self.first)), self.most)
        through = always or place >= self.last + apart
        if through:
            self.last = place
        return through
