"""What a network that was trained by CTC heard: the target of its best path, or the best targets by prefix beam search.

`kernels.ctc` tells what a path is, and which target it says. Greedy decoding takes the most probable symbol of every
step, which is the most probable path, and the target that this one path says. Prefix beam search (Graves and Jaitly,
2014; Hannun et al., 2014) looks for the most probable target, whose probability is the sum over its paths. It keeps
the K best prefixes of targets, each with the probability b of its paths so far that end in a blank, and s of those that
end in its last symbol. A step, whose symbols have the probabilities y, gives

    b'(p)   = y[0]·(b(p) + s(p))
    s'(p)   = y[l]·s(p) + what extends the prefix without the last symbol l of p
    s'(p·c) = y[c]·(b(p) + s(p)), or y[c]·b(p) if p ends in c

in logarithms. Prefixes are ranked by ln (b + s), together with what a language model says of them. Beside b and s each
has its best path of either kind, from which are the steps at which its symbols begin.

Prefixes are nodes of a tree, which knows a prefix again that is found as an extension of another. The beginnings of
symbols are a tree too: paths of different hypotheses begin alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnncli.kernels.ctc import BLANK
from rnncli.kernels.elementary import exp, log1p
from rnncli.kernels.jit import jit
from rnncli.kernels.losses import log_total

f64 = np.float64

NEVER = -np.inf
NONE = -1
NOW, STAY, AFTER = 0, 1, 2
IN_BLANK, IN_SYMBOL, BEST_IN_BLANK, BEST_IN_SYMBOL, ALL, EXTRA = range(6)  # rows of `ends`
NODE, BEGIN_IN_BLANK, BEGIN_IN_SYMBOL = 0, 1, 2  # rows of `marks`
PARENT, SYMBOL, CHILD, SIBLING, PLACE = range(5)  # columns of `nodes`; PLACE: its hypothesis, or NONE
AT_ONCE = 64  # steps in one call, after which Ctrl-C is seen

Language = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""language(before, appended), both (n,): what a language model says of n hypotheses, log-probabilities (n, C).

Hypothesis i is hypothesis before[i] of the previous call, with the symbol appended[i] at its end, or as it was if that
is BLANK; in the first call, [0] and [BLANK], it is empty. Column c is for c as the next symbol, BLANK for the end.
"""


class Heard(NamedTuple):
    """Symbols (S,) int32, the steps (S,) int32 at which each begins, and their log-probability `score`.

    Their most probable path tells the steps. rank: the score, together with what a language model adds.
    """

    symbols: np.ndarray
    steps: np.ndarray
    score: float
    rank: float


class Beam(NamedTuple):
    """The K hypotheses of one sequence, best first: now, as they are if a step appends nothing, and after the step."""

    ends: np.ndarray  # (3, 6, K) logarithms: EXTRA is what a language model adds, the others are of paths, now or after
    marks: np.ndarray  # (3, 3, K) int32: the node of each, and the last beginning in its best path of either kind
    ranks: np.ndarray  # (K,) float64, after the step
    moves: np.ndarray  # (2, K) which hypothesis each was before the step, and what the step appended, or BLANK
    found: np.ndarray  # (K, C) 1 + the last step at which this extension was a hypothesis already
    nodes: np.ndarray  # (N, 5) of the tree of prefixes
    beginnings: np.ndarray  # (M, 2) of the tree of beginnings: the one before it in a path, and its step
    counts: np.ndarray  # (3,) of hypotheses, nodes and beginnings


@jit
def best_path(outputs, before, symbols, steps):
    """Write the symbols of the best path, and the steps at which they begin; return their number, and its
    log-probability.

    outputs (T, C); of equal ones the first counts. before: the symbol of the path at the step before. symbols, steps:
    room for T.
    """
    count, score = 0, 0.0
    for t in range(outputs.shape[0]):
        y, best = outputs[t], 0
        for c in range(1, y.size):
            if y[c] > y[best]:
                best = c
        score += f64(y[best]) - log_total(y)
        if best not in (BLANK, before):
            symbols[count], steps[count] = best, t
            count += 1
        before = best
    return count, score


