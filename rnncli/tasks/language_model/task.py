"""language-model: the next character, byte or word of a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnncli.tasks.headers import WORDS_BEFORE
from rnncli.tasks.language_model.config import LanguageModelConfig
from rnncli.tasks.task import POSSIBLE, Context, Experiment, Predictor, Recognised, Task

if TYPE_CHECKING:
    import numpy as np

    from rnncli.data.look import Look
    from rnncli.data.source import Source
    from rnncli.tasks.adopting import Adopted, Given

_MANY_LINES, _MANY_CHARACTERS = 10, 100  # of a text; there may be few lines, if these are long
_LIST = "a list, each line an item of its own (as one text: --set data.items=stream)"


class LanguageModelling(Task):
    name = "language-model"
    config = LanguageModelConfig
    reads_files = True
    options = {
        "predict": frozenset({"strict", "top", "unknown"}),
        "evaluate": frozenset({"must_beat", "plot"}),
        "compress": frozenset(),
        "export": frozenset(),
        "import": frozenset(),
        "score": frozenset({"adapt", "strict", "unknown"}),
        "generate": frozenset(
            {"length", "count", "seed", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "max_copy"}
            | {"bad_words", "novel", "unknown"}
        ),
    }

    before = WORDS_BEFORE | {
        "training.unknown_words": "0",
        "model.cap_input_gate": "false",
        "model.skip_connections": "false",
        "model.input_dropout": "0",
        "model.output_dropout": "0",
        "model.tied_embeddings": "false",
        "model.state_dropout": "0",
        "training.weight_averaging": "0",
        "training.precision": "float32",
    }
    nulls_before = {"model.input_dropout": "0", "model.output_dropout": "0", "training.weight_averaging": "0"}

    def experiment(
        self, config: LanguageModelConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
    ) -> Experiment:
        from rnncli.tasks.language_model.experiment import TextExperiment

        return TextExperiment(config, source, context, learnt)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        from rnncli.tasks.language_model.predictor import LanguageModel

        return LanguageModel(header, arrays)

    def adopted(self, given: Given) -> Adopted:
        from rnncli.tasks.language_model.adopted import adopted

        return adopted(given)

    def recognised(self, look: Look) -> Recognised | None:
        """Return that any text is for this task, but no table; where it is a list, each line is an item."""
        few = len(look.lines) < _MANY_LINES and sum(map(len, look.lines)) >= _MANY_CHARACTERS
        lines = None if few else look.lines
        if look.named_table or look.form == "ts":
            return None
        if look.lists_items:
            return Recognised(_LIST, POSSIBLE, {"items": "lines"}, lines, "line")
        return Recognised("text", POSSIBLE, {}, lines, "line")


LANGUAGE_MODEL = LanguageModelling()
