"""The experiment of transcribe: recordings in splits, and the network that learns to transcribe them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnncli.config.data_section import DIALECT
from rnncli.data.places import Places
from rnncli.data.recordings import Layout
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.text import tokenize
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.errors import DataError, shown
from rnncli.kernels.ctc import least_steps
from rnncli.nn.memory import require_memory
from rnncli.nn.network import Network, NetworkShape
from rnncli.notes import doubt
from rnncli.tasks import sizes
from rnncli.tasks.around_layers import around_layers
from rnncli.tasks.first_weights import set_first_weights
from rnncli.tasks.headers import training_in_header
from rnncli.tasks.recurrence import recurrence_of
from rnncli.tasks.task import Context, Experiment, Options
from rnncli.tasks.transcribe.augmentation import Augmentation
from rnncli.tasks.transcribe.baselines import baselines
from rnncli.tasks.transcribe.config import TranscribeConfig
from rnncli.tasks.transcribe.decoding import Decoder
from rnncli.tasks.transcribe.error_rates import Errors
from rnncli.tasks.transcribe.learner import TranscriptData, TranscriptLearner, room_for
from rnncli.tasks.transcribe.recordings import RecordingFiles, Scaler, Transcribed, only
from rnncli.training.headline import CORRECT, Headline
from rnncli.training.paired_bootstrap import Compared
from rnncli.training.reports import NETWORK, Figure, Score, strongest_first
from rnncli.training.wrong_answers import EDITS, WrongAnswer, worst

KEPT = ("format", "tokens", "words", "features", *DIALECT)  # the keys of `data` that a model file keeps
_UNITS = {True: "word error rate", False: "character error rate"}


def prepare(
    config: TranscribeConfig, source: Source, context: Context, learnt: Mapping[str, Any] | None
) -> TranscribeExperiment:
    like = Layout.from_header(learnt["layout"]) if learnt else None
    whole = Transcribed.read(source, config.data, like, context.kept)
    splits = Splits(
        config,
        whole,
        lambda other: Transcribed.read(other, config.data, whole.layout, context.kept),
        only,
        whole.inputs(),
        opened=lambda path: RecordingFiles(path, config.data),
    )
    return TranscribeExperiment(resolved(config, splits), splits, context, learnt)


def resolved(config: TranscribeConfig, splits: Splits[Transcribed]) -> TranscribeConfig:
    """Return the config in which all nulls that depend on the data are filled in."""
    config = config.completed(
        data={"tokens": "char"},
        model={"bidirectional": True},
        training={"speed": 0.1, "mask_steps": 0.1, "mask_features": 0.1},
    )
    return sizes.completed(config, "transcripts", len(splits.train), splits.judges)


def network_shape(config: TranscribeConfig, size: int, symbols: int) -> NetworkShape:
    """Return the shape of the network that the config describes, for `size` features; symbols: with the blank."""
    model = config.model
    return NetworkShape(
        cell=model.cell,
        input_size=size,
        hidden_size=model.hidden_size,
        num_layers=model.num_layers,
        output_size=symbols,
        token_input=False,
        activation=model.activation,
        dropout=model.dropout,
        recurrence=recurrence_of(model),
        precision=config.training.precision,
        bidirectional=model.bidirectional,
        drops_ends=True,
        **around_layers(model, "numbers"),
    )


class TranscribeExperiment(Experiment):
    """Recordings in splits, and the network that learns their transcripts.

    Symbols are the numbers of a vocabulary, in which the blank has that of the unknown token: neither is ever written.
    """

    config: TranscribeConfig
    network: Network
    learner: TranscriptLearner

    def __init__(
        self,
        config: TranscribeConfig,
        splits: Splits[Transcribed],
        context: Context,
        learnt: Mapping[str, Any] | None,
    ):
        config = config.changed(data={"validation": splits.validated["validation"]})
        self.config, self.splits, self.context = config, splits, context
        self.vocabulary = Vocabulary.from_header(learnt["symbols"]) if learnt else self._vocabulary()
        self.layout, features = splits.train.layout, config.data.features
        self.scaler = (
            Scaler.from_header(learnt["scaler"], self.layout.size) if learnt else Scaler.of(splits.train, features)
        )
        self.decoder = Decoder(self.vocabulary)
        train = self._data("training", splits.train)
        held_out = splits.held_out.get("validation")
        valid = self._data("validation", held_out) if held_out else TranscriptData()
        self._validation = valid.inputs
        training = config.training
        shape = network_shape(config, self.layout.size, len(self.vocabulary))
        self._require_memory(shape, train, valid)
        self.network = Network(shape, context.dtype)
        set_first_weights(self.network, config)
        self.learner = TranscriptLearner(
            self.network,
            train,
            valid,
            batch_size=training.batch_size,
            seed=training.seed,
            pool=context.pool,
            judge=self._judged,
            augment=self._augmentation(),
        )
        self.facts = self._facts()

    def _vocabulary(self) -> Vocabulary:
        kind = self.config.data.kind
        counts = Counter(token for text in self.splits.train.texts for token in tokenize(text, kind))
        if not counts:
            raise DataError(f"{self.splits.train.name}: all transcripts to train on are empty; give some with text")
        return Vocabulary.of_counts(counts, kind)

    def _augmentation(self) -> Augmentation | None:
        training = self.config.training
        shares = training.speed, training.mask_steps, training.mask_features
        return Augmentation(*shares, self.config.data.features.stack) if any(shares) else None

    def _data(self, split: str, them: Transcribed) -> TranscriptData:
        """Return what the network is given of a split, whose unknown symbols are left out; DataError for a recording
        with fewer steps than its transcript needs."""
        self._tell_unknown(split, them)
        targets = []
        for i, text in enumerate(them.texts):
            numbers = self.vocabulary.encode(text).astype(np.int32)
            targets.append(numbers[numbers != UNKNOWN_NUMBER])
            least, steps = least_steps(targets[-1]), len(them.items[i].features)
            if steps < least:
                raise DataError(
                    f"{them.where(i)}: {steps:,} steps, and the transcript {shown(text)} needs at least {least:,}; "
                    "lower data.features.hop or data.features.stack, or correct the transcript"
                )
        return TranscriptData(self.scaler.each(them), targets)

    def _tell_unknown(self, split: str, them: Transcribed) -> None:
        """Tell of recordings whose transcripts have symbols that training never saw."""
        unknown = {i: found for i, text in enumerate(them.texts) if (found := self.vocabulary.unseen(text))}
        if unknown:
            first = min(unknown)
            doubt(
                f"{len(unknown):,} of {len(them):,} recordings of the {split} split have a symbol that training never "
                f"saw, {shown(unknown[first][0][1])} the first ({them.where(first)}); it is never written, and scored "
                "as an error"
            )

    def _require_memory(self, shape: NetworkShape, train: TranscriptData, valid: TranscriptData) -> None:
        """Raise ConfigError if the network and its batches cannot fit in memory."""
        room = room_for(train, valid, self.config.training.batch_size, self.config.training.speed)
        T = int(room.longest[0])
        B = room.together(room.longest)

        def plan() -> Network:
            network = Network(shape)
            network.workspace(T, B, T, training=True)
            return network

        mend = "lower model.hidden_size or training.batch_size"
        if B == 1:
            mend = f"one recording of {T:,} steps takes so much; cut it in several, or lower model.hidden_size"
        require_memory(plan, shape, mend)

    def _judged(self) -> Figure | None:
        """Return the error rate of the current weights on the whole validation split, None without one."""
        if not self._validation:
            return None
        actual = self.splits.held_out["validation"].texts
        errors = Errors.of(self._predicted(self._validation), actual, words=self._words)
        return Figure(_UNITS[self._words], errors.rate, len(actual), higher_is_better=False)

    @property
    def _words(self) -> bool:
        """True if symbols are words, so that the score counts these."""
        return self.config.data.tokens in ("word", "whitespace")

    def _predicted(self, inputs: Sequence[np.ndarray]) -> list[str]:
        return [self.decoder.best(output).text for output in self.learner.outputs(inputs)]

    def _facts(self) -> tuple[tuple[str, str], ...]:
        model, train, symbols = self.config.model, self.splits.train, len(self.vocabulary) - 1
        ways = ", both ways" if model.bidirectional else ""
        return (
            ("data", f"{train.name}: {train.told()} to train on{self.splits.facts()}"),
            ("symbols", f"{symbols:,} and the blank"),
            (
                "model",
                f"{model.num_layers} × {model.cell} of {model.hidden_size}{ways}, "
                f"{self.network.parameters.weights.size:,} parameters",
            ),
        )

    @property
    def places(self) -> Places:
        return self.splits.places

    @property
    def reasons(self) -> dict[str, str]:
        count, weights = len(self.splits.train), self.network.parameters.weights.size
        return {
            **self.splits.reasons(),
            "model.hidden_size": f"units, for {count:,} recordings to train on: {weights:,} parameters",
        }

    def header(self) -> dict[str, Any]:
        data = self.config.data.model_dump(mode="json")
        return {
            "task": self.config.task,
            "data": {key: data[key] for key in KEPT},
            "model": self.config.model.model_dump(),
            "layout": self.layout.to_header(),
            "symbols": self.vocabulary.to_header(),
            "scaler": self.scaler.to_header(),
            **training_in_header(self.config),
        }

    def hold_out(self, source: Source, changes: Options) -> None:
        data = self.config.changed(data=changes).data
        self.splits.held_out["test"] = held_out = Transcribed.read(source, data, self.layout)
        self._tell_unknown("test", held_out)

    def score(self) -> Score | None:
        split = self.splits.scored()
        if split is None:
            return None
        held_out, train = self.splits.held_out[split], self.splits.train
        inputs, actual = self.scaler.each(held_out), held_out.texts
        answers = {NETWORK: self._predicted(inputs)}
        answers |= baselines(self.scaler.each(train), train.texts, inputs)
        by_token = {name: Errors.of(one, actual, words=self._words) for name, one in answers.items()}
        other = Errors.of(answers[NETWORK], actual, words=not self._words)
        ours = by_token.pop(NETWORK)
        lengths = [max(1, n) for n in ours.lengths]
        exact = {name: sum(map(str.__eq__, one, actual)) for name, one in answers.items()}
        strongest = min(by_token, key=lambda name: by_token[name].rate)
        of_each = {name: np.array(one.edits) / lengths for name, one in {NETWORK: ours, **by_token}.items()}
        return Score(
            split,
            _UNITS[self._words],
            ours.rate,
            strongest_first({name: one.rate for name, one in by_token.items()}),
            f"{len(actual):,} recordings of {sum(ours.lengths):,} {'words' if self._words else 'characters'}: "
            f"{ours.told()}",
            confusion=ours.confusion(),
            figures=((_UNITS[not self._words], other.rate),),
            headline=Headline(CORRECT, exact[NETWORK], exact[strongest], f"the {strongest}", len(actual), "recordings"),
        ).judged(Compared.of(of_each, held_out.inputs(), "recording", lengths))

    def wrong(self) -> tuple[WrongAnswer, ...]:
        split = self.splits.scored()
        if split is None:
            return ()
        held_out = self.splits.held_out[split]
        predicted = self._predicted(self.scaler.each(held_out))
        edits = Errors.of(predicted, held_out.texts, words=self._words).edits
        every = zip(held_out.items, predicted, edits, strict=True)
        return worst(WrongAnswer(one.where, one.name, str(one.text), a, EDITS, n) for one, a, n in every if n)
