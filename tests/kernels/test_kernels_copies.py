"""Hashes of sequences of tokens beside the sequences themselves."""

import numpy as np
import pytest

from rnncli.kernels import copies

TOKENS = np.random.default_rng(3).integers(0, 4, 400).astype(np.int32)


def grams(tokens, n):
    return [tuple(tokens[i : i + n].tolist()) for i in range(len(tokens) - n + 1)]


def hashes(tokens, n):
    out = np.zeros(len(tokens) - n + 1, np.uint64)
    copies.hash_all(tokens, n, out)
    return out


@pytest.mark.parametrize("n", [1, 2, 5, 40, 400])
def test_equal_sequences_have_equal_hashes_and_others_have_others(n):
    pairs = set(zip(grams(TOKENS, n), hashes(TOKENS, n).tolist(), strict=True))
    assert len(pairs) == len({gram for gram, _ in pairs}) == len({h for _, h in pairs})
    assert 0 not in {h for _, h in pairs}


def test_zeros_in_front_count():
    zeros = hashes(np.zeros(6, np.int32), 3)
    assert len({*zeros.tolist(), *hashes(np.zeros(2, np.int32), 2).tolist()}) == 2


@pytest.mark.parametrize("n", [1, 3, 8])
def test_the_hash_of_a_ring_is_that_of_the_sequence(n):
    ring, R = np.zeros(8, np.int32), 8
    wanted = hashes(TOKENS, n)
    for end in range(30):
        if end >= n - 1:
            assert copies.hash_last(ring, end, n, TOKENS[end]) == wanted[end - n + 1]
        ring[end % R] = TOKENS[end]


def test_the_table_knows_what_is_in_the_text():
    text, other = TOKENS[:200], TOKENS[200:]
    wanted = hashes(other, 5)
    table = np.zeros(1024, np.uint64)
    found, out = np.zeros(1024, bool), np.zeros(len(wanted), bool)
    copies.enter(wanted, table)
    assert np.count_nonzero(table) == len(set(wanted.tolist()))
    copies.mark(hashes(text, 5), table, found)
    copies.look_up(wanted, table, found, out)
    known = set(grams(text, 5))
    assert out.tolist() == [gram in known for gram in grams(other, 5)]
    assert 0 < out.sum() < len(out)


def test_the_filter_forgets_nothing_and_seldom_finds_what_is_not_there():
    many = np.arange(20_000, dtype=np.int32)
    words = np.zeros(4096, np.uint64)  # 13 bits a sequence
    copies.remember(hashes(many, 3), words)
    assert all(copies.may_have(h, words) for h in hashes(many, 3)[:500])
    others = hashes(many[::-1].copy(), 3)[:5000]
    assert sum(copies.may_have(h, words) for h in others) < 0.02 * len(others)
