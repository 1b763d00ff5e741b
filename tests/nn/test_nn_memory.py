"""What a model is said to need is what it takes, and what cannot fit is refused before it is taken."""

import tracemalloc

import numpy as np
import pytest

from rnncli.errors import ConfigError
from rnncli.kernels.buffers import only_counting, zeros
from rnncli.kernels.cells import CELLS
from rnncli.nn import memory
from rnncli.nn.encoder_decoder import EncoderDecoder, PairShape
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.recurrence import Recurrence
from rnncli.nn.segments import SegmentNetwork, SegmentShape


def tokens(cell, layers=1, **how):
    def plan():
        network = Network(NetworkShape(cell, 50, 96, layers, 50, token_input=True, embedding_size=64, **how))
        network.workspace(40, 16, 1 if "pooling" in how else 40, training=True)
        return network

    return plan


def pairs(cell, **how):
    def plan():
        network = EncoderDecoder(PairShape(cell, 50, 60, 96, 2, embedding_size=64, **how))
        network.workspace(20, 15, 16, training=True)
        return network

    return plan


def segments():
    shape = SegmentShape(cell="gru", segment=12, segments=4, input_size=3, output_size=2, hidden_size=64, num_layers=1)
    network = SegmentNetwork(shape)
    network.workspace(20, 64, training=True)
    return network


PLANS = {
    **{f"{cell} of {layers}": tokens(cell, layers) for cell in CELLS for layers in (1, 3)},
    "an embedding that is folded": tokens("gru", fold_up_to=50),
    "an embedding that is looked up": tokens("gru", fold_up_to=0),
    "dropout": tokens("lstm", 3, dropout=0.5),
    "a recurrence with dropout": tokens("lstm", 2, recurrence=Recurrence(weight_drop=0.5, state_dropout=0.5)),
    "two directions, pooled": tokens("rnn", 2, bidirectional=True, pooling="attention"),
    "spelt words": tokens("gru", characters=20, character_size=8),
    **{f"pairs, {kind} attention": pairs("gru", attention=kind) for kind in (None, "dot", "additive", "aligned")},
    "segments": segments,
}


@pytest.mark.parametrize("name", PLANS)
def test_what_is_counted_is_what_is_allocated(name):
    """The arrays that a plan makes take what was counted for them, and counting takes next to nothing."""
    with only_counting() as arrays:
        PLANS[name]()
    tracemalloc.start()
    model = PLANS[name]()
    before, taken = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    needed = memory.needed(PLANS[name])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 250_000
    assert needed == sum(arrays) + 6 * model.parameters.weights.nbytes
    # Objects, indices of an extent and the like are all that differs.
    assert sum(arrays) - 1000 < taken < sum(arrays) + 250_000


def test_outside_of_counting_arrays_are_arrays():
    with only_counting() as arrays:
        counted = zeros((10**6, 10**6), np.float32)
    assert arrays == [4 * 10**12]
    with pytest.raises(ValueError, match="read-only"):
        counted[0, 0] = 1
    real = zeros((2, 3), np.float32)
    real[0, 0] = 1
    assert real.dtype == np.float32
    assert arrays == [4 * 10**12]


def test_refuses_before_allocating(monkeypatch):
    shape = NetworkShape("lstm", 100, 65_536, 4, 100, token_input=True)

    def plan():
        network = Network(shape)
        network.workspace(64, 32, 64, training=True)
        return network

    monkeypatch.setattr(memory, "available", lambda: 3_000_000_000)
    with pytest.raises(ConfigError, match=r"would need \d+ TB; memory available 3 GB; lower model.bptt") as refused:
        memory.require_memory(plan, shape, "lower model.bptt")
    assert refused.value.exit_code == 2


def test_available_memory_is_plausible():
    assert 50_000_000 < memory.available() < 2**50
