"""The tasks by name. A new task is one file and one line here."""

from __future__ import annotations

from rnncli.tasks import forecast, language_model
from rnncli.tasks.seq2seq import caption, seq2seq
from rnncli.tasks.sequences import classify, regress, tag
from rnncli.tasks.task import Task

_language_model: Task = language_model
_forecast: Task = forecast
_classify: Task = classify
_regress: Task = regress
_tag: Task = tag
_seq2seq: Task = seq2seq
_caption: Task = caption

TASKS: dict[str, Task] = {
    "language-model": language_model,
    "forecast": forecast,
    "classify": classify,
    "regress": regress,
    "tag": tag,
    "seq2seq": seq2seq,
    "caption": caption,
}
