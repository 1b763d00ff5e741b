"""Error rates: counts of edits over what should have been written, and what is confused with what."""

import random

import pytest

from rnncli.tasks.edit_distance import alignment, edit_distance
from rnncli.tasks.transcribe.error_rates import NOTHING, Errors

pytestmark = pytest.mark.fast


def test_an_alignment_has_all_tokens_of_both_and_as_many_edits_as_their_distance():
    source = random.Random(1)
    for _ in range(300):
        predicted, actual = ("".join(source.choices("abc", k=source.randint(0, 7))) for _ in range(2))
        pairs = alignment(predicted, actual)
        assert "".join(one.actual or "" for one in pairs) == actual
        assert "".join(one.predicted or "" for one in pairs) == predicted
        assert sum(one.actual != one.predicted for one in pairs) == edit_distance(predicted, actual)


def test_characters_are_counted_over_all_transcripts_together():
    errors = Errors.of(["abd", "", "xy"], ["abcd", "a", ""], words=False)
    assert errors.edits == [1, 1, 2]
    assert errors.lengths == [4, 1, 0]
    assert errors.rate == 4 / 5
    assert errors.told() == "0 substituted, 2 deleted, 2 inserted"


def test_words_are_what_stands_between_spaces():
    errors = Errors.of(["one three"], ["one two three"], words=True)
    assert (errors.rate, errors.told()) == (1 / 3, "0 substituted, 1 deleted, 0 inserted")


def test_nothing_to_write_and_nothing_written_is_no_error():
    assert Errors.of([""], [""], words=False).rate == 0


def test_a_confusion_has_what_was_inserted_and_deleted_too():
    confusion = Errors.of(["ab", "a"], ["cb", "ad"], words=False).confusion()
    assert confusion.labels == ("a", "b", "c", "d", NOTHING)
    assert set(confusion.largest()) == {("c", "a", 1), ("d", NOTHING, 1)}
