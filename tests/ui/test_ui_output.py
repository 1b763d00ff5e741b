"""Standard output as UTF-8, whatever text holds."""

import io

from rnncli.ui.output import as_utf8
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
