"""Missing values of sequences: read in every form, filled by hand's rules, masked, and alike in prediction."""

import numpy as np
import pytest
from test_sequences_classify import prepared
from test_sequences_examples import read

from rnncli.data.source import Source
from rnncli.errors import DataError, UsageError
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS
from rnncli.tasks.sequences import gaps, readers
from rnncli.tasks.sequences.examples import Columns, Examples
from rnncli.tasks.sequences.nearest import nearest
from rnncli.tasks.task import Asked

NAN = float("nan")
HEAD = "@timeStamps {}\n@missing true\n@classLabel true p q\n@data\n"


def same(found, wanted):
    return np.array_equal(np.array(found), np.array(wanted), equal_nan=True)


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("ffill", [[5, NAN], [5, NAN], [5, NAN], [8, NAN], [8, NAN]]),
        ("interpolate", [[5, NAN], [5, NAN], [6.5, NAN], [8, NAN], [8, NAN]]),
        ("mask", [[NAN, NAN], [5, NAN], [NAN, NAN], [8, NAN], [NAN, NAN]]),
    ],
)
def test_gaps_are_filled_within_the_column(how, wanted):
    values = np.array([[NAN, NAN], [5, NAN], [NAN, NAN], [8, NAN], [NAN, NAN]])
    assert same(gaps.filled(values, how), wanted)
    assert same(values[:, 0], [NAN, 5, NAN, 8, NAN])
    if how != "mask":
        assert same(gaps.completed(values, how, np.array([9.0, 7.0])), [[row[0], 7] for row in wanted])


@pytest.mark.parametrize(
    ("name", "content", "reading"),
    [
        ("d.csv", "a,b,c,d,label\n1,,3,,p\n,2,?,NaN,q\n", {}),
        ("d.csv", "id,x,label\nu,1,p\nu,,p\nu,3,p\nu,-,p\nv,NA,q\nv,2,q\nv,,q\n", {"id": "id"}),
        ("d.ts", HEAD.format("false") + "1,?,3,NaN:p\n?,2,,nan:q\n", {}),
        ("d.ts", HEAD.format("true") + "(0,1),(1,?),(2,3),(3,NaN):p\n(0,?),(1, 2) , (2,):q\n", {}),
    ],
)
def test_a_missing_value_at_the_end_is_no_step_in_any_form(name, content, reading):
    notes = []
    with noting(notes.append):
        found = read(name, content, missing="interpolate", **reading)
    for one, wanted in zip(found.values, ([1, NAN, 3], [NAN, 2]), strict=True):
        assert same(one[:, 0], wanted)
    assert f"{name}: 2 of 5 values are missing and filled from their neighbours" in notes
    with pytest.raises(DataError, match=r"has no value; --missing ffill\|interpolate\|mask \(data.missing\) says"):
        read(name, content, **reading)
    with pytest.raises(DataError, match=r"has no value; --missing ffill\|interpolate \(data.missing\) says"):
        read(name, content, found.columns, labels="p q", **reading)


def test_times_with_colons_and_several_dimensions():
    line = "(2019-05-01 00:00:30,1),(2019-05-02 00:00,2):(2019-05-01 1:0,3),(2019-05-02 1:0,?):p"
    found = read("d.ts", f"{HEAD.format('true')}{line}\n(1,5):(1,6):q\n", missing="mask")
    assert same(found.values[0], [[1, 3], [2, NAN]])
    assert same(found.values[1], [[5, 6]])
    assert found.labels == ["p", "q"]


def sequences(values, missing="refuse"):
    columns = Columns("long", inputs=("x", "y"))
    names = [str(i) for i in range(len(values))]
    return Examples("d", columns, names, [1] * len(values), ["p"] * len(values), values=values, missing=missing)


TRAIN = [np.array([[1.0, NAN], [NAN, 4.0]]), np.array([[3.0, 8.0]]), np.array([[8.0, NAN]])]


