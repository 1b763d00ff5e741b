"""What must not be written, beside a plain search in the text; and what is copied, beside a search for it."""

from __future__ import annotations

import contextlib
import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_language_model_decoding import LOGITS, constant, ids, made

from rnncli.data.text import detokenize
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import UsageError
from rnncli.tasks.language_model import copies
from rnncli.tasks.language_model.bad_words import BadWords
from rnncli.tasks.language_model.decoding import Barred, Decoder, Sampling

TEXT = "the cat sat on the mat and thé hat\n" * 3


@pytest.mark.parametrize("kind", ["char", "byte", "bpe"])
@given(bad=st.lists(st.text("théa nm", min_size=1, max_size=4), min_size=1, max_size=4), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_token_is_left_out_if_and_only_if_it_completes_a_bad_text(kind, bad, seed):
    vocabulary = Vocabulary.build(TEXT, kind)
    random = np.random.default_rng(seed)
    with contextlib.suppress(UsageError):  # where they leave nothing to write
        words = BadWords(vocabulary, bad)
        check(words, vocabulary, bad, random)


def check(words, vocabulary, bad, random):
    kind = vocabulary.kind
    place, numbers = 0, []
    for _ in range(12):
        had = detokenize(vocabulary.decode(numbers), kind)
        for v in range(1, len(vocabulary)):
            then = detokenize(vocabulary.decode([*numbers, v]), kind).encode("utf-8", "surrogateescape")
            comes = any(
                text.encode() in then
                and then.count(text.encode()) > had.encode("utf-8", "surrogateescape").count(text.encode())
                for text in bad
            )
            if comes:
                assert words.after[place, v] < 0
            elif not any(text.encode() in then for text in bad):
                assert words.after[place, v] >= 0
        assert words.after[place, 0] < 0
        v = int(random.choice(np.flatnonzero(words.after[place] >= 0)))
        numbers.append(v)
        place = words.after[place, v]
    written = detokenize(vocabulary.decode(numbers), kind).encode("utf-8", "surrogateescape")
    assert not any(text.encode() in written for text in bad)


def test_words_are_compared_as_words_and_a_prime_may_begin_them():
    vocabulary = Vocabulary.build(TEXT, "word")
    words = BadWords(vocabulary, ["the cat", "mat"])
    the, cat, mat, sat = (int(vocabulary.encode(word)[0]) for word in ("the", "cat", "mat", "sat"))
    assert words.after[0, mat] < 0 <= words.after[0, cat]
    assert words.after[words.after[0, the], cat] < 0 <= words.after[words.after[0, the], sat]
    assert words.place_after("sat on the") == words.after[0, the]
    assert words.place_after("the hat") == 0
    assert np.array_equal(words.after[words.place_after("the cat")], words.after[0])
    assert not BadWords(vocabulary).after[:, 1:].any()


def test_ten_thousand_texts_take_no_time():
    random = np.random.default_rng(1)
    known, others = (["".join(map(chr, 97 + random.integers(0, 26, 8))) for _ in range(10_000)] for _ in range(2))
    began = time.process_time()
    words = BadWords(Vocabulary(("<unk>", *dict.fromkeys(known)), "word"), [*others, *known[:5000]])
    assert (words.after[0] < 0).sum() == 1 + len(set(known[:5000]) | (set(known) & set(others)))
    BadWords(Vocabulary.build("".join(map(chr, range(97, 123))), "char"), others)
    assert time.process_time() - began < 10  # 1 s; minutes where it takes quadratic time


def test_a_bad_text_of_an_unknown_word_and_a_known_one_may_begin_in_the_prime():
    vocabulary = Vocabulary.build(TEXT, "word")
    words = BadWords(vocabulary, ["zanzibar cat", "the zanzibar"])
    cat = int(vocabulary.encode("cat")[0])
    assert words.after[words.place_after("the zanzibar"), cat] < 0 <= words.after[words.place_after("the"), cat]


def test_texts_that_leave_nothing_to_write_are_refused():
    vocabulary = Vocabulary.build("ab", "char")
    with pytest.raises(UsageError, match='leave nothing to write after "a"'):
        BadWords(vocabulary, ["aa", "ab"])
    with pytest.raises(UsageError, match="an empty text is in every text"):
        BadWords(vocabulary, ["a", ""])
    BadWords(vocabulary, ["ab"])


def longest_common(text, trained):
    found = [n for n in range(len(text) + 1) if any(text[i : i + n] in trained for i in range(len(text) - n + 1))]
    return max(found)


@given(texts=st.lists(st.text("ab", max_size=40), max_size=3), trained=st.text("ab", max_size=60))
@settings(max_examples=100, deadline=None)
def test_the_copies_are_those_that_a_search_finds(texts, trained):
    numbers = [np.array([*map(ord, text)], np.uint8) for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_PIECE", 7)
        found = copies.copied(numbers, np.array([*map(ord, trained)], np.uint8))
    grams = [text[i : i + 8] for text in texts for i in range(len(text) - 7)]
    share = sum(gram in trained for gram in grams) / len(grams) if grams else 0
    longest = max((longest_common(text, trained) for text in texts), default=0)
    assert found == copies.Copied(sum(map(len, texts)), longest, pytest.approx(share))


def runs(tokens, trained):
    """The longest run of `tokens` in `trained`."""
    return longest_common("".join(map(chr, tokens)), "".join(map(chr, trained)))


@pytest.mark.parametrize("how", [{}, {"top_k": 1}, {"top_p": 0.1}, {"min_p": 0.9, "repetition_penalty": 1.2}])
@pytest.mark.parametrize("longest", [1, 2, 5])
def test_no_longer_run_is_copied(how, longest):
    network = made("gru")
    V = network.shape.output_size
    after = np.zeros((1, V), np.int32)
    after[0, 0] = -1
    trained = np.random.default_rng(1).integers(1, V, V * 8).astype(np.int32)
    if longest > 1:
        free = Decoder(network).write(Decoder(network).read(ids(5)), Sampling(**how))
        trained = np.array([*trained, *itertools.islice(free.sequence(0), 300)], np.int32)
    decoder = Decoder(network)
    barred = Barred(after, seen=copies.filter_of(trained, longest + 1))
    sequence = decoder.write(decoder.read(ids(5)), Sampling(max_copy=longest, **how), 1, barred).sequence(0)
    tokens = list(itertools.islice(sequence, 300))
    assert runs(tokens, trained.tolist()) == longest
    assert 0 not in tokens


@pytest.mark.parametrize("longest", [1, 3, 70])
@pytest.mark.parametrize("size", [1, 2, 69, 71, 200])
def test_a_copy_that_begins_in_the_prime_is_counted_from_there(longest, size):
    network = made("gru")
    V = network.shape.output_size
    after = np.zeros((1, V), np.int32)
    after[0, 0] = -1
    before = np.random.default_rng(2).integers(1, V, size).astype(np.int32)
    free = itertools.islice(Decoder(network).write(Decoder(network).read(before), Sampling(top_k=1)).sequence(0), 200)
    trained = np.append(before, np.array(list(free), np.int32))  # what the network goes on with
    decoder = Decoder(network)
    barred = Barred(after, seen=copies.filter_of(trained, longest + 1), read=before)
    written = decoder.write(decoder.read(before), Sampling(max_copy=longest, top_k=1), 2, barred)
    tokens = list(itertools.islice(written.sequence(1), 100))
    whole = [*before.tolist(), *tokens]
    grams = {tuple(trained[i : i + longest + 1].tolist()) for i in range(len(trained) - longest)}
    new = [tuple(whole[i : i + longest + 1]) for i in range(max(size - longest, 0), len(whole) - longest)]
    assert not grams & set(new)


def test_others_are_drawn_by_their_probability_where_one_would_be_copied():
    logits = np.log([0.1, 0.4, 0.2, 0.2, 0.1])
    network = constant(np.append(logits, [-30.0] * (len(LOGITS) - 5)))
    after = np.zeros((1, network.shape.output_size), np.int32)
    trained = np.array([0, 1, 1, 2, 1, 3, 1, 4, 1, 0], np.int32)  # 1 after anything, anything after 1
    barred = Barred(after, seen=copies.filter_of(trained, 2))
    decoder = Decoder(network, excluded=5)
    sequence = decoder.write(decoder.read(np.ones(1, np.int32)), Sampling(max_copy=1, seed=3), 1, barred).sequence(0)
    tokens = np.array(list(itertools.islice(sequence, 20_000)))[1:]
    shares = np.bincount(tokens, minlength=5)[:5] / len(tokens)
    assert shares == pytest.approx([1 / 6, 0, 1 / 3, 1 / 3, 1 / 6], abs=0.02)


def test_what_cannot_but_be_copied_is_copied():
    network = constant([0.0, 5.0, *[-90.0] * (len(LOGITS) - 2)])
    V = network.shape.output_size
    after = np.full((1, V), -1, np.int32)
    after[0, 1] = 0  # only token 1 may be written
    barred = Barred(after, seen=copies.filter_of(np.ones(50, np.int32), 3))
    decoder = Decoder(network)
    sequence = decoder.write(decoder.read(np.ones(1, np.int32)), Sampling(max_copy=2), 1, barred).sequence(0)
    assert set(itertools.islice(sequence, 50)) == {1}
