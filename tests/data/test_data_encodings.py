"""Which encoding a text is in: UTF-8, or Windows-1252 where its bytes look like that and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnncli.data import source as source_module
from rnncli.data.encodings import encoding_of, encodings_of, with_encoding
from rnncli.data.files import read_files
from rnncli.data.lines import read_lines
from rnncli.data.source import Source, decode, read_source
from rnncli.errors import DataError
from rnncli.notes import noting
from rnncli.tasks.language_model.corpus import Corpus
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool

FRENCH = "Où est l’été ? Le garçon naïf l’a dit à sa mère.\n"
RUSSIAN = "Мама мыла раму, а папа читал газету.\n"
JAPANESE = "これは日本語の文章です。\n"

OTHERS = {
    "ASCII": b"plain\n",
    "nothing": b"",
    "UTF-8": FRENCH.encode(),
    "UTF-8 of another alphabet": RUSSIAN.encode(),
    "UTF-8 with one byte that is none": FRENCH.encode() * 3 + b"caf\xe9\n",
    "lines of both": (FRENCH.encode() + FRENCH.encode("cp1252")) * 5,
    "NUL": FRENCH.encode("cp1252") + b"\0",
    "UTF-16 without a mark": FRENCH.encode("utf-16-le"),
    "numbers as bytes": bytes(range(256)),
    "Cyrillic of Windows": RUSSIAN.encode("cp1251"),
    "KOI8": RUSSIAN.encode("koi8-r"),
    "Shift JIS": JAPANESE.encode("shift_jis"),
    "GB 18030": JAPANESE.encode("gb18030"),
    "a byte that Windows-1252 leaves undefined": b"a caf\xe9 \x81\n",
}
WESTERN = {
    "Windows-1252": FRENCH.encode("cp1252"),
    "Latin-1": "Größe, Ærø, señor\n".encode("latin-1"),
    "one accent in much": b"plain text\n" * 1000 + b"caf\xe9\n",
    "signs beside numbers": "t;€\n1;5 €\n2;7 €\n".encode("cp1252"),
    "an accent that UTF-8 may go on after": b"caf\xc3",
    "columns of one letter": "Ära\n1\n2\n".encode("cp1252"),
}


DOUBTED = {
    "UTF-8 as cp1252": (FRENCH.encode(), "cp1252", True),
    "UTF-8 as latin-1": (FRENCH.encode(), "latin-1", True),
    "UTF-8 as it is": (FRENCH.encode(), "utf-8", False),
    "ASCII": (b"plain\n", "cp1252", False),
    "Windows-1252 as it is": (FRENCH.encode("cp1252"), "cp1252", False),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_does_not_look_like_windows_1252_is_left_to_the_reader(what: str) -> None:
    assert encoding_of(Source("d.txt", OTHERS[what])) == "utf-8"


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize("what", WESTERN)
def test_what_looks_like_windows_1252(what: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "PIECE", size)
    assert encoding_of(Source("d.txt", WESTERN[what])) == "cp1252"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_character_of_utf_8_may_come_in_two_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "PIECE", size)
    assert encoding_of(Source("d.txt", (FRENCH + RUSSIAN).encode())) == "utf-8"


@pytest.mark.parametrize("content", [FRENCH.encode("utf-16"), b"PK\x03\x04\xe9", b"%PDF-\xe9"])
def test_what_begins_like_no_text_is_refused_at_once(content: bytes) -> None:
    with pytest.raises(DataError, match=r"d\.txt: (looks like UTF-16|is a)"):
        encoding_of(Source("d.txt", content))


def chosen(content: bytes, **data: str) -> tuple[str | None, list[str]]:
    """The encoding in a config whose data are these bytes, and what is told."""
    told: list[str] = []
    config = config_from_mapping({"task": "language-model", "data": data})
    with noting(told.append):
        return with_encoding(config, Source("d.txt", content)).data.encoding, told


def test_what_is_chosen_is_told_with_the_first_line_that_is_no_utf_8() -> None:
    told = (
        "d.txt:3: is not UTF-8, so the file is read as cp1252 (Windows, with the letters of Latin-1); pass --encoding "
        "NAME if it is another"
    )
    assert chosen(b"a\r\nb\r\n" + WESTERN["Latin-1"]) == ("cp1252", [told])
    assert chosen(OTHERS["UTF-8"]) == ("utf-8", [])


def test_an_encoding_that_is_given_binds() -> None:
    assert chosen(WESTERN["Latin-1"], encoding="utf-8") == ("utf-8", [])
    assert chosen(OTHERS["UTF-8"], encoding="latin-1") == ("latin-1", [])


def test_bytes_that_are_tokens_have_no_encoding() -> None:
    assert chosen(WESTERN["Latin-1"], tokens="byte") == ("utf-8", [])
    assert chosen(FRENCH.encode("utf-16"), tokens="byte") == ("utf-8", [])


def test_the_content_is_read_in_pieces() -> None:
    class Read(Source):
        @property
        def content(self) -> bytes:
            raise AssertionError

        def pieces(self) -> Iterator[bytes]:
            yield from (b"ab", b"c\xe9", b"de\n")

    assert encoding_of(Read("d.txt", b"")) == "cp1252"


@pytest.mark.parametrize(("content", "encoding", "tells"), DOUBTED.values(), ids=DOUBTED)
def test_utf_8_that_is_read_in_another_encoding_is_told(
    content: bytes, encoding: str, tells: bool, tmp_path: Path
) -> None:
    file = tmp_path / "d.txt"
    file.write_bytes(content)
    wanted = [f"{file}: looks like UTF-8, and is read as {encoding}; pass --encoding utf-8 if it is"] * tells
    for read in (lambda: decode(read_source(str(file)), encoding), lambda: list(read_lines(str(file), encoding))):
        told: list[str] = []
        with noting(told.append):
            read()
        assert told == wanted


GERMAN = "Die schöne Müllerin wohnt über dem Fluß.\n"


def folder_of(folder: Path, **files: bytes) -> Source:
    for name, content in files.items():
        (folder / f"{name}.txt").write_bytes(content)
    with noting(lambda text: None):
        return read_files(str(folder))


def test_each_file_of_a_folder_is_read_in_its_own_encoding(tmp_path: Path) -> None:
    files = folder_of(
        tmp_path, a=b"plain\n", b=GERMAN.encode(), c=b"plain\n" + GERMAN.encode("cp1252"), d=GERMAN.encode("cp1252")
    )
    assert encoding_of(files) == "utf-8"
    told: list[str] = []
    with noting(told.append):
        assert encodings_of(files, "utf-8") == ["utf-8", "utf-8", "cp1252", "cp1252"]
        corpus = Corpus(files, "char", "utf-8", hint="")
    assert [corpus.tokens[number] for number in corpus.ids] == list(f"plain\n{GERMAN}plain\n{GERMAN}{GERMAN}")
    (text,) = told
    assert text == (
        f"{tmp_path}/c.txt:2: is not UTF-8, so the file is read as cp1252 (Windows, with the letters of Latin-1), and "
        "1 more like it; convert it to UTF-8 if it is in another"
    )
    assert encodings_of(files, "latin-1") == ["latin-1"] * 4  # which was named


def test_files_that_all_look_like_windows_1252_are_told_by_the_first_of_them(tmp_path: Path) -> None:
    files = folder_of(tmp_path, a=b"plain\n", b=b"plain\n\n" + GERMAN.encode("cp1252"))
    told: list[str] = []
    with noting(told.append):
        config = with_encoding(config_from_mapping({"task": "language-model", "data": {"path": "a"}}), files)
    assert config.data.encoding == "cp1252"
    (text,) = told
    assert text.startswith(f"{tmp_path}/b.txt:3: is not UTF-8, so all files are read as cp1252")


def test_a_file_among_others_that_cannot_be_read_is_mended_by_itself(tmp_path: Path) -> None:
    files = folder_of(tmp_path, a=GERMAN.encode(), b=b"ok\n\x81" * 99)
    with pytest.raises(DataError, match=r"b\.txt:2:1: byte 0x81 is not UTF-8; convert it: iconv -f latin1 -t utf-8 "):
        Corpus(files, "char", "utf-8", hint="pass --encoding latin-1")


HELD_OUT = {
    "classify": ("text,label\n", ["schön süß,gut", "müde trüb,schlecht"]),
    "tag": ("", ["süß\tA\nÄpfel\tN\n", "trüb\tA\nÖl\tN\n"]),
    "seq2seq": ("source,target\n", ["schön,süß", "müde,trüb"]),
    "language-model": ("", ["Die schöne Müllerin", "wohnt über dem Fluß"]),
}


@pytest.mark.parametrize("task", HELD_OUT)
def test_a_file_that_is_held_out_is_read_in_its_own_encoding(task: str, tmp_path: Path) -> None:
    head, lines = HELD_OUT[task]
    content = head + "".join(f"{line}\n" for line in lines * 20)
    kind = ".csv" if head else ".conll" if task == "tag" else ".txt"
    west, source = tmp_path / f"west{kind}", Source(f"d{kind}", content.encode())
    west.write_bytes(content.encode("cp1252"))
    config = config_from_mapping({"task": task, "data": {"path": source.name, "validation": str(west)}})
    told: list[str] = []
    pool = ThreadPool(1)
    try:
        with noting(told.append):
            read = with_encoding(config, source)
            assert read.data.encoding == "utf-8"
            if task == "language-model":
                with pytest.raises(DataError, match=r"west\.txt:1:8: .*; convert it: iconv -f latin1 -t utf-8 .*west"):
                    TASKS[task].prepare(read, source, Context(pool))
                return
            made: Any = TASKS[task].prepare(read, source, Context(pool))
    finally:
        pool.close()
    assert made.splits.held_out["validation"].inputs() == made.splits.train.inputs()
    assert any(f"{west}:" in text and "so the file is read as cp1252" in text for text in told)