def greedy(outputs: np.ndarray, before: int = BLANK) -> Heard:
    """Return what the best path through outputs (T, C), logits or log-probabilities, says; its score is of that path.

    before: if the steps are more of a sequence, the symbol that is highest at the step before the first of them.
    """
    symbols, steps = np.zeros((2, len(outputs)), np.int32)
    count, score = best_path(outputs, before, symbols, steps)
    return Heard(symbols[:count].copy(), steps[:count].copy(), score, score)


@jit
def _add(a, b):
    """Return ln (e^a + e^b)."""
    high, low = max(a, b), min(a, b)
    return high if low == NEVER else high + log1p(exp(low - high))


@jit
def _begin(beam, previous, t):
    """Return a new beginning, which follows `previous` in a path."""
    number = beam.counts[2]
    beam.beginnings[number, 0], beam.beginnings[number, 1] = previous, t
    beam.counts[2] += 1
    return number


@jit
def _child(beam, parent, c):
    """Return the node of a prefix with symbol c appended, a new one if there is none."""
    nodes = beam.nodes
    node = nodes[parent, CHILD]
    while node != NONE and nodes[node, SYMBOL] != c:
        node = nodes[node, SIBLING]
    if node == NONE:
        node = beam.counts[1]
        beam.counts[1] += 1
        nodes[node, PARENT], nodes[node, SYMBOL], nodes[node, CHILD] = parent, c, NONE
        nodes[node, SIBLING], nodes[node, PLACE] = nodes[parent, CHILD], NONE
        nodes[parent, CHILD] = node
    return node


@jit
def _open(beam, i, c):
    """Return the log-probability of the paths of hypothesis i that c extends, and of the best one, and its last
    beginning.
    """
    now, marks = beam.ends[NOW], beam.marks[NOW]
    again = beam.nodes[marks[NODE, i], SYMBOL] == c
    if again or now[BEST_IN_BLANK, i] >= now[BEST_IN_SYMBOL, i]:
        return now[IN_BLANK if again else ALL, i], now[BEST_IN_BLANK, i], marks[BEGIN_IN_BLANK, i]
    return now[ALL, i], now[BEST_IN_SYMBOL, i], marks[BEGIN_IN_SYMBOL, i]


@jit
def _stay(y, beam):
    """Compute what the hypotheses are after a step that appends nothing to them."""
    now, stay, marks = beam.ends[NOW], beam.ends[STAY], beam.marks[STAY]
    for i in range(beam.counts[0]):
        node = marks[NODE, i] = beam.marks[NOW, NODE, i]
        beam.nodes[node, PLACE] = i
        paths, best, begin = _open(beam, i, NONE)
        stay[IN_BLANK, i], stay[BEST_IN_BLANK, i], marks[BEGIN_IN_BLANK, i] = y[BLANK] + paths, y[BLANK] + best, begin
        again = y[beam.nodes[node, SYMBOL]]
        stay[IN_SYMBOL, i], stay[BEST_IN_SYMBOL, i] = again + now[IN_SYMBOL, i], again + now[BEST_IN_SYMBOL, i]
        marks[BEGIN_IN_SYMBOL, i], stay[EXTRA, i] = beam.marks[NOW, BEGIN_IN_SYMBOL, i], now[EXTRA, i]


@jit
def _meet(y, t, beam):
    """Add the extensions of hypotheses to those hypotheses that they are, after `_stay`."""
    stay, nodes = beam.ends[STAY], beam.nodes
    for j in range(beam.counts[0]):
        node = beam.marks[NOW, NODE, j]
        parent, c = nodes[node, PARENT], nodes[node, SYMBOL]
        i = NONE if parent == NONE else nodes[parent, PLACE]
        if i != NONE:
            beam.found[i, c] = t + 1
            paths, best, begin = _open(beam, i, c)
            stay[IN_SYMBOL, j] = _add(stay[IN_SYMBOL, j], y[c] + paths)
            if y[c] + best > stay[BEST_IN_SYMBOL, j]:
                stay[BEST_IN_SYMBOL, j], beam.marks[STAY, BEGIN_IN_SYMBOL, j] = y[c] + best, _begin(beam, begin, t)
        stay[ALL, j] = _add(stay[IN_BLANK, j], stay[IN_SYMBOL, j])


