"""classify, regress, tag: a label, a number, or a label for every step."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rnncli.tasks.headers import WORDS_BEFORE
from rnncli.tasks.sequences.config import ClassifyConfig, RegressConfig, TagConfig
from rnncli.tasks.task import Context, Experiment, Predictor, Recognised, Task

if TYPE_CHECKING:
    import numpy as np

    from rnncli.data.look import Look
    from rnncli.data.source import Source
    from rnncli.tasks.adopting import Adopted, Given

TRAINING_BEFORE = {"training.jitter": "0.0", "training.magnitude": "0.0"}


class OfSequences(Task):
    """A task of this folder; `prepare` and `load` are in the module of its name, which is imported when needed."""

    options = {
        "predict": frozenset({"strict"}),
        "evaluate": frozenset({"must_beat"}),
        "export": frozenset(),
        "import": frozenset(),
    }
    before = {
        "data.group": "none",
        "data.quoting": "minimal",
        "data.stratify": "false",
        "data.differences": "false",
        "training.seeds": "1",
    }
    nulls_before = {"data.scaling": "standard"}

    def experiment(self, config: Any, source: Source, context: Context, learnt: Mapping[str, Any] | None) -> Experiment:
        experiment: Experiment = self._module.prepare(config, source, context, learnt)
        return experiment

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        predictor: Predictor = self._module.load(header, arrays)
        return predictor

    def adopted(self, given: Given) -> Adopted:
        from rnncli.tasks.sequences.adopted import adopted

        return adopted(self.name, given, self.config)

    def recognised(self, look: Look) -> Recognised | None:
        from rnncli.tasks.sequences import recognition

        return recognition.RECOGNISERS[self.name](look)

    def renewed(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return the header with the quoting of version 0.1, whose .tsv files had quotes, and with its scaling."""
        new = super().renewed(header)
        data = {"quoting": "minimal", **new["data"]}
        return new | {"data": data | ({"scaling": "standard"} if data.get("scaling", "") is None else {})}

    @property
    def _module(self) -> Any:
        return import_module(f"rnncli.tasks.sequences.{self.name}")


class Classify(OfSequences):
    name = "classify"
    config = ClassifyConfig
    before = OfSequences.before | WORDS_BEFORE | TRAINING_BEFORE
    nulls_before = OfSequences.nulls_before | {"data.residual": "none"}
    options = {
        "predict": frozenset({"strict", "threshold"}),
        "evaluate": frozenset({"threshold", "confusion", "must_beat", "plot"}),
        "export": frozenset(),
        "import": frozenset(),
    }

    def renewed(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return the header with the counts of naive Bayes in this version's form."""
        new = super().renewed(header)
        if "naive_bayes" in new.get("answers", {}):
            from rnncli.tasks.sequences.naive_bayes import renewed

            new["answers"] = {**new["answers"], "naive_bayes": renewed(new["answers"]["naive_bayes"])}
        return new


class Regress(OfSequences):
    name = "regress"
    config = RegressConfig
    before = OfSequences.before | WORDS_BEFORE | TRAINING_BEFORE
    nulls_before = OfSequences.nulls_before | {"data.residual": "none"}


class Tag(OfSequences):
    name = "tag"
    config = TagConfig
    before = OfSequences.before | {"model.head": "softmax", "model.affix_size": "0"}
    options = OfSequences.options | {"evaluate": frozenset({"confusion", "must_beat", "plot"})}

    def renewed(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return the header with version 0.1's keys `reader` and `tags` renamed, and with what its models all had."""
        new = super().renewed(header)
        new["model"] = {"head": "softmax", "affix_size": 0, **new["model"]}
        if "tags" in new:
            new["encoder"], new["answers"] = new.pop("reader"), {"tags": new.pop("tags")}
        return new


CLASSIFY = Classify()
REGRESS = Regress()
TAG = Tag()
