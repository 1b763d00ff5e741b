"""What a model answers for files that are not quite like those it was trained on."""

from __future__ import annotations

import io
import re

import pytest

from rnncli.data.source import Source, read_source
from rnncli.errors import DataError, UsageError
from rnncli.notes import Doubt, noting
from rnncli.tasks.answers import Table
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Asked, Context
from rnncli.training.backpropagation import ThreadPool

LABELS = ["good", "bad"] * 8


def trained(path, task="classify", **data):
    """A model with its first weights, of a file."""
    config = config_from_mapping(
        {
            "task": task,
            "data": {"path": str(path), "validation": 0.2, "group": "none", **data},
            "model": {"cell": "gru", "hidden_size": 4, "num_layers": 1},
        }
    )
    with noting(lambda text: None):
        made = TASKS[task].prepare(config, read_source(str(path)), Context(ThreadPool(1)))
    return TASKS[task].load(made.header(), made.network.parameters.export()), made


def answered(model, path, content, monkeypatch, notes=None):
    """The answers for a file of this content, or for standard input (-)."""
    data = content if isinstance(content, bytes) else content.encode()
    if path == "-":
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    else:
        path.write_bytes(data)
    with noting(([] if notes is None else notes).append):
        found = model.predict(Asked(str(path), {}, {}))
        if isinstance(found, Table):
            return found.nested
        return [piece.nested for some in found.lists for piece in some]


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_rows_are_numbered_however_few_there_are(rows, file, tmp_path, monkeypatch):
    model, _ = trained(file("d.csv", "label,a,b,c\n" + "".join(f"{x},1,2,{i}\n" for i, x in enumerate(LABELS))))
    answers = answered(model, tmp_path / "n.csv", "a,b,c\n" + "1.5,2.5,3.5\n" * rows, monkeypatch)
    assert [answer["id"] for answer in answers] == [str(i + 1) for i in range(rows)]


def test_a_column_called_id_names_the_rows_and_is_no_step(file, tmp_path, monkeypatch):
    rows = "".join(f"{100 + i},{x},1,2,{i}\n" for i, x in enumerate(LABELS))
    model, made = trained(file("d.csv", "id,label,a,b,c\n" + rows))
    assert {len(x) for x in made.learner.train.inputs} == {3}
    answers = answered(model, tmp_path / "n.csv", "id,a,b,c\n7,1,2,3\n9,3,2,1\n", monkeypatch)
    assert [answer["id"] for answer in answers] == ["7", "9"]


def test_blank_lines_of_a_column_of_texts_keep_their_place(file, tmp_path, monkeypatch):
    model, _ = trained(file("d.csv", "label,text\n" + "".join(f"{x},text {i}\n" for i, x in enumerate(LABELS))))
    notes = []
    answers = answered(model, tmp_path / "n.csv", "text\ntext 1\n\ntext 2\n  \n", monkeypatch, notes)
    assert [answer["label"] is None for answer in answers] == [False, True, False, True]
    assert f"{tmp_path / 'n.csv'}:3: is the first of 2 blank rows, whose answers are blank too" in notes
    notes.clear()
    answered(model, tmp_path / "n.csv", "text\ntext 1\n\n", monkeypatch, notes)
    assert f"{tmp_path / 'n.csv'}:3: is blank, and so is its answer" in notes


def test_a_pipe_is_read_like_the_file_that_a_model_was_trained_on(file, tmp_path, monkeypatch):
    table = "".join(f'{x},"text, {i}"\n' for i, x in enumerate(LABELS))
    model, _ = trained(file("d.csv", table), label=1, text=2)
    assert answered(model, "-", table, monkeypatch) == answered(model, tmp_path / "n.csv", table, monkeypatch)
    bare = answered(model, "-", "text, 3\ntext, 4\n", monkeypatch)
    assert [one["probabilities"] for one in bare] == [
        one["probabilities"] for one in answered(model, tmp_path / "n.csv", table, monkeypatch)[3:5]
    ]


def test_quotes_of_a_tsv_are_text_from_a_pipe_too(file, tmp_path, monkeypatch):
    rows = "label\ttext\n" + "".join(f'{x}\t"text {i}\n' for i, x in enumerate(LABELS))
    model, made = trained(file("d.tsv", rows))
    assert made.config.data.quoting == "none"
    assert len(answered(model, "-", 'text\n"good film\nbad film"\n', monkeypatch)) == 2


def test_a_text_that_names_the_column_is_a_text(file, monkeypatch):
    model, _ = trained(file("d.csv", "label,text\n" + "".join(f"{x},text {i}\n" for i, x in enumerate(LABELS))))
    answers = answered(model, "-", "text, a lot, text\ntext 2\n", monkeypatch)
    assert [answer["label"] in LABELS for answer in answers] == [True, True]


