"""The sample data are what sample_data/README.md says they are."""

import math
import random
from itertools import pairwise
from pathlib import Path

import pytest
import sample_pairs
import sample_recordings
import sample_sales
import sample_sequences
import sample_tables
import sentence_grammar
from sentence_grammar import GRAMMAR, as_text, first_words, generate, sequence_log_probability

SAMPLES = Path(__file__).parent.parent / "sample_data"


@pytest.fixture
def datasets():
    """The data files inside statsmodels, from which the two series are made."""
    folder = sample_tables.datasets_folder()
    if folder is None:
        pytest.skip("statsmodels is not installed, and the series can only be compared with its files")
    return folder


def _table(name):
    """The rows of a sample series under its header, as pairs of strings."""
    lines = (SAMPLES / name).read_text(encoding="ascii").splitlines()
    return [tuple(line.split(",")) for line in lines[1:]]


def test_sunspots_are_the_statsmodels_values(datasets):
    assert (SAMPLES / "sunspots.csv").read_bytes() == sample_tables.sunspots_table(datasets).encode()


def test_co2_is_the_monthly_mean_of_the_statsmodels_values(datasets):
    assert (SAMPLES / "co2.csv").read_bytes() == sample_tables.co2_table(datasets).encode()


def test_sunspots_have_every_year():
    years = [int(year) for year, _ in _table("sunspots.csv")]
    assert years == list(range(1700, 2009))


def test_co2_has_every_month_and_no_gap():
    rows = _table("co2.csv")
    months = [int(month[:4]) * 12 + int(month[5:]) for month, _ in rows]
    assert (rows[0][0], rows[-1][0]) == ("1964-05", "2001-12")
    assert all(after == before + 1 for before, after in pairwise(months))
    assert all(300 < float(co2) < 400 for _, co2 in rows)


def test_sentences_are_what_the_grammar_generates():
    made = as_text(generate(sentence_grammar.COUNT, sentence_grammar.SEED))
    assert (SAMPLES / "sentences.txt").read_bytes() == made.encode()


MADE = sample_sequences.MADE | sample_pairs.MADE | sample_sales.MADE | sample_recordings.MADE


@pytest.mark.parametrize("name", MADE)
def test_made_sequences_are_what_their_rules_make(name):
    assert (SAMPLES / name).read_bytes() == MADE[name]().encode()


def test_spoken_digits_are_those_that_the_synthesiser_makes():
    files = sample_recordings.recordings()
    assert {path.name for path in (SAMPLES / "spoken").iterdir()} == set(files)
    assert all((SAMPLES / "spoken" / name).read_bytes() == content for name, content in files.items())


def test_please_stay_at_is_always_answered_home():
    lines = (SAMPLES / "sentences.txt").read_text(encoding="ascii").splitlines()
    answers = [line.removeprefix("please stay at ") for line in lines if line.startswith("please stay at")]
    assert set(answers) == {"home"}
    assert 0.01 <= len(answers) / len(lines) <= 0.02


@pytest.mark.parametrize("symbol", GRAMMAR)
def test_probabilities_sum_to_one(symbol):
    assert math.isclose(sum(probability for probability, _ in GRAMMAR[symbol]), 1.0)


@pytest.mark.parametrize("symbol", GRAMMAR)
def test_the_next_word_decides_the_expansion(symbol):
    """No two expansions begin with the same word, so no sentence has two derivations."""
    firsts = [first_words(expansion[0]) for _, expansion in GRAMMAR[symbol]]
    assert sum(map(len, firsts)) == len(set().union(*firsts))


def test_ideal_entropy_agrees_with_fresh_sentences():
    """Mean surprise minus entropy rate times length has mean zero: check it within 3 standard errors."""
    rate = sentence_grammar.ideal_entropy()
    excess = [-sequence_log_probability(sentence) - rate * (len(sentence) + 1) for sentence in generate(20_000, seed=7)]
    mean = math.fsum(excess) / len(excess)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in excess) / (len(excess) - 1))
    assert abs(mean) < 3 * deviation / math.sqrt(len(excess))


def test_sentence_entropy_and_length_agree_with_fresh_sentences():
    """The two parts of the entropy rate, each by itself within 3 standard errors."""
    sentences = generate(20_000, seed=8)
    surprises = [-sequence_log_probability(sentence) for sentence in sentences]
    lengths = [len(sentence) + 1 for sentence in sentences]
    for values, ideal in [
        (surprises, sentence_grammar.sentence_entropy()),
        (lengths, sentence_grammar.expected_tokens()),
    ]:
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
        assert abs(mean - ideal) < 3 * deviation / math.sqrt(len(values))


def test_the_numbers_in_the_readme():
    readme = (SAMPLES / "README.md").read_text(encoding="utf-8")
    lines = (SAMPLES / "sentences.txt").read_text(encoding="ascii").splitlines()
    words = " ".join(lines).split()
    fables = (SAMPLES / "fables.txt").read_text(encoding="ascii")
    for number in [
        f"ideal loss {sentence_grammar.ideal_entropy():.6f} nats",
        f"ideal perplexity {sentence_grammar.ideal_perplexity():.6f}",
        f"{len(lines):,} lines, {len(words) + len(lines):,} tokens, {len(set(words))} words",
        f"{len(fables):,} characters, {len(set(fables))} distinct",
        f"{len(_table('sunspots.csv'))} rows",
        f"{len(_table('co2.csv'))} rows",
    ]:
        assert number in readme


def test_log_probability_of_a_sentence_worked_by_hand():
    sentence = ["the", "foxes", "that", "the", "owl", "sees", "wait", "in", "their", "den"]
    by_hand = 0.85 * 0.75 * 0.5 * 0.30 * 0.45 * 0.5 * 0.5 * 0.05 * 0.40 * 0.7 * 0.7 * 0.25 * 0.4 / 3
    assert math.isclose(sequence_log_probability(sentence), math.log(by_hand))


@pytest.mark.parametrize(
    "text",
    [
        "the foxes that the owl sees waits in their den",  # the verb disagrees
        "the foxes wait in its den",  # the possessive disagrees
        "the foxes",  # unfinished
        "the foxes wait wait",  # too long
        "please stay at mill",
        "",
    ],
)
def test_what_is_no_sentence_has_no_probability(text):
    assert sequence_log_probability(text.split()) == -math.inf


def test_each_word_is_drawn_as_often_as_its_probability():
    """The sampler and the log probability describe one process: compare shares of a common sentence."""
    sentences = generate(20_000, seed=9)
    sentence = ["good", "morning", "to", "you", "all"]
    probability = math.exp(sequence_log_probability(sentence))
    share = sentences.count(sentence) / len(sentences)
    assert abs(share - probability) < 3 * math.sqrt(probability * (1 - probability) / len(sentences))


def test_generation_is_the_same_for_the_same_seed_and_leaves_the_global_source_alone():
    state = random.getstate()
    assert generate(50, seed=1) == generate(50, seed=1)
    assert generate(50, seed=1) != generate(50, seed=2)
    assert random.getstate() == state


def test_fables_are_plain_long_and_unrepeated():
    raw = (SAMPLES / "fables.txt").read_bytes()
    text = raw.decode("ascii")
    paragraphs = text.strip("\n").split("\n\n")
    assert len(raw) >= 40_000
    assert "\t" not in text
    assert "\r" not in text
    assert len(set(text)) <= 70
    assert max(map(len, text.splitlines())) <= 80
    assert len(set(paragraphs)) == len(paragraphs)
