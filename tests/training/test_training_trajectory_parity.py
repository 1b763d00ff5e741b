"""Twenty steps of training against PyTorch: the same losses, with clipping, for every cell and every optimizer."""

import numpy as np
import pytest
import torch

from rnncli.kernels.optimizers import OPTIMIZERS
from rnncli.nn.network import Network, NetworkShape
from rnncli.tasks.language_model.streams import StreamLearner
from rnncli.training.backpropagation import ThreadPool
from rnncli.training.optimizer import Optimizer

pytestmark = pytest.mark.parity

MODULES = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
STEPS, B, T, V, H, CLIP = 20, 4, 8, 7, 24, 0.25
IN_TORCH = {
    "sgd": (torch.optim.SGD, 1.0, {}),
    "momentum": (torch.optim.SGD, 0.1, {"momentum": 0.9}),
    "rmsprop": (torch.optim.RMSprop, 1e-3, {}),
    "adam": (torch.optim.Adam, 3e-3, {}),
    "adamw": (torch.optim.AdamW, 3e-3, {}),
}


def torch_losses(network, ids, optimizer):
    kind, rate, extra = IN_TORCH[optimizer]
    shape = network.shape
    rnn = MODULES[shape.cell](V, H, shape.num_layers)
    head = torch.nn.Linear(H, V)
    weights = {name: torch.from_numpy(a) for name, a in network.parameters.export().items()}
    rnn.load_state_dict({n.removeprefix("rnn."): w for n, w in weights.items() if n.startswith("rnn.")})
    head.load_state_dict({n.removeprefix("head."): w for n, w in weights.items() if n.startswith("head.")})
    parameters = [*rnn.parameters(), *head.parameters()]
    update = kind(parameters, rate, **extra)
    L = (len(ids) - 1) // B
    x = torch.nn.functional.one_hot(torch.tensor(ids[:-1].reshape(B, L).T).long(), V).float()
    y = torch.tensor(ids[1:].reshape(B, L).T).long()
    state, losses = None, []
    for start in range(0, L, T):
        hidden, state = rnn(x[start : start + T], state)
        state = tuple(s.detach() for s in state) if shape.cell == "lstm" else state.detach()
        loss = torch.nn.functional.cross_entropy(head(hidden).flatten(0, 1), y[start : start + T].flatten())
        update.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        update.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("cell", "layers"), [*((cell, layers) for cell in MODULES for layers in (1, 2)), ("lstm", 3)])
def test_losses_of_twenty_steps(cell, layers, optimizer):
    network = Network(NetworkShape(cell, V, H, layers, V, token_input=True))
    network.initialise("uniform", 1.0, seed=5)
    random = np.random.default_rng(1)
    ids = np.cumsum(random.integers(0, 2, B * T * STEPS + 1)).astype(np.int32) % V  # learnable: stay or step
    wanted = torch_losses(network, ids, optimizer)

    pool = ThreadPool(2)
    learner = StreamLearner(network, ids, ids[:0], ids[:0], batch_size=B, bptt=T, stride=T, seed=1, pool=pool)
    update = Optimizer(optimizer, network, CLIP, pool)
    losses = []
    for step in range(STEPS):
        total, count = learner.gradient(step)
        losses.append(total / count)
        update.update(IN_TORCH[optimizer][1], update.gradient_norms())
    pool.close()
    assert min(losses) < losses[0] - 0.01
    assert np.abs(np.array(losses) - np.array(wanted)).max() < 1e-4
