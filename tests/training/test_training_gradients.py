"""inspect-grads' numbers: norms by lag against PyTorch's autograd, and networks whose decay is known exactly."""

import numpy as np
import pytest
from windows import VARIANTS

from rnncli.kernels.losses import IGNORED
from rnncli.models.network import Network, NetworkShape
from rnncli.training.backpropagation import CROSS_ENTROPY, SQUARED_ERROR
from rnncli.training.gradients import Batch, inspect
from rnncli.training.threads import ThreadPool

FLOAT64 = np.dtype(np.float64)
T, B, I, H, O = 9, 4, 3, 6, 5


def inspected(network, inputs, targets, loss=CROSS_ENTROPY, threads=2):
    pool = ThreadPool(threads, FLOAT64)
    try:
        return inspect(Batch(network, inputs, targets, loss), pool)
    finally:
        pool.close()


def made(cell, activation="tanh", layers=1, method="uniform", scale=1.0, **changes):
    shape = {"input_size": I, "hidden_size": H, "num_layers": layers, "output_size": O, "token_input": False}
    network = Network(NetworkShape(cell, **(shape | changes), activation=activation), FLOAT64)
    network.initialise(method, scale, seed=2)
    return network


def window(steps=T):
    random = np.random.default_rng(1)
    return random.normal(0, 1, (steps, B, I)), random.integers(0, O, (steps, B)).astype(np.int32)


@pytest.mark.parametrize("steps", [5, 40])
@pytest.mark.parametrize("scale", [0.9, 1.0, 1.9])
def test_an_orthogonal_identity_network_decays_by_its_scale_at_each_step(scale, steps):
    x, targets = window(steps)
    network = made("rnn", "identity", method="orthogonal", scale=scale)
    network.parameters.view("rnn.weight_ih_l0")[...] *= 1e-6  # 1.9^40 of an input would saturate the softmax
    network.pack()
    (layer,) = inspected(network, x, targets).layers
    norms = np.array(layer.gradient_norm_by_lag)
    assert norms[0] > 0.01
    assert norms / norms[0] == pytest.approx(scale ** np.arange(steps), rel=1e-10)


def test_norms_too_large_and_too_small_to_be_squared():
    x, targets = window(400)
    for scale in (8.0, 1 / 8):
        network = made("rnn", "identity", method="orthogonal", scale=scale)
        network.parameters.view("rnn.weight_ih_l0")[...] = 0
        network.pack()
        (layer,) = inspected(network, x, targets).layers
        norms = np.array(layer.gradient_norm_by_lag)[:340]  # 8^340 is 1e307
        assert norms / norms[0] == pytest.approx(scale ** np.arange(340.0), rel=1e-9)


def test_sequences_without_a_last_step_are_left_out():
    x, targets = window()
    network = made("gru")
    whole = inspected(network, x[:, :2], targets[:, :2])
    targets[-1, 2:] = IGNORED
    part = inspected(network, x, targets)
    assert (part.sequences, whole.sequences) == (2, 2)
    assert part.layers[0].gradient_norm_by_lag == pytest.approx(whole.layers[0].gradient_norm_by_lag, rel=1e-12)


def test_the_report_is_of_the_whole_window_and_the_lags_of_its_last_step():
    x, targets = window()
    network = made("lstm", layers=2)
    first = inspected(network, x, targets)
    targets[:-1] = (targets[:-1] + 1) % O
    second = inspected(network, x, targets)
    assert first.layers == second.layers
    assert first.loss != second.loss
    assert first.parameters != second.parameters
    assert first.lags == tuple(range(T))
    assert [row.name for row in first.parameters] == [spec.name for spec in network.parameters.specs]


