"""The experiment that classify, regress and tag share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.config.chosen import is_open
from rnncli.config.data_section import NO_GROUP
from rnncli.config.sections import C, Config
from rnncli.data.csv_table import quotes_fields
from rnncli.data.places import Places
from rnncli.data.source import Source
from rnncli.data.splits import Splits
from rnncli.data.vectors import Vectors, vectors_in
from rnncli.data.vocabulary import Vocabulary, note_unknown
from rnncli.errors import ConfigError, DataError, shown
from rnncli.nn.ensemble import as_one
from rnncli.nn.network import Network, NetworkShape
from rnncli.notes import doubt
from rnncli.tasks import sizes
from rnncli.tasks.first_weights import set_first_weights, start_words
from rnncli.tasks.headers import training_in_header
from rnncli.tasks.sequences import readers
from rnncli.tasks.sequences.answers import Answers, Fact
from rnncli.tasks.sequences.augmentation import Augmentation
from rnncli.tasks.sequences.config import ExamplesTrainingConfig, LabelledConfig, StepModelConfig
from rnncli.tasks.sequences.examples import Examples
from rnncli.tasks.sequences.learner import ExampleData, ExampleLearner, room_for
from rnncli.tasks.sequences.network_shapes import network_shape, require_memory_of
from rnncli.tasks.sequences.readers import Numbers
from rnncli.tasks.sequences.tagged import Tagged
from rnncli.tasks.task import OTHER_DATA, Context, Evaluation, Experiment, Options, count_of_networks, prepared
from rnncli.training.reports import Figure, Score
from rnncli.training.side_by_side import together
from rnncli.training.wrong_answers import WrongAnswer, worst

Sequences = Examples | Tagged


class SequenceExperiment(Experiment):
    """Sequences with answers, in splits, and the network that learns them."""

    def __init__(
        self,
        config: Config,
        splits: Splits[Any],
        answers: Answers,
        context: Context,
        learnt: Mapping[str, Any] | None,
    ):
        """Build the network and its learner; `config` has the columns of the data filled in."""
        config = config.changed(data=splits.validated)
        self.config, self.splits, self.answers, self.context = config, splits, answers, context
        train, training = splits.train, config.training
        spelt = bool(getattr(config.model, "character_size", 0))
        if learnt:
            self.reader = readers.from_header(learnt["encoder"], config.data, spelt=spelt)
        else:
            has_affixes = bool(getattr(config.model, "affix_size", 0))
            self.reader = readers.fitted(train, config.data, has_affixes=has_affixes, spelt=spelt)
        data, model = config.data, config.model
        assert isinstance(data, LabelledConfig)
        assert isinstance(model, StepModelConfig)
        vocabulary = None if isinstance(self.reader, Numbers) else self.reader.vocabulary
        vectors = None if learnt else vectors_in(data, vocabulary.kind if vocabulary else None)
        if vectors:
            size = vectors.embedding_size(model.embedding_size)
            self.config = config = config.changed(model={"embedding_size": size})
        if learnt:
            splits.train = train = self._answered_before(train)
        own = not (learnt or {}).get(OTHER_DATA)
        given = replace(self._inputs(train, own=own), targets=answers.targets(train))
        if learnt and vocabulary:
            note_unknown(given.inputs, "the training split", "read as <unk>")
        seen = {name: self._seen(name, split) for name, split in splits.held_out.items()}
        validation = splits.held_out.get("validation")
        self._validation = ExampleData() if validation is None else self._inputs(validation)
        valid = ExampleData()
        if validation is not None:
            targets = answers.targets(splits.pick(validation, seen["validation"]))
            valid = replace(self._validation.only(seen["validation"]), targets=targets)
        self.reader.cut.tell(train.name, self.reader.unit)
        lengths = [len(x) for x in given.inputs]
        shapes = [network_shape(config, self.reader, answers, number) for number in range(config.networks)]
        require_memory_of(shapes[0], room_for(given, valid, training.batch_size), config.networks)
        self.networks = [
            self._first(shape, training.seed + number, vectors, vocabulary) for number, shape in enumerate(shapes)
        ]
        answers.follow(self.networks)
        self.network = as_one(self.networks)
        self.learners = [
            ExampleLearner(
                network,
                self._given_to(number, given),
                self._given_to(number, valid),
                loss=answers.loss(config),
                batch_size=training.batch_size,
                seed=training.seed + number,
                pool=context.pool,
                lexicon=self.reader.lexicon,
                judge=self._judged,
                augment=self._augmentation(),
            )
            for number, network in enumerate(self.networks)
        ]
        self.learner = together(self.learners, self.network)
        self.facts = self._facts(lengths)

    def _first(self, shape: NetworkShape, seed: int, vectors: Vectors | None, vocabulary: Vocabulary | None) -> Network:
        """Return a network with its first weights."""
        network = Network(shape, self.context.dtype)
        set_first_weights(network, self.config.changed(training={"seed": seed}))
        if (biases := self.answers.first_biases()) is not None:
            network.parameters.view("head.bias")[...] = biases
            network.pack()
        if vocabulary:
            assert isinstance(self.config.data, LabelledConfig)
            start_words(network, self.config.data, vectors, vocabulary)
        return network

    def _augmentation(self) -> Augmentation | None:
        """Return what changes series in training, None if nothing does."""
        training = self.config.training
        if not isinstance(training, ExamplesTrainingConfig) or not (training.jitter or training.magnitude):
            return None
        if not isinstance(self.reader, Numbers):
            raise ConfigError(
                "training.jitter and training.magnitude are for numbers, and these are texts; remove them"
            )
        return Augmentation(training.jitter, training.magnitude, len(self.reader.centre), self.reader.numbers)

    def _inputs(self, examples: Any, *, own: bool = False) -> ExampleData:
        """Return what the network is given of a split; own: True for the split that the answers were made from."""
        bases = self.answers.bases(examples, own=own)
        return ExampleData(readers.encode(self.reader, examples), bases=bases)

    def _given_to(self, number: int, data: ExampleData) -> ExampleData:
        """Return what the network of this number is given of it."""
        return data if self.answers.corrects(number) else replace(data, bases=None)

    def _judged(self) -> Figure | None:
        """Return the figure of the current weights on the whole validation split, None without one."""
        given = self._validation
        if not given.inputs:
            return None
        outputs = self._outputs(given)
        return self.answers.figure(self.splits.held_out["validation"], outputs)

    def _outputs(self, given: ExampleData) -> list[np.ndarray]:
        """Return the outputs of the current weights that stand for those of all networks, for each sequence."""
        return self.answers.averaged(self._outputs_of_each(given))

    def _outputs_of_each(self, given: ExampleData) -> list[list[np.ndarray]]:
        """Return the outputs of each network for each sequence."""
        each = enumerate(self.learners)
        return [learner.outputs(given.inputs, self._given_to(number, given).bases) for number, learner in each]

    def _seen(self, name: str, split: Any) -> list[int]:
        """Return which sequences of a held-out split have answers that training saw; a note tells of the others, which
        are scored as wrong."""
        unseen = self.answers.unseen(split)
        if not unseen:
            return list(range(len(split)))
        place, answer = unseen[min(unseen)]
        doubt(
            f"{len(unseen):,} of {len(split):,} sequences of the {name} split have an answer that training never saw, "
            f"{shown(answer)} the first ({place}); it is scored as wrong"
            + ("; all are: look whether the file is written like that of training" if len(unseen) == len(split) else "")
        )
        if len(unseen) == len(split) and name == "validation":
            raise DataError(f"{split.name}: the {name} split has no sequence with answers that training saw")
        return [i for i in range(len(split)) if i not in unseen]

    def _answered_before(self, train: Any) -> Any:
        """Return the sequences of the training split whose answers are known; a doubt tells of the others."""
        unknown = self.answers.unseen(train)
        if not unknown:
            return train
        place, answer = unknown[min(unknown)]
        doubt(
            f"{len(unknown):,} of {len(train):,} sequences of the training split have an answer that the model does "
            f"not know, {shown(answer)} the first ({place}); left out"
        )
        if len(train) - len(unknown) < 2:
            raise DataError(f"{train.name}: no sequences with answers that the model knows; train a new one")
        return self.splits.pick(train, [i for i in range(len(train)) if i not in unknown])

    def _facts(self, lengths: list[int]) -> tuple[Fact, ...]:
        model, shape, train = self.config.model, self.networks[0].shape, self.splits.train
        span = f"{min(lengths):,} to {max(lengths):,}" if min(lengths) < max(lengths) else f"{lengths[0]:,}"
        ways = ", both ways" if shape.bidirectional else ""
        spelt = f", words spelt by 2 × {shape.character_size}" if shape.characters else ""
        spelt += f" and {len(shape.affixes)} affixes" if shape.affixes else ""
        pooling = f", pooling {shape.pooling}" if shape.pooling else ", a chain of tags" if shape.crf else ""
        sizes = f"{count_of_networks(self.config)}{model.num_layers} × {model.cell} of {model.hidden_size}"
        weights = f"{self.network.parameters.weights.size:,} parameters"
        return (
            (
                "data",
                f"{train.name}: {len(train):,} sequences of {span} {self.reader.unit} to train on{self.splits.facts()}",
            ),
            self.answers.fact(),
            ("model", f"{sizes}{ways}{spelt}{pooling}, {weights}"),
        )

    @property
    def places(self) -> Places:
        return self.splits.places

    @property
    def reasons(self) -> dict[str, str]:
        of_texts = ("data.tokens", "data.min_count", "data.vectors", "model.word_dropout", "model.embedding_size")
        of_others = of_texts if isinstance(self.reader, Numbers) else ("data.missing",)
        count, weights, answers = len(self.splits.train), self.network.parameters.weights.size, self.answers.fact()
        return {
            "data.text": "what is read",
            "data.inputs": "what is read",
            "data.id": "the rows with the same one are one sequence",
            "data.label": f"the {', '.join(answers)}",
            **self.splits.reasons(),
            "model.hidden_size": f"units, for {count:,} sequences to train on: {weights:,} parameters",
            **dict.fromkeys(of_others, ""),
        }

    def header(self) -> dict[str, Any]:
        return {
            "task": self.config.task,
            "data": {key: getattr(self.config.data, key) for key in self.answers.kept},
            "model": self.config.model.model_dump(),
            "columns": self.splits.train.columns.to_header(),
            "encoder": self.reader.to_header(),
            "answers": self.answers.to_header(),
            **training_in_header(self.config),
            **({"validated": validated} if (validated := self.answers.validated()) else {}),
        }

    def hold_out(self, source: Source, changes: Options) -> None:
        data = self.config.changed(data=changes).data
        self.splits.held_out["test"] = self.answers.read(source, data, self.splits.train.columns)
        self._seen("test", self.splits.held_out["test"])

    def recall(self, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super().recall(header, arrays)
        self.answers.recall(header)

    def evaluate(self, options: Options) -> Evaluation:
        self.answers = self.answers.asked(options)
        if "threshold" in options:
            self.cross_validated = None  # it was scored at another one
        if not isinstance(self.reader, Numbers):
            self.reader.unseen.forget()
        made = super().evaluate(options)
        if split := self.splits.scored():
            self.reader.tell_unseen(self.splits.named(split))
        return made

    def folds(self) -> list[Experiment]:
        def experiment(splits: Splits[Any]) -> Experiment:
            answers = self.answers.refitted(splits.train, self.config)
            config = self.config.changed(training={"seeds": min(self.answers.kinds, self.config.networks)})
            return SequenceExperiment(config, splits, answers, self.context, None)

        return prepared(self.splits.folds(), experiment)

    def settle(self, folds: Sequence[Experiment]) -> None:
        if min(self.answers.kinds, self.config.networks) == 1:
            return
        each = [fold for fold in folds if isinstance(fold, SequenceExperiment)]
        compared = zip(*(fold._compared() for fold in each), strict=True)
        self.answers.weigh([np.concatenate(of_kind) for of_kind in compared])
        for fold in each:
            fold.answers.recall({"validated": self.answers.validated()})

    def choose(self) -> None:
        if self._validation.inputs:
            self.settle([self])

    def _compared(self) -> list[np.ndarray]:
        """Return what tells how good the answers of a network of each kind are for the validation split, (N,) each."""
        held_out, each = self.splits.held_out["validation"], self._outputs_of_each(self._validation)
        return [self.answers.compared(held_out, outputs) for outputs in each[: self.answers.kinds]]

    def score(self) -> Score | None:
        split = self.splits.scored()
        if split is None:
            return self.cross_validated
        examples = self.splits.held_out[split]
        given = self._inputs(examples)
        if split == "test":  # others were told of before training
            self.reader.cut.tell(examples.name, self.reader.unit)
        outputs = self._outputs(given)
        return self.answers.score(split, self.splits.train, examples, outputs)

    def wrong(self) -> tuple[WrongAnswer, ...]:
        split = self.splits.scored()
        if split is None:
            return ()
        examples = self.splits.held_out[split]
        return worst(self.answers.wrong(examples, self._outputs(self._inputs(examples))))


def splits_in(
    config: Config, source: Source, answers: type[Answers], only: Callable[..., Any], learnt: Mapping[str, Any] | None
) -> Splits[Any]:
    """Return the splits of the sequences in `source`."""
    whole = answers.read(source, config.data, answers.columns(learnt) if learnt else None)
    return Splits(
        config,
        whole,
        lambda other: answers.read(other, config.data, whole.columns),
        only,
        () if config.data.group == NO_GROUP else whole.inputs(),  # type: ignore[attr-defined]
        whole.answers() if answers.counted and config.data.group != NO_GROUP else (),  # type: ignore[attr-defined]
        answers.strata(whole, config.data) if config.data.stratify else (),  # type: ignore[attr-defined]
    )


def sized(config: C, kind: str, splits: Splits[Any]) -> C:
    """Return the config with sizes, rates and lengths in place of null, for the training split of a kind; and, of few
    series whose epochs are open, with as many networks as there is time for."""
    train, is_chosen = splits.train, is_open(config.training.epochs)
    config = sizes.completed(config, kind, len(train), splits.judges)
    if not (train.values and is_chosen):
        return sizes.with_networks(config, 1)
    steps = sum(map(len, train.values)) * config.training.epochs * config.model.num_layers
    return sizes.with_networks(config, sizes.networks(steps, splits.validated["folds"]))


def named(config: Config, sequences: Any) -> dict[str, Any]:
    """Return the keys of `data` that tell how sequences were found, with their values."""
    columns = sequences.columns
    inputs = list(columns.inputs) or None
    found = {"text": columns.text, "inputs": inputs, "id": columns.id, "label": columns.label}
    separator = getattr(columns, "separator", None)
    if not quotes_fields(sequences.name, config.data.quoting):  # type: ignore[attr-defined]
        found["quoting"] = "none"  # from a pipe too
    return found if separator is None else {**found, "label_separator": separator}
