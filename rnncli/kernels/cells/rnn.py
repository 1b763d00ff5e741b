"""The vanilla recurrent network of Elman (1990), "Finding structure in time".

    a_t = x_t·W + b_ih + b_hh + h_{t−1}·U
    h_t = f(a_t)                                   f: tanh, relu, sigmoid or identity

`a` holds the input part and both biases before `forward`, and dL/da after `backward`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels.cells.cell import Cell, Hidden
from rnncli.kernels.cells.recurrence import add_recurrent, recurrent_grad
from rnncli.kernels.elementary import sigmoid, tanh
from rnncli.kernels.jit import jit
from rnncli.kernels.steps import clear

ACTIVATIONS = {"tanh": 0, "relu": 1, "sigmoid": 2, "identity": 3}
TANH, RELU, SIGMOID, IDENTITY = 0, 1, 2, 3


@jit
def step(a, h, activation):
    """Compute h (H,) = f(a (H,))."""
    if activation == TANH:
        for j in range(h.size):
            h[j] = tanh(a[j])
    elif activation == RELU:
        zero = a.dtype.type(0)
        for j in range(h.size):
            h[j] = max(a[j], zero)
    elif activation == SIGMOID:
        for j in range(h.size):
            h[j] = sigmoid(a[j])
    else:
        for j in range(h.size):
            h[j] = a[j]


@jit
def step_grad(h, dh, da, activation):
    """Compute da = f'(a)·dh, with f' expressed through h = f(a)."""
    one, zero = h.dtype.type(1), h.dtype.type(0)
    if activation == TANH:
        for j in range(h.size):
            da[j] = (one - h[j] * h[j]) * dh[j]
    elif activation == RELU:
        for j in range(h.size):
            da[j] = dh[j] if h[j] > zero else zero
    elif activation == SIGMOID:
        for j in range(h.size):
            da[j] = h[j] * (one - h[j]) * dh[j]
    else:
        for j in range(h.size):
            da[j] = dh[j]


@jit
def forward(arrays, weights, active, low, high):
    h, a = arrays.h, arrays.a
    for t in range(a.shape[0]):
        last = min(high, active[t])
        add_recurrent(h, a, weights, t, low, last)
        for b in range(low, last):
            step(a[t, b], h[t + 1, b], weights.activation)


@jit
def backward(arrays, gradients, weights, active, low, high):
    h, a, dh = arrays.h, arrays.a, gradients.h
    for t in range(a.shape[0] - 1, -1, -1):
        last = min(high, active[t])
        clear(a, t, max(low, last), high)
        for b in range(low, last):  # step(a[t, b], h[t + 1, b], activation)
            step_grad(h[t + 1, b], dh[t + 1, b], a[t, b], weights.activation)
        # add_recurrent(h, a, ...): a_t += h_{t−1}·U gives dh_{t−1} += da_t·Uᵀ
        recurrent_grad(a, h, dh, weights, t, low, last)


class RnnArrays(NamedTuple):
    h: np.ndarray
    a: np.ndarray


CELL = Cell(
    name="rnn",
    arrays=RnnArrays,
    states=Hidden,
    saved={"a": 1},
    gate_names=("hidden",),
    initial_bias=(0.0,),
    chrono=(0,),
    forward=forward,
    backward=backward,
    activations=tuple(ACTIVATIONS),
    signed=(),
)
