"""The experiment and the predictor of seq2seq and caption, which write a sequence of tokens for a given input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnncli.config.sections import Config, CutConfig, keys_of
from rnncli.data.source import Source, is_table, read_lines, read_source
from rnncli.data.splits import Splits
from rnncli.data.text import detokenize, tokenize
from rnncli.data.vocabulary import Vocabulary, require_learnable, token_vocabulary
from rnncli.errors import DataError, UsageError
from rnncli.nn.encoder_decoder import EncoderDecoder, PairShape
from rnncli.nn.memory import require_memory
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
_AT_ONCE = 64


class Prompts(Protocol):
    """The given inputs, and their encoding to token numbers for an encoder or to vectors."""

    encodes: bool
    kind: str  # "source tokens", "values"
    decimal: str  # of numbers among what is given

    @property
    def size(self) -> int: ...

    def encode(self, prompts: Sequence[tuple[str, ...]], where: Sequence[str]) -> list[np.ndarray]:
        """Return one array for each prompt; raise DataError naming the place of a prompt that cannot be encoded."""

    def to_header(self) -> dict[str, Any]: ...


def splits_in(config: Config, source: Source, learnt: Mapping[str, Any] | None, *, named: bool) -> Splits[Pairs]:
    """Return the splits of the pairs in `source`."""
    like = PairColumns.from_header(learnt["columns"]) if learnt else None
    whole = read_pairs(source, config.data, like, named=named)
    return Splits(config, whole, lambda other: read_pairs(other, config.data, whole.columns), only)


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
            target_vocabulary(learnt) if learnt else token_vocabulary(splits.train.targets, config.data.tokens)
        )
        require_learnable(self.target, splits.train.name)
        train = self._data(splits.train)
        valid = self._data(splits.held_out["validation"]) if "validation" in splits.held_out else PairData([], [])
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

    def _data(self, pairs: Pairs) -> PairData:
        assert pairs.targets is not None
        places = [pairs.where(i) for i in range(len(pairs))]
        targets = [self.target.encode(target).astype(np.int32) for target in pairs.targets]
        empty = next((i for i, target in enumerate(targets) if not len(target)), None)
        if empty is not None:
            raise DataError(f"{places[empty]}: a target without tokens; remove it")
        return PairData(self.prompts.encode(pairs.prompts, places), targets)

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
        kept = ("format", "tokens", "encoding", "delimiter", "decimal", "skip_rows", "ragged", "quoting")
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
        sources = self.prompts.encode(pairs.prompts, [pairs.where(i) for i in range(len(pairs))])
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
        path, search = asked.data, Search(**asked.options)
        if path is None:
            raise UsageError("this model writes for what it is given; name a file of that, or - for standard input")
        data = self.config.changed(data=asked.reading).data
        assert isinstance(data, PairsConfig)
        if self.prompts.encodes and not is_table(path):
            found = self.from_lines(path, data, search)
        else:
            found = self.from_table(read_source(path), data, search)
        return Pieces(as_piece(given, answers, scores=search.scores) for given, answers in found)

    def from_lines(self, path: str, data: PairsConfig, search: Search) -> Iterator[tuple[str, list[Candidate]]]:
        """Yield (line, answers) for the lines of `path`, as they come from a pipe; an empty line gets an empty text."""
        for batch in in_batches(read_lines(path, data.encoding), 1 if path == "-" else _AT_ONCE):
            texts = [line for _, line in batch]
            full = [i for i, line in enumerate(texts) if line.strip()]
            places = [batch[i][0] for i in full]
            prompts = [self.columns.of_line(texts[i], batch[i][0]) for i in full]
            found = iter(self._written(prompts, places, search))
            for line in texts:
                yield line, next(found) if line.strip() else [Candidate("", 0.0)]

    def from_table(self, source: Source, data: PairsConfig, search: Search) -> Iterator[tuple[str, list[Candidate]]]:
        """Return an iterator of (input, answers) over the pairs of a table."""
        self.prompts.decimal = data.decimal
        return self._answered(read_pairs(source, data, self.columns, answered=False), search)

    def _answered(self, pairs: Pairs, search: Search) -> Iterator[tuple[str, list[Candidate]]]:
        for some in in_batches(range(len(pairs)), _AT_ONCE):
            prompts = [pairs.prompts[i] for i in some]
            found = self._written(prompts, [pairs.where(i) for i in some], search)
            for prompt, answers in zip(prompts, found, strict=True):
                yield self.columns.delimiter.join(prompt), answers

    def _written(self, prompts: list[tuple[str, ...]], places: Sequence[str], search: Search) -> list[list[Candidate]]:
        if not prompts:
            return []
        sources, beams = self.prompts.encode(prompts, places), max(search.beam, search.n_best)
        answers = write(self.network, sources, beams=beams, longest=self.longest, alpha=search.length_penalty)
        return [[Candidate(self._text(a.tokens), a.score) for a in found[: search.n_best]] for found in answers]

    def _text(self, tokens: np.ndarray) -> str:
        """Return the text of `tokens` on one line."""
        text = detokenize(self.target.decode(tokens), self.target.kind)
        return text.strip("\n").replace("\n", " ")


def as_piece(given: str, answers: list[Candidate], *, scores: bool) -> Piece:
    """Return the answers to one input as lines, nested and flat; scores: True if lines show log-probabilities."""
    return Piece(
        [f"{answer.text}\t{answer.score:.4f}" if scores else answer.text for answer in answers],
        {"input": given, "outputs": [{"text": answer.text, "log_probability": answer.score} for answer in answers]},
        [
            {"input": given, "rank": rank, "output": answer.text, "log_probability": answer.score}
            for rank, answer in enumerate(answers, start=1)
        ],
    )


def in_batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of `size` of the `items`; the last list may be shorter."""
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
