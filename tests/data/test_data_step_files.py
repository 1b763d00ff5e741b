"""Recordings that are numbers: tables of steps, .ts and .npy files; what they say, and what is said of bad ones."""

from __future__ import annotations

import io

import numpy as np
import pytest

from rnncli.config.recordings import RecordingsConfig
from rnncli.data.recordings import Layout, read_recordings
from rnncli.data.source import Source
from rnncli.data.step_files import read_array_steps
from rnncli.errors import DataError, UsageError
from rnncli.notes import noting

STROKES = "id,x,y,pen,text\na,0,1,1,one two\na,1,1,1,\nb,5,5,0,\na,2,0,0,one two\nb,6,4,1,\n"
TS = "@classLabel true one two\n@data\n1,2,3:4,5,6:one two\n7,8:9,10:two\n"


def read(path, labelled=True, like=None, **keys):
    features = {"normalise": "none"} | {key: keys.pop(key) for key in ("stack", "deltas", "kind") if key in keys}
    data = RecordingsConfig.model_validate(keys | {"features": features})
    return read_recordings(str(path), data, like, labelled=labelled)


@pytest.fixture
def strokes(tmp_path):
    (tmp_path / "s.csv").write_text(STROKES)
    return tmp_path / "s.csv"


def npy(array, **how):
    file = io.BytesIO()
    np.save(file, array, **how)
    return file.getvalue()


def test_rows_of_one_id_are_a_recording(strokes):
    found = read(strokes)
    assert found.layout == Layout("numbers", 3, None, ("x", "y", "pen"))
    assert [(one.name, one.where, one.text) for one in found.items] == [
        ("a", f"{strokes}:2", "one two"),
        ("b", f"{strokes}:4", ""),
    ]
    assert found.items[0].features.tolist() == [[0, 1, 1], [1, 1, 1], [2, 0, 0]]
    assert found.items[1].features.dtype == np.float32


def test_columns_are_those_that_are_named_and_those_of_a_model(strokes):
    found = read(strokes, inputs=["y", "x"], time="pen")
    assert found.items[1].features.tolist() == [[5, 5], [4, 6]]
    (strokes.parent / "t.csv").write_text("y,id,extra,x\n1,a,q,2\n")
    notes = []
    with noting(notes.append):
        assert read(strokes.parent / "t.csv", labelled=False, like=found.layout).items[0].features.tolist() == [[1, 2]]
    assert notes == []
    with noting(notes.append):
        assert read(strokes.parent / "t.csv", labelled=False).layout.inputs == ("y", "x")
    assert notes == [f'{strokes.parent}/t.csv: columns left out: "extra"']


def test_texts_stand_in_a_second_table(strokes):
    (strokes.parent / "t.tsv").write_text("id\ttext\nb\ttwo\na\tone\n")
    found = read(strokes, transcripts=str(strokes.parent / "t.tsv"), inputs="x")
    assert [one.text for one in found.items] == ["one", "two"]


def test_a_table_without_ids_is_one_recording(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "l.csv").write_text("path,text\na.csv,two\n")
    found = read(tmp_path / "a.csv").items
    assert [(one.name, one.text) for one in found] == [(f"{tmp_path}/a.csv", "one")]
    assert found[0].features.tolist() == [[1, 2], [3, 4]]
    assert [(one.name, one.text) for one in read(tmp_path / "l.csv").items] == [("a.csv", "two")]


def test_an_archive_says_its_labels(tmp_path):
    (tmp_path / "a.ts").write_text(TS)
    found = read(tmp_path / "a.ts")
    assert [(one.name, one.text, one.where) for one in found.items] == [
        ("1", "one two", f"{tmp_path}/a.ts:3"),
        ("2", "two", f"{tmp_path}/a.ts:4"),
    ]
    assert found.items[0].features.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert found.layout.inputs == ("dimension 1", "dimension 2")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(3, 2),
        np.asfortranarray(np.arange(6.0).reshape(3, 2)),
        np.arange(6, dtype=">i2").reshape(3, 2),
        np.arange(6, dtype=np.float16).reshape(3, 2),
    ],
)
def test_arrays(tmp_path, array):
    (tmp_path / "a.npy").write_bytes(npy(array))
    (tmp_path / "a.txt").write_text("one")
    found = read(tmp_path)
    assert found.items[0].features.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert found.items[0].text == "one"
    assert read_array_steps(Source("a.npy", npy(array[:, 0]))).values.tolist() == [[0], [2], [4]]


