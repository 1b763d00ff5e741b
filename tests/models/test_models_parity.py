"""PyTorch's outputs and all its gradients from the same weights, and a training trajectory step by step."""

import numpy as np
import pytest
from windows import VARIANTS, Window, error, small_shape

from rnncli.kernels.cells import CELLS

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
        self.rnn = MODULES[shape.cell](size, shape.hidden_size, shape.num_layers, **extra)
        self.head = torch.nn.Linear(shape.hidden_size, shape.output_size)

    def forward(self, inputs, state, head_steps):
        if self.shape.embedding_size:
            inputs = self.embedding(inputs)
        elif self.shape.token_input:
            inputs = torch.nn.functional.one_hot(inputs, self.shape.input_size).to(self.head.weight.dtype)
        hidden, state = self.rnn(inputs, state)
        return self.head(hidden[-head_steps:]), state


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

    wanted = {name: p.grad for name, p in model.named_parameters()}
    h, c = state if window.network.cell.has_memory else (state, None)
    wanted |= {f"h0_{l}": h.grad[l] for l in range(layers)}
    wanted |= {f"c0_{l}": c.grad[l] for l in range(layers)} if c is not None else {}
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
