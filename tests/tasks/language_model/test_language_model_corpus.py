"""A text read in pieces has the tokens of the text read whole, whatever the pieces; row 33 of the bad inputs."""

from __future__ import annotations

import mmap
import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnncli.data import source as source_module
from rnncli.data.source import Source, read_source
from rnncli.data.text import KINDS, tokenize
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import DataError
from rnncli.tasks.language_model import corpus as corpus_module
from rnncli.tasks.language_model.corpus import Corpus, release

TEXT = st.text(alphabet="ab-é'. \n\t\r,1€😀\u2028你カ\u3000\u0301<", max_size=60)


def corpus(content: bytes, kind: str, encoding: str = "utf-8") -> Corpus:
    return Corpus(Source("t.txt", content), kind, encoding, hint="mend it")


def read_in_pieces(size: int, content: bytes, kind: str, encoding: str = "utf-8") -> Corpus:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "PIECE", size)
        return corpus(content, kind, encoding)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@given(text=TEXT, size=st.integers(1, 9))
@example(text="a\r\nb\r\rc\r", size=2)
@settings(max_examples=150, deadline=None)
def test_pieces_of_any_size_give_the_same_tokens(kind, encoding, text, size):
    content = text.encode(encoding)
    read = read_in_pieces(size, content, kind, encoding)
    assert [read.tokens[n] for n in read.ids] == tokenize(content if kind == "byte" else text, kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bpe"])
@given(text=TEXT, share=st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_the_numbers_are_those_of_the_vocabulary_of_the_first_part(kind, text, share):
    data = text.encode() if kind == "byte" else text
    read = corpus(text.encode(), kind)
    cut = int(share * len(read.ids))
    vocabulary = read.vocabulary(cut)
    wanted = Vocabulary.build(data, kind)
    assert set(vocabulary.tokens[1:]) == set(tokenize(data, kind)[:cut])
    assert read.vocabulary(len(read.ids)) == wanted
    ids = read.encode(vocabulary)
    assert np.array_equal(ids, vocabulary.encode(data))


@given(text=TEXT, share=st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_pieces_become_byte_pairs_of_the_first_part_and_places_move_with_them(text, share):
    read = corpus(text.encode(), "bpe")
    cut = int(share * len(read.ids))
    parts = ["".join(read.tokens[n] for n in ids) for ids in (read.ids[:cut], read.ids[cut:])]
    assert "".join(parts) == text
    vocabulary = read.vocabulary(cut)
    assert vocabulary == Vocabulary.build(parts[0], "bpe")
    moved = read.places(vocabulary, [cut, len(read.ids)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "STEP", 7)
        ids = read.encode(vocabulary)
    assert moved == [len(vocabulary.encode(parts[0])), len(ids)]
    assert np.array_equal(ids, vocabulary.encode(text))
    assert ids.dtype == vocabulary.dtype


@pytest.mark.parametrize(
    ("distinct", "dtype"), [(255, np.uint8), (256, np.uint16), (65_535, np.uint16), (70_000, np.uint32)]
)
def test_the_smallest_type_that_holds_the_numbers(distinct, dtype):
    text = "".join(chr(0x10000 + code) for code in range(distinct)) * 2
    read = read_in_pieces(1001, text.encode(), "char")
    assert read.ids.dtype == dtype
    assert [read.tokens[n] for n in read.ids] == list(text)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="cannot reserve room on a disk")
def test_a_mapped_text_has_the_same_numbers(monkeypatch):
    texts = ["abc" * 5000, "".join(chr(code) for code in range(300, 800)) * 20]
    wanted = []
    for text in texts:
        read = corpus(text.encode(), "char")
        wanted.append((read.tokens, read.encode(read.vocabulary(999))))
    monkeypatch.setattr(corpus_module, "MAPPED", 100)
    monkeypatch.setattr(corpus_module, "STEP", 1000)
    for text, (tokens, encoded) in zip(texts, wanted, strict=True):
        read = read_in_pieces(301, text.encode(), "char")
        assert mapped(read.ids)
        assert "".join(read.tokens[n] for n in read.ids) == text
        ids = read.encode(read.vocabulary(999))
        assert mapped(ids)
        release(ids)
        assert read.tokens == tokens
        assert np.array_equal(ids, encoded)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="cannot reserve room on a disk")
def test_a_full_disk_leaves_the_text_in_memory(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus_module, "MAPPED", 100)
    monkeypatch.setattr(corpus_module.os, "posix_fallocate", full)
    read = corpus(b"abc" * 5000, "char")
    assert not mapped(read.ids)
    assert len(read.ids) == 15_000


def mapped(array):
    while isinstance(array, np.ndarray | memoryview):
        array = array.base if isinstance(array, np.ndarray) else array.obj
    return isinstance(array, mmap.mmap)


def test_a_mark_at_the_beginning_is_no_token_and_a_later_one_is():
    assert corpus(b"\xef\xbb\xbfa\xef\xbb\xbf", "char").tokens == ("", "a", "\ufeff")


@pytest.mark.parametrize("size", [1, 3, 100])
def test_an_invalid_byte_is_named_by_its_place(size):
    with pytest.raises(DataError, match=r"^t\.txt:2:3: byte 0xFF is not UTF-8; mend it$"):
        read_in_pieces(size, "é\nbc".encode() + b"\xffd", "char")
    with pytest.raises(DataError, match="looks like UTF-16"):
        corpus("ab".encode("utf-16"), "word")


class _Growing:
    """A source whose file has twice its size once the first piece of it is read."""

    def __init__(self, path, source):
        self.path, self.source = path, source
        self.size, self.files, self.name = source.size, (self,), source.name

    def pieces(self):
        for number, piece in enumerate(self.source.pieces()):
            if not number:
                self.path.write_bytes(self.path.read_bytes() * 2)
            yield piece


def test_a_large_file_is_not_kept_and_must_stay_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "LARGE", 1000)
    path = tmp_path / "long.txt"
    path.write_bytes(b"the quick brown fox " * 200_000)
    source = read_source(str(path))
    assert source.size == 4_000_000
    tracemalloc.start()
    read = Corpus(source, "char", "utf-8", hint="")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(read.ids) == 4_000_000
    assert peak < 4_000_000 + 40_000_000  # the numbers, the table of all code points, and a piece
    assert source.sha256 == read_source(str(path)).sha256
    with pytest.raises(DataError, match=r"changed while it was read \(4,000,000 bytes, then 8,000,000\)"):
        Corpus(_Growing(path, read_source(str(path))), "char", "utf-8", hint="")
    path.write_bytes(b"the quick brown cat " * 200_000)
    with pytest.raises(DataError, match="changed while it was read"):
        list(source.pieces())