def test_centre_and_scale_are_those_of_the_values_that_are_there():
    reader = readers.Numbers.of(sequences(TRAIN, "ffill"), None)
    assert reader.centre == pytest.approx([4, 6])
    assert reader.scale == pytest.approx([np.std([1, 3, 8]), 2])
    x = reader.encode(sequences([np.array([[NAN, NAN], [7.0, NAN]])], "ffill"))[0]
    assert x == pytest.approx(np.array([[3, 0], [3, 0]]) / reader.scale)
    unscaled = readers.Numbers.of(sequences(TRAIN, "interpolate"), "none")
    assert same(unscaled.encode(sequences([TRAIN[2]], "interpolate"))[0], [[8, 6]])
    again = readers.from_header(unscaled.to_header(), None)
    assert same(again.encode(sequences([TRAIN[2]], "interpolate"))[0], [[8, 6]])


def test_masks_say_which_values_are_there():
    reader = readers.Numbers.of(sequences(TRAIN, "mask"), None)
    again = readers.from_header(reader.to_header(), None)
    assert (again.size, again.unit) == (4, "steps of 2")
    for one in (reader, again):
        x = one.encode(sequences([TRAIN[0]], "mask"))[0]
        assert x == pytest.approx(np.array([[-3 / reader.scale[0], 0, 1, 0], [0, -1, 0, 1]]))
        filled = one.encode(sequences([TRAIN[0]], "ffill"))[0]
        assert same(filled[:, 2:], x[:, 2:])


def test_a_model_without_gaps_keeps_its_header_and_can_fill():
    whole = [np.array([[1.0, 2.0], [3.0, 6.0]])]
    reader = readers.Numbers.of(sequences(whole), None)
    assert set(reader.to_header()) == {"centre", "scale"}
    assert same(reader.encode(sequences([np.array([[NAN, 6.0]])], "ffill"))[0], [[0, 1]])
    with pytest.raises(UsageError, match="the model was trained without masks"):
        reader.encode(sequences(whole, "mask"))
    with pytest.raises(DataError, match="the model has no mean to take"):
        readers.Numbers.of(sequences(whole), "none").encode(sequences([np.array([[NAN, 6.0]])], "ffill"))


def test_each_series_may_be_scaled_by_its_own_values():
    reader = readers.Numbers.of(sequences(TRAIN, "ffill"), "series")
    again = readers.from_header(reader.to_header(), None)
    new = sequences([np.array([[100.0, NAN], [300.0, NAN]]), np.array([[5.0, 1.0], [5.0, NAN]])], "ffill")
    for one in (reader, again):
        x, flat = one.encode(new)
        assert x[:, 0] == pytest.approx((np.array([-1, 1]) - reader.centre[0]) / reader.scale[0])
        assert x[:, 1] == pytest.approx((0 - reader.centre[1]) / reader.scale[1])
        assert np.isfinite(flat).all()


def test_differences_stand_beside_values_in_units_of_the_training_split():
    train = [np.array([[0.0, 0.0], [1.0, 2.0], [1.0, 8.0]]), np.array([[4.0, 2.0]])]
    reader = readers.Numbers.of(sequences(train, "mask"), None, differences=True)
    spread = np.array([np.std([0, 1, 1, 4]), np.std([0, 2, 8, 2])])
    size = np.sqrt([1 / 4, (4 + 36) / 4])
    again = readers.from_header(reader.to_header(), None)
    assert (again.size, again.unit) == (6, "steps of 2")
    for one in (reader, again):
        x = one.encode(sequences([np.array([[0.0, 1.0], [3.0, NAN]])], "mask"))[0]
        mean = np.array([1.5, 3.0])
        assert x[:, :2] == pytest.approx((np.array([[0, 1], [3, 3]]) - mean) / spread)
        assert x[:, 2:4] == pytest.approx(np.array([[0, 0], [3, 2]]) / size)
        assert x[:, 4:].tolist() == [[1, 1], [1, 0]]


def test_a_column_without_any_value_is_refused_by_its_name():
    with pytest.raises(DataError, match='no training sequence has a value of "y"; leave that column out'):
        readers.Numbers.of(sequences([TRAIN[2]], "mask"), None)


