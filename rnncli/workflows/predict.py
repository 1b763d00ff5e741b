"""predict: the predictions of a trained model for data, whatever its task."""

from __future__ import annotations

from collections.abc import Callable

from rnncli.data.source import Source
from rnncli.tasks.task import Answers, Asked, Options
from rnncli.workflows.opening import Model, open_model, require_readable, require_understood


def predict(
    run: str | Model, data: str | Source | None, reading: Options, options: Options, tell: Callable[[str], None]
) -> Answers:
    """Return what the model of `run` predicts for `data`, or without any; `tell` is called for rows that do not fit."""
    model = open_model(run)
    require_understood("predict", model.task, options)
    require_readable(model.task, reading)
    return model.load().predict(Asked(data, reading, options, tell))
