"""Greedy and beam search for answers of one decoder or of several, whose probabilities are averaged.

A step of the search is `say` of each network, `average` if there are several, `look`, `choose`, and `follow` of each.

Row b·K + k of every array is hypothesis k of sequence b. A hypothesis is finished when it chooses <end> and is then
among the K best. Finished hypotheses are ranked by log-probability / length^alpha, <end> counted (Wu et al., 2016,
without their offset). A sequence is finished when K of its hypotheses are and none that goes on is more probable than
the last of them: a network that is sure of its answer gives <end> a place among the K best long before, with next to
no probability. K = 1 is greedy search.

Every row also records the source place that it looked at most, from which an unknown word can be copied (Luong et
al., 2015, "Addressing the rare word problem"; Jean et al., 2015).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnncli.kernels import attention, denormals
from rnncli.kernels.elementary import exp, log
from rnncli.kernels.gemm import multiply
from rnncli.kernels.generation import advance, states_of
from rnncli.kernels.jit import jit
from rnncli.kernels.losses import LEAST, log_total

NONE, DOT, ADDITIVE, ALIGNED = 0, 1, 2, 3
MOVES = 2  # tokens before <end> that go on to the next place of a source, with aligned attention
f64 = np.float64
NOWHERE = -np.inf


class Sight(NamedTuple):
    """The sources that R rows attend to, and the arrays of one step of attention; see `kernels.attention`."""

    way: int  # NONE, DOT, ADDITIVE or ALIGNED
    memory: np.ndarray  # (S, R, F)
    keys: np.ndarray  # (S, R, A)
    lengths: np.ndarray  # (R,)
    ones: np.ndarray  # (R,): one step each
    query_packed: np.ndarray
    no_bias: np.ndarray  # (A,)
    energy: np.ndarray  # (A,)
    combine_packed: np.ndarray
    combine_bias: np.ndarray  # (H,)
    query: np.ndarray  # (1, R, A)
    raised: np.ndarray  # (R, A)
    weights: np.ndarray  # (1, R, S)
    joined: np.ndarray  # (1, R, H + F)
    combined: np.ndarray  # (1, R, H)
    copied: np.ndarray  # (R, S) bool: the source places that may be copied
    places: np.ndarray  # (1, R): where each row is in its source, ALIGNED only


class Records(NamedTuple):
    """What the R rows chose at each of N steps; all (N, R) int32."""

    tokens: np.ndarray
    parents: np.ndarray  # the row that was continued
    places: np.ndarray  # the source place that it looked at most; 0 without attention


class Found(NamedTuple):
    """Finished hypotheses of B sequences, best first; `finished` (B,) counts them, the other arrays are (B, K)."""

    rank: np.ndarray  # log-probability / length^alpha
    score: np.ndarray  # log-probability
    step: np.ndarray  # the last token's number, <end> left out
    row: np.ndarray  # and the row that said it
    finished: np.ndarray


@jit
def say(weights, state, sight, previous):
    """Compute what a network says after it read a token of `previous` (1, R) in each row: its next states, and from
    these state.logits, through attention unless sight.way is NONE.
    """
    word = denormals.flush()
    advance(weights, state, previous)
    if sight.way == ALIGNED:
        _move(sight.places[0], previous[0], weights.head_bias.size - 1)
    _say(weights, state, sight, previous.shape[1])
    denormals.restore(word)


@jit
def _move(places, tokens, end):
    """Go on to the next source place in each row whose token is a move."""
    for r in range(places.size):
        if end - MOVES <= tokens[r] < end:
            places[r] += 1


@jit
def _say(weights, state, sight, R):
    """Compute state.logits from the topmost layer's next states."""
    top = state.arrays.h[-1, 1:]
    if sight.way == NONE:
        multiply(top, weights.head[0], weights.head_bias, state.logits, 0, 1, 0, R)
        return
    attention.join(top, sight.joined, 0, R)
    if sight.way == ALIGNED:
        attention.point(sight.places, sight.memory, sight.lengths, sight.ones, sight.joined, 0, R)
    else:
        multiply(top, sight.query_packed, sight.no_bias, sight.query, 0, 1, 0, R)
        if sight.way == DOT:
            attention.dot_scores(sight.query, sight.memory, sight.lengths, sight.ones, sight.weights, 0, R)
        else:
            attention.additive_scores(
                sight.query, sight.keys, sight.energy, sight.lengths, sight.ones, sight.raised, sight.weights, 0, R
            )
        attention.attend(sight.weights, sight.memory, sight.lengths, sight.ones, sight.joined, 0, R)
    multiply(sight.joined, sight.combine_packed, sight.combine_bias, sight.combined, 0, 1, 0, R)
    attention.squash(sight.combined, 0, R)
    multiply(sight.combined, weights.head[0], weights.head_bias, state.logits, 0, 1, 0, R)


@jit
def look(weights, sight, looked):
    """Write to looked (R,) the source place, of those that may be copied, to which each row pays the largest of its
    weights (R, S); of equal ones the first; 0 if there is none. With aligned attention it is the place of the row.
    """
    for r in range(looked.size):
        if sight.way == ALIGNED:
            looked[r] = sight.places[0, r]
            continue
        best = -1
        for s in range(sight.lengths[r] if sight.way != NONE else 0):
            if sight.copied[r, s] and (best < 0 or weights[r, s] > weights[r, best]):
                best = s
        looked[r] = max(best, 0)


