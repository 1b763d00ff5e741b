"""Small data files without a config, what each is, and what a file is taken for."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from rnncli.data.source import STDIN, Source
from rnncli.notes import noting
from rnncli.tasks.registry import TASKS, config_from_mapping
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.workflows.bare_file import guessed

RANDOM = random.Random(7)
NOUNS = ("boat", "lamp", "hill", "tree", "stone", "river", "kettle", "garden")
TEXTS = [f"the {a} {b} was near the {c}" for a in ("old", "red", "wet") for b in NOUNS for c in NOUNS if b != c]
WORDS = [f"{a}{b}{c}" for a in "bdfgkl" for b in ("ar", "il", "ost") for c in ("em", "an", "ik", "od")]
RANDOM.shuffle(TEXTS)
RANDOM.shuffle(WORDS)
DAYS = [f"2024-{month:02}-{day:02}" for month in (1, 3, 5) for day in range(1, 32)]
DAYNAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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
    "sorted by stars": (
        "a.csv",
        "review,stars\n" + rows(lambda i: (f"{i} {TEXTS[i % 100]}", i // 1200), count=4000),
        "regress",
        {"text": "review", "label": "stars"},
    ),
    "fastText": ("a.txt", MARKED, "classify", {}),
    "fastText in a pipe": (STDIN, MARKED, "classify", {}),
    "lines of a label and a text": ("a.txt", rows(lambda i: (label(i), TEXTS[i]), " "), "classify", {}),
    "lines of 0 or 1 and a text": ("a.txt", rows(lambda i: (i % 2, TEXTS[i]), " "), "classify", {}),
    "lines of a code and a text": (
        "a.txt",
        rows(lambda i: (f"{('HUM', 'LOC', 'NUM')[i % 3]}:{label(i)}", TEXTS[i]), " ", 120),
        "classify",
        {},
    ),
    "lines of eight letters in capitals and a text": (
        "a.txt",
        rows(lambda i: (NOUNS[i % 8].upper(), TEXTS[i]), " ", 120),
        "classify",
        {},
    ),
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
    "notes": ("a.txt", rows(lambda i: (("Call", "Ask", "Meet")[i % 3], TEXTS[i]), " "), "language-model", {}),
    "a diary": ("a.txt", rows(lambda i: (DAYNAMES[i % 7], f"I saw {TEXTS[i]}."), " ", 90), "language-model", {}),
    "commits": (
        STDIN,
        rows(lambda i: (("fix", "add", "update", "test", "move", "drop")[i % 6], TEXTS[i]), " ", 90),
        "language-model",
        {},
    ),
    "lines with a seldom first word": (
        "a.txt",
        rows(lambda i: (("warm", "cold", "odd")[2 if i == 50 else i % 2], TEXTS[i]), " ", 90),
        "language-model",
        {},
    ),
    "labels among the words of texts": (
        "a.txt",
        rows(lambda i: (("good", "bad")[i % 2], f"it was {('good', 'bad')[i % 2]} as {TEXTS[i]}"), " "),
        "language-model",
        {},
    ),
    "a play": (
        "a.txt",
        rows(lambda i: (("ANN:", "BOB:")[i % 2], TEXTS[i]), " "),
        "language-model",
        {},
    ),
    "a list": ("a.txt", rows(lambda i: ("-*"[i % 2], TEXTS[i]), " "), "language-model", {}),
    "names": ("a.txt", rows(lambda i: (WORDS[i],)), "language-model", {}),
    "a list of names": ("a.txt", rows(lambda i: (WORDS[i],), count=60), "language-model", {"items": "lines"}),
    "names with a comma in each": ("a.txt", rows(lambda i: (f"{WORDS[i]}, {WORDS[i + 1]}",)), "language-model", {}),
    "a log": ("a.log", rows(lambda i: (f"{DAYS[i]} 10:00:00,{i} {TEXTS[i]}",)), "language-model", {}),
    "prose in a pipe": (STDIN, "\n".join(f"{text}." for text in TEXTS), "language-model", {}),
}


def source_of(content: str | bytes, name: str) -> Source:
    return Source(name, content.encode() if isinstance(content, str) else content)


def taken(content: str | bytes, name: str, *overrides: str) -> tuple[str, dict[str, Any], str]:
    """The task of a file, its keys of `data`, and the first note."""
    notes: list[str] = []
    with noting(notes.append):
        mapping = guessed("-" if name == STDIN else name, source_of(content, name), overrides).config
    note, *_ = notes
    keys = {key: cell for key, cell in mapping["data"].items() if key not in ("path", "validation")}
    return mapping["task"], keys, note


def prepared(content: str | bytes, name: str, *overrides: str) -> Any:
    """The network and the data that a file alone gives."""
    source = source_of(content, name)
    config = config_from_mapping(guessed(name, source, overrides).config, [*SMALL, *overrides])
    pool = ThreadPool(1)
    try:
        return TASKS[config.task].prepare(config, source, Context(pool))
    finally:
        pool.close()
