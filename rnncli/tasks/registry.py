"""The tasks by name. A new task is one file and one line here."""

from __future__ import annotations

from rnncli.tasks import forecast, language_model
from rnncli.tasks.task import Task

_language_model: Task = language_model
_forecast: Task = forecast

TASKS: dict[str, Task] = {
    "language-model": language_model,
    "forecast": forecast,
}
