"""language-model: the next character, byte or word of a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.task import POSSIBLE, WORDS_BEFORE, Context, Experiment, Predictor, Recognised, Task

if TYPE_CHECKING:
    import numpy as np

    from rnncli.data.look import Look
    from rnncli.data.source import Source

_MANY_LINES, _MANY_CHARACTERS = 10, 100  # of a text; there may be few lines, if these are long


class LanguageModelling(Task):
    name = "language-model"
    config = LanguageModelConfig
    after_training = "generate"
    options = {
        "predict": frozenset({"strict", "top"}),
        "evaluate": frozenset({"must_beat", "plot"}),
        "compress": frozenset(),
        "score": frozenset({"adapt", "strict"}),
        "generate": frozenset({"length", "count", "seed", "temperature", "top_k", "top_p"}),
    }

    before = WORDS_BEFORE | {"training.unknown_words": "0"}

    def experiment(
        self, config: LanguageModelConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
    ) -> Experiment:
        from rnncli.tasks.language_model.experiment import TextExperiment

        return TextExperiment(config, source, context, learnt)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        from rnncli.tasks.language_model.predictor import LanguageModel

        return LanguageModel(header, arrays)

    def recognised(self, look: Look) -> Recognised | None:
        """Return that any text is for this task, but no table."""
        few = len(look.lines) < _MANY_LINES and sum(map(len, look.lines)) >= _MANY_CHARACTERS
        lines = None if few else look.lines
        return None if look.named_table or look.form == "ts" else Recognised("text", POSSIBLE, {}, lines, "line")


LANGUAGE_MODEL = LanguageModelling()
