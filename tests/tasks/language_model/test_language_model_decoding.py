"""Step by step or all at once, a network says the same; what is drawn follows the distribution that was asked for."""

import itertools

import naive
import numpy as np
import pytest
from windows import VARIANTS

from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model.decoding import _FIRST_CHUNK, Decoder, Sampling

pytestmark = pytest.mark.thorough

V, H = 9, 12
# The value that chi-square with d degrees of freedom exceeds once in a thousand times.
CRITICAL = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46, 7: 24.32, 8: 26.12}
LOGITS = [1.5, 2.0, -1.0, 0.5, 2.0, 1.0, 0.5, -3.0, 1.2]
DRAWS = 8000


def made(cell, activation="tanh", layers=2, embedding=None, fold_up_to=320):
    shape = NetworkShape(
        cell,
        V,
        H,
        layers,
        V,
        token_input=True,
        embedding_size=embedding,
        activation=activation,
        dropout=0.5,
        fold_up_to=fold_up_to,
    )
    network = Network(shape)
    network.initialise("orthogonal", 0.9, seed=2)
    network.parameters.view("head.weight")[...] *= 30  # a fresh network hardly tells one token from another
    network.pack()
    return network


def constant(logits):
    """A network that says the same after every token."""
    network = made("gru", layers=1)
    network.parameters.view("head.weight")[...] = 0
    network.parameters.view("head.bias")[...] = logits
    network.pack()
    return network


def whole_sequence(network, ids):
    """(T, V) logits of the training forward over all of it."""
    work = network.workspace(len(ids), 1, len(ids), training=False)
    work.tokens[:, 0] = ids
    network.forward(work, 0, 1)
    return work.outputs[:, 0].copy()


def ids(N, seed=0):
    return np.random.default_rng(seed).integers(0, V, N).astype(np.int32)


@pytest.mark.parametrize("embedding", [None, 7])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_step_by_step_equals_the_training_forward(cell, activation, layers, embedding):
    network, tokens = made(cell, activation, layers, embedding), ids(150)
    wanted = whole_sequence(network, tokens)
    decoder = Decoder(network)
    steps = np.stack([decoder.read(tokens[t : t + 1]) for t in range(150)])
    assert np.abs(steps - wanted).max() < 1e-6 * np.abs(wanted).max()
    assert np.abs(np.diff(wanted, axis=0)).max() > 0.1
    zero = [naive.zero_state(cell, 1, H)] * layers
    twin = naive.network(network.shape, network.parameters.export(), tokens[:, None], zero)[:, 0]
    assert np.abs(steps - twin).max() < 1e-4 * np.abs(twin).max()


@pytest.mark.parametrize(
    "sizes", [(1, 149), (149, 1), (63, 64, 23), (64, 65, 21), (128, 22), (2, 3, 5, 7, 133), (150,)]
)
@pytest.mark.parametrize("cell", CELLS)
def test_pieces_of_any_size_end_alike(cell, sizes):
    network, tokens = made(cell), ids(150)
    wanted = whole_sequence(network, tokens)
    decoder, start = Decoder(network), 0
    for size in sizes:
        logits = decoder.read(tokens[start : start + size])
        start += size
        assert np.abs(logits - wanted[start - 1]).max() < 1e-6 * np.abs(wanted).max()


def test_restart_forgets_and_answers_are_copies():
    decoder, tokens = Decoder(made("lstm")), ids(70)
    first = decoder.read(tokens)
    kept = first.copy()
    assert not np.array_equal(decoder.read(tokens), first)
    assert np.array_equal(first, kept)
    decoder.restart()
    assert np.array_equal(decoder.read(tokens), kept)


def wanted_chances(temperature=1.0, top_k=0, top_p=1.0):
    """The distribution by its definition: `<unk>` is out, then the k likeliest, then those that reach p."""
    chances = {v: np.exp(z / temperature) for v, z in enumerate(LOGITS) if v != 0}
    ranked = sorted(chances, key=lambda v: (-chances[v], v))[: top_k or None]
    total, kept, reached = sum(chances[v] for v in ranked), [], 0.0
    for v in ranked:
        if reached >= top_p * total and kept:
            break
        kept.append(v)
        reached += chances[v]
    return np.array([chances[v] / reached if v in kept else 0.0 for v in range(V)])