def test_steps_are_stacked_with_slopes(strokes):
    found = read(strokes, stack=2, deltas=True)
    assert found.layout.size == 3 * 2 * 2
    assert [len(one.features) for one in found.items] == [2, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (STROKES.replace("a,1,1,1,", "a,1,,1,"), ':3: column 3 "y" has no value, and 1 row in all; fill them, or rem'),
        (STROKES.replace("b,5,5,0,", ",5,5,0,"), ':4: column "id" is empty; name the recording that the step is of'),
        (
            STROKES.replace("a,2,0,0,one two", "a,2,0,0,one"),
            ':5: says "one", and line 2 of the same recording "',
        ),
        (STROKES.replace("a,1,1,1,", "a,1,1,one,"), ':3: column 4 "pen": "one" is not a number'),
        (STROKES.replace("a,1,1,1,", "a,1,1e31,1,"), ':3: column 3 "y"'),
        (
            STROKES.replace("text", "words"),
            ": nothing tells what its recordings say; name the column with data",
        ),
    ],
)
def test_what_is_said_of_bad_tables(tmp_path, content, message):
    (tmp_path / "s.csv").write_text(content)
    with pytest.raises(DataError) as error:
        read(tmp_path / "s.csv", inputs=["x", "y", "pen"])
    assert str(error.value).startswith(f"{tmp_path}/s.csv{message}")


def test_what_is_said_of_missing_columns_and_texts(strokes):
    folder = strokes.parent
    with pytest.raises(UsageError, match=r'no column "z" in .*s\.csv, which the model reads; add it'):
        read(strokes, like=Layout("numbers", 1, None, ("z",)))
    with pytest.raises(
        DataError, match=r"s\.csv:2: a step has 2 values, and makes 2 features where 3 are wanted; name"
    ):
        read(strokes, like=Layout("numbers", 3, None, ("x", "y")))
    (folder / "t.csv").write_text("id,text\na,one\n")
    with pytest.raises(DataError, match=r's\.csv:4: recording "b" has no line in .*t\.csv; add it'):
        read(strokes, transcripts=str(folder / "t.csv"), inputs="x")
    (folder / "t.csv").write_text("id,text\na,one\na,two\n")
    with pytest.raises(DataError, match=r't\.csv:3: has "a" a second time; remove one'):
        read(strokes, transcripts=str(folder / "t.csv"), inputs="x")
    (folder / "t.csv").write_text("name,text\na,one\n")
    with pytest.raises(DataError, match=r"t\.csv: needs the columns id and text; rename those that it has"):
        read(strokes, transcripts=str(folder / "t.csv"), inputs="x")
    (folder / "l.csv").write_text("path,text\ns.csv,one\n")
    with pytest.raises(DataError, match=r"l\.csv:2: .*s\.csv: has 2 recordings, and a list names files of one each"):
        read(folder / "l.csv", inputs="x")
    (folder / "n.csv").write_text("a,b\nq,r\nq,r\n")
    with pytest.raises(UsageError, match=r"n\.csv: has no column of numbers; name those to read with --set data"):
        read(folder / "n.csv")


def test_a_value_missing_in_an_archive_is_named(tmp_path):
    (tmp_path / "a.ts").write_text(TS.replace("9,10", "9,?"))
    with pytest.raises(DataError, match=r"a\.ts:4: dimension 2, step 2 has no value; fill it"):
        read(tmp_path / "a.ts")


ODD = np.ones((3, 2))
ODD[2, 1] = np.nan
BAD_ARRAYS = {
    b"": "is no .npy file; save the array by numpy.save",
    b"PK\x03\x04": "is no .npy file",
    npy(np.ones((3, 2)))[:-1]: "is truncated, or has more than one array: 47 bytes of numbers; save it again",
    npy(np.ones((3, 2))) + b"1": "is truncated, or has more than one array: 49 bytes",
    npy(np.ones((3, 2))).replace(
        b"(3, 2), }" + 11 * b" ", b"(999999999999, 2), }"
    ): "is truncated, or has more than one array: 48 bytes",
    npy(np.ones((3, 2))).replace(b"'descr'", b"'d'scr'"): "its header is damaged (",
    npy(np.ones((3, 2)))[:20]: "its header is damaged (",
    npy(np.array([{"a": 1}, None]), allow_pickle=True): 'holds "object" of shape "(2,)", and steps are',
    npy(np.ones((2, 2, 2))): 'holds "float64" of shape "(2, 2, 2)"',
    npy(np.ones((0, 2))): 'holds "float64" of shape "(0, 2)"',
    npy(np.array(["a"])): 'holds "<U1" of shape',
    npy(np.ones(2, complex)): 'holds "complex128" of shape',
    npy(ODD): "step 3, column 2 is not finite; fill it",
    npy(np.full((2, 1), 1e31)): "a value is too large for float32; rescale the data",
}


@pytest.mark.parametrize(("content", "message"), BAD_ARRAYS.items(), ids=range(len(BAD_ARRAYS)))
def test_what_is_said_of_bad_arrays(content, message):
    with pytest.raises(DataError) as error:
        read_array_steps(Source("a.npy", content))
    assert str(error.value).startswith(f"a.npy: {message}")
