"""The same model in rnncli, PyTorch and JAX: embedding, stacked recurrent layers, softmax cross-entropy, clip, Adam."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.kernels.cells import CELLS
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model.streams import StreamLearner
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

RATE, CLIP = 2e-3, 5.0


@dataclass(frozen=True)
class Model:
    """`layers` of `hidden` units, an embedding of the same size, V tokens; precision: that of matrix products."""

    cell: str
    hidden: int
    layers: int
    V: int = 65
    precision: str = "float32"

    def network(self) -> Network:
        size, V = self.hidden, self.V
        how = {"embedding_size": size, "precision": self.precision}
        network = Network(NetworkShape(self.cell, V, size, self.layers, V, True, **how))
        network.initialise("orthogonal", 1.0, seed=1)
        return network

    def flops_per_token(self) -> float:
        """What rnncli multiplies and adds to train on a token; the first layer's input product is folded away."""
        H, gates = self.hidden, CELLS[self.cell].gates
        forward = sum(2 * gates * H * (H if layer == 0 else 2 * H) for layer in range(self.layers)) + 2 * H * self.V
        return 3.0 * forward


def rnncli_update(model: Model, B: int, T: int, threads: int, pool: ThreadPool | None = None) -> Callable[[], Any]:
    """A function that trains on one window, on so many threads; pool: theirs."""
    pool = pool or ThreadPool(threads)
    network = model.network()
    ids = np.random.default_rng(0).integers(1, model.V, B * T * 8 + 1).astype(np.uint8)
    learner = StreamLearner(network, ids, ids[:0], ids[:0], batch_size=B, bptt=T, stride=T, seed=1, pool=pool)
    optimizer = Optimizer("adam", network, CLIP, pool)
    updates = itertools.count()

    def update() -> None:
        learner.gradient(next(updates))
        optimizer.update(RATE, optimizer.gradient_norms())

    return update


def torch_modules(model: Model) -> tuple[Any, Any, Any]:
    import torch

    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[model.cell]
    H = model.hidden
    return torch.nn.Embedding(model.V, H), kind(H, H, model.layers), torch.nn.Linear(H, model.V)


def torch_update(model: Model, B: int, T: int, threads: int) -> Callable[[], Any]:
    """As PyTorch's own tutorials write it; bfloat16 by autocast."""
    import torch

    torch.set_num_threads(threads)
    embedding, rnn, head = torch_modules(model)
    parameters = [*embedding.parameters(), *rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, RATE)
    tokens = torch.randint(0, model.V, (T + 1, B))
    carried: list[Any] = [None]

    def update() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=model.precision == "bfloat16"):
            hidden, state = rnn(embedding(tokens[:-1]), carried[0])
            carried[0] = tuple(s.detach() for s in state) if model.cell == "lstm" else state.detach()
            loss = torch.nn.functional.cross_entropy(head(hidden).flatten(0, 1), tokens[1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()

    return update


def jax_update(model: Model, B: int, T: int, threads: int) -> Callable[[], Any]:
    """`lax.scan` over time, the whole update jitted. XLA takes its threads from the cores this process may use."""
    import jax
    import jax.numpy as jnp

    H, gates = model.hidden, CELLS[model.cell].gates
    keys = iter(jax.random.split(jax.random.PRNGKey(0), 4 * model.layers + 2))

    def uniform(*shape: int) -> Any:
        return jax.random.uniform(next(keys), shape, minval=-(H**-0.5), maxval=H**-0.5)

    layers = [
        {"W": uniform(H, gates * H), "U": uniform(H, gates * H), "b": jnp.zeros(gates * H), "d": jnp.zeros(gates * H)}
        for _ in range(model.layers)
    ]
    parameters = {"E": uniform(model.V, H), "layers": layers, "V": uniform(H, model.V), "c": jnp.zeros(model.V)}

    def step(p: Any, state: Any, a: Any) -> Any:
        h, c = state
        q = h @ p["U"] + p["d"]
        if model.cell == "rnn":
            h = jnp.tanh(a + q)
        elif model.cell == "gru":
            (a_r, a_z, a_n), (q_r, q_z, q_n) = jnp.split(a, 3, -1), jnp.split(q, 3, -1)
            z = jax.nn.sigmoid(a_z + q_z)
            n = jnp.tanh(a_n + jax.nn.sigmoid(a_r + q_r) * q_n)
            h = (1 - z) * n + z * h
        else:
            i, f, g, o = jnp.split(a + q, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def loss_of(p: Any, states: Any, tokens: Any) -> Any:
        x, after = p["E"][tokens[:-1]], []
        for layer, state in zip(p["layers"], states, strict=True):
            a = x @ layer["W"] + layer["b"]
            state, x = jax.lax.scan(lambda s, a, layer=layer: step(layer, s, a), state, a)
            after.append(state)
        logits = jax.nn.log_softmax(x @ p["V"] + p["c"])
        return -jnp.take_along_axis(logits, tokens[1:, :, None], -1).mean(), after

    @jax.jit
    def update_of(p: Any, m: Any, v: Any, t: Any, states: Any, tokens: Any) -> Any:
        (_, states), g = jax.value_and_grad(loss_of, has_aux=True)(p, states, tokens)
        norm = jnp.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(g)))
        g = jax.tree.map(lambda x: x * jnp.minimum(1, CLIP / (norm + 1e-6)), g)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
        p = jax.tree.map(lambda p, m, v: p - RATE * m * a / (jnp.sqrt(v * b) + 1e-8), p, m, v)
        return p, m, v, jax.lax.stop_gradient(states)

    tokens = jax.random.randint(next(keys), (T + 1, B), 0, model.V)
    zero = jax.tree.map(jnp.zeros_like, parameters)
    state = [parameters, zero, zero, [(jnp.zeros((B, H)), jnp.zeros((B, H)))] * model.layers]
    count = itertools.count(1)

    def update() -> None:
        p, m, v, states = state
        state[:] = jax.block_until_ready(update_of(p, m, v, float(next(count)), states, tokens))

    return update
