"""Networks whose products are of bfloat16, beside the same in float64: the gradient of every layer at every lag.

A product rounds two factors, by at most 2⁻⁹ of their size each, so that it is off by 2⁻⁸ where nothing cancels. The
gradient of the last step's loss has gone through lag + L − l products when it reaches layer l at a lag, and roundings
that know nothing of each other add up as the root of their number; that of what the backward pass reads of the forward
pass comes on top.
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


def gradients(shape, dtype, threads=1):
    """The gradient of the last step's loss: of each layer's states (T + 1, B, H), and of all parameters by name."""
    network = Network(shape, dtype)
    network.initialise("orthogonal", 1.0, 1)
    work, rng = network.workspace(T, B, 1, training=True), np.random.default_rng(0)
    work.x[...] = rng.normal(size=work.x.shape)
    targets = rng.integers(0, O, (1, B)).astype(np.int32)
    pool = ThreadPool(threads)
    try:
        Backpropagation(network, CROSS_ENTROPY, pool).gradient(work, targets, B)
    finally:
        pool.close()
    return [layer.dh.astype(float) for layer in work.directions], network.parameters.export_gradients()


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_off_by_what_rounding_costs_and_no_more(cell):
    shape = NetworkShape(cell, I, H, L, O, token_input=False)
    exact, exact_weights = gradients(shape, np.dtype(float))
    found, found_weights = gradients(replace(shape, precision="bfloat16"), FLOAT32)
    for l in range(L):
        for lag in range(T):
            wanted, got = (states[l][T - lag] for states in (exact, found))
            error = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
            assert HALF / 8 < error < HALF * (1 + np.sqrt(lag + L - l)), (l, lag)
    for name, wanted in exact_weights.items():
        error = np.linalg.norm(found_weights[name] - wanted) / np.linalg.norm(wanted)
        assert error < HALF * (1 + np.sqrt(L)) * (2 if cell == "rnn" else 1), name


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
