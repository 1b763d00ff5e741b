"""The network that a language model has where its config leaves that open, by the size of the text and by the time.

A small text is learnt by heart, so that it gets a small network, or dropout. A large one is not, but a large network
sees little of it in a short time. Measured are, on texts of about 1 MB in bfloat16, the rows of 5 and 10 minutes, of an
hour and of words (tests/bench/quality.py) and, on 300 kB, what they have in common (tests/bench/ablation.py); the
others are drawn from these. Dropout of the state costs a short training more than it saves, and keeps a long one from
the text's letters: of 300 kB read 40 times the loss was 1.306 with three tenths, and 1.344 without, at its best after
18 readings. tests/bench/budget.py trains a grid of sizes for some times, and prints the losses.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """The choice for a text of up to so many bytes, if there are at least so many seconds, on two cores.

    most_epochs: as often at most a training for that time reads the text. state_dropout: for that time alone.
    """

    size: float
    seconds: float
    cell: str
    hidden_size: int
    num_layers: int
    dropout: float
    batch_size: int
    learning_rate: float
    most_epochs: int
    state_dropout: float = 0.0


_ANY = float("inf")
ROWS = (
    Row(20_000, 0, "gru", 64, 1, 0.0, 4, 5e-3, 200),
    Row(300_000, 0, "lstm", 80, 4, 0.3, 16, 1e-2, 40),
    Row(300_000, 480, "lstm", 160, 4, 0.4, 16, 6e-3, 60, 0.3),
    Row(3_000_000, 0, "lstm", 112, 3, 0.1, 32, 1e-2, 20),
    Row(3_000_000, 150, "lstm", 192, 4, 0.3, 32, 1e-2, 20),
    Row(3_000_000, 480, "lstm", 208, 4, 0.4, 32, 8e-3, 30, 0.1),
    Row(3_000_000, 1800, "lstm", 256, 4, 0.4, 32, 6e-3, 80, 0.35),
    Row(_ANY, 0, "lstm", 112, 3, 0.0, 32, 1e-2, 20),
    Row(_ANY, 150, "lstm", 160, 4, 0.0, 32, 1e-2, 20),
    Row(_ANY, 480, "lstm", 176, 4, 0.1, 32, 1e-2, 20),
    Row(_ANY, 1800, "lstm", 320, 4, 0.2, 32, 5e-3, 20),
)
"""By size, and of one size by time."""

OF_WORDS = (
    Row(20_000, 0, "gru", 64, 1, 0.0, 4, 5e-3, 200),
    Row(300_000, 0, "lstm", 128, 1, 0.4, 16, 6e-3, 60),
    Row(3_000_000, 0, "lstm", 192, 1, 0.4, 16, 6e-3, 40),
    Row(3_000_000, 480, "lstm", 224, 1, 0.5, 16, 6e-3, 40),
    Row(_ANY, 0, "lstm", 160, 1, 0.2, 16, 6e-3, 20),
)
"""These rows are for texts that are cut into words: most of the work is then the head's, and there are few tokens."""


def row_for(size: int, seconds: float, *, words: bool = False) -> Row:
    """Return the choice for a text of `size` bytes that is trained on for so many seconds."""
    rows = OF_WORDS if words else ROWS
    limit = next(row.size for row in rows if size < row.size)
    return [row for row in rows if row.size == limit and row.seconds <= seconds][-1]
