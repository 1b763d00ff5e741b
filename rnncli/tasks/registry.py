"""The tasks by name. A new task is one file and one line here."""

from __future__ import annotations

from rnncli.tasks import classify, forecast, language_model, regress
from rnncli.tasks.task import Task

_language_model: Task = language_model
_forecast: Task = forecast
_classify: Task = classify
_regress: Task = regress

TASKS: dict[str, Task] = {
    "language-model": language_model,
    "forecast": forecast,
    "classify": classify,
    "regress": regress,
}
