"""The experiment of seq2seq and caption, which write a sequence of tokens for a given input."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from rnncli.config.data_section import DIALECT, NO_GROUP, CutConfig
from rnncli.config.section import keys_of
from rnncli.data.places import Places
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.text import spaced_tokens
from rnncli.data.typed import typed
from rnncli.data.vocabulary import Vocabulary, note_unknown, require_learnable, token_vocabulary
from rnncli.errors import DataError, UsageError
from rnncli.kernels.beam import MOVES
from rnncli.nn.encoder_decoder import EncoderDecoder, PairShape
from rnncli.nn.ensemble import as_one
from rnncli.nn.memory import require_memory
from rnncli.tasks import sizes
from rnncli.tasks.edit_distance import edit_distance
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.headers import training_in_header
from rnncli.tasks.recurrence import recurrence_of
from rnncli.tasks.seq2seq.candidates import Speller, Writers
from rnncli.tasks.seq2seq.config import WritingConfig
from rnncli.tasks.seq2seq.endings import Endings
from rnncli.tasks.seq2seq.learner import PairData, PairLearner, room_for
from rnncli.tasks.seq2seq.pairs import PairColumns, Pairs, only, read_pairs
from rnncli.tasks.seq2seq.prompts import Prompts
from rnncli.tasks.seq2seq.scores import METRICS, baselines, doubt_unwritable
from rnncli.tasks.seq2seq.unknown import seldom_in
from rnncli.tasks.task import Context, Evaluation, Experiment, Options, count_of_networks, judged, prepared
from rnncli.training.headline import CORRECT, Headline
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK, Figure, Score, strongest_first
from rnncli.training.side_by_side import together
from rnncli.training.wrong_answers import EDITS, WrongAnswer, worst

BEAMS = 4
ALPHA = 1.0  # of the length in a beam's ranking; see `rnncli.kernels.beam`
MOST_WRITTEN = 100_000  # tokens of an answer
LONGER = 1.5  # than the longest target of the training split an answer may become
_JUDGED, _STEPS = 500, 20_000  # pairs that an evaluation writes answers to, and the steps that these may take
_UNITS = {"char": "chars", "byte": "bytes", "word": "words", "whitespace": "tokens"}

W = TypeVar("W", bound=WritingConfig)


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


def completed(config: W, splits: Splits[Pairs], kind: str) -> W:
    """Return the config with what all that writes leaves to the data; kind: of sizes."""
    return sizes.completed(config, kind, len(splits.train), splits.judges)


def target_vocabulary(header: Mapping[str, Any]) -> Vocabulary:
    """Return the vocabulary of targets in the header of a model file."""
    return Vocabulary.from_header(header["target"])


def longest_in(header: Mapping[str, Any]) -> int:
    """Return the most tokens of an answer that the header of a model file allows; ValueError for more than any has."""
    longest = typed(int, header["longest"], "longest")
    if not 1 <= longest <= MOST_WRITTEN:
        raise ValueError(f"longest is {longest}, and no answer has more than {MOST_WRITTEN:,} tokens")
    return longest


def pair_shape(config: WritingConfig, prompts: Prompts, target: Vocabulary) -> PairShape:
    model = config.model
    looks = getattr(model, "attention", "none")  # a caption has no source to look back at
    return PairShape(
        cell=model.cell,
        source_size=prompts.size,
        target_size=len(target) + (MOVES if looks == "aligned" else 0),
        hidden_size=model.hidden_size,
        num_layers=model.num_layers,
        encodes=prompts.encodes,
        embedding_size=model.embedding_size,
        activation=model.activation,
        dropout=model.dropout,
        recurrence=recurrence_of(model),
        precision=config.training.precision,
        attention=looks if looks != "none" else None,
        encoder_bidirectional=bool(getattr(model, "encoder_bidirectional", False)),
    )


def aligned(config: WritingConfig) -> bool:
    """Return True if targets are written as edits of their sources."""
    return getattr(config.model, "attention", "none") == "aligned"  # a caption has no source


def copies(config: WritingConfig) -> bool:
    """Return True if unknown tokens are copied from the source."""
    return getattr(config.model, "copy", "none") == "attention"  # a caption has no source to copy from


def speller_of(config: WritingConfig, prompts: Prompts, target: Vocabulary) -> Speller:
    """Return what stands between texts and the numbers that a network of this config writes."""
    return Speller(target, prompts.tokens, edited=aligned(config))


def baseline_in(header: Mapping[str, Any]) -> Endings | None:
    """Return the baseline in the header of a model file, None if it has none."""
    return Endings.from_header(header["endings"]) if header.get("endings") else None


class PairExperiment(Experiment):
    """Pairs in splits, and the model that learns to write their targets."""

    config: WritingConfig

    def __init__(
        self,
        config: WritingConfig,
        splits: Splits[Pairs],
        prompts: Prompts,
        context: Context,
        learnt: Mapping[str, Any] | None,
    ):
        config = config.changed(data=splits.validated)
        self.config, self.splits, self.prompts, self.context = config, splits, prompts, context
        training = config.training
        assert splits.train.targets is not None
        self.target = (
            target_vocabulary(learnt)
            if learnt
            else token_vocabulary(splits.train.targets, config.data.kind, config.data, "the targets")
        )
        self._speller = speller_of(config, prompts, self.target)
        require_learnable(self.target, splits.train.name)
        doubt_unwritable(splits.train, self.target.kind)
        train = self._data(splits.train)
        if learnt:
            note_unknown(train.targets, "the targets to train on", "read as <unk>")
            if prompts.vocabulary is not None:
                note_unknown(train.sources, "the sources to train on", "read as <unk>")
        held_out = splits.held_out.get("validation")
        valid = self._data(held_out, scored=True) if held_out else PairData([], [])
        self._sources = valid.sources  # of validation
        prompts.cut.tell(splits.train.name, prompts.kind)
        shape = pair_shape(config, prompts, self.target)
        room = room_for(train, valid, training.batch_size)
        S, T = map(int, room.longest)

        def plan() -> EncoderDecoder:
            network = EncoderDecoder(shape)
            network.workspace(S, T + 1, room.together(room.longest), training=True)
            return network

        fewer = "training.seeds, " if config.networks > 1 else ""
        mend = f"lower {fewer}model.hidden_size or training.batch_size"
        if isinstance(config.data, CutConfig) and room.together(room.longest) == 1:
            mend = f"cut sources, of up to {S:,} tokens, with data.max_length, or lower {fewer}model.hidden_size"
        require_memory(plan, shape, mend, config.networks)
        self.longest = min(int(LONGER * max(len(target) for target in train.targets)) + 1, MOST_WRITTEN)
        self.networks = [EncoderDecoder(shape, context.dtype) for _ in range(config.networks)]
        self.network = as_one(self.networks)
        self._baseline = baseline_in(learnt) if learnt else self._fitted()
        self._writers = Writers(
            self.networks, self._speller, self.longest, copies=copies(config), baseline=self._baseline
        )
        set_first_weights(self.network, config)
        seldom = seldom_in(train.sources, train.targets, prompts.vocabulary, self.target, copying=copies(config))
        learners = [
            PairLearner(
                network,
                train,
                valid,
                batch_size=training.batch_size,
                epochs=training.epochs,
                teacher_forcing=training.teacher_forcing,
                seed=training.seed + k,
                pool=context.pool,
                seldom=seldom,
                judge=self._judged,
            )
            for k, network in enumerate(self.networks)
        ]
        self.learner = together(learners, self.network)
        self.facts = self._facts(train)

    def _fitted(self) -> Endings | None:
        """Return the baseline that `data.residual` names, learnt from the training split."""
        train = self.splits.train
        assert train.targets is not None
        wanted = getattr(self.config.data, "residual", "none") == "change-of-ending"  # a caption has no such key
        return Endings.of(train.prompts, train.targets) if wanted else None

    def _data(self, pairs: Pairs, *, scored: bool = False) -> PairData:
        assert pairs.targets is not None
        places = [pairs.where(i) for i in range(len(pairs))]
        targets = list(map(self._speller.numbers, pairs.prompts, pairs.targets))
        empty = next((i for i, target in enumerate(targets) if not len(target)), None)
        if empty is not None:
            raise DataError(f"{places[empty]}: a target without tokens; remove it")
        return PairData(self.prompts.encode(pairs.prompts, places, scored=scored), targets)

    def _judged(self) -> Figure | None:
        """Return the share of right answers among those written to some pairs of validation, by one beam, which is
        quick; None without validation.
        """
        if not len(self._sources):
            return None
        chosen = self._some(len(self._sources))
        pairs = only(self.splits.held_out["validation"], chosen)
        assert pairs.targets is not None
        unit, metric = METRICS["exact"]
        predicted = self._written(pairs, [self._sources[i] for i in chosen], beams=1)
        return Figure(unit, metric(predicted, pairs.targets), len(self._sources))

    def _some(self, count: int) -> list[int]:
        """Return the numbers of some of so many pairs, evenly spread, answers to which are quickly written."""
        most = max(1, min(count, _JUDGED, _STEPS // self.longest))
        return np.linspace(0, count - 1, most).astype(int).tolist()

    def wrong(self) -> tuple[WrongAnswer, ...]:
        """Return the answers that are farthest from the targets, among those to some of the pairs."""
        split = self.splits.scored()
        if split is None:
            return ()
        pairs = only(held_out := self.splits.held_out[split], self._some(len(held_out)))
        places, actual = [pairs.where(i) for i in range(len(pairs))], pairs.targets or []
        predicted = self._written(pairs, self.prompts.encode(pairs.prompts, places, scored=True), beams=BEAMS)
        given = map("\t".join, pairs.prompts)
        every = zip(places, given, actual, predicted, self._edits(predicted, actual), strict=True)
        return worst(WrongAnswer(at, one, a, b, EDITS, size) for at, one, a, b, size in every if size)

    def _edits(self, predicted: Sequence[str], actual: Sequence[str]) -> list[int]:
        """Return the number of changes from each answer to its target."""
        kind = self.target.kind
        return [
            edit_distance(spaced_tokens(f" {a.strip()}", kind), spaced_tokens(f" {b.strip()}", kind))
            for a, b in zip(predicted, actual, strict=True)
        ]

    def _written(self, pairs: Pairs, sources: Sequence[np.ndarray], *, beams: int) -> list[str]:
        """Return the best answer to each pair as the line that is written."""

        def written(some: Sequence[int]) -> list[str]:
            prompts, given = [pairs.prompts[i] for i in some], [sources[i] for i in some]
            return [found[0].text for found in self._writers.candidates(prompts, given, beams=beams, alpha=ALPHA)]

        return self.context.pool.ranks.shared(range(len(pairs)), written)

    def _facts(self, train: PairData) -> tuple[tuple[str, str], ...]:
        model, shape = self.config.model, self.networks[0].shape
        lengths = np.array(train.lengths())
        S, T = lengths.max(axis=0)
        ways = " read from both ends" if shape.encodes and shape.encoder_bidirectional else ""
        looks = f", {shape.attention} attention" if shape.attention else ""
        written = "edits" if aligned(self.config) else f"{self.config.data.tokens} tokens"
        return (
            (
                "data",
                f"{self.splits.train.name}: {len(train.sources):,} pairs of up to {S:,} {self.prompts.kind} and "
                f"{T:,} {written} to train on{self.splits.facts()}",
            ),
            (
                "model",
                f"{count_of_networks(self.config)}{model.num_layers} × {model.cell} of {model.hidden_size}{ways}"
                f"{looks}, {self.network.parameters.weights.size:,} parameters",
            ),
        )

    @property
    def places(self) -> Places:
        return self.splits.places

    @property
    def reasons(self) -> dict[str, str]:
        count, weights = len(self.splits.train), self.network.parameters.weights.size
        return {
            "data.source": "what is read",
            "data.inputs": "what is read",
            "data.target": "what is written",
            **self.splits.reasons(),
            "model.hidden_size": f"units, for {count:,} pairs to train on: {weights:,} parameters",
        }

    def header(self) -> dict[str, Any]:
        kept = ("format", "tokens", "words", *DIALECT)
        cut = keys_of(CutConfig) if isinstance(self.config.data, CutConfig) else ()
        return {
            "task": self.config.task,
            "data": {key: getattr(self.config.data, key) for key in (*kept, *cut)},
            "model": self.config.model.model_dump(),
            "columns": self.splits.train.columns.to_header(),
            "prompts": self.prompts.to_header(),
            "target": self.target.to_header(),
            "longest": self.longest,
            **({"endings": self._baseline.to_header()} if self._baseline else {}),
            **training_in_header(self.config),
        }

    def hold_out(self, source: Source, changes: Options) -> None:
        data = self.config.changed(data=changes).data
        self.splits.held_out["test"] = read_pairs(source, data, self.splits.train.columns)

    def evaluate(self, options: Options) -> Evaluation:
        """Return the score by the metric in `options`, exact match by default."""
        self.prompts.unseen.forget()
        score = self.score(options.get("metric", "exact"))
        if split := self.splits.scored():
            self.prompts.unseen.tell(self.splits.named(split))
        if score is None:
            raise UsageError("nothing was held out; name data to score it on")
        return judged(score, options)

    def folds(self) -> list[Experiment]:
        def experiment(splits: Splits[Pairs]) -> Experiment:
            prompts = self.prompts.refitted(splits.train, self.config)
            return PairExperiment(self.config, splits, prompts, self.context, None)

        return prepared(self.splits.folds(), experiment)

    def score(self, by: str = "exact") -> Score | None:
        """Return the score of the answers by one of METRICS, beside the baselines; None if nothing was held out."""
        split = self.splits.scored()
        if split is None:
            return self.cross_validated if by == "exact" else None  # which is how it was scored
        pairs = self.splits.held_out[split]
        assert pairs.targets is not None
        sources = self.prompts.encode(pairs.prompts, [pairs.where(i) for i in range(len(pairs))], scored=True)
        if split == "test":  # others were told of before training
            self.prompts.cut.tell(pairs.name, self.prompts.kind)
        predicted = self._written(pairs, sources, beams=BEAMS)
        actual = pairs.targets
        edits = self._edits(predicted, actual)
        unit, metric = METRICS[by]
        simple = baselines(
            self.splits.train, pairs, self.target.kind, texts=self.prompts.encodes, learnt=self._baseline
        )
        wrong = {name: list(map(operator.ne, found, actual)) for name, found in [(NETWORK, predicted), *simple]}
        count, exact_answers = len(actual), {name: wrong[name].count(False) for name in wrong}
        strongest = max((name for name, _ in simple), key=exact_answers.__getitem__)
        score = Score(
            split,
            unit,
            metric(predicted, actual),
            strongest_first({name: metric(found, actual) for name, found in simple}, higher_is_better=True),
            f"{len(pairs):,} pairs, mean edit distance {sum(edits) / len(edits):.3f} {_UNITS[self.config.data.tokens]}",
            higher_is_better=True,
            headline=Headline(CORRECT, exact_answers[NETWORK], exact_answers[strongest], strongest, count),
        )
        return score.judged(Compared.of(wrong, pairs.inputs(), "pair")) if by == "exact" else score
