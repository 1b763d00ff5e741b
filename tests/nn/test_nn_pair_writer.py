"""Greedy and beam search against an exhaustive search over the naive twin."""

import itertools

import naive
import numpy as np
import pytest
from pairs import Pairs, small_shape
from parameters import mostly_thorough

from rnncli.kernels import beam
from rnncli.kernels.cells import CELLS
from rnncli.nn.attention import ATTENTIONS
from rnncli.nn.writers import PairWriter

pytestmark = pytest.mark.thorough

WAYS = [None, *ATTENTIONS]
# A search is compiled for each cell, which takes ten seconds of every one.
EACH = mostly_thorough(CELLS, ["gru"])


def log_probabilities(pairs, b, tokens):
    """(n + 1, V + 1): of what follows each prefix of `tokens`, by the naive twin."""
    length, shape = pairs.lengths[b], pairs.shape
    source = pairs.work.encoder.tokens[:length, b] if shape.encodes else pairs.vector[0, b]
    z = naive.encoder_decoder(shape, pairs.model.parameters.export(), source, np.array([shape.end, *tokens]))
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def copied(pairs, b, tokens):
    """The source place of each of `tokens`: of its unknown tokens, or of all if it has none, the one looked at most."""
    source = pairs.work.encoder.tokens[: pairs.lengths[b], b]
    read = np.array([pairs.shape.end, *tokens[:-1]])
    weights = pairs.model.parameters.export()
    _, paid = naive.attending_encoder_decoder(pairs.shape, weights, source, read)
    places = [s for s, token in enumerate(source) if token == 0] or list(range(len(source)))
    return [max(places, key=lambda s: paid[n][s]) for n in range(len(tokens))]


def written(pairs, beams, longest=4, alpha=1.0, *, copies=False):
    if not pairs.shape.encodes:
        pairs.work.vector[...] = pairs.vector
    pairs.model.pack()
    pairs.model.read(pairs.work, 0, pairs.work.B)
    return PairWriter([pairs.model], beams=beams, longest=longest, alpha=alpha, copies=copies).write([pairs.work])


def score(pairs, b, tokens, *, ended=True):
    chances = log_probabilities(pairs, b, tokens)
    said = [*tokens, pairs.shape.end] if ended else tokens
    return sum(chances[n, token] for n, token in enumerate(said))


