"""What is told of lines that cannot be answered."""

from __future__ import annotations

import pytest

from rnncli.data.lines import UndecodedError
from rnncli.errors import DataError
from rnncli.tasks.line_by_line import NAMED, Faults
from rnncli.tasks.task import Asked


def undecoded(number, odd=b"\xfc"):
    return UndecodedError(f"t.txt:{number}:2", odd, "UTF-8")


def told_of(errors, inputs):
    """What is told of the errors, each with its number, among so many inputs; at the end the last."""
    told: list[str] = []
    faults = Faults("t.txt", Asked("t.txt", {}, {}, told.append))
    for number in range(1, inputs + 1):
        faults.begin(1)
        if number in errors:
            faults.add(errors[number])
    with pytest.raises(DataError) as caught:
        faults.end()
    return [*told, str(caught.value)]


@pytest.mark.parametrize("inputs", [40, 3000])
def test_lines_in_another_encoding_are_told_once_with_their_number_and_the_option_that_reads_them(inputs):
    errors = {number: undecoded(number) for number in range(2, inputs + 1)}
    assert told_of(errors, inputs) == [
        "t.txt:2:2: byte 0xFC is not UTF-8; pass --encoding latin-1",
        f"t.txt: {inputs - 1:,} of {inputs:,} lines have no answer: {inputs - 1:,} have bytes that are not UTF-8; pass "
        "--encoding latin-1",
    ]


def test_others_among_them_are_named_as_many_as_without_them():
    others = {number: DataError(f"t.txt:{number}: wrong") for number in range(2, 100, 2)}
    *named, further, end = told_of(others | {number: undecoded(number) for number in range(3, 100, 2)}, 100)
    assert [one for one in named if "byte" in one] == ["t.txt:3:2: byte 0xFC is not UTF-8; pass --encoding latin-1"]
    assert len(named) == NAMED
    assert further == "further lines without an answer are only counted"
    assert end == (
        "t.txt: 98 of 100 lines have no answer: 49 have bytes that are not UTF-8; pass --encoding latin-1, and mend "
        "the others that are named above"
    )


def test_one_line_in_another_encoding_is_one_as_others_are():
    alone = "t.txt:1:2: byte 0xFC is not UTF-8; pass --encoding latin-1"
    assert told_of({1: undecoded(1)}, 1) == [alone]
    assert told_of({1: undecoded(1)}, 2) == [
        alone,
        "t.txt: 1 of 2 lines has no answer; mend those that are named above",
    ]


@pytest.mark.parametrize(
    ("odd", "encoding"), [(b"\xfc", "latin-1"), (b"\x80", "cp1252"), (b"\xe4\x93", "cp1252"), (b"\x81\x80", "latin-1")]
)
def test_the_option_that_is_named_in_the_end_reads_the_bytes_of_all_lines(odd, encoding):
    first, end = told_of({2: undecoded(2), 30: undecoded(30, odd)}, 40)
    assert first == "t.txt:2:2: byte 0xFC is not UTF-8; pass --encoding latin-1"
    assert end == f"t.txt: 2 of 40 lines have no answer: 2 have bytes that are not UTF-8; pass --encoding {encoding}"
