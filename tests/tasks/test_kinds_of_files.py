"""What a data file without a config is taken for, by its name and its look: the task, its columns, or a question."""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rnncli.data.source import STDIN, Source
from rnncli.errors import DataError, UsageError
from rnncli.nn.network import FLOAT32
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context, Experiment
from rnncli.training.backpropagation import ThreadPool
from rnncli.workflows.bare_file import inferred

RANDOM = random.Random(7)
NOUNS = ("boat", "lamp", "hill", "tree", "stone", "river", "kettle", "garden")
TEXTS = [f"the {a} {b} was near the {c}" for a in ("old", "red", "wet") for b in NOUNS for c in NOUNS if b != c]
WORDS = [f"{a}{b}{c}" for a in "bdfgkl" for b in ("ar", "il", "ost") for c in ("em", "an", "ik", "od")]
RANDOM.shuffle(TEXTS)
RANDOM.shuffle(WORDS)
DAYS = [f"2024-{month:02}-{day:02}" for month in (1, 3, 5) for day in range(1, 32)]
SMALL = ("model.hidden_size=4", "model.num_layers=1")
CSV, TAB = {"format": "csv"}, {"delimiter": "\t"}
PIPED = CSV | TAB | {"quoting": "none"}


def rows(make: Callable[[int], tuple[Any, ...]], mark: str = ",", count: int = 31) -> str:
    """Lines of cells, `count` of them."""
    return "".join(f"{mark.join(map(str, make(i)))}\n" for i in range(count))


def label(i: int) -> str:
    return ("warm", "cold", "damp")[i % 5 % 3]


def value(i: int) -> float:
    return round(10 + i % 7 + RANDOM.random(), 3)


def sentences(mark: str, columns: int = 2, count: int = 20) -> str:
    """Sentences of three words with tags between O and B-X."""
    middle = ["_"] * (columns - 2)
    made = ([("the", "O"), (WORDS[i], "B-X"), (("left", "came")[i % 2], "O")] for i in range(count))
    return "\n".join("".join(f"{mark.join([word, *middle, tag])}\n" for word, tag in one) for one in made)


def conll_u() -> str:
    """Sentences in ten columns, which the fourth tags."""

    def line(*cells: str) -> str:
        return "\t".join([*cells, *"______"])

    words = (line("1", "the", "_", "DET"), line("2", "{}", "_", "NOUN"), line("3", "came", "_", "VERB"))
    return "\n\n".join(f"# sent_id = {i}\n" + "\n".join(words).format(WORDS[i]) for i in range(20))


def archive(keys: str, answer: Callable[[int], object]) -> str:
    return f"@problemName toy\n{keys}@data\n" + rows(
        lambda i: (value(i), value(i), f"{value(i)}:{answer(i)}"), count=20
    )


TS = archive("@classLabel true a b\n", lambda i: "ab"[i % 2])
TAGGED = sentences("\t")
PAIRS = rows(lambda i: (WORDS[i], WORDS[i] + "s"), "\t")
NUMBERED = {"source": 1, "target": 2, "header": False}
REVIEWS = "text,label\n" + rows(lambda i: (TEXTS[i], label(i)))
LABELLED = {"text": "text", "label": "label"}
MARKED = rows(lambda i: (f"__label__{label(i)}", TEXTS[i]), " ")
SALES = "day,sold\n" + rows(lambda i: (DAYS[i], value(i)))
NINE = ",".join(f"p{k}" for k in range(9))
SEVERAL = "day,Promo,price,sales\n" + rows(lambda i: (DAYS[i], i % 2, value(i), value(i)))
IRIS = "length,width,species\n" + rows(lambda i: (value(i), value(i), label(i)))

