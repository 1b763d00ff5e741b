"""Targets as edits of their sources: what is copied, left out and written, where that is chosen, and its spelling."""

import numpy as np
import pytest
from test_seq2seq_scores import POOL

from rnncli.data.source import Source
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import ConfigError
from rnncli.nn.writers import Written
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.seq2seq.edits import edits, shared, spelled
from rnncli.tasks.task import Context

LETTERS = Vocabulary.build("abcdefghijklmnopqrstuvwxyz", "char")
COPY, LEAVE = len(LETTERS), len(LETTERS) + 1


def written(text):
    """`=` copies, `-` leaves out; any other character is written."""
    return [COPY if c == "=" else LEAVE if c == "-" else int(LETTERS.encode(c)[0]) for c in text]


@pytest.mark.parametrize(
    ("source", "target", "made"),
    [
        ("walk", "walk", "===="),
        ("stop", "stopped", "====ped"),
        ("make", "making", "===i-ng"),  # a letter is written before the one in whose place it stands is left out
        ("carries", "carry", "====y"),  # nothing is left out at the end
        ("sing", "sang", "=a-=="),
        ("sagen", "gesagt", "ge===t"),
        ("undo", "do", "--=="),
        ("abc", "xyz", "x-y-z"),
    ],
)
def test_edits_by_hand(source, target, made):
    assert edits(source, target, LETTERS).tolist() == written(made)


def answer(numbers):
    """As the search answers: every edit with the place where it stood."""
    moves = np.cumsum([0, *(number >= COPY for number in numbers)])[:-1]
    return Written(np.array(numbers, np.int32), 0.0, moves)


def test_edits_spell_their_target_again():
    random = np.random.default_rng(1)
    for _ in range(200):
        source, target = ("".join(random.choice(list("abcd"), random.integers(0, 9))) for _ in range(2))
        numbers = edits(source, target, LETTERS).tolist()
        assert "".join(spelled(answer(numbers), LETTERS, source)) == target
        assert numbers.count(COPY) == shared(source, target)


def test_unknown_letters_are_copied_and_nothing_behind_the_end():
    source = list("Ĳb")
    assert spelled(answer(written("===s")), LETTERS, source) == ["Ĳ", "b", "s"]
    assert spelled(answer(written("-=")), LETTERS, source) == ["b"]


WORDS = [(w, f"{w}ed") for w in ("walk", "talk", "stop", "play", "cut", "jump", "call", "fold", "burn", "hunt")]
NUMBERS = [(str(n), w) for n, w in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven"))]


def prepared(pairs, **sections):
    small = {"cell": "gru", "hidden_size": 4, "num_layers": 1} | sections.pop("model", {})
    config = config_from_mapping({"task": "seq2seq", "data": {"validation": 0.2}, "model": small} | sections)
    content = "".join(f"{source}\t{target}\n" for source, target in pairs)
    return TASKS["seq2seq"].prepare(config, Source("p.tsv", content.encode()), Context(POOL))


def test_only_changes_of_words_are_corrected():
    long = [(12 * f"{word} ", 12 * f"{word} ") for word, _ in WORDS]
    for pairs, residual in ((WORDS, "change-of-ending"), (long, "none")):
        assert prepared(pairs, model={"attention": "aligned"}).config.data.residual == residual
    assert prepared(WORDS, model={"attention": "dot"}).config.data.residual == "none"
    with pytest.raises(ConfigError, match=r"data.residual: .*data.tokens is word; take none"):
        prepared(WORDS, data={"tokens": "word", "residual": "change-of-ending"})


@pytest.mark.parametrize(
    ("training", "data", "networks"),
    [
        ({}, {}, 3),
        ({"epochs": 4}, {}, 1),
        ({"seeds": 2}, {}, 2),
        ({}, {"validation": None}, 1),  # cross-validated
        ({"seed": 2**63 - 1}, {}, 1),  # no seed follows
    ],
)
def test_three_networks_learn_edits(training, data, networks):
    given = {"validation": 0.2} | data
    assert prepared(WORDS, training=training, data=given).config.networks == networks
    assert prepared(NUMBERS, data={"validation": 0.2}).config.networks == 1
    many = [(f"{word}{number}", f"{word}{number}ed") for number in range(301) for word, _ in WORDS]
    assert prepared(many).config.networks == 1


def attention(pairs, **model):
    return prepared(pairs, model=model).config.model.attention


def test_words_that_keep_their_letters_are_edited():
    assert attention(WORDS) == "aligned"
    assert attention(NUMBERS) == "dot"
    assert attention(WORDS, attention="additive") == "additive"
    assert attention(WORDS, copy="attention") == "dot"
    assert attention([(5 * f"{word} ", 5 * f"{word} ") for word, _ in WORDS]) == "aligned"
    assert attention([(12 * f"{word} ", 12 * f"{word} ") for word, _ in WORDS]) == "dot"  # longer than a word


@pytest.mark.parametrize(
    ("section", "seen"),
    [
        ({"data": {"tokens": "word"}}, "data.tokens is word"),
        ({"training": {"teacher_forcing": 0.5}}, "training.teacher_forcing is below 1"),
    ],
)
def test_what_cannot_be_edited_is_refused(section, seen):
    with pytest.raises(ConfigError, match=rf"model.attention: aligned .*{seen}"):
        prepared(WORDS, model={"attention": "aligned"}, **section)
