"""seq2seq, caption: a sequence of tokens for a text, or for labels and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnncli.tasks.headers import WORDS_BEFORE
from rnncli.tasks.seq2seq.config import CaptionConfig, Seq2seqConfig
from rnncli.tasks.task import Context, Experiment, Predictor, Recognised, Task

if TYPE_CHECKING:
    import numpy as np

    from rnncli.data.look import Look
    from rnncli.data.source import Source

OPTIONS = {
    "predict": frozenset({"strict", "n_best", "beam", "length_penalty", "scores", "plot"}),
    "evaluate": frozenset({"metric", "must_beat"}),
    "export": frozenset(),
}
BEFORE = WORDS_BEFORE | {"data.group": "none", "training.seeds": "1"}


class Seq2seq(Task):
    name = "seq2seq"
    config = Seq2seqConfig
    options = OPTIONS
    before = BEFORE | {"data.residual": "none"}

    def recognised(self, look: Look) -> Recognised | None:
        from rnncli.tasks.seq2seq import recognition

        return recognition.pairs(look)

    def experiment(
        self, config: Seq2seqConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
    ) -> Experiment:
        from rnncli.tasks.seq2seq import seq2seq

        return seq2seq.prepare(config, source, context, learnt)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        from rnncli.tasks.seq2seq import seq2seq

        return seq2seq.load(header, arrays)


class Caption(Task):
    name = "caption"
    config = CaptionConfig
    options = OPTIONS
    before = BEFORE

    def recognised(self, look: Look) -> Recognised | None:
        from rnncli.tasks.seq2seq import recognition

        return recognition.descriptions(look)

    def experiment(
        self, config: CaptionConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
    ) -> Experiment:
        from rnncli.tasks.seq2seq import caption

        return caption.prepare(config, source, context, learnt)

    def load(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Predictor:
        from rnncli.tasks.seq2seq import caption

        return caption.load(header, arrays)


SEQ2SEQ = Seq2seq()
CAPTION = Caption()
