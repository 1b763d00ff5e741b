"""Forecasts from bytes of a CSV to a model file and back, for tests."""

import numpy as np

from rnncli.data.source import Source
from rnncli.notes import noting
from rnncli.tasks.forecast.experiment import ForecastExperiment
from rnncli.tasks.forecast.forecaster import Forecaster
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

POOL = ThreadPool(1)
MODEL = {"cell": "gru", "hidden_size": 4, "num_layers": 1}


def csv(**columns):
    """CSV bytes of columns of equal length; NaN is an empty cell."""
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(_cell, row)) for row in rows), ""]).encode()


def _cell(value):
    if isinstance(value, str | int):
        return str(value)
    return "" if value != value else repr(float(value))


def trainee_of(content, training=None, model=None, notes=None, **data):
    config = {
        "task": "forecast",
        "data": {"encoding": "utf-8", **data},
        "model": MODEL | (model or {}),
        "training": training or {},
    }
    with noting(([] if notes is None else notes).append):
        return ForecastExperiment(config_from_mapping(config), Source("s.csv", content), Context(POOL))


def shaken(experiment, size=0.5):
    """The same with heads that say something."""
    for spec in experiment.network.parameters.declared:
        if spec.name.endswith("head.weight"):
            view = experiment.network.parameters.view(spec.name)
            view[...] = np.random.default_rng(view.size + len(spec.name)).normal(0, size, view.shape)
    experiment.network.pack()
    return experiment


def trained(experiment, updates=5, rate=0.05):
    """The same after so many updates."""
    optimizer = Optimizer("adam", experiment.network, 5.0, POOL)
    for update in range(updates):
        experiment.learner.gradient(update)
        optimizer.update(rate, optimizer.gradient_norms())
    return experiment


def reloaded(experiment):
    """As it comes back from a model file."""
    header = experiment.header()
    return Forecaster(header, {**experiment.network.parameters.export(), **header["arrays"]})


def rows(model, horizon=None, levels=(), samples=0, *, network=False, notes=None):
    """What a forecaster predicts, row by row."""
    with noting(([] if notes is None else notes).append):
        return model.rows(model.predicted(horizon, levels, samples, network=network))