def test_a_weight_of_zeros_has_no_ratio():
    x, targets = window()
    network = made("rnn", head_starts_at_zero=True)
    report = inspected(network, x, targets)
    by_name = {row.name: row for row in report.parameters}
    assert by_name["head.weight"].ratio is None
    assert by_name["head.weight"].grad_norm > 0
    assert by_name["rnn.weight_hh_l0"].ratio == 0  # no gradient passes a head of zeros


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["cross entropy", "squared error"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("cell", "activation"), [v for v in VARIANTS if v[1] in ("tanh", "relu")])
def test_every_norm_equals_pytorchs(cell, activation, layers, kind):
    """dL_T/dh_{T−k} from autograd, for which PyTorch's own cells are unrolled by hand so that every h is a leaf."""
    torch = pytest.importorskip("torch", reason="the parity extra is not installed")
    network = made(cell, activation, layers, scale=1.5)
    x, targets = window()
    cells, head = torch_cells(torch, network), torch.nn.Linear(H, O).double()
    head.load_state_dict(torch_weights(torch, network, "head."))
    if kind == "squared error":
        targets = np.random.default_rng(5).normal(0, 1, (1, B, O))
    report = inspected(network, x, targets, CROSS_ENTROPY if kind == "cross entropy" else SQUARED_ERROR)

    hidden = unrolled(torch, cells, torch.from_numpy(x), cell)
    tops = torch.stack([states[-1] for states in hidden])
    wanted_targets = torch.from_numpy(targets)
    if kind == "cross entropy":
        whole = torch.nn.functional.cross_entropy(head(tops).flatten(0, 1), wanted_targets.flatten().long())
        last = torch.nn.functional.cross_entropy(head(tops[-1]), wanted_targets[-1].long(), reduction="sum")
    else:
        whole = torch.nn.functional.mse_loss(head(tops[-1:]), wanted_targets)
        last = ((head(tops[-1:]) - wanted_targets) ** 2).sum()
    states = [h for step in hidden for h in step]
    gradients = torch.autograd.grad(last, states, retain_graph=True, allow_unused=True)
    for l, layer in enumerate(report.layers):
        wanted = [gradients[t * layers + l].norm(dim=1).mean().item() for t in reversed(range(T))]
        assert layer.gradient_norm_by_lag == pytest.approx(wanted, rel=1e-9)

    assert report.loss == pytest.approx(whole.item(), rel=1e-12)
    whole.backward()
    named = {f"head.{name}": p for name, p in head.named_parameters()}
    for l, one in enumerate(cells):
        named |= {f"rnn.{name}_l{l}": p for name, p in one.named_parameters()}
    for row in report.parameters:
        assert row.grad_norm == pytest.approx(named[row.name].grad.norm().item(), rel=1e-9), row.name
        assert row.weight_norm == pytest.approx(named[row.name].norm().item(), rel=1e-12)
        assert row.ratio == (row.grad_norm / row.weight_norm if row.weight_norm else None)


def torch_weights(torch, network, prefix, suffix=""):
    exported = network.parameters.export()
    return {
        name.removeprefix(prefix).removesuffix(suffix): torch.from_numpy(array)
        for name, array in exported.items()
        if name.startswith(prefix) and name.endswith(suffix)
    }


def torch_cells(torch, network):
    shape = network.shape
    kind = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}[shape.cell]
    extra = {"nonlinearity": shape.activation} if shape.cell == "rnn" else {}
    cells = [kind(H if l else I, H, **extra).double() for l in range(shape.num_layers)]
    for l, cell in enumerate(cells):
        cell.load_state_dict(torch_weights(torch, network, "rnn.", f"_l{l}"))
    return cells


def unrolled(torch, cells, x, kind):
    """The hidden states of every step, one list a step with one state a layer."""
    zero = torch.zeros(x.shape[1], H).double()
    state = [(zero, zero) if kind == "lstm" else zero for _ in cells]
    steps = []
    for row in x:
        below, hidden = row, []
        for l, cell in enumerate(cells):
            state[l] = cell(below, state[l])
            below = state[l][0] if kind == "lstm" else state[l]
            hidden.append(below)
        steps.append(hidden)
    return steps
