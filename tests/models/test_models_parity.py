"""PyTorch's outputs and all its gradients from the same weights, and a training trajectory step by step."""

import numpy as np
import pytest
from windows import VARIANTS, Window, error, small_shape

from rnncli.kernels.cells import CELLS
from rnncli.models.pooling import POOLINGS

torch = pytest.importorskip("torch", reason="the parity extra is not installed")
pytestmark = pytest.mark.parity

MODULES = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
IN_TORCH = [(cell, activation) for cell, activation in VARIANTS if activation in ("tanh", "relu")]
BOUNDS = {np.float32: 1e-5, np.float64: 1e-10}


class Reference(torch.nn.Module):
    """The same network in PyTorch; its parameter names are the model file's."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        size = shape.embedding_size or shape.input_size
        extra = {"nonlinearity": shape.activation} if shape.cell == "rnn" else {}
        if shape.embedding_size:
            self.embedding = torch.nn.Embedding(shape.input_size, size)
        self.rnn = MODULES[shape.cell](
            size, shape.hidden_size, shape.num_layers, bidirectional=shape.bidirectional, **extra
        )
        self.head = torch.nn.Linear(shape.width, shape.output_size)
        if shape.pooling == "attention":
            self.pooling = torch.nn.ParameterDict({"weight": torch.zeros(shape.width)})

    def forward(self, inputs, state, head_steps):
        hidden, state = self.rnn(self.embedded(inputs), state)
        return self.head(hidden[-head_steps:]), state

    def embedded(self, inputs):
        if self.shape.embedding_size:
            return self.embedding(inputs)
        if self.shape.token_input:
            return torch.nn.functional.one_hot(inputs, self.shape.input_size).to(self.head.weight.dtype)
        return inputs

    def whole_sequences(self, inputs, state, lengths):
        """Outputs (T, B, O) zero beyond each end, or (1, B, O) of a pooling."""
        packed = torch.nn.utils.rnn.pack_padded_sequence(self.embedded(inputs), torch.from_numpy(lengths))
        y, last = self.rnn(packed, state)
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y)
        return self.head(y if self.shape.pooling is None else self.pooled(y, last, torch.from_numpy(lengths))[None])

    def pooled(self, y, last, lengths):
        inside = (torch.arange(len(y))[:, None] < lengths)[..., None]
        match self.shape.pooling:
            case "last":
                h = last[0] if isinstance(last, tuple) else last
                return torch.cat([*h[-2:]], dim=-1) if self.shape.bidirectional else h[-1]
            case "mean":
                return (y * inside).sum(dim=0) / lengths[:, None]
            case "max":
                return y.masked_fill(~inside, -torch.inf).amax(dim=0)
        weights = torch.softmax((y @ self.pooling["weight"])[..., None].masked_fill(~inside, -torch.inf), dim=0)
        return (y * weights).sum(dim=0)


def reference_of(window):
    model = Reference(window.shape).to(torch.from_numpy(np.zeros(1, window.dtype)).dtype)
    weights = {n: torch.from_numpy(a) for n, a in window.network.parameters.export().items()}
    model.load_state_dict(weights)
    return model


def torch_state(window):
    h = torch.stack([torch.from_numpy(h) for h, _ in window.state]).requires_grad_()
    c = torch.stack([torch.from_numpy(c) for _, c in window.state]).requires_grad_()
    return (h, c) if window.network.cell.has_memory else h


def torch_loss(window, outputs):
    targets = torch.from_numpy(window.targets)
    if window.loss == "mse":
        return torch.nn.functional.mse_loss(outputs, targets)
    return torch.nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten().long(), ignore_index=-1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", ["numeric", "one-hot", "embedding", "folded embedding"])
@pytest.mark.parametrize(("cell", "activation"), IN_TORCH)
def test_outputs_and_all_gradients(cell, activation, kind, layers, dtype):
    window = Window(small_shape(cell, activation, layers, kind, hidden=20), T=9, B=4, dtype=dtype, head_steps=7)
    gradients = window.run_backward()
    model, state = reference_of(window), torch_state(window)
    inputs = torch.from_numpy(window.inputs)
    inputs = inputs.long() if window.shape.token_input else inputs.requires_grad_()
    outputs, _ = model(inputs, state, head_steps=7)
    torch_loss(window, outputs).backward()
    compare(window, gradients, model, state, inputs, outputs, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pooling", [None, *POOLINGS])
@pytest.mark.parametrize("kind", ["numeric", "embedding", "folded embedding"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["ahead", "both ways"])
@pytest.mark.parametrize("cell", CELLS)
def test_ragged_sequences_as_packed_ones(cell, bidirectional, layers, kind, pooling, dtype):
    shape = small_shape(cell, "tanh", layers, kind, hidden=12, bidirectional=bidirectional, pooling=pooling)
    window = Window(shape, T=9, B=5, dtype=dtype, lengths=[9, 7, 7, 3, 1])
    gradients = window.run_backward()
    model, state = reference_of(window), torch_state(window)
    inputs = torch.from_numpy(window.inputs)
    inputs = inputs.long() if shape.token_input else inputs.requires_grad_()
    outputs = model.whole_sequences(inputs, state, window.lengths)
    torch_loss(window, outputs).backward()
    if pooling is None:  # beyond a sequence's end nothing is promised
        inside = torch.from_numpy(window.targets != -1)[..., None]
        window.outputs, outputs = window.outputs * inside.numpy(), outputs * inside
    compare(window, gradients, model, state, inputs, outputs, dtype)


def compare(window, gradients, model, state, inputs, outputs, dtype):
    """Outputs, and the gradients of every parameter, of the inputs and of the initial state."""
    wanted = {name: p.grad for name, p in model.named_parameters()}
    h, c = state if window.network.cell.has_memory else (state, None)
    wanted |= {f"h0_{l}": h.grad[l] for l in range(len(h))}
    wanted |= {f"c0_{l}": c.grad[l] for l in range(len(c))} if c is not None else {}
    wanted |= {} if window.shape.token_input else {"x": inputs.grad}
    assert set(wanted) == set(gradients)
    assert error(window.outputs, outputs.detach().numpy()) < BOUNDS[dtype]
    for name, gradient in wanted.items():
        assert error(gradients[name], gradient.numpy()) < BOUNDS[dtype], name


@pytest.mark.parametrize("cell", CELLS)
def test_squared_error_gradients(cell):
    window = Window(small_shape(cell, "tanh", 2), loss="mse", head_steps=1)
    gradients = window.run_backward()
    model = reference_of(window)
    outputs, _ = model(torch.from_numpy(window.inputs), torch_state(window), head_steps=1)
    torch_loss(window, outputs).backward()
    for name, parameter in model.named_parameters():
        assert error(gradients[name], parameter.grad.numpy()) < 1e-10, name
