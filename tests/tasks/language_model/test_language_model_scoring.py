"""What `score` makes of the lines of a text: their tokens, and figures that add up to those of the text as a whole."""

import io
import math

import pytest

from rnncli.data.files import read_files
from rnncli.data.lines import Line
from rnncli.data.source import Source
from rnncli.data.text import KINDS, as_bytes
from rnncli.data.vocabulary import Vocabulary
from rnncli.notes import noting
from rnncli.tasks.language_model import scoring
from rnncli.tasks.language_model.experiment import WITH_NGRAM, TextExperiment
from rnncli.tasks.language_model.predictor import LanguageModel
from rnncli.tasks.language_model.scoring import Cut, in_larger_lists
from rnncli.tasks.registry import config_from_mapping
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool

TEXT = "the mill, ähnlich: 日本 👪\nwasn't  the mill\n" * 4
LINES = ["the mill\n", "wasn't here\n", "\n", "\n", "\n", "  the  ähn\n", " \n", "x the mill\n"] * 5
FORMS = {
    "LF": "".join(LINES),
    "CRLF": "".join(LINES).replace("\n", "\r\n"),
    "CR": "".join(LINES).replace("\n", "\r"),
    "mixed": "".join(LINES).replace("here\n", "here\r\n").replace(" \n", "\r"),
    "no end": "".join(LINES).rstrip("\n"),
    "begins blank": "\n\n" + "".join(LINES),
    "one character": "t",
    "one line end": "\n",
    "mark": "\ufeff" + "".join(LINES[:2]),
}


def cut(line, kind):
    cut = Cut(Vocabulary.build(TEXT, kind))
    (own,) = cut.lines([line])
    return own.ids, cut.pieces(own)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "the mill, ähnlich", "  日本 the  mill ", "ü👪"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_the_pieces_of_a_line_are_as_many_as_its_tokens_and_its_text(kind, text, end):
    ids, pieces = cut(Line("t.txt", 1, text, end), kind)
    assert len(pieces) == len(ids)
    whole = text + end
    spaces_at_the_end = len(whole) - len(whole.rstrip(" "))
    assert "".join(pieces) == whole[: len(whole) - spaces_at_the_end] or "".join(pieces) == whole


def test_a_model_that_has_seen_no_line_end_is_not_asked_for_one():
    (own,) = Cut(Vocabulary.build("abc", "char")).lines([Line("t.txt", 1, "abc", "\r\n")])
    assert len(own.ids) == 3


def test_a_byte_pair_of_several_line_ends_is_of_the_first_of_their_lines():
    vocabulary = Vocabulary.build("ab\n\n\ncd\n\n" * 9, "bpe")
    cut = Cut(vocabulary)
    lines = [Line("t.txt", number, text, "\n") for number, text in enumerate(["ab", "", "", "cd", ""], 1)]
    found = cut.lines(lines)
    assert [vocabulary.decode(own.ids) for own in found] == [["ab", "\n\n\n"], [], [], ["cd", "\n\n"], []]
    assert [cut.pieces(own) for own in found] == [("ab", "\n"), (), (), ("cd", "\n"), ()]


def test_a_byte_pair_that_goes_on_in_the_next_line_leaves_its_text_there():
    cut = Cut(Vocabulary.build("a\r\tb" * 9, "bpe"))
    found = cut.lines([Line("t.txt", 1, "a", "\r"), Line("t.txt", 2, "\tb", "\r")])
    assert [cut.pieces(own) for own in found] == [("a", "\r"), ("\tb", "\r")]


def test_lines_of_a_file_are_read_together_and_blank_ones_with_those_before_them(monkeypatch):
    monkeypatch.setattr(scoring, "_AT_ONCE", 4)
    came = [[Line("t.txt", 1, text, "\n") for text in some] for some in (["abc"], [""], [" x"], ["d"], [""], [""])]
    assert [[line.text for line in some] for some in in_larger_lists(iter(came))] == [["abc", "", " x"], ["d", "", ""]]
    endless = ([Line("t.txt", 1, "", "\n")] for _ in range(100))
    assert max(map(len, in_larger_lists(endless))) < 10


