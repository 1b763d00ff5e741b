"""Models of classify, regress and tag for other programs: tokens or numbers as they stand in, answers out.

All networks of a model are one graph, and their answers are averaged as `predict` does. A baseline that they correct is
no network, and has no form here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnncli.data.text import WORDS, tokenize
from rnncli.data.vocabulary import UNKNOWN_NUMBER, Vocabulary
from rnncli.errors import UsageError
from rnncli.nn.network import Network
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.network import Spelt, batch_of, computed, vectors_of, within, words_of
from rnncli.nn.onnx.recurrent import Batch
from rnncli.tasks import exported
from rnncli.tasks.exported import LENGTHS, InOnnx, InTorch
from rnncli.tasks.sequences import exported_echo_state, exported_naive_bayes
from rnncli.tasks.sequences.corrected import Corrected
from rnncli.tasks.sequences.echo_state import EchoState
from rnncli.tasks.sequences.exported_numbers import scaled
from rnncli.tasks.sequences.learner import Bases, answered
from rnncli.tasks.sequences.naive_bayes import NaiveBayes
from rnncli.tasks.sequences.one_answer import OneAnswer
from rnncli.tasks.sequences.readers import Numbers, Words
from rnncli.training.backpropagation import ThreadPool

if TYPE_CHECKING:
    from rnncli.tasks.sequences.predictor import SequencePredictor


def in_onnx(model: SequencePredictor) -> InOnnx:
    _require_graphs(model)
    graph, networks = Graph(), model.networks
    given, batch = _given(graph, model)
    states = exported.state_inputs(graph, networks[0]) if _carries(model) else []
    made = [computed(graph, network, _read(graph, network, given), batch, states) for network in networks]
    outputs_of_each = [one.outputs for one in made]
    if (base := _base(graph, model, given, batch)) is not None:
        for number in filter(model.answers.corrects, range(len(networks))):
            outputs_of_each[number] = graph.add("Add", outputs_of_each[number], base)
    answer = model.answers.in_onnx(graph, outputs_of_each)
    output = answer.output
    if model.answers.every_step:
        output = output._replace(value=within(graph, output.value, batch))
    graph.output(*output)
    sample = _sample(model)
    outputs = {output.name: model.answers.as_in_onnx(_answered(model, sample))}
    inputs = {**sample.inputs, "lengths": np.array(LENGTHS)}
    if states:
        exported.state_outputs(graph, networks[0], made[0])
        names, ran = exported.state_names(networks[0]), exported.run(networks[0], sample.read)
        inputs |= {f"{name}_0": np.zeros_like(one) for name, one in zip(names, ran.states, strict=True)}
        outputs |= {f"{name}_n": one for name, one in zip(names, ran.states, strict=True)}
    return InOnnx(graph, _about(model), inputs, outputs, answer.left_out)


def in_torch(model: SequencePredictor) -> InTorch:
    _require_networks(model)
    if len(model.networks) > 1:
        raise UsageError(
            f"--to pytorch: this model is {len(model.networks)} networks, whose answers are averaged; use --to onnx, "
            "or train with training.seeds: 1"
        )
    (network,) = model.networks
    exported.require_modules(network)
    given = _sample(model).read
    return InTorch(network, _about(model), given, exported.run(network, given).outputs)


class Given(NamedTuple):
    """What a graph is given: tokens and what is told of them beside, or scaled numbers and raw ones."""

    steps: str
    spelt: Spelt | None = None
    raw: str = ""


class Sample(NamedTuple):
    """Sequences of a test vector: as inputs of the graph, as `answered` takes them, and as the network reads them.

    bases: what the networks correct, if anything.
    """

    inputs: dict[str, np.ndarray]
    sequences: list[np.ndarray]
    read: np.ndarray
    bases: Bases = None


def _corrected(model: SequencePredictor) -> Corrected | None:
    """Return what the networks of a classifier correct, if anything."""
    found = getattr(model.answers, "corrected", None)
    return found if isinstance(found, Corrected) else None


def _require_networks(model: SequencePredictor) -> None:
    """Raise UsageError if networks correct something that is none."""
    answers = model.answers
    if isinstance(answers, OneAnswer) and answers.corrected is not None:
        raise _refused(answers.corrected.name, "is a baseline that the network corrects, and no network itself")


def _require_graphs(model: SequencePredictor) -> None:
    """Raise UsageError if networks correct what has no graph either."""
    found, reader = _corrected(model), model.reader
    if found is None:
        _require_networks(model)
    elif isinstance(found.model, NaiveBayes):
        if reader.cut.longest is not None:
            raise _refused(found.name, f"reads whole texts, and the network {reader.cut.longest:,} steps of them")
        if not isinstance(reader, Words) or not exported_naive_bayes.is_told(found.model, reader.vocabulary):
            raise _refused(found.name, "counts what the tokens that the network reads do not tell")


def _refused(name: str, why: str) -> UsageError:
    return UsageError(f"data.residual: {name} {why}; train with data.residual: none")


def _base(graph: Graph, model: SequencePredictor, given: Given, batch: Batch) -> str | None:
    """Return the scores (batch, L) that networks correct, 0 the best, float32; None if they correct nothing."""
    found = _corrected(model)
    if found is None:
        return None
    if isinstance(found.model, EchoState):
        scores = exported_echo_state.scores(graph, found.model, given.raw, batch)
    else:
        assert isinstance(model.reader, Words)
        scores = exported_naive_bayes.scores(graph, found.model, model.reader.vocabulary, given.steps, batch)
    less = graph.add("Sub", scores, graph.add("ReduceMax", scores, axes=[1]))
    return graph.cast(graph.add("Mul", less, graph.constant(found.scale, "float64")), "float32")


def _given(graph: Graph, model: SequencePredictor) -> tuple[Given, Batch]:
    """Declare the inputs of the graph."""
    reader, steps = model.reader, ("time", "batch")
    if isinstance(reader, Numbers):
        values = graph.input("values", "float64", *steps, len(reader.centre))
        batch = batch_of(graph, values, graph.input("lengths", "int64", "batch"))
        return Given(scaled(graph, reader, values, batch), raw=values), batch
    tokens = graph.input("tokens", "int64", *steps)
    batch = batch_of(graph, tokens, graph.input("lengths", "int64", "batch"))
    words = model.networks[0].words
    if words is None:
        return Given(tokens), batch
    characters, letters = graph.input("characters", "int64", "letters", *steps), graph.input("letters", "int64", *steps)
    affixes = graph.input("affixes", "int64", len(words.affixes), *steps) if words.affixes else ""
    return Given(tokens, Spelt(characters, letters, affixes)), batch


def _read(graph: Graph, network: Network, given: Given) -> str:
    """Return what the first layer of a network reads, (time, batch, I)."""
    if network.words is not None:
        assert given.spelt is not None
        return words_of(graph, network.words, given.steps, given.spelt)
    return vectors_of(graph, network.stack, given.steps) if network.shape.token_input else given.steps


def _carries(model: SequencePredictor) -> bool:
    """True if sequences can go on where others ended: their states are all that is to be known of them."""
    shape, reader = model.networks[0].shape, model.reader
    whole = isinstance(reader, Numbers) and (reader.by_series or reader.differences is not None)
    alone = len(model.networks) == 1 and not shape.bidirectional and not shape.characters
    return alone and _corrected(model) is None and shape.pooling in (None, "last") and not whole


def _answered(model: SequencePredictor, sample: Sample) -> list[np.ndarray]:
    """Return the outputs that stand for those of all networks, of each sequence."""
    pool = ThreadPool(1)
    try:
        return model.answers.averaged(
            [
                answered(
                    network,
                    sample.sequences,
                    pool,
                    lexicon=model.reader.lexicon,
                    bases=sample.bases if model.answers.corrects(number) else None,
                )
                for number, network in enumerate(model.networks)
            ]
        )
    finally:
        pool.close()


def _sample(model: SequencePredictor) -> Sample:
    reader = model.reader
    if isinstance(reader, Numbers):
        size = np.arange(len(reader.centre))
        values = [
            reader.centre + reader.scale * np.sin(1.0 + b + np.arange(length)[:, None] * (1 + size))
            for b, length in enumerate(LENGTHS)
        ]
        told = _told(model, values=values)
        sequences = reader.encode(told)
        bases = model.answers.bases(told, own=False)
        return Sample({"values": exported.padded(values)}, sequences, exported.padded(sequences), bases)
    if not isinstance(reader, Words):
        tokens = exported.some_tokens(reader.size)
        return Sample({"tokens": exported.padded(tokens)}, tokens, exported.padded(tokens))
    sentences = _sentences(reader.vocabulary)
    forms, lexicon = reader.encode(sentences), reader.lexicon()
    numbers = exported.padded([lexicon.words[one] for one in forms]).astype(np.int64)
    inputs = {"tokens": numbers}
    if model.networks[0].words is not None:
        inputs |= _spelt(forms, lexicon.spellings, lexicon.affixes)
    bases = None
    if _corrected(model) is not None:
        told = _told(model, texts=[" ".join(words) for words in sentences])
        bases = model.answers.bases(told, own=False)
    return Sample(inputs, forms, numbers, bases)


def _sentences(vocabulary: Vocabulary) -> list[list[str]]:
    """Return sentences of LENGTHS words, which are cut into the same words if they are joined by spaces."""
    words = [word for word in vocabulary.tokens[1:] if vocabulary.kind not in WORDS or _stands_alone(word, vocabulary)]
    words = words or list(vocabulary.tokens[1:])
    return [[words[(3 * b + t) % len(words)] for t in range(length)] for b, length in enumerate(LENGTHS)]


def _stands_alone(word: str, vocabulary: Vocabulary) -> bool:
    return tokenize(f"{word} {word}", vocabulary.kind) == [word, word]


def _told(model: SequencePredictor, **given: Any) -> Any:
    """Return sequences of LENGTHS that hold what is given, as if they had been read."""
    one = model.answers.stand_in(model.columns)
    return replace(one, ids=one.ids * len(LENGTHS), lines=one.lines * len(LENGTHS), **given)


def _spelt(forms: list[np.ndarray], spellings: Any, affixes: Any) -> dict[str, np.ndarray]:
    """Return the inputs that tell of words beside their numbers; forms: their places in the lexicon."""
    longest = max(len(spellings[form]) for one in forms for form in one)
    shape = len(forms[0]), len(forms)
    made = {
        "characters": np.zeros((longest, *shape), np.int64),
        "letters": np.zeros(shape, np.int64),
        **({"affixes": np.zeros((len(affixes), *shape), np.int64)} if affixes else {}),
    }
    for b, one in enumerate(forms):
        for t, form in enumerate(one):
            spelling = spellings[form]
            made["characters"][: len(spelling), t, b], made["letters"][t, b] = spelling, len(spelling)
            for kind, known in enumerate(affixes):
                made["affixes"][kind, t, b] = known[form]
    return made


def _about(model: SequencePredictor) -> dict[str, Any]:
    """Return what is told of inputs and answers."""
    reader = model.reader
    about: dict[str, Any] = {"task": model.config.task}
    if isinstance(reader, Numbers):
        about |= {"columns": list(model.columns.inputs), "scaling": reader.to_header()}
    else:
        about |= {"vocabulary": list(reader.vocabulary.tokens), "tokens": reader.vocabulary.kind}
        about["unknown"] = UNKNOWN_NUMBER
    if model.networks[0].words is not None:
        assert isinstance(reader, Words)
        about["characters"] = list(reader.characters.tokens)
        if reader.affixes:
            about["affixes"] = {kind: list(known.tokens) for kind, known in reader.affixes.known.items()}
    if reader.cut.longest is not None:
        about["cut"] = {"max_length": reader.cut.longest, "truncate": reader.cut.truncate}
    return about | model.answers.about()
