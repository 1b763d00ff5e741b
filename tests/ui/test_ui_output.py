"""Standard output as UTF-8, whatever text holds."""

import io

import pytest

from rnncli.errors import DataError
from rnncli.ui.output import as_utf8, say
from rnncli.ui.results import json_text


def test_surrogates_are_written_as_the_bytes_that_they_stand_for_or_as_they_are():
    content = io.BytesIO()
    stream = as_utf8(io.TextIOWrapper(content, "ascii"))
    stream.write("é\udcff\udc80\ud800\udc7f\n")
    stream.flush()
    assert content.getvalue() == b"\xc3\xa9\xff\x80" + "\ud800\udc7f".encode("utf-8", "surrogatepass") + b"\n"


def test_json_is_text_whatever_bytes_it_tells_of():
    assert json_text({"a": "é"}) == '{"a": "é"}'
    assert json_text({"a": "é\udcff"}) == '{"a": "\\u00e9\\udcff"}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("d.csv: 1 of 4,411 tokens are unknown, and are read as <unk>", "1 of 4,411 tokens is unknown"),
        ("d.csv: 11 of 20 series have too few rows", "11 of 20 series have too few rows"),
        ("d.csv: 1 of 3 series have too few rows", "1 of 3 series has too few rows"),
        ("part 1 of it; they are late", "part 1 of it; they are late"),
        ("a.txt: 1 bytes, 21 bytes in b", "a.txt: 1 byte, 21 bytes in b"),
        ("1 rows are left out", "1 row is left out"),
    ],
)
def test_the_verb_of_one_of_many_is_that_of_one(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(text)
    assert said in capsys.readouterr().err
    assert said in str(DataError(text))
