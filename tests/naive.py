"""Slow twins: every cell, loss and product written the way a textbook would, in numpy, one step at a time.

They are the readable truth that the kernels are tested against. Each cell is `step(x, state, p) -> state` for one time
step of a batch, the state a tuple whose first array is h, with PyTorch's weights p: w_ih (G·H, I), w_hh (G·H, H), b_ih,
b_hh (G·H,), and the cell's own parameters by their names.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter, defaultdict

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "identity": lambda x: x,
}


def _heard(h, p):
    """What the recurrent product reads of h."""
    return h * p.get("mask", 1.0)


def rnn(x, state, p, activation="tanh"):
    (h,) = state
    return (ACTIVATIONS[activation](x @ p["w_ih"].T + p["b_ih"] + _heard(h, p) @ p["w_hh"].T + p["b_hh"]),)


def gru(x, state, p, activation="tanh"):
    (h,) = state
    i_r, i_z, i_n = np.split(x @ p["w_ih"].T + p["b_ih"], 3, axis=-1)
    h_r, h_z, h_n = np.split(_heard(h, p) @ p["w_hh"].T + p["b_hh"], 3, axis=-1)
    r, z = sigmoid(i_r + h_r), sigmoid(i_z + h_z)
    n = np.tanh(i_n + r * h_n)
    return ((1 - z) * n + z * h,)


def _four(x, h, p):
    return np.split(x @ p["w_ih"].T + p["b_ih"] + _heard(h, p) @ p["w_hh"].T + p["b_hh"], 4, axis=-1)


def _let_in(i, f, p):
    return np.minimum(i, 1 - f) if p.get("capped") else i


def lstm(x, state, p, activation="tanh"):
    h, c = state
    i, f, g, o = _four(x, h, p)
    i, f = sigmoid(i), sigmoid(f)
    c = f * c + _let_in(i, f, p) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def peephole(x, state, p, activation="tanh"):
    h, c = state
    i, f, g, o = _four(x, h, p)
    p_i, p_o, p_f = np.split(p["weight_ch"], 3)
    i, f = sigmoid(i + p_i * c), sigmoid(f + p_f * c)
    c = f * c + _let_in(i, f, p) * np.tanh(g)
    return sigmoid(o + p_o * c) * np.tanh(c), c


def normed(a, p):
    """The four gates of a (…, 4H), each over the root mean square of its units."""
    gates, gains = np.split(a, 4, axis=-1), np.split(p["weight_gain"], 4)
    return [
        (1 + gain) * gate / np.sqrt((gate**2).mean(axis=-1, keepdims=True) + 1e-5)
        for gate, gain in zip(gates, gains, strict=True)
    ]


def rmslstm(x, state, p, activation="tanh"):
    h, c = state
    i, f, g, o = normed(np.concatenate(_four(x, h, p), axis=-1), p)
    i, f = sigmoid(i), sigmoid(f)
    c = f * c + _let_in(i, f, p) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def slstm(x, state, p, activation="tanh"):
    """Every state over e^m, as the kernel keeps them; h is as if nothing were divided by anything."""
    h, c, n, m = state
    i, f, z, o = _four(x, h, p)
    kept = np.where(n > 0, np.log(sigmoid(f)) + m, -np.inf)
    new = np.maximum(kept, i)
    c = np.exp(kept - new) * c + np.exp(i - new) * np.tanh(z)
    n = np.exp(kept - new) * n + np.exp(i - new)
    return sigmoid(o) * c / n, c, n, new


CELLS = {"rnn": rnn, "gru": gru, "lstm": lstm, "peephole": peephole, "slstm": slstm, "rmslstm": rmslstm}
STATES = {"rnn": "h", "gru": "h", "lstm": "hc", "peephole": "hc", "slstm": "hcnm", "rmslstm": "hc"}
OWN = {"peephole": ("weight_ch",), "rmslstm": ("weight_gain",)}  # what cells have beyond PyTorch's four


def zero_state(cell, *shape):
    return tuple(np.zeros(shape) for _ in STATES[cell])


def some_state(cell, random, *shape):
    """Random states, such as the cell can be in: a normaliser n is positive."""
    state = {name: random.normal(0, 0.5, shape) for name in STATES[cell]}
    return tuple(np.abs(values) + 0.5 if name == "n" else values for name, values in state.items())


def layer_weights(weights, shape, index, suffix=""):
    """One layer's weights out of a model's export, and what its recurrence is."""
    parts = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    parts |= {name: name for name in OWN.get(shape.cell, ())}
    p = {short: weights[f"rnn.{long}_l{index}{suffix}"] for short, long in parts.items()}
    if (skip := f"rnn.weight_skip_l{index}{suffix}") in weights:  # it reads the layer below, then the network's input
        p["w_ih"] = np.concatenate([p["w_ih"], weights[skip]], axis=1)
    return p | {"capped": shape.recurrence.capped}


def network(shape, weights, inputs, state, masks=()):
    """Outputs (T, B, O) of a whole network: tokens (T, B) or features (T, B, I), the state of every layer.

    masks: of every layer, what h is multiplied by in the recurrent product, if anything.
    """
    step, head = CELLS[shape.cell], weights["embedding.weight" if shape.tied_embeddings else "head.weight"]
    state, outputs = list(state), []
    for x in inputs:
        if shape.token_input:
            x = weights["embedding.weight"][x] if shape.embedding_size else np.eye(shape.input_size)[x]
        given = x
        for l in range(shape.num_layers):
            x = np.concatenate([x, given], axis=-1) if l and shape.skip_connections else x
            p = layer_weights(weights, shape, l) | ({"mask": masks[l]} if masks else {})
            state[l] = step(x, state[l], p, shape.activation)
            x = state[l][0]
        if shape.skip_connections:
            x = np.concatenate([layer[0] for layer in state], axis=-1)
        outputs.append(x @ head.T + weights["head.bias"])
    return np.stack(outputs)


def sequence(shape, weights, x, state):
    """The top layer's outputs (n, F) of one whole sequence x (n,) or (n, I), alone; a state for every direction."""
    return layers(shape, weights, x, state)[-1]


