"""Words composed from characters, with affixes: gradients, a naive twin, and one vector for one word whatever is
beside it."""

import naive
import numpy as np
import pytest
from windows import central_differences, error

from rnncli.kernels import jit, losses
from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.words import Lexicon
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

needs_jit = pytest.mark.skipif(not jit.enabled(), reason="minutes in plain Python, and the same code")
LEXICON = Lexicon(
    np.array([1, 0, 2, 3, 0], np.int32),
    np.zeros(5, bool),
    [np.array(s, np.int32) for s in ([1, 2], [3], [2, 2, 1, 3], [1], [4, 1, 2])],
    [np.array(affixes, np.int32) for affixes in ([1, 0, 1, 2, 2], [0, 3, 1, 0, 2])],
)
AFFIXES = {"affixes": (("shape", 3), ("last_2", 4)), "affix_size": 2}
SENTENCES = [[2, 0, 1, 2, 4], [3, 3, 0], [1]]
LENGTHS = np.array([5, 3, 1])


def shape(cell="gru", **changes):
    # three characters’ units: of two, a normalised gate leaves gradients that central differences cannot resolve
    whole = {"embedding_size": 2, "bidirectional": True, "characters": 5, "character_size": 3} | AFFIXES | changes
    return NetworkShape(cell, 4, 3, 1, 3, token_input=True, **whole)


class Batch:
    def __init__(self, shape, dtype=np.float64, sentences=SENTENCES, threads=1, loss=CROSS_ENTROPY):
        self.network = Network(shape, np.dtype(dtype))
        random = np.random.default_rng(0)
        self.network.parameters.load({s.name: random.normal(0, 0.7, s.shape) for s in self.network.parameters.declared})
        self.network.pack()
        self.driver = Backpropagation(self.network, loss, ThreadPool(threads))
        lengths = np.array([len(s) for s in sentences])
        self.work = self.network.workspace(lengths[0] + 2, len(lengths), lengths[0] + 2, training=True).ragged(lengths)
        numbers = np.zeros((lengths[0], len(lengths)), int)
        self.targets = np.full(numbers.shape, losses.IGNORED, np.int32)
        for b, sentence in enumerate(sentences):
            numbers[: len(sentence), b] = sentence
            self.targets[: len(sentence), b] = random.integers(0, 3, len(sentence))
        self.network.words.place(self.work.words, numbers, LEXICON)
        self.work.words.words[...] = LEXICON.words[numbers]
        self.count = int(lengths.sum())

    def loss(self):
        self.network.pack()
        return self.driver.evaluate(self.work, self.targets) / self.count

    def outputs(self):
        self.driver.forward(self.work)
        return self.work.outputs.copy()


@needs_jit
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_match_central_differences(cell, dropout):
    batch = Batch(shape(cell, dropout=dropout, drops_ends=True))
    batch.work.dropout_keys = batch.network.dropout_keys(1, 2)
    batch.driver.gradient(batch.work, batch.targets, batch.count)
    parameters = batch.network.parameters
    gradients = {s.name: parameters.gradient_view(s.name).copy() for s in parameters.declared}
    for name, gradient in gradients.items():
        wanted = central_differences(parameters.view(name), batch.loss, 3e-4, fourth_order=True)
        assert error(gradient, wanted) < 1e-7, name


@pytest.mark.parametrize("cell", CELLS)
def test_outputs_match_the_naive_twin_of_each_sentence_alone(cell):
    batch = Batch(shape(cell))
    outputs, weights = batch.outputs(), batch.network.parameters.export()
    for b, sentence in enumerate(SENTENCES):
        assert error(outputs[: len(sentence), b], naive.tagger(batch.network.shape, weights, sentence, LEXICON)) < 1e-12


def test_company_and_threads_change_no_bit():
    together = Batch(shape("lstm"), np.float32, threads=3).outputs()
    for b, sentence in enumerate(SENTENCES):
        alone = Batch(shape("lstm"), np.float32, [sentence]).outputs()
        assert alone[:, 0].tobytes() == np.ascontiguousarray(together[: len(sentence), b]).tobytes()


def test_gradients_are_the_same_bits_on_any_number_of_threads():
    gradients = []
    for threads in (1, 2, 3):
        batch = Batch(shape("gru", dropout=0.3, drops_ends=True), np.float32, threads=threads)
        batch.work.dropout_keys = batch.network.dropout_keys(1, 2)
        batch.driver.gradient(batch.work, batch.targets, batch.count)
        gradients.append(batch.network.parameters.gradient.tobytes())
    assert gradients[0] == gradients[1] == gradients[2]
