"""First weights: within their limits, orthogonal where they say so, a function of the seed and of nothing else."""

import math

import numpy as np
import pytest

from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.parameters import RECURRENT_INITS, Start, recurrent

H, L = 24, 3


def network(cell="lstm", method="orthogonal", scale=1.0, seed=1, dtype=np.float64, **changes):
    shape = {"input_size": 6, "hidden_size": H, "num_layers": L, "output_size": 5, "token_input": False} | changes
    made = Network(NetworkShape(cell, **shape), np.dtype(dtype))
    made.initialise(method, scale, seed)
    return made


def blocks(made, layer):
    """The H×H blocks of a layer's recurrent weights, one a gate."""
    return np.split(made.parameters.export()[f"rnn.weight_hh_l{layer}"], made.stack.cell.gates)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.9])
@pytest.mark.parametrize("cell", CELLS)
def test_orthogonal_blocks_times_the_scale(cell, scale):
    made = network(cell, "orthogonal", scale)
    for layer in range(L):
        for block in blocks(made, layer):
            assert np.abs(block @ block.T - scale**2 * np.eye(H)).max() < 1e-13


@pytest.mark.parametrize(("method", "limit"), [("xavier", math.sqrt(3 / H)), ("uniform", 1 / math.sqrt(H))])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_xavier_and_uniform_fill_their_range_evenly(method, limit, scale):
    values = np.stack([blocks(network("lstm", method, scale), layer) for layer in range(L)])
    assert np.abs(values).max() <= limit * scale
    assert np.abs(values).max() > 0.99 * limit * scale
    deviation = limit * scale / math.sqrt(3)
    assert abs(values.mean()) < 4 * deviation / math.sqrt(values.size)
    assert values.std() == pytest.approx(deviation, rel=0.03)


def test_xavier_has_variance_one_over_size():
    assert np.var(recurrent(4, 200, 0)((200, 800), Start("xavier", 1.0, 1))) == pytest.approx(1 / 200, rel=0.01)


@pytest.mark.parametrize("method", RECURRENT_INITS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(cell, method):
    first, again, other = (network(cell, method, 1.1, seed, np.float32).parameters.weights for seed in (7, 7, 8))
    assert first.tobytes() == again.tobytes()
    drawn = first != 0
    assert (first[drawn] != other[drawn]).mean() > 0.99 - (0.1 if cell == "lstm" else 0)  # biases are not drawn


@pytest.mark.parametrize("method", RECURRENT_INITS)
def test_no_two_layers_gates_or_matrices_share_their_draws(method):
    made = network("lstm", method, token_input=True, embedding_size=H, output_size=H)
    weights = made.parameters.export()
    drawn = [block for layer in range(L) for block in blocks(made, layer)]
    drawn += [weights[f"rnn.weight_ih_l{layer}"][:H] for layer in range(L)]
    drawn += [weights["head.weight"], np.resize(weights["embedding.weight"], (H, H))]
    for i, a in enumerate(drawn):
        for b in drawn[:i]:
            assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / H


def test_float32_weights_are_the_float64_ones_rounded():
    assert np.array_equal(network(dtype=np.float32).parameters.weights, network().parameters.weights.astype(np.float32))


@pytest.mark.parametrize("cell", CELLS)
def test_biases_start_at_zero_but_for_those_that_the_cell_says(cell):
    weights = network(cell).parameters.export()
    for layer in range(L):
        b_ih, b_hh = (weights[f"rnn.bias_{part}_l{layer}"] for part in ("ih", "hh"))
        assert not b_hh.any()
        assert b_ih.reshape(-1, H).mean(axis=1).tolist() == list(CELLS[cell].initial_bias)
        assert b_ih.reshape(-1, H).std(axis=1).max() == 0
    assert not weights["head.bias"].any()


@pytest.mark.parametrize("cell", ["lstm", "peephole", "slstm", "rmslstm"])
def test_a_forget_gate_starts_open(cell):
    assert CELLS[cell].initial_bias == (0, 1, 0, 0)  # PyTorch's order: i f g o


def test_input_weights_keep_their_limits():
    one_hot = network(token_input=True, input_size=40, output_size=40).parameters.export()
    vectors = network(token_input=True, input_size=40, embedding_size=9).parameters.export()
    many = network(token_input=True, input_size=400, embedding_size=9).parameters.export()
    dense = network(input_size=40).parameters.export()
    limits = [
        (one_hot["rnn.weight_ih_l0"], 1),
        (vectors["embedding.weight"], 1),
        (many["embedding.weight"], 0.1),
        (vectors["rnn.weight_ih_l0"], H**-0.5),
        (dense["rnn.weight_ih_l0"], H**-0.5),
        (dense["rnn.weight_ih_l1"], H**-0.5),
        (dense["head.weight"], H**-0.5),
    ]
    for values, limit in limits:
        assert 0.95 * limit < np.abs(values).max() <= limit


def test_a_head_that_starts_at_zero_does_and_leaves_the_rest_alone():
    zero, usual = (network(head_starts_at_zero=flag).parameters.export() for flag in (True, False))
    assert not zero["head.weight"].any()
    assert usual["head.weight"].all()
    for name in set(usual) - {"head.weight"}:
        assert np.array_equal(zero[name], usual[name])


@pytest.mark.parametrize(("cell", "keeps", "lets_in"), [("lstm", 1, 0), ("gru", 1, None)])
def test_chrono_biases_are_memories_up_to_the_longest(cell, keeps, lets_in):
    made = network(cell)
    made.initialise("orthogonal", 1.0, 3, 600)
    gates = np.split(made.parameters.export()["rnn.bias_ih_l0"], made.stack.cell.gates)
    memories = np.exp(gates[keeps])
    assert memories.min() > 1
    assert 300 < memories.max() < 599
    assert 150 < memories.mean() < 450
    for gate, bias in enumerate(gates):
        assert np.array_equal(bias, -gates[keeps] if gate == lets_in else gates[keeps] if gate == keeps else 0 * bias)
