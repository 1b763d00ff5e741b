"""PyTorch's outputs and all its gradients from the same weights, and a training trajectory step by step."""

import numpy as np
import pytest
import torch
from pairs import Pairs
from pairs import small_shape as small_pairs
from test_nn_words import Batch
from test_nn_words import shape as word_shape
from windows import VARIANTS, Window, error, small_shape

from rnncli.nn.pooling import POOLINGS

pytestmark = pytest.mark.parity

MODULES = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
IN_TORCH = [(cell, activation) for cell, activation in VARIANTS if cell in MODULES and activation in ("tanh", "relu")]
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
        self.head = torch.nn.Linear(shape.stack.width, shape.output_size)
        if shape.pooling == "attention":
            self.pooling = torch.nn.ParameterDict({"weight": torch.zeros(shape.stack.width)})

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
    states = tuple(
        torch.stack([torch.from_numpy(array) for array in one]).requires_grad_()
        for one in zip(*window.state, strict=True)
    )
    return states if len(states) > 1 else states[0]


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
@pytest.mark.parametrize("cell", MODULES)
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
    h, c = state if isinstance(state, tuple) else (state, None)
    wanted |= {f"h0_{l}": h.grad[l] for l in range(len(h))}
    wanted |= {f"c0_{l}": c.grad[l] for l in range(len(c))} if c is not None else {}
    wanted |= {} if window.shape.token_input else {"x": inputs.grad}
    assert set(wanted) == set(gradients)
    assert error(window.outputs, outputs.detach().numpy()) < BOUNDS[dtype]
    for name, gradient in wanted.items():
        assert error(gradients[name], gradient.numpy()) < BOUNDS[dtype], name


@pytest.mark.parametrize("cell", MODULES)
def test_squared_error_gradients(cell):
    window = Window(small_shape(cell, "tanh", 2), loss="mse", head_steps=1)
    gradients = window.run_backward()
    model = reference_of(window)
    outputs, _ = model(torch.from_numpy(window.inputs), torch_state(window), head_steps=1)
    torch_loss(window, outputs).backward()
    for name, parameter in model.named_parameters():
        assert error(gradients[name], parameter.grad.numpy()) < 1e-10, name


