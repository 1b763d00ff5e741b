"""Small trainings of every kind whose sums over a batch differ, for tests of training.shards."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.data.source import Source
from rnncli.notes import noting
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.loop import TrainingLoop
from rnncli.training.optimizer import Optimizer
from rnncli.training.plan import Plan, Position
from rnncli.training.ranks import Ranks
from rnncli.training.reports import Evaluated

SHARDS = 8
UPDATES = 6  # with the last batch of an epoch, which has fewer sequences than shards
WORDS = ("red", "green", "blue", "grey", "ochre", "teal")


def _line(i: int) -> str:
    """A line of one to four words."""
    return " ".join(WORDS[(i * k) % 6] for k in range(1, 2 + i % 4))


LINES = [_line(i) for i in range(60)]
TEXT = "".join(f"{line}, {i % 7}.\n" for i, line in enumerate(LINES))
MONTHS = [f"{year}-{month:02d}" for year in range(2001, 2009) for month in range(1, 13)]
PANEL = "month,shop,sales,price\n" + "".join(
    f"{month},{shop},{50 + 9 * shop + 20 * math.sin(i + shop) + i / 4:.2f},{i * 7 % 5}\n"
    for shop in (1, 2)
    for i, month in enumerate(MONTHS)
)
LABELLED = "text,label\n" + "".join(f"{line},{'xyz'[i % 3]}\n" for i, line in enumerate(LINES))
NUMBERS = "id,a,b,label\n" + "".join(
    f"{i},{math.sin(i + t):.3f},{i * t % 7},{i % 3}.5\n" for i in range(40) for t in range(3 + i % 4)
)
TAGGED = "".join("".join(f"{word} {word[0].upper()}\n" for word in line.split()) + "\n" for line in LINES)
PAIRS = "source\ttarget\n" + "".join(f"{line}\t{' '.join(reversed(line.split()))}\n" for line in LINES)
SPELT = "id,a,b,text\n" + "".join(
    f"{i},{math.sin(i + t):.3f},{i * t % 7},{'xyz'[i % 3]}{'zy'[i % 2]}\n" for i in range(40) for t in range(4 + i % 4)
)
PROMPTS = "a,b,text\n" + "".join(f"{i % 5},{i % 3},{line}\n" for i, line in enumerate(LINES))

NETWORK = {"cell": "lstm", "hidden_size": 6, "num_layers": 2, "dropout": 0.2}
TRAINING = {"batch_size": 11, "epochs": 1, "learning_rate": 1e-2, "clip_norm": 0.5}
_FORECAST = {"horizon": 3, "context": 12, "id": "shop", "time": "month", "target": "sales"}

Kind = tuple[str, str, str, dict[str, Any], dict[str, Any], dict[str, Any]]
# By what is special about it: its task, its data, and its sections.
KINDS: dict[str, Kind] = {
    "one-hot characters": (
        "language-model",
        "text.txt",
        TEXT,
        {},
        {"skip_connections": True, "weight_drop": 0.2, "state_dropout": 0.2},
        {"bptt": 9, "bptt_stride": 4, "weight_averaging": 0.9},
    ),
    "bfloat16": ("language-model", "text.txt", TEXT, {}, {}, {"bptt": 7, "precision": "bfloat16"}),
    "a folded embedding": (
        "language-model",
        "text.txt",
        TEXT,
        {},
        {"embedding_size": 4, "skip_connections": True, "embedding_dropout": 0.1},
        {"bptt": 7},
    ),
    "tied words": (
        "language-model",
        "text.txt",
        TEXT,
        {"tokens": "word"},
        {"embedding_size": 6, "tied_embeddings": True, "skip_connections": False, "input_dropout": 0.1},
        {"bptt": 7},
    ),
    "items": ("language-model", "text.txt", TEXT, {"items": "lines"}, {"cell": "gru"}, {"bptt": 9, "bptt_stride": 9}),
    "direct": (
        "forecast",
        "panel.csv",
        PANEL,
        {**_FORECAST, "known_covariates": "price", "context": [12, 8]},
        {"decoder": "direct"},
        {"seeds": 2, "bptt": 8},
    ),
    "segments": (
        "forecast",
        "panel.csv",
        PANEL,
        {**_FORECAST, "channels": "independent"},
        {"decoder": "segments", "segment": 3, "num_layers": 1},
        {},
    ),
    "recursive": ("forecast", "panel.csv", PANEL, _FORECAST, {"decoder": "recursive", "cell": "gru"}, {}),
    "attention pooling": (
        "classify",
        "lines.csv",
        LABELLED,
        {"tokens": "char", "residual": "none"},
        {"pooling": "attention", "cell": "peephole", "bidirectional": True, "skip_connections": True},
        {"seeds": 2},
    ),
    "a text much longer than all others": (
        "classify",
        "lines.csv",
        f"{LABELLED}{' '.join(LINES)},x\n",
        {"tokens": "char", "residual": "none", "validation": 0},
        {"pooling": "last", "num_layers": 1, "embedding_size": 3},
        {"seeds": 1, "batch_size": 8, "epochs": 2},
    ),
    "folds": (
        "classify",
        "lines.csv",
        LABELLED,
        {"tokens": "word", "residual": "none", "folds": 3},
        {"pooling": "mean", "bidirectional": False, "embedding_size": 3},
        {"seeds": 1},
    ),
    "numbers": (
        "regress",
        "numbers.csv",
        NUMBERS,
        {"id": "id", "inputs": ["a", "b"], "label": "label", "residual": "none"},
        {"cell": "slstm", "pooling": "max"},
        {"seeds": 1},
    ),
    "composed words": (
        "tag",
        "tags.conll",
        TAGGED,
        {},
        {"character_size": 3, "embedding_size": 4, "affix_size": 2, "head": "crf", "word_dropout": 0.2},
        {"seeds": 1},
    ),
    "additive attention": (
        "seq2seq",
        "pairs.tsv",
        PAIRS,
        {"tokens": "word"},
        {"attention": "additive", "encoder_bidirectional": True, "embedding_size": 4},
        {"seeds": 2, "teacher_forcing": 0.6},
    ),
    "dot attention": ("seq2seq", "pairs.tsv", PAIRS, {"tokens": "char"}, {"attention": "dot", "num_layers": 1}, {}),
    "captions": ("caption", "prompts.csv", PROMPTS, {"tokens": "char"}, {"cell": "gru"}, {}),
    "recordings": ("transcribe", "steps.csv", SPELT, {}, {"bidirectional": True}, {"speed": 0.2, "mask_steps": 0.2}),
}


def config_of(name: str, **training: Any) -> tuple[Any, Source]:
    """The config and the data of a kind, with these changes to its training."""
    task, file, content, data, model, more = KINDS[name]
    split = {} if "folds" in data else {"validation": 0.2}
    sections = {"data": {**split, **data}, "model": {**NETWORK, **model}, "training": {**TRAINING, **more, **training}}
    return config_from_mapping({"task": task, **sections}), Source(file, content.encode())


def prepared(name: str, pool: ThreadPool, dtype: Any = np.float32, **training: Any) -> Experiment:
    """The experiment of a kind."""
    config, source = config_of(name, **training)
    with noting(lambda text: None):
        experiment = TASKS[config.task].prepare(config, source, Context(pool, np.dtype(dtype)))
        return CrossValidation(experiment, folds) if (folds := experiment.folds()) else experiment


def loop_of(experiment: Experiment, pool: ThreadPool, updates: int, **plan: Any) -> TrainingLoop:
    training = experiment.config.training
    averaging = training.weight_averaging or 0.0
    planned = Plan(updates, 2, 1e-2, "cosine", None, weight_averaging=averaging, **plan)
    return TrainingLoop(experiment.learner, Optimizer.of(training, experiment.network, pool), planned)


@dataclass(frozen=True)
class Trained:
    """The arrays and the position of a state, and the losses that were reported, of training and of validation."""

    arrays: dict[str, np.ndarray]
    position: Position
    losses: list[tuple[float | None, float | None]]

    @property
    def weights(self) -> np.ndarray:
        return self.arrays["weights"]


def trained(
    name: str,
    ranks: Ranks,
    threads: int = 1,
    updates: int = UPDATES,
    stops: Callable[[int], bool] = lambda update: False,
    before: Trained | None = None,
    **training: Any,
) -> Trained:
    """What came out of so many updates, some of which were made before. stops: after which update it is to stop."""
    pool = ThreadPool(threads, ranks)
    try:
        loop = loop_of(prepared(name, pool, **training), pool, updates)
        if before:
            loop.restore(before.arrays, copy.deepcopy(before.position))
        reports = list(loop.run(lambda: stops(loop.position.update)))
        losses = [(report.train_loss, report.valid_loss) for report in reports if isinstance(report, Evaluated)]
        arrays = {key: array.copy() for key, array in loop.arrays().items()}
        return Trained(arrays, loop.snapshot(), losses)
    finally:
        pool.close()
