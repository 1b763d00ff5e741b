"""Truncated backpropagation through time, TBPTT(k1, k2) (Williams and Peng, 1990; Sutskever, 2013).

Update u takes the loss of the k1 newest steps, so every step is counted once. Its gradient flows back at most k2
steps: the window of the last k2 steps is recomputed with the current weights from the state stored at its start.
That state is the one the previous window computed there, which is the most recent there is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Steps start ≤ t < stop of every stream; the loss sees those from start + head_from on.

    keep: how many steps into this window the next one starts; its state is stored there.
    """

    start: int
    stop: int
    head_from: int
    keep: int

    @property
    def T(self) -> int:
        return self.stop - self.start


def windows(length: int, stride: int, depth: int) -> list[Window]:
    """The windows of one pass over streams of `length` steps; stride = k1 ≤ depth = k2.

    A depth that covers the stream is full BPTT.
    """
    stops = [min(newest + stride, length) for newest in range(0, length, stride)]
    starts = [max(0, stop - depth) for stop in stops]
    following = [*starts[1:], starts[-1]]
    return [
        Window(start, stop, stride * u - start, after - start)
        for u, (start, stop, after) in enumerate(zip(starts, stops, following, strict=True))
    ]
