"""Networks in ONNX: the bytes by a reader of our own, gates in ONNX's order, and onnxruntime's outputs beside ours."""

from dataclasses import replace

import naive
import numpy as np
import onnx_reader
import pytest
from extras import onnx, onnxruntime
from windows import VARIANTS, small_shape

from rnncli.errors import UsageError
from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network
from rnncli.nn.onnx import protobuf, recurrent
from rnncli.nn.onnx.graph import Graph
from rnncli.nn.onnx.network import batch_of, computed, vectors_of, within
from rnncli.nn.pooling import POOLINGS, Pooling
from rnncli.nn.recurrence import Recurrence
from rnncli.tasks import exported

LENGTHS = [5, 3]
GATES = {"rnn": "h", "gru": "rzn", "lstm": "ifgo", "peephole": "ifgo"}
ONNX_GATES = {"rnn": "h", "gru": "zrn", "lstm": "iofg", "peephole": "iofg"}  # as ONNX's documentation has them


def network_of(shape, seed=0):
    network = Network(shape)
    random = np.random.default_rng(seed)
    network.load({p.name: random.normal(0, 0.4, p.shape).astype(np.float32) for p in network.parameters.declared})
    return network


def content_of(network):
    """A file of a network alone: x, lengths and, of one direction, states in; y and states out."""
    graph, shape = Graph(), network.shape
    kind, sizes = ("int64", ()) if shape.token_input else ("float32", (shape.input_size,))
    x, lengths = graph.input("x", kind, "time", "batch", *sizes), graph.input("lengths", "int64", "batch")
    states = [] if shape.bidirectional else exported.state_inputs(graph, network)
    batch = batch_of(graph, x, lengths)
    read = vectors_of(graph, network.stack, x) if shape.token_input else x
    made = computed(graph, network, read, batch, states)
    y = made.outputs if shape.pooling else within(graph, made.outputs, batch)
    graph.output("y", y, "float32", (*(() if shape.pooling else ("time",)), "batch", shape.output_size))
    if states:
        exported.state_outputs(graph, network, made)
    return protobuf.model(graph.encoded(), "0", "of steps", {"task": '"none"'})


def given(shape, seed=1):
    random = np.random.default_rng(seed)
    if shape.token_input:
        return random.integers(0, shape.input_size, (LENGTHS[0], len(LENGTHS)))
    return random.normal(size=(LENGTHS[0], len(LENGTHS), shape.input_size)).astype(np.float32)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31, -1])
def test_whole_numbers_are_written_as_protobuf_has_them(number):
    ((field, value),) = onnx_reader.fields(protobuf.whole(3, number))
    assert (field, value) == (3, number % 2**64)


def test_a_file_says_its_version_its_operators_and_its_metadata():
    content = content_of(network_of(small_shape("gru", "tanh", 1)))
    assert onnx_reader.one(content, onnx_reader.IR) == 8
    assert onnx_reader.one(content, onnx_reader.DESCRIPTION) == b"of steps"
    assert onnx_reader.fields(onnx_reader.one(content, onnx_reader.OPSET)) == [(2, 14)]
    assert onnx_reader.metadata(content) == {"task": '"none"'}
    graph = onnx_reader.graph_of(content)
    assert onnx_reader.names(graph, onnx_reader.INPUTS) == ["x", "lengths", "h_0"]
    assert onnx_reader.names(graph, onnx_reader.OUTPUTS) == ["y", "h_n"]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("capped", [False, True])
def test_every_value_has_one_name_and_comes_before_it_is_read(cell, capped):
    shape = replace(small_shape(cell, "tanh", 2, "tokens"), recurrence=Recurrence(capped=capped), skip_connections=True)
    graph, known = onnx_reader.graph_of(content_of(network_of(shape))), set()
    for body in onnx_reader.bodies(graph):
        new = [*onnx_reader.names(body, onnx_reader.INPUTS), *onnx_reader.tensors(body)]
        for _, inputs, outputs, _ in onnx_reader.nodes(body):
            assert {name for name in inputs if name} <= {*known, *new}
            new += outputs
        assert len({*new}) == len(new)
        assert not {*new} & known
        known |= {*new}
    read = {name for body in onnx_reader.bodies(graph) for node in onnx_reader.nodes(body) for name in node[1]}
    assert {*onnx_reader.tensors(graph)} <= read  # nothing is kept that nobody reads