@pytest.mark.thorough
@pytest.mark.parametrize("attention", WAYS)
@pytest.mark.parametrize("cell", EACH)
def test_greedy_takes_the_most_probable_token_at_each_step(cell, attention):
    pairs = Pairs(small_shape(cell, attention, layers=2))
    for b, (answer,) in enumerate(written(pairs, 1)):
        tokens = []
        while len(tokens) < 4:
            chances = log_probabilities(pairs, b, tokens)[-1]
            chances[0] = -np.inf
            if chances.argmax() == pairs.shape.end:
                break
            tokens.append(int(chances.argmax()))
        assert answer.tokens.tolist() == tokens
        assert answer.score == pytest.approx(score(pairs, b, tokens, ended=len(tokens) < 4), rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("attention", WAYS)
def test_a_wide_beam_finds_the_best_of_all_answers(attention, alpha):
    """With room for every hypothesis the search is exhaustive."""
    pairs = Pairs(small_shape("gru", attention))
    longest, kinds = 3, [1, 2]
    every = [list(t) for n in range(longest) for t in itertools.product(kinds, repeat=n)]
    unended = [list(t) for t in itertools.product(kinds, repeat=longest)]
    for b, answers in enumerate(written(pairs, len(every) + len(unended), longest, alpha)):
        ranked = [(score(pairs, b, tokens) / (len(tokens) + 1) ** alpha, tokens) for tokens in every]
        ranked += [(score(pairs, b, tokens, ended=False) / longest**alpha, tokens) for tokens in unended]
        ranked.sort(reverse=True)
        assert [answer.tokens.tolist() for answer in answers] == [tokens for _, tokens in ranked]
        assert answers[0].score / max(1, len(answers[0].tokens) + (ranked[0][1] in every)) ** alpha == pytest.approx(
            ranked[0][0]
        )


@pytest.mark.parametrize(("beams", "longest"), [(13, 2), (3, 4)])
@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_copies_are_of_the_source_place_that_was_looked_at_most(attention, beams, longest):
    """The search is exhaustive with room for all 13 answers; with less, hypotheses still know where each one looked."""
    every = [list(t) for n in range(longest + 1) for t in itertools.product([0, 1, 2], repeat=n)]
    kinds = set()
    for seed in range(3):
        pairs = Pairs(small_shape("gru", attention), seed=seed)
        pairs.model.parameters.view("attention.query.weight")[...] *= 9  # it has opinions about places
        for b, answers in enumerate(written(pairs, beams, longest, 0.0, copies=True)):
            found = [answer.tokens.tolist() for answer in answers]
            if beams == len(every):
                assert found == sorted(every, key=lambda t: -score(pairs, b, t, ended=len(t) < longest))
            for answer, tokens in zip(answers, found, strict=True):
                assert answer.places.tolist() == copied(pairs, b, tokens)
                kinds |= {(0 in pairs.work.encoder.tokens[: pairs.lengths[b], b], place) for place in answer.places}
    assert len(kinds) > 5  # of both kinds of sources, at several places


def test_aligned_attention_tells_where_each_token_was_written():
    places = set()
    for seed in range(4):
        for answers in written(Pairs(small_shape("gru", "aligned"), seed=seed), 6, copies=True):
            for answer in answers:
                moves = [token in (1, 2) for token in answer.tokens]
                assert answer.places.tolist() == [sum(moves[:n]) for n in range(len(moves))]
                places |= set(enumerate(answer.places.tolist()))
    assert {(1, 0), (1, 1), (2, 1), (2, 2)} <= places


@pytest.mark.parametrize("K", [2, 4])
def test_a_sure_answer_is_not_lost_to_ends_before_it(K):
    """At each of six steps <end> has little probability, and yet a place among the K best."""
    surely, hardly, never, end = -0.001, -7.0, -60.0, 3
    records, live, found = beam.fresh_records(9, K), beam.fresh_live(K, K), beam.fresh_found(1, K)
    for n in range(9):
        going_on = n < 6
        row = [never, surely if going_on else hardly, never, hardly if going_on else surely]
        logits = np.repeat(np.array([row]), K, axis=0)
        if not beam.choose(n, logits, np.zeros(K, np.int32), end, -1, 1.0, records, live, found):
            break
    assert found.step[0, 0] == 5
    assert found.score[0, 0] == pytest.approx(7 * surely, abs=0.02)
    assert n < 8  # and then it stops


def test_a_vector_starts_an_answer():
    pairs = Pairs(small_shape("gru", encodes=False))
    for b, answers in enumerate(written(pairs, 2)):
        for answer in answers:
            tokens = answer.tokens.tolist()
            assert answer.score == pytest.approx(score(pairs, b, tokens, ended=len(tokens) < 4), rel=1e-12)


def test_the_unknown_token_is_never_written():
    pairs = Pairs(small_shape("gru", "dot"))
    pairs.model.head.bias.value[0] = 50
    assert all(0 not in answer.tokens for answers in written(pairs, 3) for answer in answers)


@pytest.mark.parametrize("beams", [1, 3])
def test_company_changes_no_answer(beams):
    pairs = Pairs(small_shape("lstm", "additive"), np.float32)
    together = written(pairs, beams)
    for b, answers in enumerate(together):
        alone = Pairs(small_shape("lstm", "additive"), np.float32, pairs.lengths[b : b + 1], pairs.spans[b : b + 1])
        alone.work.encoder.tokens[...] = pairs.work.encoder.tokens[: pairs.lengths[b], b : b + 1]
        (again,) = written(alone, beams)
        assert [(a.tokens.tolist(), a.score) for a in again] == [(a.tokens.tolist(), a.score) for a in answers]


def test_several_networks_write_together_what_the_mean_of_their_probabilities_prefers():
    """Against an exhaustive search; they copy from where they look at most together."""
    every = [list(t) for n in range(3) for t in itertools.product([0, 1, 2], repeat=n)]
    both = [Pairs(small_shape("gru", "dot"), seed=seed) for seed in (1, 2)]
    both[1].work.encoder.tokens[...] = both[0].work.encoder.tokens
    for pairs in both:
        pairs.model.parameters.view("attention.query.weight")[...] *= 9
        pairs.model.pack()
        pairs.model.read(pairs.work, 0, pairs.work.B)
    writer = PairWriter([pairs.model for pairs in both], beams=len(every), longest=2, alpha=0.0, copies=True)
    apart = 0
    for b, answers in enumerate(writer.write([pairs.work for pairs in both])):
        scores = {}
        for tokens in every:
            chances = np.log(np.mean([np.exp(log_probabilities(pairs, b, tokens)) for pairs in both], axis=0))
            said = tokens if len(tokens) == 2 else [*tokens, both[0].shape.end]
            scores[tuple(tokens)] = sum(chances[n, token] for n, token in enumerate(said))
        found = [tuple(answer.tokens.tolist()) for answer in answers]
        assert found == sorted(scores, key=scores.__getitem__, reverse=True)
        assert [answer.score for answer in answers] == pytest.approx([scores[tokens] for tokens in found], rel=1e-12)
        apart += found != sorted(scores, key=lambda tokens: -score(both[0], b, list(tokens), ended=len(tokens) < 2))
        source = both[0].work.encoder.tokens[: both[0].lengths[b], b]
        allowed = [s for s, token in enumerate(source) if token == 0] or list(range(len(source)))
        for answer in answers:
            read = np.array([both[0].shape.end, *answer.tokens[:-1]])
            each = (
                naive.attending_encoder_decoder(pairs.shape, pairs.model.parameters.export(), source, read)[1]
                for pairs in both
            )
            paid = [sum(weights) for weights in zip(*each, strict=True)]
            places = [max(allowed, key=lambda s, n=n: paid[n][s]) for n in range(len(answer.tokens))]
            assert answer.places.tolist() == places
    assert apart
