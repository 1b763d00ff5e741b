"""What is asked or refused of a data file without a config: a toss-up, and too little to learn from."""

from __future__ import annotations

import json
import shlex

import pytest
from bare_files import (
    DAYS,
    IRIS,
    REVIEWS,
    SALES,
    TAGGED,
    TEXTS,
    TS,
    WORDS,
    label,
    prepared,
    rows,
    sentences,
    taken,
    value,
)

from rnncli.errors import DataError, UsageError


def refused(content: str, name: str, *overrides: str) -> str:
    with pytest.raises(UsageError) as caught:
        taken(content, name, *overrides)
    return str(caught.value)


def commands(message: str, name: str) -> list[list[str]]:
    """The overrides of the commands in a question."""
    asked = message.partition("choose one: ")[2] or message.partition("choose: ")[2]
    found = [piece.partition(" (")[0] for piece in asked.split(", or ")]
    words = [shlex.split(command) for command in found]
    assert all(command[:3] == ["rnncli", "train", name] for command in words)
    assert all(command[3::2] == ["--set"] * len(command[4::2]) for command in words)
    return [command[4::2] for command in words]


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
    "sums in words": (
        "a.tsv",
        rows(lambda i: (f"what is {i % 12} plus {i % 9} ?", i % 12 + i % 9), "\t", count=400),
        ["regress", "seq2seq"],
    ),
    "sums in words under names": (
        "a.csv",
        "question,answer\n" + rows(lambda i: (f"what is {i % 12} plus {i % 9} ?", i % 12 + i % 9), count=800),
        ["classify", "regress", "seq2seq"],
    ),
    "rows of numbers with a class": (
        "a.csv",
        "x,z,class\n" + rows(lambda i: (value(i), value(i), i % 3)),
        ["forecast", "classify"],
    ),
    "values of a shop": (
        "a.csv",
        "shop,sold\n" + rows(lambda i: (label(i), value(i))),
        ["forecast", "classify", "regress"],
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
def test_a_toss_up_is_asked_with_commands_that_work(kind: str) -> None:
    name, content, tasks = AMBIGUOUS[kind]
    message = refused(content, name)
    assert message.startswith(f"{name}: may be for several tasks; choose one: rnncli train {name} --set task=")
    offered = commands(message, name)
    assert [overrides[-1] for overrides in offered] == [f"task={task}" for task in tasks]
    for task, overrides in zip(tasks, offered, strict=True):
        assert prepared(content, name, *overrides).config.task == task


def test_a_command_that_is_offered_has_all_that_was_typed() -> None:
    message = refused(IRIS.replace(",", ";"), "an iris.csv", "data.delimiter=;", "training.epochs=3")
    assert (
        "rnncli train 'an iris.csv' --set 'data.delimiter=;' --set training.epochs=3 --set task=classify (" in message
    )


def test_a_table_that_says_nothing_is_asked() -> None:
    content = "part,file,place,by\n" + rows(lambda i: (label(i), WORDS[i], TEXTS[-i], TEXTS[i]))
    message = refused(content, "a.csv", "data.decimal=.")
    assert message.startswith(
        'a.csv: is a table, and nothing in its columns ("part", "file", "place", "by") tells what '
    )
    assert "rnncli train a.csv --set data.decimal=. --set task=classify --set data.text=NAME" in message


def test_the_task_and_the_format_that_are_given_decide() -> None:
    assert taken(IRIS, "a.csv", "task=classify")[:2] == (
        "classify",
        {"label": "species", "inputs": ["length", "width"]},
    )
    assert taken(IRIS, "a.csv", "task=forecast")[0] == "forecast"
    assert taken(TAGGED, "a.conll", "task=language-model")[2] == "a.conll looks like text; the task is language-model"
    assert taken(REVIEWS, "a.csv", "data.format=text")[0] == "language-model"
    assert taken(SALES, "a.txt", "data.format=csv")[0] == "forecast"
    assert taken(TS, "a.txt", "data.format=ts")[0] == "classify"
    assert prepared(REVIEWS, "a.csv", "task=language-model").config.task == "language-model"


def test_keys_that_are_given_choose_among_the_tasks_that_have_them() -> None:
    assert taken(IRIS, "a.csv", "data.horizon=3")[0] == "forecast"
    assert taken(IRIS, "a.csv", "model.pooling=mean")[0] == "classify"
    assert refused(REVIEWS, "a.csv", "data.target=text").startswith("a.csv: several tasks have all keys that are given")


def test_columns_that_are_given_are_not_mixed_with_others() -> None:
    content = "title,text,label\n" + rows(lambda i: (WORDS[i], TEXTS[i], label(i)))
    assert taken(content, "a.csv", "data.text=title")[1] == {}
    read = prepared(content, "a.csv", "data.text=title").splits.train.texts
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
def test_too_little_to_learn_from_is_said(kind: str) -> None:
    name, content, said = FEW[kind]
    with pytest.raises(DataError) as caught:
        prepared(content, name)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a.csv",
            "day,sold\n" + "".join(f"2024-01-01 {i // 60:02}:{i % 60:02},{int(i == 1339)}\n" for i in range(1340)),
        ),
        ("a.csv", "text,label\n" + rows(lambda i: (TEXTS[i], label(i)), count=8)),
        ("a.conll", "\n".join(["the\tO"] + [f"{WORDS[i % 60]}\t{'ON'[i % 2]}" for i in range(200)])),
        (
            "a.txt",
            "A text of one long line only, which tells of a boat and of all that came to pass on the river. " * 9,
        ),
    ],
    ids=["one sale at the end", "eight examples", "one long sentence", "one long line"],
)
def test_what_is_enough_is_not_refused(name: str, content: str) -> None:
    assert taken(content, name)[0] in ("forecast", "classify", "tag", "language-model")


