"""The experiment and the predictor of seq2seq and caption, which write a sequence of tokens for a given input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnncli.config.sections import DIALECT, NO_GROUP, CutConfig, keys_of
from rnncli.data.cutting import Cut
from rnncli.data.lines import Line, Opened, lines_of
from rnncli.data.source import Source, is_table, read_source
from rnncli.data.splits import Splits
from rnncli.data.text import detokenize, tokenize
from rnncli.data.vocabulary import Vocabulary, require_learnable, token_vocabulary
from rnncli.errors import DataError, UsageError
from rnncli.nn.encoder_decoder import EncoderDecoder, PairShape
from rnncli.nn.memory import require_memory
from rnncli.tasks.line_by_line import Faults, in_lists, line_by_line
from rnncli.tasks.seq2seq.config import PairsConfig, WritingConfig
from rnncli.tasks.seq2seq.learner import PairData, PairLearner, room_for, write
from rnncli.tasks.seq2seq.pairs import PairColumns, Pairs, only, read_pairs
from rnncli.tasks.seq2seq.scores import METRICS, baselines, edit_distance
from rnncli.tasks.task import (
    Asked,
    Context,
    Evaluation,
    Experiment,
    Options,
    Piece,
    Pieces,
    Predictor,
    config_in,
    set_first_weights,
)
from rnncli.training.reports import Score

BEAMS = 4
ALPHA = 1.0  # of the length in a beam's ranking; see `rnncli.kernels.beam`
LONGER = 1.5  # than the longest target of the training split an answer may become
_AT_ONCE = 64  # answers that are written together


class Prompts(Protocol):
    """The given inputs, and their encoding to token numbers for an encoder or to vectors."""

    encodes: bool
    cut: Cut
    kind: str  # "source tokens", "values"
    decimal: str  # of numbers among what is given

    @property
    def size(self) -> int: ...

    def encode(
        self, prompts: Sequence[tuple[str, ...]], where: Sequence[str], *, scored: bool = False
    ) -> list[np.ndarray]:
        """Return one array for each prompt; raise DataError naming the place of a prompt that cannot be encoded.

        scored: these are held out, and what training never saw is read as unknown.
        """

    def to_header(self) -> dict[str, Any]: ...


def splits_in(config: WritingConfig, source: Source, learnt: Mapping[str, Any] | None, *, named: bool) -> Splits[Pairs]:
    """Return the splits of the pairs in `source`; named: those of a caption, all labels of which are in training."""
    like = PairColumns.from_header(learnt["columns"]) if learnt else None
    whole = read_pairs(source, config.data, like, named=named, grouped=True)
    apart = config.data.group == NO_GROUP
    return Splits(
        config,
        whole,
        lambda other: read_pairs(other, config.data, whole.columns),
        only,
        () if apart else whole.inputs(),
        () if apart or not named else whole.labels(config.data.decimal),
    )


def target_vocabulary(header: Mapping[str, Any]) -> Vocabulary:
    """Return the vocabulary of targets in the header of a model file."""
    return Vocabulary.from_header(header["target"])


def pair_shape(config: WritingConfig, prompts: Prompts, target: Vocabulary) -> PairShape:
    model = config.model
    looks = getattr(model, "attention", "none")  # a caption has no source to look back at
    return PairShape(
        cell=model.cell,
        source_size=prompts.size,
        target_size=len(target),
        hidden_size=model.hidden_size,
        num_layers=model.num_layers,
        encodes=prompts.encodes,
        embedding_size=model.embedding_size,
        activation=model.activation,
        dropout=model.dropout,
        attention=looks if looks != "none" else None,
        encoder_bidirectional=bool(getattr(model, "encoder_bidirectional", False)),
    )


class PairExperiment(Experiment):
    """Pairs in splits, and the model that learns to write their targets."""

    config: WritingConfig
    network: EncoderDecoder

    def __init__(
        self,
        config: WritingConfig,
        splits: Splits[Pairs],
        prompts: Prompts,
        context: Context,
        learnt: Mapping[str, Any] | None,
    ):
        self.config, self.splits, self.prompts = config, splits, prompts
        training = config.training
        assert splits.train.targets is not None
        self.target = (
            target_vocabulary(learnt)
            if learnt
            else token_vocabulary(splits.train.targets, config.data.tokens, config.data, "the targets")
        )
        require_learnable(self.target, splits.train.name)
        train = self._data(splits.train)
        held_out = splits.held_out.get("validation")
        valid = self._data(held_out, scored=True) if held_out else PairData([], [])
        prompts.cut.tell(splits.train.name, prompts.kind)
        shape = pair_shape(config, prompts, self.target)
        room = room_for(train, valid, training.batch_size)
        S, T = map(int, room.longest)

        def plan() -> EncoderDecoder:
            network = EncoderDecoder(shape)
            network.workspace(S, T + 1, room.together(room.longest), training=True)
            return network

        mend = "lower model.hidden_size or training.batch_size"
        if isinstance(config.data, CutConfig) and room.together(room.longest) == 1:
            mend = f"cut sources, of up to {S:,} tokens, with data.max_length, or lower model.hidden_size"
        require_memory(plan, shape, mend)
        self.longest = int(LONGER * max(len(target) for target in train.targets)) + 1
        self.network = EncoderDecoder(shape, context.dtype)
        set_first_weights(self.network, config)
        self.learner = PairLearner(
            self.network,
            train,
            valid,
            batch_size=training.batch_size,
            epochs=training.epochs,
            teacher_forcing=training.teacher_forcing,
            seed=training.seed,
            pool=context.pool,
        )
        self.facts = self._facts(train)

    def _data(self, pairs: Pairs, *, scored: bool = False) -> PairData:
        assert pairs.targets is not None
        places = [pairs.where(i) for i in range(len(pairs))]
        targets = [self.target.encode(target).astype(np.int32) for target in pairs.targets]
        empty = next((i for i, target in enumerate(targets) if not len(target)), None)
        if empty is not None:
            raise DataError(f"{places[empty]}: a target without tokens; remove it")
        return PairData(self.prompts.encode(pairs.prompts, places, scored=scored), targets)

    def _facts(self, train: PairData) -> tuple[tuple[str, str], ...]:
        model, shape = self.config.model, self.network.shape
        lengths = np.array(train.lengths())
        S, T = lengths.max(axis=0)
        ways = " read from both ends" if shape.encodes and shape.encoder_bidirectional else ""
        looks = f", {shape.attention} attention" if shape.attention else ""
        return (
            (
                "data",
                f"{self.splits.train.name}: {len(train.sources):,} pairs of up to {S:,} {self.prompts.kind} and "
                f"{T:,} {self.config.data.tokens} tokens to train on{self.splits.facts()}",
            ),
            (
                "model",
                f"{model.num_layers} × {model.cell} of {model.hidden_size}{ways}{looks}, "
                f"{self.network.parameters.weights.size:,} parameters",
            ),
        )

    def header(self) -> dict[str, Any]:
        kept = ("format", "tokens", *DIALECT)
        cut = keys_of(CutConfig) if isinstance(self.config.data, CutConfig) else ()
        return {
            "task": self.config.task,
            "data": {key: getattr(self.config.data, key) for key in (*kept, *cut)},
            "model": self.config.model.model_dump(),
            "columns": self.splits.train.columns.to_header(),
            "prompts": self.prompts.to_header(),
            "target": self.target.to_header(),
            "longest": self.longest,
        }

    def hold_out(self, source: Source, changes: Options) -> None:
        data = self.config.changed(data=changes).data
        self.splits.held_out["test"] = read_pairs(source, data, self.splits.train.columns)

    def evaluate(self, options: Options) -> Evaluation:
        """Return the score by the metric in `options`, exact match by default."""
        score = self.score(options.get("metric", "exact"))
        if score is None:
            raise UsageError("nothing was held out; name data to score it on")
        return Evaluation(score)

    def score(self, by: str = "exact") -> Score | None:
        """Return the score of the answers by one of METRICS, beside the baselines; None if nothing was held out."""
        split = self.splits.scored()
        if split is None:
            return None
        pairs = self.splits.held_out[split]
        assert pairs.targets is not None
        sources = self.prompts.encode(pairs.prompts, [pairs.where(i) for i in range(len(pairs))], scored=True)
        if split == "test":  # others were told of before training
            self.prompts.cut.tell(pairs.name, self.prompts.kind)
        answers = write(self.network, sources, beams=BEAMS, longest=self.longest, alpha=ALPHA)
        predicted = [detokenize(self.target.decode(best[0].tokens), self.target.kind).strip() for best in answers]
        actual = self._spaced(pairs.targets)
        edits = [
            edit_distance(tokenize(a, self.target.kind), tokenize(b, self.target.kind))
            for a, b in zip(predicted, actual, strict=True)
        ]
        unit, metric = METRICS[by]
        return Score(
            split,
            unit,
            metric(predicted, actual),
            tuple((baseline, metric(found, actual)) for baseline, found in self._baselines(pairs)),
            f"{len(pairs):,} pairs, mean edit distance {sum(edits) / len(edits):.3f} {self.config.data.tokens}s",
            higher_is_better=True,
        )

    def _baselines(self, pairs: Pairs) -> list[tuple[str, list[str]]]:
        return baselines(self.splits.train, pairs, texts=self.prompts.encodes, spaced=self._spaced)

    def _spaced(self, texts: Sequence[str]) -> list[str]:
        """Return texts as their tokens would be written, so that differences in spaces alone do not count."""
        kind = self.target.kind
        return [detokenize(tokenize(text, kind), kind).strip() for text in texts]


@dataclass(frozen=True)
class Candidate:
    """One answer and its log-probability in nats."""

    text: str
    score: float


@dataclass(frozen=True)
class Search:
    """Settings of the search for answers: beams, length penalty, number of answers, and whether scores are shown."""

    beam: int = BEAMS
    length_penalty: float = ALPHA
    n_best: int = 1
    scores: bool = False


class Writer(Predictor):
    """A trained encoder-decoder."""

    def __init__(
        self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], schema: type[WritingConfig], prompts: Prompts
    ):
        self.config = config_in(header, schema)
        self.prompts, self.longest = prompts, int(header["longest"])
        self.columns = PairColumns.from_header(header["columns"])
        self.target = target_vocabulary(header)
        self.network = EncoderDecoder(pair_shape(self.config, prompts, self.target))
        self.network.load(arrays)

    def predict(self, asked: Asked) -> Pieces:
        """Return the answers for each input: for lines of a text as they arrive, or for the pairs of a table."""
        path = asked.data
        if path is None:
            raise UsageError("this model writes for what it is given; name a file of that, or - for standard input")
        search = Search(**{name: value for name, value in asked.options.items() if name != "strict"})
        data = self.config.changed(data=asked.reading).data
        assert isinstance(data, PairsConfig)
        if self.prompts.encodes and not is_table(path):
            opened = Opened(path)
            came = lines_of(opened.pieces(), opened.name, data.encoding)
            lists = (some for lines in came for some in in_lists(lines, _AT_ONCE))
            answers = line_by_line(lists, _Lines(self, search), Faults(opened.name, asked))
            return Pieces(self._telling(answers, opened.name), as_lines=True)
        self.prompts.decimal = data.decimal
        pairs = read_pairs(read_source(path), data, self.columns, answered=False)
        prompts = [_Prompt(pairs.where(i), prompt) for i, prompt in enumerate(pairs.prompts)]
        faults = Faults(pairs.name, asked, "rows")
        answers = line_by_line(in_lists(prompts, _AT_ONCE), _Cells(self, search), faults)
        return Pieces(self._telling(answers, pairs.name), as_lines=True)

    def _telling(self, answers: Iterator[list[Piece]], name: str) -> Iterator[list[Piece]]:
        """Yield the answers, and tell afterwards how many sources were cut."""
        try:
            yield from answers
        finally:
            self.prompts.cut.tell(name, self.prompts.kind)

    def pieces(self, texts: Sequence[str], sources: Sequence[np.ndarray], search: Search) -> list[Piece]:
        """Return the answers for texts that are encoded as these `sources`."""
        found = self._written(sources, search)
        return [as_piece(text, answers, scores=search.scores) for text, answers in zip(texts, found, strict=True)]

    def _written(self, sources: Sequence[np.ndarray], search: Search) -> list[list[Candidate]]:
        beams = max(search.beam, search.n_best)
        answers = write(self.network, sources, beams=beams, longest=self.longest, alpha=search.length_penalty)
        return [[Candidate(self._text(a.tokens), a.score) for a in found[: search.n_best]] for found in answers]

    def _text(self, tokens: np.ndarray) -> str:
        """Return the text of `tokens` on one line."""
        text = detokenize(self.target.decode(tokens), self.target.kind)
        return text.strip("\n").replace("\n", " ")


@dataclass(frozen=True)
class _Prompt:
    """What is given in a row of a table."""

    where: str
    cells: tuple[str, ...]
    error: None = None


class _Cells:
    """Answers for rows of a table."""

    def __init__(self, writer: Writer, search: Search):
        self.writer, self.search = writer, search

    def read(self, prompt: _Prompt) -> np.ndarray:
        return self.writer.prompts.encode([prompt.cells], [prompt.where])[0]

    def answers(self, prompts: Sequence[_Prompt], inputs: Sequence[np.ndarray]) -> list[Piece]:
        return self.writer.pieces([self._text(prompt) for prompt in prompts], inputs, self.search)

    def nothing(self, prompt: _Prompt) -> Piece:
        return no_piece(self._text(prompt), scores=self.search.scores)

    def _text(self, prompt: _Prompt) -> str:
        return self.writer.columns.delimiter.join(prompt.cells)


class _Lines:
    """Answers for lines."""

    def __init__(self, writer: Writer, search: Search):
        self.writer, self.search = writer, search

    def read(self, line: Line) -> np.ndarray | None:
        if not line.text.strip():
            return None
        prompt = self.writer.columns.of_line(line.text, line.where)
        return self.writer.prompts.encode([prompt], [line.where])[0]

    def answers(self, lines: Sequence[Line], inputs: Sequence[np.ndarray]) -> list[Piece]:
        return self.writer.pieces([line.text for line in lines], inputs, self.search)

    def nothing(self, line: Line) -> Piece:
        if not line.text.strip():
            return as_piece(line.text, [Candidate("", 0.0)], scores=self.search.scores)
        return no_piece(line.text, scores=self.search.scores)


def no_piece(given: str, *, scores: bool) -> Piece:
    """Return an empty answer to an input that cannot be answered."""
    row = {"input": given, "rank": None, "output": None, "log_probability": None}
    return Piece({"input": given, "outputs": None}, [row], ["\t" if scores else ""])


def as_piece(given: str, answers: list[Candidate], *, scores: bool) -> Piece:
    """Return the answers to one input as lines, nested and flat; scores: True if lines show log-probabilities."""
    return Piece(
        {"input": given, "outputs": [{"text": answer.text, "log_probability": answer.score} for answer in answers]},
        [
            {"input": given, "rank": rank, "output": answer.text, "log_probability": answer.score}
            for rank, answer in enumerate(answers, start=1)
        ],
        [f"{answer.text}\t{answer.score:.4f}" if scores else answer.text for answer in answers],
    )
