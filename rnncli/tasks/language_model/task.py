"""language-model: the next character, byte or word of a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnncli.data.source import Source, is_table
from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.task import WORDS_BEFORE, Context, Experiment, Predictor, Task


class LanguageModelling(Task):
    name = "language-model"
    config = LanguageModelConfig
    options = {
        "predict": frozenset({"strict", "top"}),
        "evaluate": frozenset(),
        "generate": frozenset({"length", "count", "seed", "temperature", "top_k", "top_p"}),
    }

    before = WORDS_BEFORE | {"training.unknown_words": "0"}

    def prepare(
        self, config: LanguageModelConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None = None
    ) -> Experiment:
        from rnncli.tasks.language_model.experiment import TextExperiment

        return TextExperiment(config, source, context, learnt)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        from rnncli.tasks.language_model.predictor import LanguageModel

        return LanguageModel(header, arrays)

    def inferred(self, path: str, size: int, form: str | None) -> dict[str, Any] | None:
        """Return a config inferred for the file, or None if it is a table."""
        return None if form == "csv" or (form is None and is_table(path)) else {"data": {"path": path}}
