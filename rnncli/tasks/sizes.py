"""The sizes of networks and the lengths of trainings that a config leaves open, chosen by how much there is to learn.

`KINDS` is the rule, a pure table of amounts; tests/bench/defaults.py measures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from rnncli.config.chosen import is_open
from rnncli.config.sections import C
from rnncli.config.training_section import LARGEST_SEED

MAX_TIME = "5m"  # of a training whose length is chosen
_LEAST_JUDGES = 100  # validation sequences whose loss may end a training
_PATIENCE = 10  # evaluations
_MOST_NETWORKS = 4  # from different seeds: 93.2% of seven sets right, and 91.5% by one network
_STEPS = 25e6  # of all networks: two or three minutes on one core
MORE = 1.5  # the time that a network of all the data takes, in that of a fold


@dataclass(frozen=True)
class Row:
    """The choice for up to so many `sequences`: texts, series, pairs or windows.

    updates: how many there should be; at least and at most these epochs are made of them.
    """

    sequences: float
    cell: str
    hidden_size: int
    num_layers: int
    dropout: float
    batch_size: int
    learning_rate: float
    updates: int
    least_epochs: int
    most_epochs: int = 300


_ALL = float("inf")
_SEGMENTS = (  # up to 50,000 windows in segments
    Row(5000, "gru", 64, 1, 0.1, 16, 3e-3, 3000, 20),
    Row(50_000, "gru", 128, 1, 0.3, 64, 2e-3, 4000, 4),
)
KINDS: Mapping[str, tuple[Row, ...]] = {
    "numbers": (
        Row(100, "gru", 48, 1, 0.3, 8, 6e-3, 1000, 40),
        Row(1000, "gru", 64, 1, 0.3, 16, 5e-3, 1500, 40),
        Row(_ALL, "gru", 64, 1, 0.1, 32, 4e-3, 3000, 15),
    ),
    "characters": (
        Row(1000, "gru", 48, 1, 0.1, 16, 5e-3, 1500, 40),
        Row(_ALL, "gru", 96, 1, 0.2, 32, 3e-3, 4000, 10),
    ),
    "words": (
        Row(1000, "gru", 48, 1, 0.5, 16, 2e-3, 800, 10),
        Row(_ALL, "lstm", 64, 1, 0.6, 32, 5e-4, 1500, 6),
    ),
    # Noise in the inputs, which helps to tell labels, blurs numbers: of sets of 300 to 500 texts the RMSE was up to
    # twice as high with the word dropout of labels.
    "numbers of words": (
        Row(1000, "gru", 48, 1, 0.0, 16, 3e-3, 1500, 60),
        Row(_ALL, "gru", 64, 1, 0.1, 32, 2e-3, 3000, 15),
    ),
    "tags of words": (
        Row(1000, "lstm", 64, 1, 0.4, 8, 3e-3, 1500, 20),
        Row(_ALL, "lstm", 128, 1, 0.5, 16, 2e-3, 4000, 12),
    ),
    "tags of numbers": (
        Row(1000, "gru", 48, 2, 0.3, 8, 4e-3, 600, 20),
        Row(_ALL, "gru", 64, 2, 0.3, 16, 3e-3, 3000, 10),
    ),
    "pairs": (
        Row(2000, "gru", 96, 1, 0.3, 16, 3e-3, 4000, 40),
        Row(_ALL, "lstm", 128, 1, 0.4, 32, 2e-3, 10000, 15),
    ),
    "edits": (
        Row(2000, "gru", 96, 1, 0.3, 16, 3e-3, 4000, 40),
        Row(_ALL, "gru", 96, 1, 0.4, 32, 2e-3, 4500, 15),
    ),
    "windows": (
        Row(500, "gru", 32, 1, 0.0, 8, 2e-3, 1000, 40),
        Row(5000, "gru", 32, 1, 0.0, 32, 3e-3, 3000, 40),
        Row(50_000, "gru", 64, 1, 0.1, 64, 3e-3, 6000, 10),
        Row(_ALL, "gru", 128, 1, 0.1, 128, 2e-3, 8000, 2),
    ),
    "segments": (
        *_SEGMENTS,
        Row(_ALL, "gru", 128, 1, 0.5, 256, 1e-3, 1000, 3),
    ),
    "panels": (
        *_SEGMENTS,
        # Of 414 series of hours, the loss on validation after 6,000 updates was 0.220; with 64 units 0.230, in batches
        # of 32 0.227, and in segments of two seasons 0.228, each of which takes about half the time.
        Row(_ALL, "gru", 128, 1, 0.1, 64, 2e-3, 10_000, 2),
    ),
    "captions": (
        Row(2000, "gru", 96, 1, 0.1, 16, 4e-3, 4000, 40),
        Row(_ALL, "gru", 128, 1, 0.1, 32, 4e-3, 8000, 15),
    ),
    # A guess beside the other rows, near the configs by which connected digits and the samples are learnt: no table of
    # sizes was measured for it.
    "transcripts": (
        Row(1000, "gru", 64, 2, 0.1, 16, 4e-3, 1500, 20),
        Row(_ALL, "lstm", 128, 2, 0.2, 32, 2e-3, 3000, 8),
    ),
}
"""The choices by kind of data, the fewest sequences first."""


def completed(config: C, kind: str, sequences: int, judges: int) -> C:
    """Return the config with sizes, rates and lengths in place of null, for so many training sequences of a kind.

    judges: the number of validation sequences. A training whose epochs are given has no limit of time and no patience
    that are not given.
    """
    row = next(row for row in KINDS[kind] if sequences <= row.sequences)
    batch_size = config.training.batch_size or row.batch_size
    epochs = min(max(ceil(row.updates * batch_size / sequences), row.least_epochs), row.most_epochs)
    # Some series are slow to begin with: of `pace` the RMSE was 0.193 with a patience of 10, and 0.101 with 40.
    patience = max(_PATIENCE, epochs // 4) if kind in ("numbers", "tags of numbers") else _PATIENCE
    return with_training(
        config.completed(
            model={
                "cell": row.cell if config.model.activation == "tanh" else "rnn",
                "hidden_size": row.hidden_size,
                "num_layers": row.num_layers,
                "dropout": row.dropout,
            },
            training={"batch_size": batch_size, "learning_rate": row.learning_rate},
        ),
        epochs,
        patience if judges >= _LEAST_JUDGES else None,
    )


def networks(steps: int, folds: int) -> int:
    """Return how many networks to train on all of the data, after a cross-validation with one for each of the folds; 1
    without any, since there are many sequences then. steps: how many the layers of one network read in all."""
    most = (_STEPS / max(steps, 1) - folds) / MORE
    return int(min(max(most, 1), _MOST_NETWORKS)) if folds else 1


def side_by_side(steps: int) -> int:
    """Return how many networks to train at the same time on the same data, one of which reads so many steps."""
    return min(max(round(_STEPS / max(steps, 1)), 1), _MOST_NETWORKS)


def with_networks(config: C, count: int) -> C:
    """Return the config with so many networks, unless `training.seeds` is given: fewer where seeds end."""
    return config.completed(training={"seeds": min(count, LARGEST_SEED + 1 - config.training.seed)})


def with_training(config: C, epochs: int, patience: int | None) -> C:
    """Return the config with these epochs, a limit of time and patience, unless its epochs are given; if its updates or
    its time are given, without the other limits, which would end it before its schedule.
    """
    training, wanted = config.training, {"epochs": epochs, "max_time": MAX_TIME, "patience": patience}
    if training.updates is not None or not is_open(training.max_time):
        wanted = {"epochs": epochs}
    return config.completed(training=wanted if is_open(training.epochs) else {})
