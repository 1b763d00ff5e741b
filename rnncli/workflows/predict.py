"""predict: the predictions of a trained model for data, whatever its task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rnncli.data.encodings import UTF_8
from rnncli.data.source import Source
from rnncli.errors import UsageError, quoted
from rnncli.notes import doubt
from rnncli.tasks.answers import Answers
from rnncli.tasks.task import Asked, Options
from rnncli.workflows.opening import (
    Model,
    open_model,
    open_to_answer,
    reading_as_trained,
    require_readable,
    require_understood,
)


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
    model = open_to_answer(run)
    require_understood("predict", model.task, options)
    require_readable(model.task, reading)
    if more and not model.task.answers_files:
        raise UsageError(f"{more[0]}: a {model.task.name} answers for one file at a time; join them, or name one")
    language = open_model(str(options["lm"])).load() if "lm" in options else None
    with reading_as_trained():
        answers = model.load().predict(Asked(data, reading, options, tell, more, language))
    if data is None:
        _doubt_changed(model.run)
    return replace(answers, encoding=str(model.header["data"].get("encoding") or UTF_8))


def _doubt_changed(run: str) -> None:
    """Write a doubt where the file that a run goes on after has changed since training."""
    from rnncli.workflows.trained_on import changed_since  # and with it all that reads data

    if (name := changed_since(run)) is not None:
        doubt(
            f"{name} has changed since training, and is not read; name it to forecast after its rows: "
            f"rnncli predict {quoted(run)} {quoted(name)}"
        )
