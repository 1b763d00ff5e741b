"""Reading a text as it comes: exact token by token, nearly so side by side; and learning from what was read."""

import numpy as np
import pytest

from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model import learning, reading
from rnncli.tasks.language_model.learning import LearningReading
from rnncli.tasks.language_model.reading import StreamReading
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

POOL = ThreadPool(2)
V = 7
RANDOM = np.random.default_rng(0)
TEXT = RANDOM.integers(0, V, 400).astype(np.uint8)


def network(cell="lstm", layers=2, seed=1):
    made = Network(
        NetworkShape(
            cell=cell, input_size=V, hidden_size=8, num_layers=layers, output_size=V, token_input=True, dropout=0.3
        )
    )
    made.initialise("orthogonal", 1.0, seed)
    made.parameters.weights[...] *= 2  # so that the state matters
    made.pack()
    return made


def one_window(net, text, first):
    """The nats of a text in one window, by the forward pass of training."""
    inputs = text[:-1] if first is None else [first, *text[:-1]]
    targets = (text[1:] if first is None else text).astype(np.int32)[:, None]
    work = net.workspace(len(inputs), 1, len(inputs), training=False)
    work.tokens[:, 0] = inputs
    return Backpropagation(net, CROSS_ENTROPY, POOL).losses_of(work, targets)[:, 0]


@pytest.mark.parametrize("first", [None, 3])
@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 3, 40, 41, 300], list(range(1, 400))])
def test_the_pieces_in_which_a_text_comes_change_nothing(first, cuts):
    net = network()
    reader = StreamReading(net, POOL, first)
    found = np.concatenate([reader.nats(piece) for piece in np.split(TEXT, cuts)])
    wanted = one_window(net, TEXT, first)
    if first is None:
        assert np.isnan(found[0])
        found = found[1:]
    assert found == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("cell", ["gru", "slstm"])
def test_segments_side_by_side_are_scored_each_token_once_and_nearly_as_in_one_stream(cell, monkeypatch):
    net = network(cell)
    text = RANDOM.integers(0, V, 3001).astype(np.uint8)
    two = StreamReading(net, POOL, 2).nats(text)
    monkeypatch.setattr(reading, "SEGMENT", 10**9)
    one = StreamReading(net, POOL, 2).nats(text)
    monkeypatch.setattr(reading, "SEGMENT", 300)
    many = StreamReading(net, POOL, 2)
    found = np.concatenate([many.nats(text[:2500]), many.nats(text[2500:])])
    for side_by_side in (two, found):
        assert not np.isnan(side_by_side).any()
        assert side_by_side == pytest.approx(one, abs=5e-3)  # what 256 tokens of warming up leave
    assert found[:300] == pytest.approx(one[:300], abs=1e-5)  # the first segment starts from the exact state
    assert found[-2:] == pytest.approx(one[-2:], abs=1e-3)


def readers(net):
    return {"network": StreamReading(net, POOL, 1), "learning": LearningReading(net, POOL, 1)}


@pytest.mark.parametrize("kind", ["network", "learning"])
@pytest.mark.parametrize("read", [0, 1, 19, 20, 333])
def test_the_chances_of_all_tokens_sum_to_one(kind, read):
    chances = []
    for token in range(V):
        reader = readers(network())[kind]
        reader.nats(TEXT[:read])
        chances.append(np.exp(-reader.nats(np.array([token]))[0]))
    assert sum(chances) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("cuts", [[1], [19, 20, 21], list(range(1, 400))])
def test_what_is_learnt_does_not_depend_on_the_pieces(cuts):
    reader = LearningReading(network(), POOL, 1)
    found = np.concatenate([reader.nats(piece) for piece in np.split(TEXT, cuts)])
    assert found == pytest.approx(LearningReading(network(), POOL, 1).nats(TEXT), abs=1e-5)


def test_no_token_is_scored_by_a_model_that_has_seen_it():
    other = TEXT.copy()
    other[250:] = (other[250:] + 1) % V
    found, changed = (LearningReading(network(), POOL, 1).nats(text) for text in (TEXT, other))
    assert np.array_equal(found[:250], changed[:250])
    assert found[250] != changed[250]


def test_learning_starts_after_the_measured_segments_and_helps_on_a_text_that_repeats_itself():
    text = np.tile(np.array([1, 5, 2, 2, 6], np.uint8), 400)
    fixed, learnt = StreamReading(network(), POOL, 1).nats(text), LearningReading(network(), POOL, 1).nats(text)
    begin = learning.SEGMENT * (learning.MEASURED + 1)
    assert learnt[:begin] == pytest.approx(fixed[:begin], abs=1e-4)
    assert learnt[-200:].mean() < 0.95 * fixed[-200:].mean()


def test_one_step_of_learning_is_that_of_the_paper(monkeypatch):
    monkeypatch.setattr(learning, "MEASURED", 1)
    net, segments = network(), [TEXT[:20], TEXT[20:40]]
    trained = net.parameters.weights.copy()
    driver, gradients = Backpropagation(net, CROSS_ENTROPY, POOL), []
    work = net.workspace(20, 1, 20, training=False)
    for before, segment in zip([1, TEXT[19]], segments, strict=True):
        work.tokens[:, 0] = [before, *segment[:-1]]
        driver.gradient(work, segment.astype(np.int32)[:, None], 20)
        gradients.append(net.parameters.gradient.astype(float))
        work.carry(20)
    size = np.sqrt((gradients[0] ** 2 + gradients[1] ** 2) / 2)
    step = learning.RATE * gradients[1] / (size + learning.EPSILON * size.mean())
    wanted = trained - step + np.minimum(1, learning.DECAY * size / size.mean()) * step
    LearningReading(net, POOL, 1).nats(TEXT[:40])
    assert net.parameters.weights == pytest.approx(wanted, abs=1e-6)
    assert not np.array_equal(net.parameters.weights, trained)
