"""The memory estimate is close to what training really allocates, and refuses what cannot fit."""

import pytest

from rnncli.errors import ConfigError
from rnncli.kernels.cells import CELLS
from rnncli.nn import memory
from rnncli.nn.network import Network, NetworkShape


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("fold_up_to", [0, 50])
@pytest.mark.parametrize(("bidirectional", "pooling"), [(False, None), (True, "mean")])
def test_estimate_is_near_what_is_allocated(cell, layers, fold_up_to, bidirectional, pooling):
    shape = NetworkShape(
        cell,
        50,
        96,
        layers,
        50,
        token_input=True,
        embedding_size=64,
        fold_up_to=fold_up_to,
        bidirectional=bidirectional,
        pooling=pooling,
    )
    network = Network(shape)
    work = network.workspace(40, 16, 1 if pooling else 40, training=True)
    arrays = [work.x, work.outputs, *([] if work.dx is None else [work.dx])]
    arrays += [array for layer in work.directions for array in (*layer.arrays, *layer.gradients)]
    if bidirectional:
        arrays += [getattr(layer, name) for layer in work.layers for name in ("x_back", "output", "doutput")]
        arrays += [layer.dx_back for layer in work.layers if layer.dx_back is not None]
    parameters = network.parameters.weights.nbytes
    allocated = sum(array.nbytes for array in arrays) + 8 * parameters
    assert 0.8 * allocated < memory.needed(shape, 40, 16) < 1.25 * allocated


def test_refuses_before_allocating(monkeypatch):
    shape = NetworkShape("lstm", 100, 65_536, 4, 100, token_input=True)
    monkeypatch.setattr(memory, "available", lambda: 3_000_000_000)
    with pytest.raises(
        ConfigError, match=r"would need \d+ TB; memory available 3 GB; lower model.hidden_size"
    ) as refused:
        memory.require_memory(shape, 64, 32)
    assert refused.value.exit_code == 2


def test_available_memory_is_plausible():
    assert 50_000_000 < memory.available() < 2**50