class PairReference(torch.nn.Module):
    """An encoder-decoder in PyTorch, sources packed; its parameter names are the model file's."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        H, L, V = shape.hidden_size, shape.num_layers, shape.target_size + 1
        self.encoder = self._stack(shape.source_size, shape.encoder_bidirectional)
        self.decoder = self._stack(V, False)
        F = shape.encoder.width
        self.start = torch.nn.Linear(F, L * H)
        if shape.attention:
            A = F if shape.attention == "dot" else H
            parts = {"combine": torch.nn.Linear(H + F, H)}
            if shape.attention != "aligned":
                parts["query"] = torch.nn.Linear(H, A, bias=False)
            if shape.attention == "additive":
                parts["key"] = torch.nn.Linear(F, A, bias=False)
                parts["energy"] = torch.nn.ParameterDict({"weight": torch.zeros(A)})
            self.attention = torch.nn.ModuleDict(parts)
        self.head = torch.nn.Linear(H, V)

    def _stack(self, tokens, bidirectional):
        shape = self.shape
        size = shape.embedding_size or tokens
        rnn = MODULES[shape.cell](size, shape.hidden_size, shape.num_layers, bidirectional=bidirectional)
        return torch.nn.ModuleDict(
            {"rnn": rnn} | ({"embedding": torch.nn.Embedding(tokens, size)} if shape.embedding_size else {})
        )

    def _embedded(self, stack, tokens, size):
        if "embedding" in stack:
            return stack["embedding"](tokens)
        return torch.nn.functional.one_hot(tokens, size).to(self.head.weight.dtype)

    def forward(self, sources, lengths, tokens):
        shape = self.shape
        x = self._embedded(self.encoder, sources, shape.source_size)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.from_numpy(lengths))
        y, last = self.encoder["rnn"](packed)
        memory, _ = torch.nn.utils.rnn.pad_packed_sequence(y)
        h = last[0] if isinstance(last, tuple) else last
        vector = torch.cat([*h[-2:]], dim=-1) if shape.encoder_bidirectional else h[-1]
        state = torch.tanh(self.start(vector)).view(len(lengths), shape.num_layers, -1).transpose(0, 1).contiguous()
        state = (state, torch.zeros_like(state)) if shape.cell == "lstm" else state
        y, _ = self.decoder["rnn"](self._embedded(self.decoder, tokens, shape.target_size + 1), state)
        if shape.attention:
            stands = shape.attention == "aligned"
            shares = self._at_place(tokens, memory, lengths) if stands else self._shares(y, memory, lengths)
            y = self._attended(y, memory, shares)
        return self.head(y)

    def _at_place(self, tokens, memory, lengths):
        end = self.shape.end
        places = ((tokens == end - 1) | (tokens == end - 2)).cumsum(dim=0)
        places[places >= torch.from_numpy(lengths)] = len(memory)
        return torch.nn.functional.one_hot(places, len(memory) + 1)[..., :-1].to(memory.dtype)

    def _attended(self, y, memory, shares):
        context = torch.einsum("tbs,sbf->tbf", shares, memory)
        return torch.tanh(self.attention["combine"](torch.cat([y, context], dim=-1)))

    def _shares(self, y, memory, lengths):
        query = self.attention["query"](y)
        if self.shape.attention == "additive":
            raised = torch.tanh(query[:, None] + self.attention["key"](memory)[None])
            scores = (raised * self.attention["energy"]["weight"]).sum(dim=-1).permute(0, 2, 1)
        else:
            scores = torch.einsum("tbf,sbf->tbs", query, memory)
        beyond = torch.arange(len(memory))[None, None, :] >= torch.from_numpy(lengths)[None, :, None]
        return scores.masked_fill(beyond, float("-inf")).softmax(dim=-1)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("attention", [None, "dot", "additive", "aligned"])
@pytest.mark.parametrize(("bidirectional", "layers", "embedding"), [(True, 1, None), (True, 2, 3), (False, 2, None)])
@pytest.mark.parametrize("cell", MODULES)
def test_encoder_decoder_and_all_its_gradients(cell, bidirectional, layers, embedding, attention, dtype):
    pairs = Pairs(small_pairs(cell, attention, layers, bidirectional=bidirectional, embedding=embedding), dtype)
    reference = PairReference(pairs.shape).to(torch.float32 if dtype is np.float32 else torch.float64)
    reference.load_state_dict({name: torch.from_numpy(a) for name, a in pairs.model.parameters.export().items()})
    gradients = pairs.run_backward()
    sources, tokens = (
        torch.from_numpy(t.astype(np.int64)) for t in (pairs.work.encoder.tokens, pairs.work.decoder.tokens)
    )
    outputs = reference(sources, pairs.lengths, tokens)
    inside = pairs.targets >= 0
    assert error(pairs.outputs[inside], outputs.detach().numpy()[inside]) < BOUNDS[dtype]
    targets = torch.from_numpy(pairs.targets.astype(np.int64))
    torch.nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=-1).backward()
    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, parameter in reference.named_parameters():
        wanted = parameter.grad.numpy()
        # Where all source steps look alike, a query's gradient is a difference of equals: float32 has no digits of it.
        small = dtype is np.float32 and np.abs(wanted).max() < 0.01 * largest
        scale = np.abs(wanted).max() / (0.01 * largest) if small else 1.0
        assert error(gradients[name], wanted) * scale < BOUNDS[dtype], name


@pytest.mark.parametrize("cell", MODULES)
def test_words_composed_from_characters_and_all_their_gradients(cell):
    batch = Batch(word_shape(cell))
    network, shape, work, F = batch.network, batch.network.shape, batch.work, torch.nn.functional
    weights = {name: torch.from_numpy(a).requires_grad_() for name, a in network.parameters.export().items()}
    spelt, lengths = work.words.spelt, torch.from_numpy(work.words.spelt.extent.lengths.astype(np.int64))

    def run(prefix, x, lengths, I, H):
        rnn = MODULES[cell](I, H, 1, bidirectional=True, dtype=torch.float64)
        own = {name: weights[f"{prefix}rnn.{name}"] for name, _ in rnn.named_parameters()}
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
        y, last = torch.func.functional_call(rnn, own, (packed,))
        return torch.nn.utils.rnn.pad_packed_sequence(y)[0], last[0] if isinstance(last, tuple) else last

    letters = F.one_hot(torch.from_numpy(spelt.tokens.astype(np.int64)), shape.characters).double()
    _, last = run("characters.", letters, lengths, shape.characters, shape.character_size)
    composed = torch.cat([*last], dim=-1)
    words, forms = (torch.from_numpy(a.astype(np.int64)) for a in (work.words.words, work.words.forms))
    affixes = [
        weights[f"affixes.{kind}.weight"][torch.from_numpy(numbers.astype(np.int64))]
        for (kind, _), numbers in zip(shape.affixes, work.words.affixes, strict=True)
    ]
    x = torch.cat([weights["embedding.weight"][words], composed[forms], *affixes], dim=-1)
    y, _ = run("", x, torch.from_numpy(work.extent.lengths.astype(np.int64)), x.shape[-1], shape.hidden_size)
    outputs = y @ weights["head.weight"].T + weights["head.bias"]
    inside = batch.targets >= 0
    assert error(batch.outputs()[inside], outputs.detach().numpy()[inside]) < 1e-10
    targets = torch.from_numpy(batch.targets.astype(np.int64))
    F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=-1).backward()
    batch.driver.gradient(work, batch.targets, batch.count)
    for name, gradient in network.parameters.export_gradients().items():
        assert error(gradient, weights[name].grad.numpy()) < 1e-10, name