def layers(shape, weights, x, state):
    """The outputs (n, F) of every layer."""
    if shape.token_input:
        x = weights["embedding.weight"][x] if shape.embedding_size else np.eye(shape.input_size)[x]
    state, given, outputs = list(state), x, []
    for l in range(shape.num_layers):
        x = np.concatenate([x, given], axis=-1) if l and shape.skip_connections else x
        ways = []
        for suffix in ("", "_reverse") if shape.bidirectional else ("",):
            now, p = state.pop(0), layer_weights(weights, shape, l, suffix)
            ways.append([])
            for row in x[::-1] if suffix else x:
                now = CELLS[shape.cell](row, now, p, shape.activation)
                ways[-1].append(now[0])
        if shape.bidirectional:
            ways[1].reverse()
        x = np.concatenate([np.stack(way) for way in ways], axis=-1)
        outputs.append(x)
    return outputs


def _under(prefix, weights):
    """The weights whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}


def tagger(shape, weights, sentence, lexicon):
    """Outputs (n, O) for one sentence of words, each a number in the lexicon."""
    C, H = shape.character_size, shape.hidden_size
    spelling = dataclasses.replace(
        shape.stack, input_size=shape.characters, hidden_size=C, num_layers=1, token_input=True, bidirectional=True
    )
    vectors = []
    for form in sentence:
        letters = sequence(
            spelling, _under("characters.", weights), lexicon.spellings[form], [zero_state(shape.cell, C)] * 2
        )
        looked_up = weights["embedding.weight"][lexicon.words[form]]
        affixes = [
            weights[f"affixes.{kind}.weight"][numbers[form]]
            for (kind, _), numbers in zip(shape.affixes, lexicon.affixes, strict=True)
        ]
        vectors.append(np.concatenate([looked_up, pooled(letters, "last", C, None), *affixes]))
    y = sequence(shape.stack, weights, np.stack(vectors), [zero_state(shape.cell, H)] * 2 * shape.num_layers)
    return y @ weights["head.weight"].T + weights["head.bias"]


def encoder_decoder(shape, weights, source, tokens):
    """Outputs (T, V + 1) for one source, tokens (S,) or a vector, and the target tokens (T,) that the decoder reads."""
    return attending_encoder_decoder(shape, weights, source, tokens)[0]


def attending_encoder_decoder(shape, weights, source, tokens):
    """Return the same outputs, and the weights (T, S) that attention gives to the source; none without attention."""
    H, L = shape.hidden_size, shape.num_layers
    nothing = zero_state(shape.cell, H)
    memory = sequence(shape.encoder, _under("encoder.", weights), source, [nothing] * 2 * L) if shape.encodes else None
    vector = pooled(memory, "last", H, None) if shape.encodes else source
    start = np.tanh(weights["start.weight"] @ vector + weights["start.bias"])
    state = [(start[l * H : (l + 1) * H], *nothing[1:]) for l in range(L)]
    outputs, paid = [], []
    for t, h in enumerate(sequence(shape.decoder, _under("decoder.", weights), tokens, state)):
        if shape.attention == "aligned":
            place = sum(token in (shape.end - 2, shape.end - 1) for token in tokens[: t + 1])
            context = memory[place] if place < len(memory) else np.zeros_like(memory[0])
            h = _combined(weights, h, context)
        elif shape.attention:
            query = weights["attention.query.weight"] @ h
            if shape.attention == "additive":
                energy = weights["attention.energy.weight"]
                scores = np.array([energy @ np.tanh(query + weights["attention.key.weight"] @ m) for m in memory])
            else:
                scores = memory @ query
            alpha = np.exp(scores) / np.exp(scores).sum()
            paid.append(alpha)
            h = _combined(weights, h, alpha @ memory)
        outputs.append(weights["head.weight"] @ h + weights["head.bias"])
    return np.stack(outputs), paid


def _combined(weights, h, context):
    joined = np.concatenate([h, context])
    return np.tanh(weights["attention.combine.weight"] @ joined + weights["attention.combine.bias"])


def segment_network(shape, weights, segments, ahead, channel):
    """Outputs (M·w·O,) of one window alone: segments (S, w·I), what is known ahead (M, w·K), its channel's number."""
    e = np.maximum(segments @ weights["segment.weight"].T + weights["segment.bias"], 0)
    encoder, decoder = (_under(prefix, weights) for prefix in ("encoder.", "decoder."))
    nothing = zero_state(shape.cell, shape.hidden_size)
    last = sequence(shape.encoder, encoder, e, [nothing] * shape.num_layers)[-1]
    rows = []
    for m in range(shape.segments):
        told = [weights["position.weight"][m], ahead[m]]
        if shape.channels > 1:
            told.insert(1, weights["channel.weight"][channel])
        start = [(last, *nothing[1:])]
        h = sequence(shape.decoder, decoder, np.concatenate(told)[None], start)[0]
        rows.append(weights["head.weight"] @ h + weights["head.bias"])
    return np.concatenate(rows)


