"""A model for other programs: a graph of ONNX, or a network that PyTorch has, with all that is to be known to use it.

Each has a test vector: inputs, and the outputs that rnncli itself computes of them, by which another program tells that
it reads the file rightly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncli.errors import UsageError
from rnncli.nn.network import Network
from rnncli.nn.onnx import protobuf
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.network import Computed

LENGTHS = (5, 3)  # of the sequences of a test vector, longest first
DESCRIPTION = "Steps come first, then sequences, each of at least 1 step; what stands behind its end is never read."


@dataclass(frozen=True)
class InOnnx:
    """A graph, and a test vector: inputs and outputs by name.

    about: what its metadata hold, as JSON by key. left_out: what rnncli does beside the graph, in a sentence each.
    """

    graph: Graph
    about: Mapping[str, Any]
    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]
    left_out: tuple[str, ...] = ()

    def encoded(self, version: str) -> bytes:
        """Return the file; UsageError where protobuf cannot hold it."""
        told = {
            **self.about,
            "rnncli_version": version,
            "left_out": list(self.left_out),
            "test": {"inputs": as_lists(self.inputs), "outputs": as_lists(self.outputs)},
        }
        texts = {key: json.dumps(one) for key, one in told.items()}
        content = protobuf.model(self.graph.encoded(), version, DESCRIPTION, texts)
        if len(content) > protobuf.MOST:
            raise UsageError("--to onnx: a file of ONNX has 2 GB at most, and this model more; use --to pytorch")
        return content


@dataclass(frozen=True)
class InTorch:
    """A network of PyTorch's modules, and a test vector. about: what config.json tells beside the architecture.

    inputs (time, batch) or (time, batch, I) are as the network reads them, outputs as it writes them.
    """

    network: Network
    about: Mapping[str, Any]
    inputs: np.ndarray
    outputs: np.ndarray
    lengths: Sequence[int] = field(default=LENGTHS)

    def __post_init__(self) -> None:
        require_modules(self.network)

    @property
    def architecture(self) -> dict[str, Any]:
        shape = self.network.shape
        return {
            "cell": shape.cell,
            "nonlinearity": shape.activation,
            "reads": "tokens" if shape.token_input else "values",
            "input_size": shape.input_size,
            "embedding_size": shape.embedding_size,
            "hidden_size": shape.hidden_size,
            "num_layers": shape.num_layers,
            "bidirectional": shape.bidirectional,
            "pooling": shape.pooling,
            "output_size": shape.output_size,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights by PyTorch's names; those of a head that are the embedding's are there twice."""
        arrays = self.network.parameters.export()
        if self.network.shape.tied_embeddings:
            arrays["head.weight"] = arrays["embedding.weight"]
        return arrays


def require_modules(network: Network) -> None:
    """Raise UsageError unless PyTorch's nn.Embedding, nn.RNN, nn.GRU, nn.LSTM and nn.Linear make up the network."""
    shape = network.shape
    because = {
        f"model.cell: {shape.cell}": shape.cell not in ("rnn", "gru", "lstm"),
        f"model.activation: {shape.activation}": shape.activation not in ("tanh", "relu"),
        "model.cap_input_gate": shape.recurrence.capped and network.stack.cell.caps,
        "model.skip_connections": shape.skip_connections and shape.num_layers > 1,
        "model.character_size": shape.characters > 0,
    }
    odd = [name for name, is_odd in because.items() if is_odd]
    if odd:
        raise UsageError(f"--to pytorch: {odd[0]} has no module in PyTorch; use --to onnx, or train without it")


def as_lists(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {name: array.tolist() for name, array in arrays.items()}


def state_names(network: Network) -> list[str]:
    return list(network.stack.cell.state_names)


def state_inputs(graph: Graph, network: Network) -> list[str]:
    """Declare an input for each kind of state of all layers of a network of one direction, such as h_0."""
    shape = network.shape
    return [
        graph.input(f"{name}_0", "float32", shape.num_layers, "batch", shape.hidden_size)
        for name in state_names(network)
    ]


def state_outputs(graph: Graph, network: Network, computed: Computed) -> None:
    """Name the states at the end, such as h_n, as outputs."""
    shape = network.shape
    for name, value in zip(state_names(network), computed.states, strict=True):
        graph.output(f"{name}_n", value, "float32", (shape.num_layers, "batch", shape.hidden_size))


@dataclass(frozen=True)
class Ran:
    """What a network computed of a padded batch: outputs (time, batch, O), 0 beyond a length, or (batch, O); and each
    kind of state, (layers, batch, H), at the end of each sequence."""

    outputs: np.ndarray
    states: list[np.ndarray]


def run(network: Network, given: np.ndarray, lengths: Sequence[int] = LENGTHS) -> Ran:
    """Return what a network, begun with zero states, makes of tokens (time, batch) or values (time, batch, I)."""
    T, B = given.shape[:2]
    work = network.workspace(T, B, 1 if network.poolings else T, training=False).ragged(np.array(lengths))
    work.clear_state()
    (work.tokens if network.shape.token_input else work.x)[...] = given
    network.forward(work, 0, B)
    ends = np.array(lengths), np.arange(B)
    kinds = zip(*(layer.states.values() for layer in work.directions), strict=True)
    states = [np.stack([one[ends] for one in kind]) for kind in kinds]
    if network.poolings:
        return Ran(work.outputs[0].copy(), states)
    outputs = work.outputs.copy()
    outputs[np.arange(T)[:, None] >= ends[0]] = 0
    return Ran(outputs, states)


def padded(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Return sequences (n, …), longest first, side by side: (time, batch, …), 0 where one has ended."""
    made = np.zeros((len(sequences[0]), len(sequences), *sequences[0].shape[1:]), sequences[0].dtype)
    for b, one in enumerate(sequences):
        made[: len(one), b] = one
    return made


def some_tokens(size: int) -> list[np.ndarray]:
    """Return sequences of tokens below `size`, but not `<unk>`, of LENGTHS."""
    return [1 + (7 * np.arange(length) + 3 * b) % (size - 1) for b, length in enumerate(LENGTHS)]
