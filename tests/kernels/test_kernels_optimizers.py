"""Every optimizer against its paper's formula and PyTorch over 20 updates; the gradient norm against numpy."""

import itertools

import numpy as np
import pytest
from extras import torch

from rnncli.config.training_section import KEEPERS
from rnncli.kernels.optimizers import BLOCK, OPTIMIZERS, decay, squared_norms

UPDATES, SIZE, RATE, SCALE = 20, 33, 3e-3, 0.7


def sgd(w, g, memory, step, beta1, beta2):
    return w - RATE * g


def momentum(w, g, memory, step, beta1, beta2):
    """Polyak (1964) as PyTorch has it: the rate multiplies the whole velocity."""
    memory["m"] = beta1 * memory.get("m", 0) + g
    return w - RATE * memory["m"]


def rmsprop(w, g, memory, step, beta1, beta2):
    """Hinton's lecture 6e: divide by a running average of the gradient's magnitude."""
    memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
    return w - RATE * g / (np.sqrt(memory["v"]) + 1e-8)


def adam(w, g, memory, step, beta1, beta2):
    """Algorithm 1 of Kingma and Ba (2015)."""
    memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
    memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
    m, v = memory["m"] / (1 - beta1**step), memory["v"] / (1 - beta2**step)
    return w - RATE * m / (np.sqrt(v) + 1e-8)


TWINS = {"sgd": sgd, "momentum": momentum, "rmsprop": rmsprop, "adam": adam, "adamw": adam}
MODULES = {
    "sgd": ("SGD", lambda b1, b2, decay: {"weight_decay": decay}),
    "momentum": ("SGD", lambda b1, b2, decay: {"momentum": b1}),
    "rmsprop": ("RMSprop", lambda b1, b2, decay: {"alpha": b2}),
    "adam": ("Adam", lambda b1, b2, decay: {"betas": (b1, b2)}),
    "adamw": ("AdamW", lambda b1, b2, decay: {"betas": (b1, b2), "weight_decay": decay}),
}


def gradients(dtype, size=SIZE):
    """One gradient per update, with zeros and tiny values among them."""
    g = np.random.default_rng(3).normal(0, 1, (UPDATES, size)) * np.geomspace(1e-6, 10, size)
    g[:, 5] = 0
    return g.astype(dtype)


def usual(name):
    kernel = OPTIMIZERS[name]
    return kernel.beta1 or 0.0, kernel.beta2 or 0.0, kernel.weight_decay


def constants():
    """Each optimizer with its usual (β₁, β₂, weight decay), and with others."""
    return [(name, usual(name)) for name in OPTIMIZERS] + [
        ("sgd", (0.0, 0.0, 0.3)),
        ("momentum", (0.5, 0.0, 0.0)),
        ("rmsprop", (0.0, 0.9, 0.0)),
        ("adam", (0.0, 0.9999, 0.0)),
        ("adamw", (0.0, 0.95, 0.2)),
        ("adamw", (0.8, 0.999, 0.0)),
    ]


def trained(name, dtype, edges=(0, SIZE), chosen=None):
    """Weights after every update, and the moments; `edges` cut the buffer into threads' ranges."""
    beta1, beta2, weight_decay = chosen or usual(name)
    w = np.random.default_rng(4).normal(0, 1, SIZE).astype(dtype)
    m, v, history = np.zeros_like(w), np.zeros_like(w), [w.copy()]
    for step, g in enumerate(gradients(dtype), start=1):
        fixes = dtype(1 / (1 - beta1**step)), dtype(1 / (1 - beta2**step))
        for low, high in itertools.pairwise(edges):
            ranges = [array[low:high] for array in (w, g, m, v)]
            if weight_decay:
                decay(ranges[0], dtype(RATE), dtype(weight_decay))
            OPTIMIZERS[name].update(*ranges, dtype(RATE), dtype(SCALE), beta1, beta2, *fixes)
        history.append(w.copy())
    return np.stack(history), m, v


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize(("name", "chosen"), constants())
def test_twenty_updates_follow_the_formula(name, chosen, dtype, bound):
    history, _, _ = trained(name, dtype, chosen=chosen)
    beta1, beta2, weight_decay = chosen
    w, memory = history[0].astype(float), {}
    for step, g in enumerate(gradients(float), start=1):
        # Algorithm 2 of Loshchilov and Hutter (2019): the decay does not pass through the moments.
        w = TWINS[name](w - RATE * weight_decay * w, SCALE * g, memory, step, beta1, beta2)
        assert np.abs(history[step] - w).max() < bound * np.abs(w).max(), step