@pytest.mark.parametrize("cell", GATES)
def test_gates_stand_in_the_order_of_onnx(cell):
    """A step of the naive twin with what an operator of ONNX is given, gate by gate, is one with PyTorch's weights."""
    network = network_of(small_shape(cell, "tanh", 1))
    graph = onnx_reader.graph_of(content_of(network))
    constants = onnx_reader.tensors(graph)
    operator = {"rnn": "RNN", "gru": "GRU"}.get(cell, "LSTM")
    ((_, inputs, _, _),) = [node for node in onnx_reader.nodes(graph) if node[0] == operator]
    H, order = network.shape.hidden_size, [ONNX_GATES[cell].index(gate) for gate in GATES[cell]]

    def back(array):
        return np.concatenate([array[k * H : (k + 1) * H] for k in order])

    W, R, B = (constants[name][0] for name in inputs[1:4])
    p = {"w_ih": back(W), "w_hh": back(R), "b_ih": back(B[: len(W)]), "b_hh": back(B[len(W) :])}
    if cell == "peephole":
        p["weight_ch"] = constants[inputs[7]][0]
    own = naive.layer_weights(network.parameters.export(), network.shape, 0)
    random = np.random.default_rng(2)
    x, state = random.normal(size=(3, 4)), naive.some_state(cell, random, 3, H)
    for ours, theirs in zip(naive.CELLS[cell](x, state, own), naive.CELLS[cell](x, state, p), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_cell_or_a_pooling_that_nobody_wrote_in_onnx_is_refused(monkeypatch):
    monkeypatch.delitem(recurrent._STEPS, "slstm")
    with pytest.raises(UsageError, match=r"model\.cell: slstm has no form in ONNX"):
        content_of(network_of(small_shape("slstm", "tanh", 1)))
    monkeypatch.setitem(POOLINGS, "new", type("New", (Pooling,), {}))
    with pytest.raises(UsageError, match=r"model\.pooling: has no form in ONNX"):
        content_of(network_of(small_shape("gru", "tanh", 1, pooling="new")))


def test_equal_bytes_every_time():
    shape = small_shape("lstm", "tanh", 2, bidirectional=True, pooling="attention")
    assert content_of(network_of(shape)) == content_of(network_of(shape))


def session_of(content):
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def apart(one, other):
    return np.abs(one - other).max() / max(1.0, np.abs(other).max())


def compare(shape):
    """The outputs of onnxruntime, its sequences in another order than ours, are our outputs."""
    network, x = network_of(shape), given(shape)
    ran, names = exported.run(network, x, LENGTHS), exported.state_names(network)
    feed = {"x": x[:, ::-1].copy(), "lengths": np.array(LENGTHS[::-1])}
    if not shape.bidirectional:
        feed |= {f"{name}_0": np.zeros_like(one) for name, one in zip(names, ran.states, strict=True)}
    y, *states = session_of(content_of(network)).run(None, feed)
    assert apart(y[::-1] if shape.pooling else y[:, ::-1], ran.outputs) < 1e-5
    if not shape.pooling:
        assert not y[LENGTHS[1] :, 0].any()
    for one, other in zip(states, ran.states, strict=not shape.bidirectional):
        assert apart(one[:, ::-1], other) < 1e-5


@pytest.mark.onnx
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_onnxruntime_computes_every_cell_on_ragged_sequences(cell, activation, bidirectional):
    compare(small_shape(cell, activation, 2, bidirectional=bidirectional))


@pytest.mark.onnx
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("skips", [False, True])
def test_onnxruntime_computes_every_pooling(pooling, bidirectional, skips):
    shape = small_shape("gru", "tanh", 2, "embedding", pooling=pooling, bidirectional=bidirectional)
    compare(replace(shape, skip_connections=skips))


@pytest.mark.onnx
@pytest.mark.parametrize("cell", ["lstm", "peephole"])
@pytest.mark.parametrize("kind", ["tokens", "embedding", "folded embedding", "numeric"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_onnxruntime_computes_capped_gates_and_skip_connections(cell, kind, bidirectional):
    shape = small_shape(cell, "tanh", 3, kind, bidirectional=bidirectional)
    compare(replace(shape, recurrence=Recurrence(capped=True), skip_connections=True))


@pytest.mark.onnx
def test_onnxruntime_reads_tied_embeddings():
    shape = replace(small_shape("lstm", "tanh", 1, "embedding"), embedding_size=5, tied_embeddings=True)
    compare(shape)
    constants = onnx_reader.tensors(onnx_reader.graph_of(content_of(network_of(shape))))
    assert [array.shape for array in constants.values()].count((4, 5)) == 1  # kept once


@pytest.mark.onnx
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("capped", [False, True])
def test_states_that_are_carried_go_on_where_a_sequence_ended(cell, capped):
    shape = replace(small_shape(cell, "tanh", 2, "tokens"), recurrence=Recurrence(capped=capped))
    network, x = network_of(shape), given(shape)
    x[LENGTHS[1] :, 1] = x[0, 1]
    whole = exported.run(network, x, [5, 5])
    session, names = session_of(content_of(network)), exported.state_names(network)
    states = [np.zeros_like(one) for one in whole.states]
    pieces = []
    for piece in (x[:2], x[2:]):
        feed = {"x": piece, "lengths": np.array([len(piece)] * 2)}
        y, *states = session.run(None, feed | {f"{n}_0": one for n, one in zip(names, states, strict=True)})
        pieces.append(y)
    assert apart(np.concatenate(pieces), whole.outputs) < 1e-5
    for one, other in zip(states, whole.states, strict=True):
        assert apart(one, other) < 1e-5
