"""The tasks by name. A new task is one folder and one line here."""

from __future__ import annotations

from rnncli.tasks.forecast.task import Forecast
from rnncli.tasks.language_model.task import LanguageModelling
from rnncli.tasks.seq2seq.task import Caption, Seq2seq
from rnncli.tasks.sequences.task import Classify, Regress, Tag
from rnncli.tasks.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        LanguageModelling(),
        Forecast(),
        Classify(),
        Regress(),
        Tag(),
        Seq2seq(),
        Caption(),
    )
}