@pytest.mark.parametrize(
    ("header", "row", "tasks"),
    [
        ("id,text,price", lambda i: (f"a{i}", TEXTS[i], value(i)), ["forecast", "classify", "regress", "seq2seq"]),
        ("id,text,more", lambda i: (f"a{i}", TEXTS[i], f"{TEXTS[i]} b"), ["classify", "seq2seq"]),
    ],
)
def test_a_table_of_texts_may_be_for_each_task_whose_kinds_of_columns_it_has(header, row, tasks) -> None:
    asked = commands(refused(f"{header}\n{rows(row)}", "a.csv"), "a.csv")
    assert [command[0] for command in asked] == [f"task={task}" for task in tasks]


RECORDS = [{"day": day, "load": value(i)} for i, day in enumerate(DAYS[:60])]
LISTS = [[*record.values()] for record in RECORDS]
JSONS = {  # and how jq makes it a CSV
    "a list": (json.dumps(RECORDS), ".[] | [.NAME, .OTHER] | @csv"),
    "a list over many lines": (json.dumps(RECORDS, indent=2), ".[] | [.NAME, .OTHER] | @csv"),
    "a list longer than a look": (json.dumps(RECORDS * 10_000), ".[] | [.NAME, .OTHER] | @csv"),
    "objects in lines": ("".join(f"{json.dumps(one)}\n" for one in RECORDS), "[.NAME, .OTHER] | @csv"),
    "a list of lists": (json.dumps(LISTS), ".[] | @csv"),
    "lists in lines": ("".join(f"{json.dumps(one)}\n" for one in LISTS), "@csv"),
}


@pytest.mark.parametrize("kind", JSONS)
def test_json_is_not_learnt_as_text_unasked(kind: str) -> None:
    content, query = JSONS[kind]
    assert refused(content, "a.json") == (
        f"a.json: JSON is not read as a table; write CSV, such as with jq -r '{query}', or learn it as text: "
        "rnncli train a.json --set task=language-model"
    )
    assert taken(content, "a.json", "task=language-model")[0] == "language-model"


@pytest.mark.parametrize("text", ["[1] A note {}\n", "{{ x = {}; }}\n", '{{"a": {}}} and more\n', "[{}]]\n"])
def test_a_text_that_begins_like_json_is_a_text(text: str) -> None:
    assert taken("".join(text.format(TEXTS[i]) for i in range(100)), "a.txt")[0] == "language-model"
