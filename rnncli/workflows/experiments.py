"""How a config and data become the experiment that is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from rnncli.config.loading import data_paths
from rnncli.config.sections import Config
from rnncli.data.kept_rows import KeptRows
from rnncli.data.source import Source
from rnncli.notes import noting
from rnncli.tasks.cross_validation import CrossValidation
from rnncli.tasks.registry import TASKS
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer
from rnncli.workflows.planning import with_epochs


def experiment_of(
    config: Config,
    source: Source,
    pool: ThreadPool,
    learnt: Mapping[str, Any] | None = None,
    kept: KeptRows | None = None,
) -> tuple[Experiment, Experiment]:
    """Return the experiment, and what is trained first: its cross-validation, if it has one, or itself; learnt: see
    `Task.prepare`, kept: see `Context`."""
    whole = TASKS[config.task].prepare(config, source, Context(pool, kept=kept), learnt)
    folds = whole.folds()
    return whole, with_epochs(config, CrossValidation(whole, folds) if folds else whole)


def optimizer_of(experiment: Experiment, pool: ThreadPool) -> Optimizer:
    return Optimizer.of(experiment.config.training, experiment.network, pool)


def data_sha256(config: Config, source: Source) -> str:
    """Return the hash of the data and of all files read beside it, which a resumed run must find unchanged."""
    files = [path for key, path in data_paths(config).items() if key != "path"]
    with noting(lambda text: None):  # told when they were read
        digests = [source.sha256, *(TASKS[config.task].source(config, path).sha256 for path in files)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
