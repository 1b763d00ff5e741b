"""predict: the predictions of a trained model for data, whatever its task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rnncli.data.source import Source
from rnncli.errors import UsageError
from rnncli.tasks.answers import Answers
from rnncli.tasks.task import Asked, Options
from rnncli.workflows.opening import Model, open_model, require_readable, require_understood


def predict(
    run: str | Model,
    data: str | Source | None,
    reading: Options,
    options: Options,
    tell: Callable[[str], None],
    more: Sequence[str] = (),
) -> Answers:
    """Return what the model of `run` predicts for `data`, or without any, and for `more` files of a task that answers
    for several; `tell` is called for rows that do not fit."""
    model = open_model(run)
    require_understood("predict", model.task, options)
    require_readable(model.task, reading)
    if more and not model.task.answers_files:
        raise UsageError(f"{more[0]}: a {model.task.name} answers for one file at a time; join them, or name one")
    language = open_model(str(options["lm"])).load() if "lm" in options else None
    return model.load().predict(Asked(data, reading, options, tell, more, language))