@jit
def _insert(ranks, moves, count, rank, i, c):
    """Insert hypothesis i with c appended among the `count` best ones, behind equal ones; return how many they are."""
    k = min(count, ranks.size - 1)
    if rank == NEVER or (count == ranks.size and rank <= ranks[k]):
        return count
    while k > 0 and ranks[k - 1] < rank:
        ranks[k], moves[0, k], moves[1, k] = ranks[k - 1], moves[0, k - 1], moves[1, k - 1]
        k -= 1
    ranks[k], moves[0, k], moves[1, k] = rank, i, c
    return min(count + 1, ranks.size)


@jit
def _choose(y, t, beam, extra):
    """Write the best hypotheses after a step to the moves and the ranks; return their number."""
    now, ranks, moves, count = beam.ends[NOW], beam.ranks, beam.moves, 0
    for i in range(beam.counts[0]):
        count = _insert(ranks, moves, count, beam.ends[STAY, ALL, i] + now[EXTRA, i], i, BLANK)
    for i in range(beam.counts[0]):
        last, found, adds = beam.nodes[beam.marks[NOW, NODE, i], SYMBOL], beam.found[i], extra[i]
        for c in range(1, y.size):
            if found[c] != t + 1:
                paths = now[IN_BLANK if c == last else ALL, i]
                count = _insert(ranks, moves, count, y[c] + paths + (now[EXTRA, i] + adds[c]), i, c)
    return count


@jit
def _copy(beam, source, i, target, k):
    """Make hypothesis k of `target` hypothesis i of `source`, both NOW, STAY or AFTER."""
    for row in range(beam.ends.shape[1]):
        beam.ends[target, row, k] = beam.ends[source, row, i]
    for row in range(beam.marks.shape[1]):
        beam.marks[target, row, k] = beam.marks[source, row, i]


@jit
def _follow(y, t, beam, extra, count):
    """Make the chosen hypotheses those of now."""
    now, after, marks = beam.ends[NOW], beam.ends[AFTER], beam.marks[AFTER]
    for k in range(count):
        i, c = beam.moves[0, k], beam.moves[1, k]
        if c == BLANK:
            _copy(beam, STAY, i, AFTER, k)
            continue
        paths, best, begin = _open(beam, i, c)
        after[IN_BLANK, k] = after[BEST_IN_BLANK, k] = NEVER
        after[IN_SYMBOL, k] = after[ALL, k] = y[c] + paths
        after[BEST_IN_SYMBOL, k], after[EXTRA, k] = y[c] + best, now[EXTRA, i] + extra[i, c]
        marks[NODE, k] = _child(beam, beam.marks[NOW, NODE, i], c)
        marks[BEGIN_IN_BLANK, k], marks[BEGIN_IN_SYMBOL, k] = NONE, _begin(beam, begin, t)
    for i in range(beam.counts[0]):
        beam.nodes[beam.marks[NOW, NODE, i], PLACE] = NONE
    for k in range(count):
        _copy(beam, AFTER, k, NOW, k)
    beam.counts[0] = count


@jit
def advance(outputs, first, beam, extra):
    """Read outputs (T, C), logits or log-probabilities in float64, the steps of a sequence from `first` on.

    extra (K, C) is added to the rank of a hypothesis that is extended by a symbol. beam.nodes and beam.beginnings have
    room for T·K and 2T·K more.
    """
    for t in range(outputs.shape[0]):
        y = outputs[t]
        total = log_total(y)
        for c in range(y.size):
            y[c] -= total
        _stay(y, beam)
        _meet(y, first + t, beam)
        count = _choose(y, first + t, beam, extra)
        _follow(y, first + t, beam, extra, count)