def test_the_nearest_neighbour_reads_over_gaps():
    train = sequences([np.array([[1.0, 1], [NAN, 1], [5, 1]]), np.array([[5.0, 1], [3, NAN], [1, 1]])], "mask")
    asked = sequences([np.array([[5.0, NAN], [NAN, 1], [2, 1]]), np.array([[1.0, 1], [3, 1], [NAN, 1]])], "mask")
    assert nearest(train, asked).tolist() == [1, 0]


STEPS = [[1, 2], [None, 3], [4, None], [5, 1]]


def csv_of(task):
    """Thirty sequences like STEPS, a little moved, with an answer for each of them or for each step."""
    lines = ["id,x,y,label"]
    for i in range(30):
        for t, (a, b) in enumerate(STEPS):
            label = "pq"[(i + t) % 2 if task == "tag" else i % 2]
            lines.append(f"s{i},{'' if a is None else a + i % 5},{'' if b is None else b - i % 3},{label}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("missing", ["ffill", "interpolate", "mask"])
@pytest.mark.parametrize("task", ["classify", "tag"])
def test_a_loaded_model_reads_gaps_as_it_was_trained(task, missing):
    """Its answers are those of the trained one, and those for values filled by hand if it fills them."""
    notes = []
    made = prepared(task, csv_of(task), notes, data={"id": "id", "missing": missing})
    assert any("60 of 240 values are missing" in text for text in notes)
    for update in range(3):
        made.learner.gradient(update)
    assert made.network.shape.input_size == (4 if missing == "mask" else 2)
    model = TASKS[task].load(made.header(), made.network.parameters.export())

    def answers(steps):
        lines = "".join(f"n,{','.join('' if v is None else str(v) for v in step)}\n" for step in steps)
        nested, _ = model.answers_to(Source("n.csv", f"id,x,y\n{lines}".encode()), model.config.data)
        return nested

    middle = {"ffill": (1, 3), "interpolate": (2.5, 2), "mask": (2.5, 2)}[missing]
    by_hand = [[1, 2], [middle[0], 3], [4, middle[1]], [5, 1]]
    assert (answers(STEPS) == answers(by_hand)) == (missing != "mask")


def test_steps_to_tag_are_kept_to_the_end():
    content = csv_of("tag").replace("label\n", "label\ne,1,2,p\ne,2,3,q\ne,,,p\n")
    made = prepared("tag", content, data={"id": "id", "missing": "ffill"}, training={"seed": 2})
    model = TASKS["tag"].load(made.header(), made.network.parameters.export())
    nested, _ = model.answers_to(Source("n.csv", b"id,x,y\ne,1,2\ne,2,3\ne,,\n"), model.config.data)
    assert [len(one["steps"]) for one in nested] == [3]
    again, _ = model.answers_to(Source("n.csv", b"id,x,y\ne,1,2\ne,2,3\ne,2,3\n"), model.config.data)
    assert again == nested
    with pytest.raises(DataError, match=r'd\.csv:4: column 2 "x" has no value; --missing ffill'):
        prepared("tag", content, data={"id": "id"})


def test_a_row_with_a_gap_keeps_its_place_among_the_answers(tmp_path):
    content = "label,a,b,c\n" + "".join(f"{'pq'[i % 2]},{i % 2},{i % 3},{i % 5}\n" for i in range(40))
    made = prepared("classify", content)
    model = TASKS["classify"].load(made.header(), made.network.parameters.export())
    (tmp_path / "n.csv").write_text("a,b,c\n1,2,3\n1,,3\n1,2,\n")

    def answers(reading):
        told, notes = [], []
        with noting(notes.append):
            lists = model.predict(Asked(str(tmp_path / "n.csv"), reading, {}, told.append)).lists
            try:
                return [piece.nested["label"] for some in lists for piece in some], told, notes
            except DataError as error:
                return str(error), told, notes

    said, told, _ = answers({})
    assert "1 of 3 rows has no answer" in said
    assert [text.partition("n.csv")[2] for text in told] == [
        ':3: column 2 "b" has no value; --missing ffill|interpolate (data.missing) says what to do'
    ]
    labels, told, notes = answers({"missing": "ffill"})
    assert (len(labels), told) == (3, [])
    assert [text.partition("n.csv")[2] for text in notes] == [
        ": 1 of 8 values are missing and filled with the value before"
    ]