def test_the_names_of_columns_above_lines_are_no_example(file):
    notes = []
    path = file("d.txt", "label\ttext\n" + "".join(f"{x}\ttext {i}\n" for i, x in enumerate(LABELS)))
    with noting(notes.append):
        found = TASKS["classify"].prepare(
            config_from_mapping({"task": "classify", "data": {"validation": 0}}),
            Source("d.txt", path.read_bytes()),
            Context(ThreadPool(1)),
        )
    assert found.answers.labels == ["bad", "good"]
    assert notes == ['d.txt:1: left out "label\\ttext", which names columns']


def test_tags_that_training_never_saw_are_wrong_also_where_there_are_no_others(file):
    _, made = trained(
        file("t.conll", "".join(f"{w} {t}\n\n" for w, t in zip("abcdefgh", "XY" * 4, strict=True))), "tag"
    )
    notes = []
    with noting(notes.append):
        made.hold_out(Source("n.conll", b"a Z\nb Y\n\nc W\n"), {})
        score = made.score()
    assert score.network <= 1 / 3
    assert len(notes) == 1


@pytest.mark.parametrize(("mark", "option"), [(",", ","), (";", "';'"), ("|", "'|'")])
@pytest.mark.parametrize("name", ["n.csv", "n.txt"])
def test_rows_that_another_delimiter_cuts_are_refused_with_the_options_that_read_them(
    mark, option, name, file, tmp_path, monkeypatch
):
    rows = [(label, f"a film{mark} that I saw {i}") for i, label in enumerate(LABELS)]
    plain = "".join(f"{label}\t{text}\n" for label, text in rows)
    model, made = trained(file("d.tsv", plain), text=2, label=1, header=False, delimiter="\t", tokens="word")
    written = "".join(f'{label}{mark}"{text}"\n' for label, text in rows)
    with pytest.raises(DataError, match=re.escape(f": --delimiter {option} --quoting minimal") + "$"):
        answered(model, tmp_path / name, written, monkeypatch)
    with pytest.raises(UsageError, match=re.escape(f": --delimiter {option} --quoting minimal") + "$"):
        made.hold_out(Source(name, written.encode()), {})
    alone = "".join(f"{text}\n" for _, text in rows)
    assert len(answered(model, tmp_path / name, alone, monkeypatch)) == len(rows)
    good = file(name, written)
    assert len(list(model.predict(Asked(str(good), {"delimiter": mark, "quoting": "minimal"}, {})).lists)) > 0


def test_evaluate_leaves_out_names_above_labels_and_texts_that_training_had_without(file):
    rows = "".join(f"{label}\ta film {i}\n" for i, label in enumerate(LABELS))
    _, made = trained(file("d.tsv", rows), text=2, label=1, header=False, delimiter="\t", tokens="word")
    notes: list[str] = []
    with noting(notes.append):
        made.hold_out(Source("n.tsv", f"label\ttext\n{rows}".encode()), {})
    assert notes[0] == 'n.tsv:1: left out "label\\ttext", which names columns'
    assert made.score().confusion.labels == ("bad", "good")


NAMED = {
    "usual names": ("classify", "label,text\n", "d.csv", {}),
    "one usual name beside what is no label": ("classify", "sentiment,review\n", "d.csv", {}),
    "names of a number and a text": ("regress", "price,text\n", "d.csv", {}),
    "words above numbers": ("classify", "kind,first,second\n", "d.csv", {"text": None, "inputs": [2, 3]}),
}


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("path", ["n.csv", "n.txt", "-"])
def test_a_first_row_of_names_is_no_sequence_for_a_model_whose_data_had_none(kind, path, file, tmp_path, monkeypatch):
    task, names, name, more = NAMED[kind]
    if "inputs" in more and path == "n.txt":
        pytest.skip("rows of numbers are a table by its name")
    label = {"classify": lambda i: LABELS[i], "regress": lambda i: f"{i / 4}"}[task]
    text = (lambda i: f"{i},{i + 1}") if "inputs" in more else (lambda i: f"a film {i}")
    rows = "".join(f"{label(i)},{text(i)}\n" for i in range(16))
    model, made = trained(file(name, rows), task, **({"text": 2, "label": 1, "header": False} | more))
    notes: list[str] = []
    place = path if path == "-" else tmp_path / path
    found = answered(model, place, names + rows, monkeypatch, notes)
    where = "<stdin>" if path == "-" else str(place)
    assert f"{where}:1: left out {names.strip()!r}, which names columns".replace("'", '"') in notes
    assert found == answered(model, place, rows, monkeypatch)
    if path == "n.csv" and kind != "one usual name beside what is no label":  # evaluate does not know the labels
        with noting(notes.append):
            made.hold_out(Source("e.csv", (names + rows).encode()), {})
        assert f'e.csv:1: left out "{names.strip()}", which names columns' in notes


