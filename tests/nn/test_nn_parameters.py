"""One flat buffer with named views: PyTorch's names and shapes outside, no gap and no overlap inside."""

import numpy as np
import pytest
from extras import torch
from windows import IN_TORCH

from rnncli.errors import ModelFileError
from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.nn.parameters import Parameter, Parameters


def empty():
    declared = [Parameter("w", (2, 3), transposed=True), Parameter("b", (2,)), Parameter("v", (3, 1))]
    return Parameters(declared, np.dtype(np.float32))


def parameters():
    made = empty()
    values = {"w": [[1, 2, 3], [4, 5, 6]], "b": [7, 8], "v": [[9], [10], [11]]}
    made.load({name: np.array(array, np.float32) for name, array in values.items()})
    return made


def test_the_buffer_holds_every_weight_once_transposed_where_asked():
    assert parameters().weights.tolist() == [1, 4, 2, 5, 3, 6, 7, 8, 9, 10, 11]


def test_views_and_the_flat_buffer_are_the_same_memory():
    made = parameters()
    made.view("w")[2, 1] = -6
    assert made.weights[5] == -6
    made.weights[:] = 0
    assert not made.view("v").any()
    made.gradient_view("b")[:] = [3, 4]
    assert made.gradient[6:8].tolist() == [3, 4]
    assert not made.weights.any()


def test_an_export_is_a_contiguous_copy_in_pytorchs_layout():
    made = parameters()
    exported = made.export()
    assert list(exported) == ["w", "b", "v"]
    assert exported["w"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert all(array.flags.c_contiguous for array in exported.values())
    exported["w"][:] = 0
    assert made.weights[0] == 1
    made.gradient[:] = np.arange(11)
    assert made.export_gradients()["w"].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_what_is_loaded_comes_out_again():
    made, other = parameters(), empty()
    other.load(made.export())
    assert np.array_equal(other.weights, made.weights)


def test_missing_and_misshapen_arrays_are_named():
    arrays = parameters().export()
    with pytest.raises(KeyError, match="'b'"):
        parameters().load({name: array for name, array in arrays.items() if name != "b"})
    with pytest.raises(ValueError, match=r"w has shape \(3, 2\), this model needs \(2, 3\)"):
        parameters().load(arrays | {"w": arrays["w"].T})
    with pytest.raises(ValueError, match=r"b has shape \(1,\)"):  # broadcasting would take it
        parameters().load(arrays | {"b": arrays["b"][:1]})
    with pytest.raises(ValueError, match="b is of type uint8, this model needs float32"):
        parameters().load(arrays | {"b": arrays["b"].astype(np.uint8)})


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_that_gets_another_networks_arrays_says_which(cell):
    shape = NetworkShape(cell, 4, 6, 2, 3, token_input=False)
    smaller = NetworkShape(cell, 4, 6, 1, 3, token_input=False)
    network = Network(shape)
    with pytest.raises(ModelFileError, match="weight_ih_l1"):
        network.load(Network(smaller).parameters.export())
    wider = Network(NetworkShape(cell, 4, 7, 2, 3, token_input=False))
    with pytest.raises(ModelFileError, match=r"rnn\.weight_ih_l0 has shape"):
        network.load(wider.parameters.export())


@pytest.mark.parity
@pytest.mark.parametrize("embedding", [None, 9])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", IN_TORCH)
def test_names_and_shapes_are_pytorchs(cell, layers, embedding):
    shape = NetworkShape(cell, 12, 10, layers, 7, token_input=True, embedding_size=embedding)
    got = {name: array.shape for name, array in Network(shape).parameters.export().items()}
    modules = torch.nn.ModuleDict(
        {"rnn": getattr(torch.nn, cell.upper())(embedding or 12, 10, layers), "head": torch.nn.Linear(10, 7)}
    )
    if embedding:
        modules["embedding"] = torch.nn.Embedding(12, 9)
    assert got == {name: tuple(p.shape) for name, p in modules.named_parameters()}
