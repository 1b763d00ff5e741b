"""Files of word vectors: their forms, and what is said of bad ones, with the line."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from rnncli.data.vectors import Vectors, vectors_in
from rnncli.data.vocabulary import Vocabulary
from rnncli.errors import ConfigError, DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.language_model.config import TextConfig

WORDS = Vocabulary(("<unk>", "the", "cat", "naïve", "New", "x"), "word")
GLOVE = "the 0.5 -1 2e-1\nof 9 9 9\nnaïve 1 2 3\ncat -0.25 0 .5\n"
WANTED = {"the": [0.5, -1, 0.2], "naïve": [1, 2, 3], "cat": [-0.25, 0, 0.5]}


def opened(path) -> Vectors:
    found = vectors_in(TextConfig(vectors=str(path)), "word")
    assert found is not None
    return found


def found_in(path, notes=None):
    """The vectors by word."""
    vectors = opened(path)
    with noting(([] if notes is None else notes).append):
        numbers, values = vectors.of(WORDS)
    assert values.dtype == np.float32
    assert vectors.size == values.shape[1]
    return {WORDS.tokens[number]: value for number, value in zip(numbers, values.tolist(), strict=True)}


def same(found, wanted=WANTED):
    assert found.keys() == wanted.keys()
    for word, values in wanted.items():
        assert found[word] == np.array(values, np.float32).tolist()


@pytest.mark.parametrize(
    "text",
    [
        GLOVE,
        "4 3\n" + GLOVE,
        GLOVE.replace(" ", "\t"),
        GLOVE.replace("\n", " \n"),
        GLOVE.replace("\n", "\r\n"),
        GLOVE.removesuffix("\n"),
        "\ufeff" + GLOVE,
        GLOVE + ". . . 1 2 3\nat name@x.com 1 2 3\nNew York 4 5 6\n",  # phrases, as in GloVe's largest file
        GLOVE + "\u0085 1 2 3\n\u00a0 1 2 3\n\u2028 4 5 6\n",
    ],
)
def test_text_forms(tmp_path, text):
    (tmp_path / "v.txt").write_bytes(text.encode())
    notes = []
    same(found_in(tmp_path / "v.txt", notes))
    assert notes == [f"{tmp_path}/v.txt: has vectors of 3 of 5 words; the others start at random"]


def test_a_gzipped_file(tmp_path):
    (tmp_path / "v.vec.gz").write_bytes(gzip.compress(GLOVE.encode()))
    same(found_in(tmp_path / "v.vec.gz"))


def test_a_large_file_is_read_in_pieces(tmp_path):
    filler = "".join(f"w{i} 1 1 1\n" for i in range(200_000))  # more than one piece
    (tmp_path / "v.txt").write_text(filler + GLOVE)
    same(found_in(tmp_path / "v.txt"))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_safetensors(tmp_path, kind):
    words, path = ["the", "of", "naïve", "cat"], tmp_path / "v.safetensors"
    rows = np.array([[0.5, -1], [9, 9], [1, 2], [0.25, 0]], kind)
    save_file({"vectors": rows}, path, metadata={"tokens": json.dumps(words)})
    same(found_in(path), {"the": [0.5, -1], "naïve": [1, 2], "cat": [0.25, 0]})


def test_the_unknown_word_may_have_a_vector(tmp_path):
    (tmp_path / "v.txt").write_text("the 1 2\n<unk> 3 4\n")
    notes = []
    assert found_in(tmp_path / "v.txt", notes) == {"the": [1, 2], "<unk>": [3, 4]}
    assert "1 of 5 words" in notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the 1 2 3\ncat 1 2\n", "v.txt:2: has 2 numbers, and the first vector has 3; mend the line"),
        ("the 1 2 3\ncat 1 2 3 4\n", "v.txt:2: has 4 numbers, and the first vector has 3"),
        ("the 1 2 3\n\ndog 1 2\n", "v.txt:3: has 2 numbers"),  # though nobody asks for the dog
        ("2 3\nthe 1 2 3 4\ncat 1 2 3 4\n", "v.txt:2: has 4 numbers, and the first vector has 3"),
        ("the 1 2\ncat 1 nan\n", "v.txt:2: a number is not finite in float32; mend it, or remove the vector"),
        ("the 1 2\ncat 1 1e39\n", "v.txt:2: a number is not finite"),
        ("the 1 2\ncat 1 o\n", 'v.txt:2: "o" is not a number; mend it, or remove the line'),
        ("the 1 2\ncat 1 2\nthe 3 4\n", 'v.txt:3: "the" has a vector at {}v.txt:1 already; remove one of them'),
        ("dog 1 2\n", 'v.txt: has no vector for any of the 5 words of the training split, such as "the", "cat"'),
        ("", "v.txt: is empty; give it a word and its numbers a line"),
        ("the\ncat\n", 'v.txt:1: "the" is not a word and its numbers; mend the line'),
        ("a plain text\n", 'v.txt:1: "a plain text" is not a word and its numbers'),
        ("3 2\nthe 1 2\ncat 1 2\n", "v.txt: its first line announces 3 vectors, and 2 follow; get the whole file"),
        ("5 99999999999999999999\nthe 1 2\n", "v.txt:2: has 2 numbers, and the first vector has 1; mend"),
        ("1 " + "9" * 5000 + "\nthe 1 2\n", "v.txt:2: has 2 numbers, and the first vector has 1; mend"),
        ("1 2\nthe 1 2\ncat 1 2\n", "v.txt: its first line announces 1 vectors, and 2 follow"),
    ],
)
def test_bad_text(tmp_path, text, said):
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "v.txt").of(WORDS)
    assert str(caught.value).startswith(f"{tmp_path}/" + said.format(f"{tmp_path}/"))


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"the 1 2\ncaf\xe9 1 2\n")
    with pytest.raises(DataError, match=r"v\.txt:2:4: byte 0xE9 is not UTF-8; save it as UTF-8 text"):
        opened(tmp_path / "v.txt").of(WORDS)
    with pytest.raises(UsageError, match="no such file"):
        opened(tmp_path / "w.txt")


@pytest.mark.parametrize(
    ("tensors", "metadata"),
    [
        ({"a": np.ones((2, 3), np.float32)}, None),
        ({"a": np.ones((2, 3), np.float32)}, {"tokens": '["the"]'}),
        ({"a": np.ones(2, np.float32)}, {"tokens": '["the", "cat"]'}),
        ({"a": np.ones((2, 3), np.int32)}, {"tokens": '["the", "cat"]'}),
        ({"a": np.ones((2, 3), np.float32), "b": np.ones((2, 3), np.float32)}, {"tokens": '["the", "cat"]'}),
        ({"a": np.ones((2, 3), np.float32)}, {"tokens": '{"the": 0, "cat": 1}'}),
    ],
)
def test_other_safetensors(tmp_path, tensors, metadata):
    save_file(tensors, tmp_path / "v.safetensors", metadata=metadata)
    with pytest.raises(DataError, match="a file of vectors has one tensor"):
        opened(tmp_path / "v.safetensors")


def test_bad_safetensors(tmp_path):
    path = tmp_path / "v.safetensors"
    path.write_text("the 1 2\n")
    with pytest.raises(DataError, match=r"v\.safetensors: .*; save it again"):
        opened(path)
    save_file({"a": np.array([[1, 2], [np.inf, 0]], np.float32)}, path, metadata={"tokens": '["the", "cat"]'})
    with pytest.raises(DataError, match=r"v\.safetensors: vector 2: a number is not finite"):
        opened(path).of(WORDS)
    save_file({"a": np.ones((2, 2), np.float32)}, path, metadata={"tokens": '["the", "the"]'})
    with pytest.raises(DataError, match=r'vector 2: "the" has a vector at .*vector 1 already'):
        opened(path).of(WORDS)


@pytest.mark.parametrize("kind", ["char", "byte", None])
def test_only_words_have_vectors(tmp_path, kind):
    assert vectors_in(TextConfig(), kind) is None
    with pytest.raises(ConfigError, match=r"data\.vectors: are of words; set data\.tokens: word"):
        vectors_in(TextConfig(vectors="v.txt"), kind)