@pytest.mark.parametrize("first", ["good,text", "good,a film of many words", "new,name a film"])
def test_a_first_row_of_a_label_or_of_a_text_is_a_sequence(first, file, tmp_path, monkeypatch):
    rows = "".join(f"{label},a film {i}\n" for i, label in enumerate(LABELS))
    model, _ = trained(file("d.csv", rows), text=2, label=1, header=False)
    notes: list[str] = []
    assert len(answered(model, tmp_path / "n.csv", f"{first}\n{rows}", monkeypatch, notes)) == len(LABELS) + 1
    assert not any("names column" in note for note in notes)


@pytest.mark.parametrize("path", ["n.csv", "n.txt", "-"])
def test_a_text_that_may_be_the_name_of_its_column_is_answered_and_doubted(path, file, tmp_path, monkeypatch):
    rows = "".join(f"{label},a film {i}\n" for i, label in enumerate(LABELS))
    model, _ = trained(file("d.csv", rows), text=2, label=1, header=False)
    notes: list[str] = []
    place = path if path == "-" else tmp_path / path
    assert len(answered(model, place, "text\na film 1\na film 2\n", monkeypatch, notes)) == 3
    told = [note for note in notes if "if it names columns" in note]
    assert [note.partition(':1: "text" is answered')[1] != "" for note in told] == [True]
    assert all(isinstance(note, Doubt) for note in told)


def test_names_above_labelled_lines_do_not_keep_the_labels_in_the_texts(file, tmp_path, monkeypatch):
    rows = "".join(f"{label}\ta film {i}\n" for i, label in enumerate(LABELS))
    model, _ = trained(file("d.txt", rows))
    notes: list[str] = []
    named = answered(model, tmp_path / "n.txt", f"label\ttext\n{rows}", monkeypatch, notes)
    bare = answered(model, tmp_path / "n.txt", rows, monkeypatch)
    assert [one["probabilities"] for one in named[1:]] == [one["probabilities"] for one in bare]
    assert '"label\\ttext" is answered as the others are' in notes[0]


TEXTS_ALONE = "text,label\n" + "".join(f"the {x} one {i % 3},{x}\n" for i, x in enumerate(LABELS))
STEPS_ALONE = "label,a,b,c\n" + "".join(f"{x},1,2,{i % 3}\n" for i, x in enumerate(LABELS))
NUMBERED = "id,text,label\n" + "".join(f"n{i},the {x} one,{x}\n" for i, x in enumerate(LABELS))


@pytest.mark.parametrize(
    ("content", "text", "asked", "ids"),
    [
        (TEXTS_ALONE, "text", "id,text\n7,the good one\n9,the bad one\n3,it\n", ["7", "9", "3"]),
        (TEXTS_ALONE, "text", "text,other, ID \nthe good one,5,b\nthe bad one,6,a\n", ["b", "a"]),
        (TEXTS_ALONE, "text", "id,text\n,the good one\n9,the bad one\n", ["1", "9"]),
        (TEXTS_ALONE, "text", "text,number\nthe good one,7\nthe bad one,9\n", ["1", "2"]),
        (NUMBERED, "text", "id,text\n7,the good one\n9,the bad one\n", ["7", "9"]),
        (STEPS_ALONE, None, "a,id,b,c\n1,x7,2,3\n1,x9,2,4\n", ["x7", "x9"]),
        # Where the model reads it, it is no name.
        (TEXTS_ALONE.replace("text,", "id,"), "id", "id,text\nthe good one,7\nthe bad one,9\n", ["1", "2"]),
        (STEPS_ALONE.replace(",b,", ",id,"), None, "a,id,c\n1,4,3\n1,2,4\n", ["1", "2"]),
    ],
)
@pytest.mark.parametrize("path", ["new.csv", "-"])
def test_rows_keep_the_ids_that_their_file_gives_them(path, content, text, asked, ids, file, tmp_path, monkeypatch):
    model, _ = trained(file("d.csv", content), label="label", **({"text": text} if text else {}))
    found = answered(model, tmp_path / path if path != "-" else path, asked, monkeypatch)
    assert [one["id"] for one in found] == ids
    assert list(found[0]) == ["id", "label", "probabilities"]


@pytest.mark.parametrize("task", ["classify", "regress", "tag"])
def test_a_wider_table_than_one_without_names_is_refused(task, file, tmp_path, monkeypatch):
    kinds = {
        "classify": ("{0},said {0} so", {"text": 2, "label": 1}),
        "regress": ("{1}.5,said {0} so", {"text": 2, "label": 1}),
        "tag": ("s{2},{0},word", {"id": 1, "label": 2, "text": 3}),
    }
    row, columns = kinds[task]
    rows = [row.format(label, i, i // 2) for i, label in enumerate(LABELS)]
    model, made = trained(file("d.csv", "\n".join([*rows, ""])), task, header=False, **columns)
    wider = "".join(f"A{i},{row}\n" for i, row in enumerate(rows))
    with pytest.raises(DataError, match="without names; give it those, in their order"):
        answered(model, tmp_path / "n.csv", wider, monkeypatch)
    with pytest.raises(DataError, match="without names; give it those, in their order"):
        made.hold_out(Source("n.csv", wider.encode()), {})
