"""Spans of tags in four schemes, as conlleval counts them."""

import numpy as np
import pytest

from rnncli.tasks.sequences.spans import are_spans, scheme_of, span_f1, spans, strays


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O O", set()),
        ("B-X I-X O B-Y", {(0, 2, "X"), (3, 4, "Y")}),
        ("B-X B-X I-X", {(0, 1, "X"), (1, 3, "X")}),
        ("I-X I-X", {(0, 2, "X")}),
        ("B-X I-Y I-Y", {(0, 1, "X"), (1, 3, "Y")}),
        ("O I-X O", {(1, 2, "X")}),
    ],
)
def test_spans_as_conlleval_counts_them(tags, found):
    assert spans(tags.split()) == found


def test_span_f1_counts_place_and_kind():
    right = [["B-X", "I-X", "O", "B-Y"], ["B-X"]]
    assert span_f1(right, right) == 1
    assert span_f1([["B-X", "O", "O", "B-X"], ["B-X"]], right) == pytest.approx(2 * 1 / 6)
    assert span_f1([["O"] * 4, ["O"]], right) == 0
    assert are_spans(["O", "B-X", "I-X"])
    assert not are_spans(["O"])
    assert not are_spans(["B-X", "NOUN"])


def conlleval(tags):
    """Spans by the rules of conlleval.pl, which seqeval has too: when one ends, and when one begins."""
    found, first = set(), 0
    before, kind = "O", ""
    for i, tag in enumerate([*tags, "O"]):
        now, its = (tag[0], tag[2:]) if "-" in tag else ("O", "")
        ends = before in "ES" or (before in "BI" and now in "BSO") or (before != "O" and kind != its)
        begins = now in "BS" or (before in "ESO" and now in "EI") or (now != "O" and kind != its)
        if before != "O" and ends:
            found.add((first, i, kind))
        if begins:
            first = i
        before, kind = now, its
    return found


SCHEMES = {"IOB2": "BIO", "IOB1": "IIIBO", "IOBES": "BIESO", "mixed": "BIESOO"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_of_random_tags_are_those_of_conlleval(scheme):
    random = np.random.default_rng(len(scheme))
    for _ in range(500):
        prefixes = random.choice(list(SCHEMES[scheme]), random.integers(1, 12))
        tags = [prefix if prefix == "O" else f"{prefix}-{random.choice(['X', 'Y'])}" for prefix in prefixes]
        assert spans(tags) == conlleval(tags)


def test_the_letters_of_bilou_mean_those_of_iobes():
    random = np.random.default_rng(0)
    for _ in range(200):
        tags = [f"{random.choice(list('BIES'))}-{random.choice(['X', 'Y'])}" for _ in range(9)]
        other = [tag.replace("E-", "L-").replace("S-", "U-") for tag in tags]
        assert spans(other) == spans(tags)


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        (["O", "I-X"], True),  # IOB1
        (["O", "S-X", "B-X", "E-X"], True),
        (["U-X", "O"], True),
        (["O", "B-X", "I-X", "o"], True),
        (["NOUN", "VERB", "B-X"], False),
        (["O", "0", "1"], False),
        (["O"], False),
    ],
)
def test_tags_of_spans_are_recognised_in_every_scheme(tags, wanted):
    assert are_spans(tags) == wanted


def test_stray_tags_count_as_outside_and_are_named():
    assert strays(["O", "B-X", "o", "0"]) == ["0", "o"]
    assert spans(["B-X", "o", "I-X"]) == {(0, 1, "X"), (2, 3, "X")}


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        (["O B-X I-X O", "B-X B-Y"], "BIO"),
        (["B-X E-X S-Y", "O B-X I-X E-X"], "BIOES"),
        (["B-X L-X U-Y", "O"], "BIOES"),  # BILOU
        (["B-X E-X", "B-X O"], "BIO"),  # one is not ended
        (["I-X I-X O"], None),  # IOB1
        (["O I-X"], None),
        (["B-X I-Y"], None),
        (["S-X E-X"], None),
        (["B-X o I-X"], None),
        (["B-X I-X o O"], "BIO"),
    ],
)
def test_the_scheme_is_the_strictest_that_all_tags_keep_to(rows, scheme):
    assert scheme_of([row.split() for row in rows]) == scheme
