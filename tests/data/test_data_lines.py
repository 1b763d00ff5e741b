"""Lines of a text as they come: line ends, encodings, and lines that are not in the encoding."""

from __future__ import annotations

import io
import time

import pytest

from rnncli.data import lines
from rnncli.data.lines import Opened, lines_of, read_lines
from rnncli.errors import DataError, UsageError

ENDS = "a\r\nb\rc\n\n\r\r\nd é€\r"
WITHOUT = ["a", "b", "c", "", "", "", "d é€"]


def found(content: bytes, encoding: str = "utf-8", size: int = 1 << 20) -> list[tuple[int, str, str | None]]:
    """(number, text, error) of each line of `content`, which comes `size` bytes at a time."""
    pieces = (content[start : start + size] for start in range(0, len(content), size))
    return [
        (line.number, line.text, str(line.error) if line.error else None)
        for some in lines_of(pieces, "f", encoding)
        for line in some
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "gb18030"])
def test_every_line_end_in_every_encoding_and_however_it_comes(encoding: str, size: int) -> None:
    wanted = [(number, text, None) for number, text in enumerate(WITHOUT, start=1)]
    assert found(ENDS.encode(encoding), encoding, size) == wanted
    assert found((ENDS[:-1] + "\n").encode(encoding), encoding, size) == wanted
    assert found(ENDS[:-1].encode(encoding), encoding, size) == wanted


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("text", ["a\r\nb\r\n\r\n\r\nc", "\n\na\n", "a\rb\r\r", "ab\r\n\rc\n\r\n\r", "\r", ""])
def test_lines_and_their_ends_are_the_text(text: str, size: int) -> None:
    pieces = [text[start : start + size].encode() for start in range(0, len(text), size)]
    again = "".join(line.text + line.end for some in lines_of(iter(pieces), "f") for line in some)
    assert again == text


def test_a_line_that_ends_with_cr_is_there_at_once_where_others_do() -> None:
    came = []
    pieces = iter([b"a\r", b"b\r", b"\nc\r", b"\nd\r"])
    lists = lines_of((came.append(piece) or piece for piece in pieces), "f")
    assert [(line.text, line.end, len(came)) for some in lists for line in some] == [
        ("a", "\r", 2),  # its LF may have been on its way
        ("b", "\r", 2),
        ("c", "\r\n", 4),  # CRLF has been seen
        ("d", "\r", 4),
    ]


@pytest.mark.parametrize("size", [1, 1000])
def test_a_line_that_is_not_in_the_encoding_does_not_end_the_others(size: int) -> None:
    content = b"one\nd\xe9 x\n\xe2\x82\nyou\x92re\nfive"
    assert found(content, size=size) == [
        (1, "one", None),
        (2, "d\ufffd x", "f:2:2: byte 0xE9 is not UTF-8; pass --encoding latin-1"),
        (3, "\ufffd\ufffd", "f:3:1: byte 0xE2 is not UTF-8; pass --encoding cp1252"),
        (4, "you\ufffdre", "f:4:4: byte 0x92 is not UTF-8; pass --encoding cp1252"),
        (5, "five", None),
    ]
    half = found("a\nb".encode("utf-16-le") + b"c", "utf-16-le", size)
    assert half == [(1, "a", None), (2, "b\ufffd", "f:2:2: byte 0x63 is not utf-16-le; pass --encoding latin-1")]


def test_nothing_has_no_lines_and_a_newline_has_one() -> None:
    assert found(b"") == []
    assert found(b"\n") == [(1, "", None)]
    assert found(b"\xef\xbb\xbf\n") == [(1, "", None)]


def test_lists_are_of_lines_that_came_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "TOGETHER", 2)
    came = [[line.text for line in some] for some in lines_of(iter([b"a\nb\nc\nd", b"e\n", b"f"]), "f")]
    assert came == [["a", "b"], ["c"], ["de"], ["f"]]


def test_a_long_line_in_many_pieces_takes_time_in_proportion() -> None:
    began = time.process_time()
    (line,) = (line for some in lines_of((b"x" * 64 for _ in range(60_000)), "f") for line in some)
    assert len(line.text) == 64 * 60_000
    assert time.process_time() - began < 3  # 0.05 s; 37 s where the pieces are added up one by one


def test_parts_of_a_line_that_is_longer_than_was_asked_for() -> None:
    came = [line for some in lines_of(iter([b"a\nbc", b"de", b"f\ng"]), "f", longest=3) for line in some]
    assert [(line.number, line.text, line.goes_on) for line in came] == [
        (1, "a", False),
        (2, "bcde", True),
        (2, "f", False),
        (3, "g", False),
    ]


def test_what_is_no_text_is_refused() -> None:
    for content, said in ((b"PK\x03\x04..", "f: is a zip archive"), (b"\xff\xfea\0", "f: looks like UTF-16")):
        with pytest.raises(DataError, match=said):
            found(content)
    with pytest.raises(UsageError, match="unknown encoding"):
        found(b"a", "nonsense")
    with pytest.raises(UsageError, match='unknown encoding "punycode"'):
        found(b"a", "punycode")


def test_the_beginning_of_a_pipe_can_be_looked_at_first() -> None:
    for whole in (lambda opened: b"".join(opened.pieces()), lambda opened: opened.source().content):
        opened = Opened("-", stdin=io.BytesIO(b"a\nb\n"))
        assert next(opened.beginning()) == b"a\nb\n"
        assert whole(opened) == b"a\nb\n"


def test_single_lines_with_their_places(tmp_path) -> None:
    (tmp_path / "f.txt").write_bytes(b"a\nb\xff\nc\n")
    path = str(tmp_path / "f.txt")
    first, bad, last = read_lines(path)
    assert [(one.where, one.text, one.error) for one in (first, last)] == [
        (f"{path}:1", "a", None),
        (f"{path}:3", "c", None),
    ]
    assert f"{path}:2:2: byte 0xFF is not UTF-8" in str(bad.error)
