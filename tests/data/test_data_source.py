"""Rows of the table of bad inputs that concern bytes: 5, 6, 28 to 30, 32, and what `decode` promises."""

from __future__ import annotations

import encodings.aliases
import gzip
import hashlib
import io
import os
import pkgutil
import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config.text_encodings import canonical
from rnncli.data import source as source_module
from rnncli.data.lines import lines_of
from rnncli.data.source import Source, decode, decoded, is_table, read_source
from rnncli.errors import ConfigError, DataError, MachineError, RnncliError, UsageError
from rnncli.tasks.registry import config_from_mapping


def of(content: bytes, name: str = "d.csv") -> Source:
    return Source(name, content)


class Terminal(io.BytesIO):
    def isatty(self):
        return True


def test_a_file_is_read_with_its_hash(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(b"a,b\r\n1,2\r\n")
    read = read_source(str(path))
    assert read.content == b"a,b\r\n1,2\r\n"
    assert read.sha256 == hashlib.sha256(read.content).hexdigest()
    assert read.name == str(path)


def test_dash_reads_stdin_to_its_end():
    read = read_source("-", stdin=io.BytesIO(b"one\ntwo"))
    assert (read.name, read.content) == ("<stdin>", b"one\ntwo")


def test_row_28_a_fifo_is_read_in_a_single_pass(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"x" * 200_000,))
    writer.start()
    assert read_source(str(path)).content == b"x" * 200_000
    writer.join()


def test_row_28_dev_fd_works_like_process_substitution():
    reading, writing = os.pipe()
    os.write(writing, b"a\n1\n2\n")
    os.close(writing)
    try:
        assert read_source(f"/dev/fd/{reading}").content == b"a\n1\n2\n"
    finally:
        os.close(reading)


def test_row_29_a_directory(tmp_path):
    with pytest.raises(UsageError, match=r"is a directory") as caught:
        read_source(str(tmp_path))
    assert caught.value.exit_code == 2


def test_row_29_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has at most 107 characters
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        with pytest.raises(UsageError, match="s: is a socket"):
            read_source("s")


@pytest.mark.parametrize("growth", [b"more\n", None], ids=["grows", "shrinks"])
def test_row_30_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch, growth):
    path = tmp_path / "d.csv"
    path.write_bytes(b"a\n1\n2\n")
    real, calls = os.fstat, []

    def fstat_after_a_change(descriptor):
        if calls:
            path.write_bytes(path.read_bytes() + growth if growth else b"a\n")
        calls.append(descriptor)
        return real(descriptor)

    monkeypatch.setattr(source_module.os, "fstat", fstat_after_a_change)
    with pytest.raises(DataError, match="changed while it was read") as caught:
        read_source(str(path))
    assert caught.value.exit_code == 3


def test_a_missing_file_and_its_sibling(tmp_path):
    (tmp_path / "prices.csv").write_bytes(b"")
    with pytest.raises(UsageError) as caught:
        read_source(str(tmp_path / "prics.csv"))
    assert str(caught.value) == f'no such file: {tmp_path}/prics.csv; did you mean "{tmp_path}/prices.csv"?'
    with pytest.raises(UsageError, match=r"no such file: [^;]*$"):
        read_source(str(tmp_path / "prices.csv" / "deeper"))


def test_permission_is_the_machines_refusal(tmp_path, monkeypatch):
    path = tmp_path / "d.csv"
    path.write_bytes(b"a\n")

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)  # root may read anything, so a mode would not do
    with pytest.raises(MachineError, match=r"d\.csv: permission denied"):
        read_source(str(path))


def test_a_nul_in_a_path_is_refused():
    with pytest.raises(UsageError, match="NUL"):
        read_source("a\0b")


def test_row_69_a_terminal_is_not_waited_for():
    with pytest.raises(UsageError, match="pipe data in or name a file"):
        read_source("-", stdin=Terminal())


