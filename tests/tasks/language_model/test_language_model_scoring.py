"""How the lines of a text are cut into tokens for scoring."""

import pytest

from rnncli.data.lines import Line
from rnncli.data.text import KINDS
from rnncli.data.vocabulary import Vocabulary
from rnncli.tasks.language_model.scoring import Cut

TEXT = "the mill, ähnlich: 日本 👪\nwasn't  the mill\n" * 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "the mill, ähnlich", "  日本 the  mill ", "ü👪"])
@pytest.mark.parametrize("goes_on", [False, True])
def test_the_pieces_of_a_line_are_as_many_as_its_tokens_and_its_text(kind, text, goes_on):
    vocabulary = Vocabulary.build(TEXT, kind)
    cut = Cut(vocabulary, int(vocabulary.encode("\n")[0]))
    line = Line("t.txt", 1, text, goes_on=goes_on)
    ids = cut.ids(line)
    pieces = cut.pieces(line, ids)
    assert len(pieces) == len(ids)
    whole = text if goes_on else text + "\n"
    spaces_at_the_end = len(whole) - len(whole.rstrip(" "))
    assert "".join(pieces) == whole[: len(whole) - spaces_at_the_end] or "".join(pieces) == whole


def test_a_model_that_has_seen_no_line_end_is_not_asked_for_one():
    vocabulary = Vocabulary.build("abc", "char")
    cut = Cut(vocabulary, 0)
    assert len(cut.ids(Line("t.txt", 1, "abc"))) == 3