KINDS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "classes of a .ts": ("a.ts", TS, "classify", {}),
    "numbers of a .ts": ("a.ts", archive("@targetLabel true\n", value), "regress", {}),
    "no classes but numbers": ("a.ts", archive("@classLabel false\n@targetLabel true\n", value), "regress", {}),
    "a .ts without keys, of classes": ("a.ts", archive("", lambda i: i % 3), "classify", {}),
    "a .ts without keys, of numbers": ("a.ts", archive("", value), "regress", {}),
    "a .ts in a pipe": (STDIN, TS, "classify", {"format": "ts"}),
    "CoNLL": ("a.conll", TAGGED, "tag", {}),
    "CoNLL in four columns": ("a.conll", sentences(" ", 4), "tag", {}),
    "CoNLL-U": ("a.conllu", conll_u(), "tag", {}),
    "two columns and blank lines": ("a.txt", TAGGED, "tag", {}),
    "the same called .tsv": ("a.tsv", TAGGED, "tag", {}),
    "the same in a pipe": (STDIN, sentences(" "), "tag", {}),
    "CoNLL-U by its look": ("a.txt", conll_u(), "tag", {}),
    "a table of tagged words": (
        "a.csv",
        "sentence,word,tag\n" + rows(lambda i: (i // 3, WORDS[i], "ON"[i % 3 == 0])),
        "tag",
        {"id": "sentence", "text": "word", "label": "tag"},
    ),
    "pairs": ("a.tsv", PAIRS, "seq2seq", NUMBERED | TAB),
    "pairs by their look": ("a.txt", PAIRS, "seq2seq", NUMBERED | PIPED),
    "pairs in a pipe": (STDIN, PAIRS, "seq2seq", NUMBERED | PIPED),
    "pairs with commas in quotes": (
        "a.csv",
        rows(lambda i: (f'"{TEXTS[i]}, so"', f'"so, {TEXTS[i][::-1]}"')),
        "seq2seq",
        NUMBERED | {"delimiter": ","},
    ),
    "pairs under names": (
        "a.csv",
        "english,mirrored\n" + rows(lambda i: (TEXTS[i], TEXTS[i][::-1])),
        "seq2seq",
        {"source": "english", "target": "mirrored", "header": True, "delimiter": ","},
    ),
    "pairs with what tells the form": (
        "a.tsv",
        rows(lambda i: (WORDS[i], WORDS[i] + "ed", f"V;{label(i)}"), "\t"),
        "seq2seq",
        {"source": [1, 3], "target": 2, "header": False} | TAB,
    ),
    "texts and labels": ("a.csv", REVIEWS, "classify", LABELLED),
    "under other names": (
        "a.csv",
        "line,mood\n" + rows(lambda i: (TEXTS[i], label(i))),
        "classify",
        {"text": "line", "label": "mood"},
    ),
    "labels and texts without names": (
        "a.csv",
        rows(lambda i: (label(i), TEXTS[i])),
        "classify",
        {"text": 2, "label": 1, "header": False},
    ),
    "texts and 0 or 1 without names": (
        "a.tsv",
        rows(lambda i: (TEXTS[i], i % 2), "\t"),
        "classify",
        {"text": 1, "label": 2, "header": False} | TAB,
    ),
    "labels and texts with quotes in a pipe": (
        STDIN,
        rows(lambda i: (label(i), f'{TEXTS[i]} "so'), "\t"),
        "classify",
        {"text": 2, "label": 1, "header": False} | PIPED,
    ),
    "dated texts": (
        "a.csv",
        "date,text,label\n" + rows(lambda i: (DAYS[i], TEXTS[i], i % 2)),
        "classify",
        LABELLED,
    ),
    "sorted by label": (
        "a.csv",
        "said,mood\n" + rows(lambda i: (f"{i} {TEXTS[i % 100]}", "warm" if i < 2000 else "cold"), count=4000),
        "classify",
        {"text": "said", "label": "mood"},
    ),
    "fastText": ("a.txt", MARKED, "classify", {}),
    "fastText in a pipe": (STDIN, MARKED, "classify", {}),
    "lines of a label and a text": ("a.txt", rows(lambda i: (label(i), TEXTS[i]), " "), "classify", {}),
    "lines of 0 or 1 and a text": ("a.txt", rows(lambda i: (i % 2, TEXTS[i]), " "), "classify", {}),
    "rows with the same id": (
        "a.csv",
        "stroke,dx,dy,shape\n" + rows(lambda i: (i // 3, value(i), value(i), label(i // 3)), count=60),
        "classify",
        {"id": "stroke", "label": "shape"},
    ),
    "many numbered columns and a class": (
        "a.csv",
        f"{NINE},class\n" + rows(lambda i: (*map(value, range(9)), i % 3)),
        "classify",
        {"label": "class"},
    ),
    "texts and numbers": (
        "a.csv",
        "review,grams\n" + rows(lambda i: (TEXTS[i], value(i))),
        "regress",
        {"text": "review", "label": "grams"},
    ),
    "texts and stars": (
        "a.csv",
        "review,stars\n" + rows(lambda i: (TEXTS[i], i % 5)),
        "regress",
        {"text": "review", "label": "stars"},
    ),
    "times and values": ("a.csv", SALES, "forecast", CSV),
    "times in a pipe": (STDIN, SALES, "forecast", CSV),
    "times between semicolons": ("a.dat", SALES.replace(",", ";"), "forecast", CSV),
    "year and month": (
        "a.csv",
        "year,month,y\n" + rows(lambda i: (2000 + i // 12, 1 + i % 12, value(i))),
        "forecast",
        CSV,
    ),
    "columns of numbers": ("a.txt", rows(lambda i: (value(i), value(i), value(i))), "forecast", CSV),
    "a column of numbers": (STDIN, rows(lambda i: (value(i),)), "forecast", CSV),
    "a series in each row": (
        "a.csv",
        f"name,{NINE}\n" + rows(lambda i: (f"H{i}", *map(value, range(9)))),
        "forecast",
        CSV,
    ),
    "times, remarks and values": (
        "a.csv",
        "day,note,sold\n" + rows(lambda i: (DAYS[i], ("", "closed at noon")[i % 9 == 0], value(i))),
        "forecast",
        CSV,
    ),
    "prose": (
        "a.txt",
        "Call me as you like.\nIt was, all in all, a grey day,\n\nand nobody came.\n" * 5 + "The end.\n",
        "language-model",
        {},
    ),
    "lines that begin with few words": (
        "a.txt",
        "".join(f"the {x} {y} saw the {z}\n" for x in ("old", "red") for y in NOUNS for z in NOUNS)
        + "".join(f"{y}s see the old {z}\n" for y in NOUNS for z in NOUNS[:4]),
        "language-model",
        {},
    ),
    "names": ("a.txt", rows(lambda i: (WORDS[i],)), "language-model", {}),
    "names with a comma in each": ("a.txt", rows(lambda i: (f"{WORDS[i]}, {WORDS[i + 1]}",)), "language-model", {}),
    "a log": ("a.log", rows(lambda i: (f"{DAYS[i]} 10:00:00,{i} {TEXTS[i]}",)), "language-model", {}),
    "prose in a pipe": (STDIN, "\n".join(f"{text}." for text in TEXTS), "language-model", {}),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPool]:
    made = ThreadPool(1, FLOAT32)
    yield made
    made.close()


def source_of(content: str | bytes, name: str) -> Source:
    return Source(name, content.encode() if isinstance(content, str) else content)


def taken(content: str | bytes, name: str, *overrides: str) -> tuple[str, dict[str, Any], str]:
    """The task of a file, its keys of `data`, and the note."""
    notes: list[str] = []
    with noting(notes.append):
        mapping = inferred("-" if name == STDIN else name, source_of(content, name), overrides)
    [note] = notes
    keys = {key: cell for key, cell in mapping["data"].items() if key not in ("path", "validation")}
    return mapping["task"], keys, note


def prepared(content: str | bytes, name: str, pool: ThreadPool, *overrides: str) -> Experiment:
    """The network and the data that a file alone gives."""
    source = source_of(content, name)
    config = config_from_mapping(inferred(name, source, overrides), [*SMALL, *overrides])
    return TASKS[config.task].prepare(config, source, Context(pool))


def refused(content: str, name: str, *overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        taken(content, name, *overrides)
    return str(caught.value)


def commands(message: str, name: str) -> list[list[str]]:
    """The overrides of the commands in a question."""
    found = [piece.partition(" (")[0] for piece in message.partition("choose one: ")[2].split(", or ")]
    words = [shlex.split(command) for command in found]
    assert all(command[:3] == ["rnncli", "train", name] for command in words)
    assert all(command[3::2] == ["--set"] * len(command[4::2]) for command in words)
    return [command[4::2] for command in words]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_known_and_read(kind: str, pool: ThreadPool) -> None:
    name, content, task, keys = KINDS[kind]
    found, data, note = taken(content, name)
    assert (found, data) == (task, keys)
    assert note.startswith(f"no config: {name} looks like ")
    assert f", so task {task}; another: --set task=" in note
    experiment = prepared(content, name, pool)
    assert experiment.config.task == task


def test_the_note_says_why() -> None:
    assert taken(TAGGED, "a.txt")[2] == (
        "no config: a.txt looks like sentences with a tag on every word (2 columns, blank lines between), so task tag; "
        "another: --set task=language-model"
    )
    assert taken(REVIEWS, "a.csv")[2] == (
        'no config: a.csv looks like texts in the column "text" and labels in "label", so task classify; another: '
        "--set task=language-model"
    )


def test_the_right_columns_are_read(pool: ThreadPool) -> None:
    pairs = prepared(KINDS["pairs with what tells the form"][1], "a.tsv", pool)
    assert pairs.config.data.source == [1, 3]  # type: ignore[attr-defined]
    assert pairs.config.data.target == 2  # type: ignore[attr-defined]
    assert len(pairs.splits.train) + len(pairs.splits.held_out["validation"]) == 31  # type: ignore[attr-defined]
    strokes = prepared(KINDS["rows with the same id"][1], "a.csv", pool)
    assert strokes.splits.train.columns.inputs == ("dx", "dy")  # type: ignore[attr-defined]
    marked = prepared(KINDS["texts and 0 or 1 without names"][1], "a.tsv", pool)
    train, held_out = marked.splits.train, marked.splits.held_out["validation"]  # type: ignore[attr-defined]
    assert sorted(train.texts + held_out.texts) == sorted(TEXTS[:31])
    sales = prepared(SEVERAL, "a.csv", pool)
    assert sales.config.data.target == ["sales"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["texts and labels", "times and values", "two columns and blank lines", "fastText"])
@pytest.mark.parametrize(
    "written",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=["BOM", "CRLF", "CR", "no final newline"],
)
def test_a_file_is_what_it_is_however_it_is_written(kind: str, written: Callable[[str], bytes]) -> None:
    name, content, task, keys = KINDS[kind]
    assert taken(written(content), name)[:2] == (task, keys)


@pytest.mark.parametrize("kind", ["texts and labels", "lines of a label and a text", "two columns and blank lines"])
def test_another_encoding_is_named_by_the_reader(kind: str, pool: ThreadPool) -> None:
    name, content, task, keys = KINDS[kind]
    latin = content.replace("a", "à").encode("latin-1")
    if kind == "texts and labels":
        latin = latin.replace(b"l\xe0bel", b"label")
    assert taken(latin, name)[:2] == (task, keys)
    with pytest.raises(DataError, match="is not UTF-8; pass --encoding latin-1"):
        prepared(latin, name, pool)
    assert prepared(latin, name, pool, "data.encoding=latin-1").config.task == task


def test_a_table_between_semicolons_with_a_decimal_comma(pool: ThreadPool) -> None:
    content = SALES.replace(",", ";").replace(".", ",")
    assert taken(content, "a.csv")[0] == "forecast"
    assert prepared(content, "a.csv", pool, 'data.decimal=","').config.task == "forecast"


AMBIGUOUS: dict[str, tuple[str, str, list[str]]] = {
    "labels of many kinds, or targets": (
        "a.csv",
        rows(lambda i: (TEXTS[i], WORDS[i % 25]), count=60),
        ["classify", "seq2seq"],
    ),
    "pairs of which one target is common": (
        "a.csv",
        "source,target\n" + rows(lambda i: (WORDS[i], label(i))),
        ["classify", "seq2seq"],
    ),
    "stars, or classes": ("a.csv", "said,column\n" + rows(lambda i: (TEXTS[i], i % 5)), ["classify", "regress"]),
    "rows of numbers with a class": (
        "a.csv",
        "x,z,class\n" + rows(lambda i: (value(i), value(i), i % 3)),
        ["forecast", "classify"],
    ),
    "rows of numbers with a word": ("a.csv", IRIS, ["forecast", "classify"]),
    "a class before a series": (
        "a.tsv",
        rows(lambda i: (1 + i % 2, *map(value, range(9))), "\t"),
        ["forecast", "classify"],
    ),
    "texts that labels tell": (
        "a.csv",
        "key,length,tune\n" + rows(lambda i: (label(i), i % 4, TEXTS[i])),
        ["classify", "caption"],
    ),
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_a_toss_up_is_asked_with_commands_that_work(kind: str, pool: ThreadPool) -> None:
    name, content, tasks = AMBIGUOUS[kind]
    message = refused(content, name)
    assert message.startswith(f"{name}: may be for several tasks; choose one: rnncli train {name} --set task=")
    offered = commands(message, name)
    assert [overrides[-1] for overrides in offered] == [f"task={task}" for task in tasks]
    for task, overrides in zip(tasks, offered, strict=True):
        assert prepared(content, name, pool, *overrides).config.task == task


def test_a_command_that_is_offered_has_all_that_was_typed() -> None:
    message = refused(IRIS.replace(",", ";"), "an iris.csv", "data.delimiter=;", "training.epochs=3")
    assert (
        "rnncli train 'an iris.csv' --set 'data.delimiter=;' --set training.epochs=3 --set task=classify (" in message
    )


def test_a_table_that_says_nothing_is_asked() -> None:
    message = refused(
        "split,files,place\n" + rows(lambda i: (label(i), WORDS[i], TEXTS[-i])), "a.csv", "data.decimal=."
    )
    assert message.startswith(
        'a.csv: is a table, and nothing in its columns ("split", "files", "place") tells what to '
    )
    assert "rnncli train a.csv --set data.decimal=. --set task=classify --set data.text=NAME" in message


def test_the_task_and_the_format_that_are_given_decide(pool: ThreadPool) -> None:
    assert taken(IRIS, "a.csv", "task=classify")[:2] == (
        "classify",
        {"label": "species", "inputs": ["length", "width"]},
    )
    assert taken(IRIS, "a.csv", "task=forecast")[0] == "forecast"
    assert (
        taken(TAGGED, "a.conll", "task=language-model")[2] == "no config: task language-model; a.conll looks like text"
    )
    assert taken(REVIEWS, "a.csv", "data.format=text")[0] == "language-model"
    assert taken(SALES, "a.txt", "data.format=csv")[0] == "forecast"
    assert taken(TS, "a.txt", "data.format=ts")[0] == "classify"
    assert prepared(REVIEWS, "a.csv", pool, "task=language-model").config.task == "language-model"


def test_keys_that_are_given_choose_among_the_tasks_that_have_them() -> None:
    assert taken(IRIS, "a.csv", "data.horizon=3")[0] == "forecast"
    assert taken(IRIS, "a.csv", "model.pooling=mean")[0] == "classify"
    assert refused(REVIEWS, "a.csv", "data.target=text").startswith("a.csv: several tasks have all keys that are given")


def test_columns_that_are_given_are_not_mixed_with_others(pool: ThreadPool) -> None:
    content = "title,text,label\n" + rows(lambda i: (WORDS[i], TEXTS[i], label(i)))
    assert taken(content, "a.csv", "data.text=title")[1] == {}
    read = prepared(content, "a.csv", pool, "data.text=title").splits.train.texts  # type: ignore[attr-defined]
    assert set(read) <= set(WORDS)


FEW: dict[str, tuple[str, str, str]] = {
    "three examples": (
        "a.csv",
        "text,label\n" + rows(lambda i: (TEXTS[i], label(i)), count=3),
        "has 3 examples, which",
    ),
    "one example": ("a.csv", f"text,label\n{TEXTS[0]},warm\n", "has 1 example, which a model can learn by heart"),
    "one sequence": ("a.ts", "@problemName x\n@classLabel true a b\n@data\n1,2,3:a\n", "has 1 example, which"),
    "one marked line": ("a.txt", "__label__warm so it is\n", "has 1 example, which"),
    "two pairs": ("a.tsv", "barem\tbarems\nbaran\tbarans\n", "has 2 examples, which"),
    "one sentence": ("a.conll", sentences("\t", count=1), "has 1 example, which"),
    "one row": ("a.csv", "day,sold\n2024-01-01,5\n", "has 1 row, which"),
    "three rows": ("a.csv", "day,sold\n" + rows(lambda i: (DAYS[i], value(i)), count=3), "has 3 rows, which"),
    "three short lines": ("a.txt", "one\ntwo\nthree\n", "has 3 lines, which"),
    "one class": ("a.csv", "text,label\n" + rows(lambda i: (TEXTS[i], "warm")), 'every example is labelled "warm"'),
    "one class in lines": ("a.txt", rows(lambda i: (f"__label__warm {TEXTS[i]}",)), "to classify takes two labels"),
    "one tag": ("a.conll", sentences("\t").replace("B-X", "O"), 'every step is tagged "O"; to tag takes two tags'),
    "one number": ("a.csv", "text,score\n" + rows(lambda i: (TEXTS[i], 1.5)), "has the answer 1.5; there is nothing"),
    "equal texts": ("a.csv", "text,label\n" + rows(lambda i: ("so", label(i))), "all examples are alike"),
    "equal sequences": ("a.ts", "@problemName x\n@data\n" + "1,2,3:a\n" * 20, "all examples are alike"),
    "equal sentences": ("a.conll", "the\tO\nboat\tB-X\n\n" * 20, "all examples are alike"),
    "equal pairs": ("a.tsv", "the boat\tle bateau\n" * 20, "all examples are alike"),
    "equal values": ("a.csv", "day,sold\n" + rows(lambda i: (DAYS[i], 5)), "all rows are alike"),
    "equal lines": ("a.txt", "so it is\n" * 20, "all lines are alike"),
    "equal characters": ("a.txt", "a" * 200, "needs at least 2 distinct characters, has 1"),
    "nothing": ("a.txt", "", "is empty; give it a text, a table, or an example a line"),
    "blank lines": ("a.csv", "\n \n\n", "is empty"),
}


@pytest.mark.parametrize("kind", FEW)
def test_too_little_to_learn_from_is_said(kind: str, pool: ThreadPool) -> None:
    name, content, said = FEW[kind]
    with pytest.raises(DataError) as caught:
        prepared(content, name, pool)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,label\n" + rows(lambda i: (TEXTS[i], label(i)), count=8)),
        ("a.conll", "\n".join(["the\tO"] + [f"{WORDS[i % 60]}\t{'ON'[i % 2]}" for i in range(200)])),
        (
            "a.txt",
            "A text of one long line only, which tells of a boat and of all that came to pass on the river. " * 9,
        ),
    ],
    ids=["eight examples", "one long sentence", "one long line"],
)
def test_what_is_enough_is_not_refused(name: str, content: str) -> None:
    assert taken(content, name)[0] in ("classify", "tag", "language-model")