def test_row_69_nor_is_a_terminal_that_is_named():
    controller, terminal = os.openpty()
    try:
        with pytest.raises(UsageError, match="is a terminal; pipe data in or name a file"):
            read_source(os.ttyname(terminal))
    finally:
        os.close(controller)
        os.close(terminal)


@pytest.mark.parametrize(
    ("error", "said"), [(OSError(5, "Input/output error"), "Input/output"), (MemoryError(), "out of memory")]
)
def test_the_machine_fails_while_stdin_is_read(error, said):
    class Failing(io.BytesIO):
        def read(self, *_):
            raise error

    with pytest.raises(MachineError, match=f"^<stdin>: {said}") as caught:
        read_source("-", stdin=Failing())
    assert caught.value.exit_code == 5


def test_a_closed_stdin(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        read_source("-")


def test_row_4_the_utf8_mark_is_stripped():
    assert decode(of(b"\xef\xbb\xbfa,b")) == "a,b"
    assert decode(of("a".encode("utf-16")), "utf-16-le") == "a"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_row_5_utf16_taken_for_utf8(encoding):
    with pytest.raises(DataError) as caught:
        decode(of("a,b\n".encode(encoding)))
    assert str(caught.value) == (
        f"d.csv: looks like {encoding.upper()}; convert with iconv or pass --encoding {encoding}"
    )
    assert caught.value.exit_code == 3
    assert decode(of("a,b\n".encode(encoding)), encoding) == "a,b\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
def test_row_6_a_latin1_byte(end, mark):
    content = mark + end.join([b"h", "ä".encode(), b"x", "ä,".encode() + b"234567890\xe9,1", b""])
    with pytest.raises(DataError) as caught:
        decode(of(content))
    assert str(caught.value) == "d.csv:4:12: byte 0xE9 is not UTF-8; pass --encoding latin-1"
    assert caught.value.exit_code == 3


def test_row_32_invalid_utf8_in_a_text_names_the_way_out():
    with pytest.raises(DataError) as caught:
        decode(of(b"ok\n\xff\n", "t.txt"), hint="pass --encoding latin-1 or --set data.tokens=byte")
    assert str(caught.value) == ("t.txt:2:1: byte 0xFF is not UTF-8; pass --encoding latin-1 or --set data.tokens=byte")


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "idna", "a\0b", "", "punycode", "unicode_escape", "\ud800"])
def test_an_unknown_encoding(encoding):
    for read in READERS:
        with pytest.raises(UsageError, match="unknown encoding"):
            read(of(b"a"), encoding)
    with pytest.raises(ConfigError, match="must be an encoding Python knows"):
        config_from_mapping({"task": "classify", "data": {"encoding": encoding}})


# In one piece, in pieces, and by lines.
READERS = (
    decode,
    lambda source, encoding: "".join(decoded(source, encoding, hint="x")),
    lambda source, encoding: [line.text for some in lines_of(source.pieces(), source.name, encoding) for line in some],
)


@pytest.mark.parametrize("encoding", ["utf-16", "U16", "utf-32"])
def test_wide_text_without_a_mark_is_refused_with_the_two_that_it_may_be(encoding):
    content = "a,b\n1,2\n".encode(f"{canonical(encoding)}-le")
    for read in READERS:
        with pytest.raises(DataError) as caught:
            read(of(content), encoding)
        assert str(caught.value) == (
            f"d.csv: has no byte order mark, as {encoding} begins with; pass --encoding {canonical(encoding)}-le or "
            f"{canonical(encoding)}-be"
        )
    assert decode(of(content), f"{canonical(encoding)}-le") == "a,b\n1,2\n"


def test_whatever_python_calls_an_encoding_is_read_or_refused_by_every_reader():
    names = sorted({module.name for module in pkgutil.iter_modules(encodings.__path__)} | {*encodings.aliases.aliases})
    contents = [b"", b"a", b"a b,\xe9\xff\\n\n", "é\n".encode("utf-16"), b"+2AA-", bytes(range(256))]
    assert len(names) > 300
    for name in names:
        for content in contents:
            for read in READERS:
                with suppress(UsageError, DataError):
                    read(of(content), name)