def fresh_beam(K: int, C: int) -> Beam:
    """Return a beam for K hypotheses, of which there is one: the empty one."""
    beam = Beam(
        ends=np.full((3, EXTRA + 1, K), NEVER),
        marks=np.full((3, 3, K), NONE, np.int32),
        ranks=np.zeros(K),
        moves=np.full((2, K), BLANK, np.int32),
        found=np.zeros((K, C), np.int32),
        nodes=np.full((1, 5), NONE, np.int32),
        beginnings=np.zeros((0, 2), np.int32),
        counts=np.array([1, 1, 0]),
    )
    beam.ends[NOW, [IN_BLANK, BEST_IN_BLANK, ALL, EXTRA], 0] = 0.0
    beam.marks[NOW, NODE, 0] = 0
    beam.nodes[0, SYMBOL] = BLANK
    return beam


def with_room(beam: Beam, steps: int) -> Beam:
    """Return the beam with room for so many steps more."""
    _, nodes, beginnings = beam.counts + steps * len(beam.ranks) * np.array([0, 1, 2])
    return beam._replace(nodes=_longer(beam.nodes, nodes), beginnings=_longer(beam.beginnings, beginnings))


def _longer(rows: np.ndarray, count: int) -> np.ndarray:
    if count <= len(rows):
        return rows
    longer = np.zeros((2 * count, rows.shape[1]), rows.dtype)
    longer[: len(rows)] = rows
    return longer


def heard(beam: Beam, i: int, end: float) -> Heard:
    """Return hypothesis i; end: what its rank gets for nothing that follows."""
    now, marks = beam.ends[NOW, :, i], beam.marks[NOW, :, i]
    node, found = marks[NODE], []
    begin = marks[BEGIN_IN_BLANK if now[BEST_IN_BLANK] >= now[BEST_IN_SYMBOL] else BEGIN_IN_SYMBOL]
    while begin != NONE:
        found.append((beam.nodes[node, SYMBOL], beam.beginnings[begin, 1]))
        node, begin = beam.nodes[node, PARENT], beam.beginnings[begin, 0]
    symbols, steps = np.array(found[::-1], np.int32).reshape(-1, 2).T.copy()
    return Heard(symbols, steps, float(now[ALL]), float(now[ALL] + now[EXTRA] + end))


def prefix_beam(
    outputs: np.ndarray,
    width: int,
    n_best: int,
    language: Language | None = None,
    weight: float = 1.0,
    bonus: float = 0.0,
) -> list[Heard]:
    """Return the n_best targets, or fewer if there are no more, of outputs (T, C), logits or log-probabilities.

    width: the number of hypotheses. rank = score + weight·(log-probability by the language model) + bonus·(number of
    symbols), and the highest rank comes first.
    """
    T, C = outputs.shape
    beam, extra = fresh_beam(width, C), np.full((width, C), bonus)
    at_once = AT_ONCE if language is None else 1
    for first in range(0, T, at_once):
        if language is not None:
            _ask(language, weight, bonus, beam, extra)
        beam = with_room(beam, at_once)
        advance(outputs[first : first + at_once].astype(float), first, beam, extra)
    ends = np.zeros(width)
    if language is not None:
        _ask(language, weight, bonus, beam, extra)
        ends = extra[:, BLANK]
    found = [heard(beam, i, ends[i]) for i in range(beam.counts[0])]
    return sorted(found, key=lambda one: -one.rank)[:n_best]


def _ask(language: Language, weight: float, bonus: float, beam: Beam, extra: np.ndarray) -> None:
    """Set the rows of `extra` for the hypotheses of now to what a language model says of their extensions."""
    n = beam.counts[0]
    extra[:n] = weight * language(*beam.moves[:, :n])
    extra[:n, BLANK + 1 :] += bonus
