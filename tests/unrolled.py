"""PyTorch's cells unrolled by hand, one sequence at a time, so that autograd can be asked for every state."""

from __future__ import annotations

import naive
import numpy as np


class Unrolled:
    """A network's weights as PyTorch's, and what was computed with them.

    weights: by name, each a leaf. traces: after a pass, for every layer and direction its states [(h_t, c_t, …)] in
    its own time; those after h_t are what later steps read, apart from h_t.
    """

    def __init__(self, torch, parameters):
        self.torch = torch
        self.weights = {name: torch.from_numpy(a).requires_grad_() for name, a in parameters.export().items()}
        self.traces = []

    def cell(self, kind, activation, name):
        """step(x (1, I), state) → state, tuples whose first array is h."""
        torch = self.torch
        w = [self.weights[name.format(part)] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        own = [self.weights[name.format(part)] for part in naive.OWN.get(kind, ())]
        ready = {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell}
        further = {"sigmoid": torch.sigmoid, "identity": lambda a: a}

        def linear(x, h):
            return torch.nn.functional.linear(x, w[0], w[2]) + torch.nn.functional.linear(h, w[1], w[3])

        def rnn(x, state):
            (h,) = state
            return (ready[activation](x, h, *w) if activation in ready else further[activation](linear(x, h)),)

        def gru(x, state):
            return (torch.gru_cell(x, *state, *w),)

        def lstm(x, state):
            h, c = torch.lstm_cell(x, state, *w)
            return h.clone(), c.clone()

        def peephole(x, state):
            (i, f, g, o), c = linear(x, state[0]).chunk(4, dim=1), state[1]
            p_i, p_o, p_f = own[0].chunk(3)
            c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
            return torch.sigmoid(o + p_o * c) * torch.tanh(c), c.clone()

        def slstm(x, state):
            (i, f, z, o), (_, c, n, m) = linear(x, state[0]).chunk(4, dim=1), state
            begun, kept = n > 0, torch.nn.functional.logsigmoid(f) + m
            new = torch.where(begun, torch.maximum(kept, i), i)
            keep, take = torch.where(begun, torch.exp(kept - new), torch.zeros_like(n)), torch.exp(i - new)
            c, n = keep * c + take * torch.tanh(z), keep * n + take
            return torch.sigmoid(o) * c / n, c.clone(), n.clone(), new.clone()

        def rmslstm(x, state):
            gates, c = linear(x, state[0]).chunk(4, dim=1), state[1]
            scales = [torch.rsqrt(gate.square().mean(dim=1, keepdim=True) + 1e-5) for gate in gates]
            gains = own[0].chunk(4)
            i, f, g, o = ((1 + gain) * scale * gate for gain, scale, gate in zip(gains, scales, gates, strict=True))
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(c), c.clone()

        cells = (rnn, gru, lstm, peephole, slstm, rmslstm)
        return {cell.__name__: cell for cell in cells}[kind]

    def sequence(self, shape, x, prefix="", start=None):
        """The top layer's outputs [(1, F)] of one sequence, its rows x [(1, I)]; start: h₀ of each layer."""
        torch = self.torch
        for l in range(shape.num_layers):
            ways = []
            for way in ("", "_reverse") if shape.bidirectional else ("",):
                step = self.cell(shape.cell, shape.activation, f"{prefix}rnn.{{}}_l{l}{way}")
                zero = [torch.zeros(1, shape.hidden_size).double() for _ in naive.STATES[shape.cell]]
                state, states = (zero[0] if start is None else start[l], *zero[1:]), []
                for row in reversed(x) if way else x:
                    state = step(row, state)
                    states.append(state)
                self.traces.append(states)
                said = [state[0] for state in states]
                ways.append(said[::-1] if way else said)
            x = [torch.cat(row, dim=1) for row in zip(*ways, strict=True)]
        return x

    def head(self, y):
        return y @ self.weights["head.weight"].T + self.weights["head.bias"]

    def norms(self, loss, trace):
        """Of dL/dh and of the gradient of the whole state, lag 0 first."""
        torch = self.torch

        def gradients(place):
            states, zero = [state[place] for state in trace], torch.zeros_like(trace[0][0])
            found = torch.autograd.grad(loss, states, retain_graph=True, allow_unused=True)
            return [zero if one is None else one for one in found]

        every = [gradients(place) for place in range(len(trace[0]))]
        hidden = [one.norm().item() for one in every[0]]
        state = [torch.cat(all_of, dim=1).norm().item() for all_of in zip(*every, strict=True)]
        return hidden[::-1], state[::-1]


class UnrolledPair(Unrolled):
    """An encoder-decoder on one source and one target; traces: the encoder's, then the decoder's."""

    def outputs(self, shape, source, tokens, *, looks_back=True):
        """[(1, V + 1)]. looks_back: whether attention passes gradients on to what the encoder said."""
        torch, w, H = self.torch, self.weights, shape.hidden_size
        one_hot = torch.eye(max(shape.source_size, shape.target_size + 1)).double()
        memory = self.sequence(shape.encoder, [one_hot[t : t + 1, : shape.source_size] for t in source], "encoder.")
        vector = torch.cat([memory[-1][:, :H], memory[0][:, H:]], dim=1)
        start = torch.tanh(vector @ w["start.weight"].T + w["start.bias"]).split(H, dim=1)
        x = [one_hot[t : t + 1, : shape.target_size + 1] for t in tokens]
        y = self.sequence(shape.decoder, x, "decoder.", start)
        rows = torch.cat(memory)
        attend = rows if looks_back else rows.detach()
        if not shape.attention:
            return list(map(self.head, y))
        places = np.cumsum([shape.end - 2 <= token < shape.end for token in tokens])
        return [self.head(self.attended(shape, h, attend, place)) for h, place in zip(y, places, strict=True)]

    def attended(self, shape, h, memory, place):
        torch, w = self.torch, self.weights
        if shape.attention == "aligned":
            context = memory[place : place + 1] if place < len(memory) else torch.zeros_like(memory[:1])
            return self.combined(h, context)
        query = h @ w["attention.query.weight"].T
        if shape.attention == "additive":
            scores = torch.tanh(query + memory @ w["attention.key.weight"].T) @ w["attention.energy.weight"].reshape(-1)
        else:
            scores = memory @ query[0]
        return self.combined(h, torch.softmax(scores, 0)[None] @ memory)

    def combined(self, h, context):
        torch, w = self.torch, self.weights
        joined = torch.cat([h, context], dim=1)
        return torch.tanh(joined @ w["attention.combine.weight"].T + w["attention.combine.bias"])


def mean_by_lag(rows):
    """Of norms by lag of several sequences, over those that are long enough."""
    return [float(np.mean([row[k] for row in rows if len(row) > k])) for k in range(max(map(len, rows)))]