def pooled(y, pooling, H, weights):
    """One vector (F,) from a sequence's outputs y (n, F), H of them from the direction that reads ahead."""
    if pooling == "last":
        return np.concatenate([y[-1, :H], y[0, H:]])
    if pooling == "attention":
        scores = y @ weights["pooling.weight"]
        alpha = np.exp(scores - scores.max())
        return alpha @ y / alpha.sum()
    return y.mean(axis=0) if pooling == "mean" else y.max(axis=0)


def leaky_ring(x, v, bias, ring, leak, segments):
    """The mean state of each segment of a sequence x (T, I) in a ring of leaky units, and the last state."""
    states, h, T = [], np.zeros(len(bias)), len(x)
    for row in x:
        h = (1 - leak) * h + leak * np.tanh(bias + row @ v + ring * np.roll(h, 1))
        states.append(h)
    ends = [(k * T // segments, (k + 1) * T // segments) for k in range(segments)]
    return np.array([np.mean(states[i : max(j, i + 1)], axis=0) for i, j in ends] + [h])


def cross_entropy(logits, targets):
    """Mean nats over the targets that are not −1."""
    total, count = 0.0, 0
    for z, y in zip(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), strict=True):
        if y >= 0:
            total -= z[y] - z.max() - np.log(np.exp(z - z.max()).sum())
            count += 1
    return total / count


def sigmoid_cross_entropy(logits, sets):
    """Nats (T, B) of sets (T, B, V) of ones and zeros, each of which is its class's by itself, summed over the sets."""
    p = sigmoid(logits)
    return -np.where(sets == 1, np.log(p), np.log(1 - p)).sum(axis=-1)


def squared_error(outputs, targets):
    return float(((outputs - targets) ** 2).mean())


def tag_scores(outputs, transitions, start, end):
    """Every sequence of tags (n,) for outputs (n, K), and its score in a linear-chain conditional random field."""
    n, K = outputs.shape
    paths = np.array(list(itertools.product(range(K), repeat=n)))
    steps = outputs[np.arange(n), paths].sum(axis=1) + transitions[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    return paths, start[paths[:, 0]] + steps + end[paths[:, -1]]


def tag_chances(outputs, transitions, start, end):
    """Every sequence of tags and the logarithm of its probability."""
    paths, scores = tag_scores(outputs, transitions, start, end)
    return paths, scores - scores.max() - np.log(np.exp(scores - scores.max()).sum())


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def collapsed(path):
    """The target that a path of symbols says, and the steps at which its symbols begin.

    A target, a tuple, is what is left of a path when repeats are merged and then blanks, 0, are taken out.
    """
    begins = [t for t, c in enumerate(path) if c and (t == 0 or path[t - 1] != c)]
    return tuple(path[t] for t in begins), begins


def ctc_paths(outputs):
    """The probability of the paths of each target that outputs (T, C) can say, by their symbol at each step, (T, C)."""
    T, C = outputs.shape
    y, found = softmax(outputs), {}
    for path in itertools.product(range(C), repeat=T):
        at = np.arange(T), np.array(path)
        found.setdefault(collapsed(path)[0], np.zeros((T, C)))[at] += y[at].prod()
    return found


def ctc_loss(outputs, target):
    """−ln p(target) by the forward recursion over the target with a blank around each symbol, in log space."""
    y = outputs - outputs.max(axis=1, keepdims=True)
    y = y - np.log(np.exp(y).sum(axis=1, keepdims=True))
    states = [0] + [s for c in target for s in (c, 0)]
    alpha = [y[0, c] if i < 2 else -np.inf for i, c in enumerate(states)]
    for t in range(1, len(y)):
        before = [-np.inf, -np.inf, *alpha]
        for i, c in enumerate(states):
            leap = before[i] if c and i > 1 and states[i - 2] != c else -np.inf
            alpha[i] = y[t, c] + np.logaddexp(np.logaddexp(before[i + 2], before[i + 1]), leap)
    return -np.logaddexp.reduce(alpha[-2:])


def prefix_beam(outputs, width, extra=lambda prefix: np.zeros(99)):
    """The targets of outputs (T, C) that are left at the end, best first: each with the logarithm of its probability,
    its rank, and the steps at which the symbols of its best path begin.

    extra: what the rank of a prefix gets for each symbol that may be next.
    """

    def rank(prefix, paths):
        return np.log(sum(paths.values())) + sum(extra(prefix[:k])[c] for k, c in enumerate(prefix))

    beam = {(): {(): 1.0}}  # the probabilities of the paths of each prefix
    for y in softmax(outputs):
        after = {}
        for path, p in [item for paths in beam.values() for item in paths.items()]:
            for c, chance in enumerate(y):
                longer = (*path, c)
                after.setdefault(collapsed(longer)[0], {})[longer] = p * chance
        beam = dict(sorted(after.items(), key=lambda item: -rank(*item))[:width])
    return [
        (prefix, np.log(sum(paths.values())), rank(prefix, paths), collapsed(max(paths, key=paths.get))[1])
        for prefix, paths in beam.items()
    ]


def kneser_ney(train, V, line_end=None, order=5):
    """P(token | context): n-grams as tuples, each counted by the definition in `language_model.kneser_ney`."""
    raw = Counter(
        tuple(train[i - n : i + 1])
        for n in range(order)
        for i in range(n, len(train))
        if line_end is None or line_end not in train[i - n + 1 : i]
    )
    counts = [Counter() for _ in range(order)]
    for gram, count in raw.items():
        n = len(gram) - 1
        longer = {above for above in raw if len(above) == n + 2 and above[1:] == gram}
        begins = tuple(train[: n + 1]) == gram
        if n == order - 1 or (n > 0 and gram[0] == line_end):
            counts[n][gram] = count
        else:
            counts[n][gram] = len(longer) + begins
    levels = []
    for one in counts:
        n = [0, *(sum(c == k for c in one.values()) for k in (1, 2, 3, 4))]
        D = None
        if all(n[1:]):
            Y = n[1] / (n[1] + 2 * n[2])
            D = [0, 1 - 2 * Y * n[2] / n[1], 2 - 3 * Y * n[3] / n[2], 3 - 4 * Y * n[4] / n[3]]
            D = D if min(D[1:]) > 0 else None
        followers = defaultdict(dict)
        for gram, count in one.items():
            followers[gram[:-1]][gram[-1]] = count
        levels.append((followers, D))

    def probability(context, token):
        p = 1 / V
        for n, (followers, D) in enumerate(levels):
            seen = followers.get(tuple(context[len(context) - n :]))
            outside = line_end is not None and line_end in context[len(context) - n + 1 :]
            if n > len(context) or seen is None or (n > 1 and outside):
                break
            total, a = sum(seen.values()), seen.get(token, 0)
            if D is None:
                p = (a + len(seen) * p) / (total + len(seen))
            else:
                p = (a - D[min(a, 3)] + sum(D[min(c, 3)] for c in seen.values()) * p) / total
        return p

    return probability