def test_a_nul_is_text():
    assert decode(of(b"a\0b")) == "a\0b"


@given(
    st.binary(),
    st.sampled_from(["utf-8", "ascii", "utf-16", "utf-32", "cp1252", "utf-7", "shift_jis", "punycode"]),
)
def test_any_bytes_decode_or_raise_our_own_error(content, encoding):
    with suppress(RnncliError):
        assert isinstance(decode(of(content), encoding), str)


# What a file is, by its first bytes.


@pytest.mark.parametrize(
    ("name", "beginning", "told"),
    [
        ("a.xlsx", b"PK\x03\x04xl/", "is an Office file; save it as CSV or as text"),
        ("a.zip", b"PK\x03\x04x", "is a zip archive; unpack it, and name the file inside"),
        ("a.pdf", b"%PDF-1.7 x", "is a PDF; save its text or its table"),
        ("a.xls", b"\xd0\xcf\x11\xe0x", "is an old Office file; save it as CSV or as text"),
        ("a.csv", gzip.compress(b"a,b\n", mtime=0), "is compressed by gzip; call it .gz, and it is read as it is"),
        ("<stdin>", b"BZh91AY", "is compressed by bzip2; unpack it on its way: bzcat FILE | rnncli …"),
        ("/dev/fd/63", b"\xfd7zXZ\0", "is compressed by xz; unpack it on its way: xzcat FILE | rnncli …"),
        ("a.parquet", b"PAR1xx", "is a Parquet file; save it as CSV"),
    ],
)
def test_what_is_no_text_is_named(name, beginning, told):
    for call in (decode, lambda source: list(decoded(source, hint="x"))):
        with pytest.raises(DataError) as caught:
            call(Source(name, beginning))
        assert str(caught.value) == f"{name}: {told}"


def test_a_gzip_file_is_read_under_the_name_of_what_is_in_it(tmp_path):
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    source = read_source(str(path))
    assert (source.name, source.content) == (str(tmp_path / "sales.csv"), b"a,b\n1,2\n")
    assert is_table(str(path))
    path.write_bytes(gzip.compress(b"a,b\n1,2\n" * 99)[:-9])
    with pytest.raises(DataError, match="is no whole gzip file; get it again"):
        read_source(str(path))
    path.write_bytes(b"a,b\n")
    with pytest.raises(DataError, match="is no whole gzip file"):
        read_source(str(path))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [("it’s", "cp1252"), ("„Grüße“", "cp1252"), ("Grüße, Zoë", "latin-1"), ("é and then “so”", "cp1252")],
)
def test_the_encoding_that_is_proposed_reads_what_was_written(content, encoding):
    source = Source("d.txt", content.encode("cp1252"))
    with pytest.raises(DataError) as caught:
        decode(source)
    assert str(caught.value).endswith(f"pass --encoding {encoding}")
    assert decode(source, encoding) == content


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_byte_that_cp1252_has_nothing_for_is_no_reason_to_propose_it(encoding):
    source = Source("d.txt", b"caf\xe9 \x92 \x81\n")
    with pytest.raises(DataError, match=r"pass --encoding latin-1$"):
        decode(source, encoding)
    assert decode(source, "latin-1") == "café \x92 \x81\n"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8"])
def test_the_mark_of_utf_8_decides(encoding):
    marked = Source("d.txt", "\ufeffä\nß\n".encode())
    assert decode(marked, encoding) == "".join(decoded(marked, encoding, hint="")) == "ä\nß\n"
    lines = [line.text for some in lines_of(marked.pieces(), "d.txt", encoding) for line in some]
    assert lines == ["ä", "ß"]
    assert decode(Source("d.txt", b"\xef\xbb"), "cp1252") == "ï»"
