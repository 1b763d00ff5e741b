"""The memory ruler against PyTorch: every norm by lag is autograd's."""

import numpy as np
import pytest
import torch
from inspection import LOSSES, RAGGED, B, H, O, T, inspected, made, sample_of, window
from pairs import LENGTHS, SPANS, Pairs
from pairs import small_shape as pair_shape
from unrolled import Unrolled, UnrolledPair, mean_by_lag
from windows import VARIANTS

from rnncli.kernels.cells import CELLS
from rnncli.training.backpropagation import Sample

pytestmark = pytest.mark.parity


def rows_of(x, b, length):
    return [torch.from_numpy(x[t : t + 1, b]) for t in range(length)]


def loss_of(outputs, target, kind):
    """Summed over outputs (1, O)."""
    if kind == "squared error":
        return ((outputs - torch.from_numpy(target)) ** 2).sum()
    return torch.nn.functional.cross_entropy(outputs, torch.tensor([int(target)]))


def check_layers(layers, found):
    """found: of each sequence, for each trace the two curves."""
    for s, layer in enumerate(layers):
        hidden, state = (mean_by_lag([curves[s][which] for curves in found]) for which in (0, 1))
        assert layer.gradient_norm_by_lag == pytest.approx(hidden, rel=1e-9, abs=0)
        assert layer.state_gradient_norm_by_lag == pytest.approx(state, rel=1e-9, abs=0)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("lengths", [None, RAGGED])
@pytest.mark.parametrize(("cell", "activation"), VARIANTS)
def test_every_norm_equals_pytorchs(cell, activation, layers, kind, lengths):
    """By lag, of h alone and of (h, c), and of every parameter over the whole window."""
    network = made(cell, activation, layers, scale=1.5)
    x, targets = window()
    if kind == "squared error":
        targets = np.random.default_rng(5).normal(0, 1, (T, B, O))
    sample = sample_of(network, x, targets, lengths)
    report = inspected(network, sample, loss=LOSSES[kind])
    twin, found, whole = Unrolled(torch, network.parameters), [], 0
    for b, n in enumerate([T] * B if lengths is None else lengths):
        twin.traces = []
        y = [twin.head(row) for row in twin.sequence(network.shape.stack, rows_of(x, b, n))]
        losses = [loss_of(row, targets[t, b], kind) for t, row in enumerate(y)]
        found.append([twin.norms(losses[-1], trace) for trace in twin.traces])
        whole = whole + sum(losses) / sample.count
    check_layers(report.layers, found)
    if cell == "lstm":
        assert report.layers[0].gradient_norm_by_lag != report.layers[0].state_gradient_norm_by_lag
    assert report.loss == pytest.approx(whole.item(), rel=1e-12)
    whole.backward()
    for row in report.parameters:
        weight = twin.weights[row.name]
        assert row.grad_norm == pytest.approx(weight.grad.norm().item(), rel=1e-9), row.name
        assert row.weight_norm == pytest.approx(weight.norm().item(), rel=1e-12)
        assert row.ratio == pytest.approx(row.grad_norm / row.weight_norm) if row.weight_norm else row.ratio is None


@pytest.mark.parametrize("pooling", ["last", None])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_every_norm_of_both_directions_equals_pytorchs(cell, layers, pooling):
    """With outputs at every step, the backward direction's ruler starts from the loss at the first step."""
    network = made(cell, layers=layers, scale=1.5, bidirectional=True, pooling=pooling)
    x, targets = window()
    targets = targets[:1] if pooling else targets
    report = inspected(network, sample_of(network, x, targets, RAGGED))
    twin, found = Unrolled(torch, network.parameters), []
    for b, n in enumerate(RAGGED):
        twin.traces = []
        y = twin.sequence(network.shape.stack, rows_of(x, b, n))
        if pooling:
            joined = torch.cat([y[-1][:, :H], y[0][:, H:]], dim=1)
            losses = [loss_of(twin.head(joined), targets[0, b], "")] * 2
        else:
            losses = [loss_of(twin.head(y[t]), targets[t, b], "") for t in (n - 1, 0)]
        found.append([twin.norms(losses[s % 2], trace) for s, trace in enumerate(twin.traces)])
    assert [layer.reverse for layer in report.layers] == [False, True] * layers
    check_layers(report.layers, found)


@pytest.mark.parametrize("attention", [None, "dot", "additive", "aligned"])
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, True), (2, True), (1, False)])
@pytest.mark.parametrize("cell", CELLS)
def test_every_norm_of_an_encoder_decoder_equals_pytorchs(cell, layers, bidirectional, attention):
    """From the loss at the target's last step; and once more with attention's memory detached."""
    shape = pair_shape(cell, attention, layers, bidirectional=bidirectional)
    pairs = Pairs(shape)
    pairs.model.pack()
    report = inspected(pairs.model, Sample(pairs.work, pairs.targets, pairs.count))
    found, alone = [], []
    for b, (length, span) in enumerate(zip(LENGTHS, SPANS, strict=True)):
        for looks_back, into in ((True, found), (False, alone)):
            twin = UnrolledPair(torch, pairs.model.parameters)
            source, tokens = pairs.work.encoder.tokens[:length, b], pairs.work.decoder.tokens[:span, b]
            outputs = twin.outputs(shape, source, tokens, looks_back=looks_back)
            loss = loss_of(outputs[-1], pairs.targets[span - 1, b], "")
            into.append([twin.norms(loss, trace) for trace in twin.traces])
    check_layers(report.layers, found)
    parts = [layer.part for layer in report.layers]
    assert parts == ["encoder"] * (layers * (2 if bidirectional else 1)) + ["decoder"] * layers
    for s, layer in enumerate(report.layers):
        if attention and layer.part == "encoder":
            wanted = mean_by_lag([curves[s][1] for curves in alone])
            assert layer.without_attention_by_lag == pytest.approx(wanted, rel=1e-9, abs=0)
            assert layer.without_attention_by_lag != layer.state_gradient_norm_by_lag
        else:
            assert layer.without_attention_by_lag is None
