"""The pieces of a line that stand for its tokens, of every kind of token."""

from __future__ import annotations

import numpy as np
import pytest

from rnncli.data.lines import Line
from rnncli.data.text import KINDS, as_bytes, detokenize
from rnncli.data.vocabulary import Vocabulary
from rnncli.tasks.language_model.scoring import Cut

TEXT = "the € is not the £, nor é\n" * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["the € of thé  Éé ☃", "", "nor"])
def test_there_is_a_piece_for_each_token_and_together_they_are_the_line(kind, text):
    vocabulary = Vocabulary.build(TEXT, kind)
    cut = Cut(vocabulary, int(vocabulary.encode("\n")[0]))
    line = Line("t.txt", 1, text)
    ids, pieces = cut.ids(line), cut.pieces(line)
    assert len(pieces) == len(ids)
    assert "".join(pieces) == f"{text}\n"


def test_a_byte_pair_has_the_characters_that_begin_in_it():
    vocabulary = Vocabulary.build(TEXT, "bpe")
    line = Line("t.txt", 1, "is € ☃")
    cut = Cut(vocabulary, int(vocabulary.encode("\n")[0]))
    begun = 0
    for number, piece in zip(cut.ids(line), cut.pieces(line), strict=True):
        token = vocabulary.tokens[number]
        assert len(piece) == sum(not "\x80" <= byte < "\xc0" for byte in token)
        begun += len(token)
    assert begun == len(as_bytes("is € ☃\n"))
    assert detokenize(vocabulary.decode(np.asarray(cut.ids(line))), "bpe") == "is € ☃\n"