@pytest.mark.parity
@pytest.mark.parametrize(("name", "chosen"), constants())
def test_twenty_updates_equal_pytorch(name, chosen):
    history, _, _ = trained(name, np.float64, chosen=chosen)
    w = torch.from_numpy(history[0].copy()).requires_grad_()
    kind, options = MODULES[name]
    optimizer = getattr(torch.optim, kind)([w], lr=RATE, **options(*chosen))
    for step, g in enumerate(gradients(np.float64), start=1):
        w.grad = torch.from_numpy(SCALE * g)
        optimizer.step()
        assert np.abs(history[step] - w.detach().numpy()).max() < 1e-12, step


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ranges_split_anywhere_give_the_same_bits(name, dtype):
    whole = trained(name, dtype)
    for edges in [(0, at, SIZE) for at in (1, 7, 16, 32)] + [(0, 3, 3, 20, SIZE)]:
        for got, wanted in zip(trained(name, dtype, edges), whole, strict=True):
            assert np.array_equal(got, wanted), edges


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_only_the_promised_moments_and_the_given_range_are_written(name):
    history, m, v = trained(name, np.float64, edges=(4, 20))
    outside = np.r_[0:4, 20:SIZE]
    assert np.array_equal(history[-1][outside], history[0][outside])
    assert not m[outside].any()
    assert not v[outside].any()
    assert m.any() == (OPTIMIZERS[name].beta1 is not None)
    assert v.any() == (OPTIMIZERS[name].beta2 is not None)


def test_every_registered_optimizer_has_a_formula_and_a_counterpart():
    assert set(TWINS) == set(MODULES) == set(OPTIMIZERS)


@pytest.mark.parametrize("beta", KEEPERS)
def test_the_config_knows_which_optimizers_keep_which_mean(beta):
    assert set(KEEPERS[beta]) == {name for name, kernel in OPTIMIZERS.items() if getattr(kernel, beta) is not None}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 5, BLOCK, 2 * BLOCK + 1003])
def test_squared_norms_by_block(size, dtype):
    g = np.random.default_rng(0).normal(0, 1, size).astype(dtype)
    blocks = (size + BLOCK - 1) // BLOCK
    sums = np.full(blocks + 1, -7.0)
    squared_norms(g, sums, 0, blocks)
    wanted = [(part.astype(float) ** 2).sum() for part in np.split(g, range(BLOCK, size, BLOCK))]
    assert sums[:-1] == pytest.approx(wanted, rel=1e-13)
    assert sums[-1] == -7
    for at in range(blocks + 1):
        split = np.full(blocks + 1, -7.0)
        squared_norms(g, split, at, blocks)
        assert (split[:at] == -7).all()
        squared_norms(g, split, 0, at)
        assert np.array_equal(split, sums)


def test_squared_norms_of_huge_gradients_do_not_overflow_and_nan_shows():
    g = np.array([3e30, 4e30], np.float32)
    sums = np.zeros(1)
    squared_norms(g, sums, 0, 1)
    assert np.sqrt(sums[0]) == pytest.approx(5e30, rel=1e-6)
    g[1] = np.nan
    squared_norms(g, sums, 0, 1)
    assert np.isnan(sums[0])
