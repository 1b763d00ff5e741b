"""Networks of other programs, told by names and shapes; `tests/cli/test_cli_import.py` compares what they compute."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from rnncli.errors import ModelFileError, UsageError
from rnncli.nn.foreign import CELLS_BY_GATES, Foreign, recognised

GATES = {cell: gates for gates, cell in CELLS_BY_GATES.items()}
I, H, V, O = 3, 4, 7, 5  # inputs, hidden units, tokens, outputs


def of(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    return {name: np.full(shape, k, np.float32) for k, (name, shape) in enumerate(shapes.items())}


def layers(
    cell: str = "lstm", count: int = 1, ways: tuple[str, ...] = ("",), bias: bool = True
) -> dict[str, np.ndarray]:
    rows, shapes = GATES[cell] * H, {}
    for layer in range(count):
        for way in ways:
            shapes[f"net.rnn.weight_ih_l{layer}{way}"] = (rows, H * len(ways) if layer else I)
            shapes[f"net.rnn.weight_hh_l{layer}{way}"] = (rows, H)
            shapes |= {f"net.rnn.bias_{kind}_l{layer}{way}": (rows,) for kind in ("ih", "hh") if bias}
    return of(shapes)


def told(
    tensors: dict[str, np.ndarray], vocabulary: int | None = None, names: Mapping[str, str] | None = None
) -> Foreign:
    return recognised(tensors, names or {}, vocabulary, "w.safetensors")


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize(("count", "ways"), [(1, ("",)), (3, ("",)), (2, ("", "_reverse"))])
def test_shapes_tell_cell_sizes_layers_and_directions(cell: str, count: int, ways: tuple[str, ...]) -> None:
    tensors = layers(cell, count, ways) | of({"fc.weight": (O, H * len(ways)), "fc.bias": (O,)})
    found = told(tensors)
    assert (found.cell, found.input_size, found.hidden_size) == (cell, I, H)
    assert (found.num_layers, found.bidirectional, found.outputs) == (count, len(ways) == 2, O)
    assert (found.embedding_size, found.tied) == (None, False)
    assert np.array_equal(found.arrays["rnn.weight_hh_l0"], tensors["net.rnn.weight_hh_l0"])
    assert np.array_equal(found.arrays["head.weight"], tensors["fc.weight"])


def test_an_embedding_and_a_head_of_one_shape_are_told_by_names_and_bias() -> None:
    square = of({"net.rnn.weight_ih_l0": (4 * H, H), "net.rnn.weight_hh_l0": (4 * H, H)})
    around = of({"embed.weight": (V, H), "out.weight": (V, H), "out.bias": (V,)})
    found = told(square | around, V)
    assert np.array_equal(found.arrays["embedding.weight"], around["embed.weight"])
    assert np.array_equal(found.arrays["head.weight"], around["out.weight"])
    nameless = {f"{'ab'[k]}.weight": array for k, array in enumerate(list(around.values())[:2])}
    with pytest.raises(UsageError, match="may each be the embedding; say which: --map"):
        told(square | nameless, V)
    found = told(square | nameless, V, {"b.weight": "embedding.weight", "a.weight": "head.weight"})
    assert np.array_equal(found.arrays["embedding.weight"], nameless["b.weight"])


def test_a_head_that_is_missing_is_the_embedding_and_biases_that_are_missing_are_zero() -> None:
    square = of({"net.rnn.weight_ih_l0": (3 * H, H), "net.rnn.weight_hh_l0": (3 * H, H)})
    found = told(square | of({"embed.weight": (V, H)}), V)
    assert found.tied
    assert not found.arrays["rnn.bias_ih_l0"].any()
    assert found.outputs == V
    assert not found.arrays["head.bias"].any()


HEAD = of({"fc.weight": (O, H), "fc.bias": (O,)})


@pytest.mark.parametrize(
    ("tensors", "vocabulary", "names", "error", "said"),
    [
        (HEAD, None, {}, UsageError, "has no weight_ih_l0 and weight_hh_l0"),
        (layers(), None, {}, UsageError, "has no linear head of 4 columns"),
        (layers() | HEAD | of({"conv.weight": (2, 2, 2)}), None, {}, UsageError, "neither of an nn.RNN"),
        (
            layers() | HEAD | of({"other.weight_hh_l0": (4 * H, H)}),
            None,
            {},
            UsageError,
            "more than one recurrent part",
        ),
        (
            layers() | HEAD | of({"net.rnn.weight_ih_l5": (4 * H, H)}),
            None,
            {},
            ModelFileError,
            "has weights of layer 6",
        ),
        (
            layers() | HEAD | of({"net.rnn.bias_ih_l0": (3,)}),
            None,
            {},
            ModelFileError,
            r"bias_ih_l0 has the shape \(3,\)",
        ),
        (
            layers() | HEAD | of({"fc.bias": (9,)}),
            None,
            {},
            ModelFileError,
            r"the bias of its head has the shape \(9,\)",
        ),
        (of({"weight_ih_l0": (8, I), "weight_hh_l0": (8, H)}) | HEAD, None, {}, ModelFileError, "its cell has 2 gates"),
        (of({"weight_ih_l0": (9, I), "weight_hh_l0": (9, H)}) | HEAD, None, {}, ModelFileError, "which no cell has"),
        (
            layers() | HEAD | of({"embed.weight": (9, I)}),
            V,
            {},
            UsageError,
            "embedding of 9 tokens, and --vocabulary names 7",
        ),
        (layers() | HEAD, V, {}, UsageError, "has no embedding of 7 tokens"),
        (layers() | HEAD, None, {"nope": "head.weight"}, UsageError, 'has no tensor "nope"'),
        (layers() | HEAD, None, {"fc.weight": "tail"}, UsageError, "name embedding.weight, head.weight"),
        (layers() | HEAD, None, {"fc.weight": "head.bias", "fc.bias": "head.bias"}, UsageError, "name each once"),
    ],
)
def test_what_is_no_such_network_is_named(tensors, vocabulary, names, error, said):
    with pytest.raises(error, match=said):
        told(tensors, vocabulary, names)
