"""What a language model says of growing texts is what it says of each text by itself."""

import numpy as np
import pytest

from rnncli.kernels.losses import IGNORED
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model.following import Following
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

TOKENS = np.array([0, 3, 4, 5])  # of the blank and of three symbols


@pytest.fixture(scope="module")
def network():
    network = Network(NetworkShape("lstm", 6, 5, 2, 6, True))
    network.initialise("orthogonal", 1.0, 3)
    network.parameters.view("head.weight")[...] = np.random.default_rng(1).normal(0, 1, (5, 6))
    network.pack()
    return network


def whole(network, text):
    """The log-probability of the last token of a text (n,) after the others."""
    work = network.workspace(len(text) - 1, 1, len(text) - 1, training=False)
    work.clear_state()
    work.tokens[:, 0] = text[:-1]
    targets = np.full((len(text) - 1, 1), IGNORED, np.int32)
    targets[-1] = text[-1]
    return -Backpropagation(network, CROSS_ENTROPY, ThreadPool(1)).evaluate(work, targets)


def test_hypotheses_are_told_apart_whatever_grows_and_whatever_is_dropped(network):
    following, texts = Following(network, TOKENS, 1, 1), [[1]]
    source = np.random.default_rng(5)
    before, appended = np.array([0]), np.array([0])
    for _ in range(6):
        found = following(before, appended)
        for text, logs in zip(texts, found, strict=True):
            nexts = [1, *TOKENS[1:]]
            assert logs == pytest.approx([whole(network, [*text, token]) for token in nexts], abs=1e-5)
        n = min(3, len(texts) + 1)
        before, appended = source.integers(0, len(texts), n), source.integers(0, 4, n)
        texts = [texts[i] + ([int(TOKENS[c])] if c else []) for i, c in zip(before, appended, strict=True)]


def test_without_a_beginning_all_tokens_are_alike(network):
    following = Following(network, TOKENS, None, None)
    assert following(np.array([0]), np.array([0]))[0].tolist() == pytest.approx([0, *[-np.log(6)] * 3])