def trained(kind, items="stream"):
    """An experiment with weights that are not the first ones, and its model."""
    data = {"tokens": kind, "encoding": "utf-8", "items": items, "validation": 0.3}
    keys = {"model": {"hidden_size": 6, "num_layers": 1}, "training": {"with_ngram": True}}
    made = TextExperiment(
        config_from_mapping({"task": "language-model", "data": data, **keys}),
        Source("t.txt", (FORMS["LF"] * 3).encode()),
        Context(ThreadPool(1)),
    )
    made.network.parameters.weights[...] *= 3
    made.network.pack()
    made.choose()
    return made, LanguageModel(made.header(), made.arrays())


@pytest.fixture(scope="module", params=["char", "byte", "word", "whitespace", "bpe"])
def model(request):
    return trained(request.param)


def both(model, content, given):
    """The bits and the number of tokens of a text, by its lines and as a whole."""
    experiment, scorer = model
    with noting(lambda text: None):
        experiment.hold_out(Source("new.txt", content), {})
        score = experiment.score()
        scored = scorer.score(Asked(given, {}, {}, lambda text: None))
        lines = [line for some in scored.lines for line in some]
    totals = scored.totals
    assert sum(line.sums.bits for line in lines) == pytest.approx(totals.bits)
    assert score.detail.startswith(f"{totals.tokens:,} tokens, ")
    return totals.bits, dict(score.figures)[WITH_NGRAM] / math.log(2) * totals.tokens


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("piped", [False, True])
def test_lines_add_up_to_the_text_as_a_whole(model, form, piped, monkeypatch):
    content = FORMS[form].encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    by_lines, whole = both(model, content, "-" if piped else Source("new.txt", content))
    assert by_lines == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("content", [b"\xff\xfet\0h\0\n\0", b"\xef\xbb\xbfthe \xe4hn\r\n\0\n", b"PK\x03\x04the"])
@pytest.mark.parametrize("encoding", [{}, {"encoding": "latin-1"}, {"encoding": "utf-16"}])
def test_bytes_are_those_of_the_file_whatever_their_encoding(content, encoding):
    experiment, scorer = trained("byte")
    notes = []
    with noting(notes.append):
        experiment.hold_out(Source("new.txt", content), encoding)
        whole = dict(experiment.score().figures)[WITH_NGRAM] / math.log(2)
    with noting(notes.append):
        scored = scorer.score(Asked(Source("new.txt", content), encoding, {}, lambda text: None))
        read = b"".join(b"".join(map(as_bytes, line.pieces())) for some in scored.lines for line in some)
    assert read == content
    assert scored.totals.bits == pytest.approx(whole * len(content), rel=1e-6)
    assert sum("reads the bytes of a file as they are" in note for note in notes) == 2 * len(encoding)


@pytest.mark.parametrize("kind", ["char", "byte", "word"])
def test_several_files_are_scored_as_each_alone(kind, tmp_path):
    experiment, _ = trained(kind)
    names = ("LF", "one character", "CRLF")
    for number, name in enumerate(names):
        (tmp_path / f"{number}.txt").write_bytes(FORMS[name].encode())
    paths = [str(tmp_path / f"{number}.txt") for number in range(len(names))]
    found = []
    with noting(lambda text: None):
        for given in ([paths[0]], [paths[1]], [paths[2]], paths):
            experiment.hold_out(read_files(given), {})
            found.append((experiment.score().network, len(experiment._held_out["test"].scored)))
    *each, (mean, count) = found
    assert count == sum(own for _, own in each)
    assert mean * count == pytest.approx(sum(loss * own for loss, own in each), rel=1e-6)
