"""Segment networks: gradients of everything, a naive twin, PyTorch, and no way from one window to another."""

import naive
import numpy as np
import pytest
from extras import torch
from windows import IN_TORCH, central_differences, error

from rnncli.kernels import forecast_losses, jit
from rnncli.kernels.cells import CELLS
from rnncli.nn.parameters import Share
from rnncli.nn.segments import SegmentNetwork, SegmentShape

needs_jit = pytest.mark.skipif(not jit.enabled(), reason="minutes in plain Python, and the same code")
S, B, M, SEGMENT, I, K, O, H = 4, 3, 2, 3, 2, 2, 2, 4
FLOAT64 = np.dtype(np.float64)


def small_shape(cell, layers=1, known_covariates=0, channels=1, dropout=0.0):
    return SegmentShape(cell, SEGMENT, M, I, O, H, layers, known_covariates, channels, dropout=dropout)


class Windows:
    """A batch with random values, and a squared loss."""

    def __init__(self, shape, dtype=FLOAT64):
        random = np.random.default_rng(4)
        self.model = SegmentNetwork(shape, dtype)
        self.model.initialise("orthogonal", 1.0, seed=2)
        head = self.model.head.weight.value
        head[...] = random.normal(0, 0.5, head.shape)
        for name in ("segment.bias", "head.bias", "encoder.rnn.bias_hh_l0"):
            view = self.model.parameters.view(name)
            view[...] = random.normal(0, 0.3, view.shape)
        self.work = self.model.workspace(S, B, training=True)
        self.work.x[...] = random.normal(0, 1, self.work.x.shape)
        self.work.known_covariates[...] = random.normal(0, 1, self.work.known_covariates.shape)
        self.work.channels[...] = np.repeat(np.arange(B) % shape.channels, M)
        self.targets = random.normal(0, 1, self.work.outputs.shape).astype(dtype)
        self.model.set_dropout(self.work, 3, 1)

    def run_forward(self):
        self.model.pack()
        self.model.forward(self.work, 0, B)
        return float(((self.work.outputs - self.targets) ** 2).sum() / self.targets.size)

    def run_backward(self):
        self.run_forward()
        per_step = np.zeros((1, B))
        forecast_losses.squared_error(self.work.outputs, self.targets, per_step, 1 / self.targets.size, 0, B)
        self.model.backward(self.work, 0, B)
        share = Share(0, 1)
        self.model.weight_gradients(self.work, share)
        self.model.finish_gradients(share)


@needs_jit
@pytest.mark.parametrize(
    ("layers", "ahead", "channels", "dropout"), [(1, 0, 1, 0.0), (2, K, 3, 0.0), (1, K, 3, 0.4), (2, 0, 2, 0.4)]
)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_match_central_differences(cell, layers, ahead, channels, dropout):
    windows = Windows(small_shape(cell, layers, ahead, channels, dropout))
    windows.run_backward()
    parameters = windows.model.parameters
    gradients = {spec.name: parameters.gradient_view(spec.name).copy() for spec in parameters.declared}
    for name, gradient in gradients.items():
        wanted = central_differences(parameters.view(name), windows.run_forward, 1e-4, fourth_order=True)
        assert error(gradient, wanted) < 1e-7, name


@needs_jit
def test_the_gradient_of_what_is_known_ahead():
    windows = Windows(small_shape("gru", 1, K, 3))
    windows.run_backward()
    dahead = windows.work.decoder.dx.reshape(B, M, -1)[:, :, H:].copy()
    assert (
        error(dahead, central_differences(windows.work.known_covariates, windows.run_forward, 1e-4, fourth_order=True))
        < 1e-7
    )


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("layers", "ahead", "channels"), [(1, 0, 1), (2, K, 3)])
def test_outputs_match_the_naive_twin_of_each_window_alone(cell, layers, ahead, channels):
    shape = small_shape(cell, layers, ahead, channels)
    windows = Windows(shape)
    windows.run_forward()
    weights = windows.model.parameters.export()
    for b in range(B):
        known = windows.work.known_covariates[b] if ahead else np.zeros((M, 0))
        wanted = naive.segment_network(shape, weights, windows.work.x[:, b], known, b % channels)
        assert error(windows.work.outputs[0, b], wanted) < 1e-12


def test_shards_compute_what_one_thread_does():
    whole, shards = (Windows(small_shape("gru", 1, K, 3, 0.3)) for _ in range(2))
    whole.run_forward()
    shards.model.pack()
    for low, high in ((0, 1), (1, 3)):
        shards.model.forward(shards.work, low, high)
    assert np.array_equal(whole.work.outputs, shards.work.outputs)


@pytest.mark.parity
@pytest.mark.parametrize("cell", IN_TORCH)
@pytest.mark.parametrize(("dtype", "bar"), [(np.float32, 1e-5), (np.float64, 1e-10)])
def test_outputs_and_gradients_match_pytorch(cell, dtype, bar):
    shape = small_shape(cell, 2, K, 3)
    windows = Windows(shape, np.dtype(dtype))
    windows.run_forward()
    outputs = windows.work.outputs.copy()
    windows.run_backward()
    weights = {
        name: torch.tensor(array, requires_grad=True) for name, array in windows.model.parameters.export().items()
    }
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]

    def stack(prefix, size, layers, x, start=None):
        module = kind(size, H, layers, dtype=x.dtype)
        names = {name: weights[f"{prefix}.rnn.{name}"] for name, _ in module.named_parameters()}
        if start is not None and cell == "lstm":
            start = (start, torch.zeros_like(start))
        return torch.func.functional_call(module, names, (x, start) if start is not None else (x,))[0]

    x = torch.tensor(windows.work.x)
    e = torch.relu(x @ weights["segment.weight"].T + weights["segment.bias"])
    last = stack("encoder", H, 2, e)[-1]
    position = weights["position.weight"].repeat(B, 1)
    channel = weights["channel.weight"][torch.tensor(windows.work.channels[0]).long()]
    ahead = torch.tensor(windows.work.known_covariates).reshape(B * M, -1)
    read = torch.cat([position, channel, ahead], dim=1)[None]
    h = stack("decoder", read.shape[2], 1, read, last.repeat_interleave(M, dim=0)[None])
    made = (h[0] @ weights["head.weight"].T + weights["head.bias"]).reshape(1, B, -1)
    assert error(outputs, made.detach().numpy()) < bar
    ((made - torch.tensor(windows.targets)) ** 2).mean().backward()
    for name, gradient in windows.model.parameters.export_gradients().items():
        assert error(gradient, weights[name].grad.numpy()) < bar, name