def written(network, how, count, start=None):
    decoder = Decoder(network, excluded=0)
    logits = decoder.read(np.ones(1, np.int32) if start is None else start)
    return list(itertools.islice(decoder.write(logits, how).sequence(0), count))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.5},
        {"temperature": 2.0},
        {"top_k": 3},
        {"top_k": 6},
        {"top_p": 0.5},
        {"top_p": 0.85},
        {"temperature": 1.5, "top_k": 5, "top_p": 0.8},
    ],
)
def test_frequencies_follow_the_distribution(settings):
    tokens = written(constant(LOGITS), Sampling(seed=12, **settings), DRAWS)
    counts, chances = np.bincount(tokens, minlength=V), wanted_chances(**settings)
    possible = chances > 0
    assert not counts[~possible].any()
    statistic = ((counts - DRAWS * chances)[possible] ** 2 / (DRAWS * chances[possible])).sum()
    assert statistic < CRITICAL[possible.sum() - 1]
    others = chances[possible] * np.linspace(1, 1.3, possible.sum())
    others /= others.sum()
    against = ((counts[possible] - DRAWS * others) ** 2 / (DRAWS * others)).sum()
    assert against > CRITICAL[possible.sum() - 1]  # the test can tell distributions apart


@pytest.mark.parametrize("settings", [{}, {"temperature": 50.0}, {"top_k": 1}, {"top_p": 0.01}, {"temperature": 0.01}])
def test_unknown_is_never_generated_even_where_it_towers(settings):
    network = constant([90.0, *LOGITS[1:]])
    assert 0 not in written(network, Sampling(seed=3, **settings), 500)
    decoder = Decoder(network, excluded=0)
    chances = decoder.probabilities(decoder.read(ids(3)))
    assert chances[0] == 0
    assert chances == pytest.approx(wanted_chances(), abs=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_the_seed_decides_and_nothing_else(cell):
    network = made(cell)
    first = written(network, Sampling(seed=5), 200)
    assert written(network, Sampling(seed=5), 200) == first
    assert written(network, Sampling(seed=5), 60) == first[:60]
    assert written(network, Sampling(seed=6), 200) != first
    assert len(set(first)) > 3


@pytest.mark.parametrize(("embedding", "fold_up_to"), [(None, 0), (7, 0), (7, 320)])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_each_token_is_drawn_after_the_one_before_was_read(cell, activation, layers, embedding, fold_up_to):
    """A low temperature takes the likeliest; then the whole text must be a chain of likeliest tokens."""
    network, prime = made(cell, activation, layers, embedding, fold_up_to), ids(5)
    decoder = Decoder(network)
    made_of = decoder.write(decoder.read(prime), Sampling(temperature=1e-4))
    tokens = list(itertools.islice(made_of.sequence(0), _FIRST_CHUNK))
    logits = whole_sequence(network, np.array([*prime, *tokens], np.int32))
    assert np.abs(made_of.writer.state.logits[0, 0] - logits[-1]).max() < 1e-6 * np.abs(logits[-1]).max()
    logits[:, 0] = -np.inf
    assert tokens == logits[4:-1].argmax(axis=1).tolist()


@pytest.mark.parametrize("cell", CELLS)
def test_texts_that_are_written_together_are_those_written_alone(cell):
    network = made(cell)
    decoder = Decoder(network)
    together = decoder.write(decoder.read(ids(70)), Sampling(seed=2**63 - 4), count=7)
    texts = [list(itertools.islice(together.sequence(b), 100)) for b in (3, 0, 6, 1)]  # in any order
    alone = [written(network, Sampling(seed=2**63 - 4 + b), 100, ids(70)) for b in (3, 0, 6, 1)]
    assert texts == alone
    assert len({tuple(text) for text in texts}) == 4
