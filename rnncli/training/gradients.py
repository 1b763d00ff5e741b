"""What one backward pass shows: every parameter's gradient norm, and how far back in time a gradient reaches.

The pass runs in float64 from zero state, so that it can look at networks that training could not survive. The norm at
lag k is that of dL_T/dh_{T−k}, the loss taken at the last step only: dL/dW, which mixes all lags, hides it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.kernels.losses import IGNORED
from rnncli.models.network import Network
from rnncli.models.workspace import Workspace
from rnncli.training.backpropagation import Backpropagation, Loss
from rnncli.training.reports import GradientReport, LayerGradients, ParameterGradient
from rnncli.training.threads import ThreadPool


@dataclass(frozen=True)
class Batch:
    """A float64 network and one window for it.

    inputs (T, B) tokens or (T, B, I) values; targets (N, B) tokens or (N, B, O) values for the last N steps.
    """

    network: Network
    inputs: np.ndarray
    targets: np.ndarray
    loss: Loss


def inspect(batch: Batch, pool: ThreadPool) -> GradientReport:
    """Norms of one backward pass through `batch`."""
    driver = Backpropagation(batch.network, batch.loss, pool)
    tokens = batch.targets.ndim == 2
    work = _filled(batch, len(batch.targets))
    count = int((batch.targets != IGNORED).sum() if tokens else np.isfinite(batch.targets).sum())
    loss = driver.gradient(work, batch.targets, count) / count
    parameters = _parameters(batch.network)

    last = batch.targets[-1:]
    work = _filled(batch, 1)
    driver.gradient(work, last, 1)
    counted = last[0] != IGNORED if tokens else np.ones(last.shape[1], bool)
    layers = [
        # dh[T − k] is dL_T/dh_{T−k}; row 0, the initial state, is no step of the window.
        LayerGradients(l, tuple(float(x) for x in _norm(layer.dh[:0:-1, counted]).mean(axis=1)))
        for l, layer in enumerate(work.directions)
    ]
    return GradientReport(
        loss, batch.loss.unit, int(counted.sum()), tuple(range(work.T)), tuple(layers), tuple(parameters)
    )


def _filled(batch: Batch, head_steps: int) -> Workspace:
    T, B = batch.inputs.shape[:2]
    work = batch.network.workspace(T, B, head_steps, training=False)
    (work.tokens if batch.network.shape.token_input else work.x)[...] = batch.inputs
    return work


def _norm(vectors: np.ndarray) -> np.ndarray:
    """Euclidean norms over the last axis, safe for values whose squares would overflow or vanish."""
    size = np.abs(vectors).max(axis=-1, keepdims=True)
    safe = np.where((size > 0) & np.isfinite(size), size, 1.0)
    with np.errstate(over="ignore", invalid="ignore"):  # beside an infinity the rest does not matter
        return np.asarray(safe[..., 0] * np.sqrt(((vectors / safe) ** 2).sum(axis=-1)))


def _parameters(network: Network) -> list[ParameterGradient]:
    weights, gradients = network.parameters.export(), network.parameters.export_gradients()
    rows = []
    for spec in network.parameters.specs:
        weight_norm = float(_norm(weights[spec.name].reshape(-1)))
        grad_norm = float(_norm(gradients[spec.name].reshape(-1)))
        ratio = grad_norm / weight_norm if weight_norm > 0 else None
        rows.append(ParameterGradient(spec.name, spec.shape, weight_norm, grad_norm, ratio))
    return rows
