"""The predictor that classify, regress and tag share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnncli.config.sections import Config
from rnncli.data.source import Source, read_source
from rnncli.errors import UsageError
from rnncli.nn.network import FLOAT32, Network
from rnncli.notes import doubt
from rnncli.tasks.sequences import readers
from rnncli.tasks.sequences.config import LabelledConfig
from rnncli.tasks.sequences.experiment import Answers, network_shape
from rnncli.tasks.sequences.learner import answered
from rnncli.tasks.task import Asked, Predictor, Table, config_in
from rnncli.training.backpropagation import ThreadPool


class SequencePredictor(Predictor):
    """A trained model of classify, regress or tag, which answers for sequences."""

    def __init__(
        self,
        header: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        schema: type[Config],
        answers: Answers,
    ):
        self.config, self.answers = config_in(header, schema), answers
        self.columns = answers.columns(header)
        self.reader = readers.from_header(header["encoder"])
        self.network = Network(network_shape(self.config, self.reader, answers))
        self.network.load(arrays)

    def predict(self, asked: Asked) -> Table:
        """Return an answer for each sequence of the data, read like the training data except for `asked.reading`."""
        if asked.data is None:
            raise UsageError("this model answers for given sequences; name a file of them, or - for standard input")
        data = self.config.changed(data=asked.reading).data
        assert isinstance(data, LabelledConfig)
        nested, rows = self.answers_to(read_source(asked.data), data)
        return Table(nested, rows, ";" if data.decimal == "," else ",", data.decimal)

    def answers_to(self, source: Source, data: LabelledConfig) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the answers, nested and as flat rows, in the order of the sequences in `source`."""
        sequences = self.answers.read(source, data, self.columns, is_answer=self.answers.is_answer)
        inputs, bases = readers.encode(self.reader, sequences), self.answers.bases(sequences, own=False)
        pool = ThreadPool(None, FLOAT32)
        try:
            outputs = answered(self.network, inputs, pool, lexicon=self.reader.lexicon, bases=bases)
        finally:
            pool.close()
        nested: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for i, (identity, output) in enumerate(zip(sequences.ids, outputs, strict=True)):
            answer, flat = self.answers.answer(sequences, i, output)
            nested.append({"id": identity, **answer})
            rows += [{"id": identity, **row} for row in flat]
        blanks = getattr(sequences, "blanks", ())
        for place in blanks:
            nested.insert(place, {"id": str(place + 1)} | dict.fromkeys(list(nested[0])[1:]))
            rows.insert(place, {"id": str(place + 1)} | dict.fromkeys(list(rows[0])[1:]))
        if blanks:
            doubt(f"{source.name}:{blanks[0] + 1}: is blank, as {len(blanks):,} lines are; so are their answers")
        return nested, rows