@jit
def average(logits, outputs):
    """Write to outputs (R, V) the logarithms of the mean probabilities that the logits (N, R, V) of N networks say."""
    N, R, V = logits.shape
    for r in range(R):
        chances = np.zeros(V)
        for k in range(N):
            total = log_total(logits[k, r])
            for v in range(V):
                chances[v] += exp(f64(logits[k, r, v]) - total)
        for v in range(V):
            outputs[r, v] = log(max(chances[v] / N, LEAST))


@jit
def _candidates(logits, live, first, K, excluded, scores, rows, tokens):
    """Write the 2K best continuations of the K rows from `first` on, best first, ties in order; return their number."""
    count, room = 0, scores.size
    for r in range(first, first + K):
        if live[r] == NOWHERE:
            continue
        z = logits[r]
        base = live[r] - log_total(z)
        for v in range(z.size):
            score = base + f64(z[v])
            if v == excluded or (count == room and score <= scores[room - 1]):
                continue
            i = count if count < room else room - 1
            while i > 0 and scores[i - 1] < score:
                scores[i], rows[i], tokens[i] = scores[i - 1], rows[i - 1], tokens[i - 1]
                i -= 1
            scores[i], rows[i], tokens[i] = score, r, v
            count = min(count + 1, room)
    return count


@jit
def _finish(found, b, score, step, row, length, alpha):
    """Insert a finished hypothesis of sequence b into `found`, which keeps the K best in order of rank."""
    K = found.rank.shape[1]
    rank = score / f64(length) ** alpha
    i = found.finished[b]
    if i == K:
        if rank <= found.rank[b, K - 1]:
            return
        i = K - 1
    else:
        found.finished[b] += 1
    while i > 0 and found.rank[b, i - 1] < rank:
        for array in (found.rank, found.score):
            array[b, i] = array[b, i - 1]
        for places in (found.step, found.row):
            places[b, i] = places[b, i - 1]
        i -= 1
    found.rank[b, i], found.score[b, i], found.step[b, i], found.row[b, i] = rank, score, step, row


@jit
def _follow(states, parents):
    """Set the current state of every row of states (L, 2, R, H) to the next state of its parent row."""
    for l in range(states.shape[0]):
        for r in range(states.shape[2]):
            before, after = states[l, 0, r], states[l, 1, parents[r]]
            for j in range(after.size):
                before[j] = after[j]


@jit
def _go_with(places, parents):
    """Set the place of every row of places (R,) to that of its parent row."""
    before = places.copy()
    for r in range(places.size):  # an array as an index takes ten times as long to compile
        places[r] = before[parents[r]]


@jit
def follow(arrays, sight, parents):
    """Set the current states and the place of every row of a network to the next states and the place of its parent."""
    if sight.way == ALIGNED:
        _go_with(sight.places[0], parents)
    for states in states_of(arrays):
        _follow(states, parents)


@jit
def choose(n, logits, looked, end, excluded, alpha, records, live, found):
    """Continue the hypotheses of all sequences by the best tokens of step n; return how many sequences go on.

    logits (R, V); looked (R,): the source place that each row looks at. `found` gets the hypotheses that are finished,
    `records` what every row chose, live (R,) float64 the log-probabilities of those that go on, NOWHERE for the others.
    """
    tokens, parents, places = records.tokens, records.parents, records.places
    B, K = found.rank.shape
    scores = np.empty(2 * K)
    rows, words = np.empty(2 * K, np.int64), np.empty(2 * K, np.int64)
    running = 0
    for b in range(B):
        first = b * K
        count = _candidates(logits, live, first, K, excluded, scores, rows, words)
        for r in range(first, first + K):
            live[r], tokens[n, r], parents[n, r], places[n, r] = NOWHERE, end, r, 0
        kept = 0
        for i in range(count):
            if words[i] == end:
                if i < K:
                    _finish(found, b, scores[i], n - 1, rows[i], n + 1, alpha)
            elif kept < K:
                r = first + kept
                live[r], tokens[n, r], parents[n, r] = scores[i], words[i], rows[i]
                places[n, r] = looked[rows[i]]
                kept += 1
        if found.finished[b] == K and live[first] <= found.score[b, K - 1]:
            live[first : first + K] = NOWHERE
        running += live[first] > NOWHERE
    return running


@jit
def finish_all(steps, alpha, live, found):
    """Finish what has not come to its end after so many steps."""
    B, K = found.rank.shape
    for b in range(B):
        for r in range(b * K, b * K + K):
            if live[r] > NOWHERE:
                _finish(found, b, live[r], steps - 1, r, steps, alpha)


@jit
def trace(records, step, row, tokens, places):
    """Follow a hypothesis back from row `row` at step `step`, and write it to tokens, places (step + 1,)."""
    for n in range(step, -1, -1):
        tokens[n], places[n] = records.tokens[n, row], records.places[n, row]
        row = records.parents[n, row]


def fresh_records(N: int, R: int) -> Records:
    """Return `Records` for N steps of R rows."""
    whole = np.zeros((N, R), np.int32)
    return Records(whole, whole.copy(), whole.copy())


def fresh_live(R: int, K: int) -> np.ndarray:
    """Return the log-probabilities of R rows at the beginning, where each sequence has one hypothesis."""
    live = np.full(R, NOWHERE)
    live[::K] = 0.0
    return live


def fresh_found(B: int, K: int) -> Found:
    """Return a `Found` with room for K answers to each of B sequences."""
    whole = np.zeros((B, K), np.int32)
    return Found(np.zeros((B, K)), np.zeros((B, K)), whole, whole.copy(), np.zeros(B, np.int32))
