"""Notes reach the innermost block, each once."""

from __future__ import annotations

from rnncli.notes import doubt, note, noting


def test_a_note_that_comes_again_is_passed_once_in_a_block() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with noting(outer.append):
        for _series in range(3):
            note("too short")
        doubt("left out")
        with noting(inner.append):
            note("too short")
        doubt("left out")
    assert (outer, inner) == (["too short", "left out"], ["too short"])
    with noting(outer.append):
        note("too short")
    assert outer[2:] == ["too short"]


def test_what_is_remembered_of_a_stream_without_end_is_bounded() -> None:
    told: list[str] = []
    with noting(told.append):
        for _again in range(2):
            for line in range(1500):
                note(f"line {line}")
    assert 1500 < len(told) < 3000
