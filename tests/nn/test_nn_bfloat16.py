"""Networks whose products are of bfloat16, beside the same in float64: the gradient of every layer at every lag.

A product rounds two factors, by at most 2⁻⁹ of their size each, so that it is off by 2⁻⁸ where nothing cancels. The
gradient of the last step's loss has gone through lag + L − l products when it reaches layer l at a lag, and roundings
that know nothing of each other add up as the root of their number; that of what the backward pass reads of the forward
pass comes on top. A normalised gate makes small inputs large, and what they are off by: there the bound is three times
what the same gradient in float64 moves by where the recurrent layers' matrices alone are rounded.
"""

from dataclasses import replace

import numpy as np
import pytest

from rnncli.kernels.cells import CELLS
from rnncli.kernels.jit import enabled
from rnncli.nn.network import FLOAT32, Network, NetworkShape
from rnncli.training.backpropagation import CROSS_ENTROPY, Backpropagation, ThreadPool

pytestmark = pytest.mark.skipif(not enabled(), reason="takes minutes without the JIT")
T, B, I, H, L, O = 24, 5, 7, 64, 2, 5
HALF = 2.0**-8


def gradients(shape, dtype, threads=1, rounded=False):
    """The gradient of the last step's loss: of each layer's states (T + 1, B, H), and of all parameters by name."""
    network = Network(shape, dtype)
    network.initialise("orthogonal", 1.0, 1)
    if rounded:
        for stored in network.parameters.declared:
            if stored.name.startswith("rnn.") and len(stored.shape) == 2:
                matrix = network.parameters.view(stored.name)
                matrix[...] = bfloat16(matrix)
        network.pack()
    work, rng = network.workspace(T, B, 1, training=True), np.random.default_rng(0)
    work.x[...] = rng.normal(size=work.x.shape)
    targets = rng.integers(0, O, (1, B)).astype(np.int32)
    pool = ThreadPool(threads)
    try:
        Backpropagation(network, CROSS_ENTROPY, pool).gradient(work, targets, B)
    finally:
        pool.close()
    return [layer.dh.astype(float) for layer in work.directions], network.parameters.export_gradients()


def off_by(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def bfloat16(x):
    """x with eight significant bits, to the nearest (of a tie either will do)."""
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.round(fraction * 2**8) / 2**8, exponent)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_off_by_what_rounding_costs_and_no_more(cell):
    shape = NetworkShape(cell, I, H, L, O, token_input=False)
    exact, exact_weights = gradients(shape, np.dtype(float))
    found, found_weights = gradients(replace(shape, precision="bfloat16"), FLOAT32)
    moved, moved_weights = (
        gradients(shape, np.dtype(float), rounded=True) if cell == "rmslstm" else (exact, exact_weights)
    )
    for l in range(L):
        for lag in range(T):
            wanted, got, near = (states[l][T - lag] for states in (exact, found, moved))
            bound = max(HALF * (1 + np.sqrt(lag + L - l)), 3 * off_by(near, wanted))
            assert HALF / 8 < off_by(got, wanted) < bound, (l, lag)
    for name, wanted in exact_weights.items():
        bound = max(HALF * (1 + np.sqrt(L)) * (2 if cell == "rnn" else 1), 3 * off_by(moved_weights[name], wanted))
        assert off_by(found_weights[name], wanted) < bound, name


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_bits_do_not_depend_on_the_number_of_threads(cell):
    shape = NetworkShape(cell, I, H, L, O, token_input=False, precision="bfloat16", bidirectional=True)
    _, alone = gradients(shape, FLOAT32)
    for threads in (2, 3, 4):
        _, together = gradients(shape, FLOAT32, threads)
        assert all(np.array_equal(together[name], alone[name]) for name in alone)


def test_float64_has_no_other_precision():
    network = Network(NetworkShape("rnn", I, H, L, O, token_input=False, precision="bfloat16"), np.dtype(float))
    assert network.products == np.float64
