"""The sets of defaults.py: generators of our own, public files, and tables that other packages ship.

Each writes a training file and what is tested on, and says which further keys of `data` a user would have to write:
roles of columns and the horizon, never a size or a rate.
"""

from __future__ import annotations

import csv
import datetime
import io
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Overrides = tuple[str, ...]


class AbsentError(Exception):
    """A set cannot be made here; the text says why."""


@dataclass(frozen=True)
class Made:
    """A set as files. train: without what is tested on; whole: what the scored run is given, by default `train`;
    test: its `data.test`, a file or a number of rows."""

    train: Path
    test: Path | int
    whole: Path | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Set:
    """A task, the maker of its files in a folder, and configs made by hand, of which validation chooses one."""

    task: str
    make: Callable[[Path, Path], Made]
    by_hand: Sequence[Overrides]


def of(cell: str, hidden: int, layers: int, epochs: int, rate: float, *more: str, batch: int = 16) -> Overrides:
    """One config as overrides."""
    return (
        f"model.cell={cell}",
        f"model.hidden_size={hidden}",
        f"model.num_layers={layers}",
        f"training.epochs={epochs}",
        f"training.learning_rate={rate}",
        f"training.batch_size={batch}",
        *more,
    )


BOTH, MEAN, MAX, LAST = "model.bidirectional=true", "model.pooling=mean", "model.pooling=max", "model.pooling=last"
SERIES = (
    of("gru", 32, 1, 200, 5e-3, BOTH, MEAN, batch=8),
    of("gru", 64, 2, 60, 3e-3, BOTH, MEAN, "model.dropout=0.5"),
    of("lstm", 64, 1, 100, 3e-3, BOTH, MAX, "model.dropout=0.3"),
    of("gru", 64, 1, 60, 3e-3, LAST),
)
NUMBERS = (
    of("gru", 64, 1, 30, 5e-3, LAST, batch=32),
    of("gru", 64, 1, 60, 3e-3, BOTH, MEAN),
    of("lstm", 64, 2, 60, 3e-3, BOTH, LAST),
)
WORDS = (
    of("lstm", 64, 1, 8, 1e-3, BOTH, MAX, "data.tokens=word", "model.dropout=0.5", "model.word_dropout=0.3"),
    of("gru", 48, 1, 20, 3e-3, BOTH, MAX, "data.tokens=word", "data.residual=none", "model.dropout=0.3"),
    of("gru", 64, 1, 40, 4e-3, BOTH, MAX, "data.tokens=char", "data.residual=none"),
)
TEXT_NUMBERS = (
    of("gru", 64, 1, 40, 3e-3, BOTH, MEAN, "data.tokens=word"),
    of("gru", 64, 1, 60, 5e-3, LAST, "data.tokens=char"),
    of("gru", 96, 1, 60, 3e-3, BOTH, MAX, "data.tokens=char"),
)
TAGS = (
    of("lstm", 128, 1, 15, 2e-3, BOTH, "model.dropout=0.5", "model.embedding_size=64", "model.character_size=64"),
    of("gru", 48, 1, 30, 4e-3, BOTH, "model.dropout=0.2", "model.character_size=24"),
    of("lstm", 64, 1, 30, 3e-3, BOTH, "model.dropout=0.4", batch=8),
)
STATES = (of("gru", 48, 1, 60, 4e-3, BOTH, batch=8), of("lstm", 64, 2, 40, 3e-3, BOTH, "model.dropout=0.2", batch=4))
PAIRS = (
    of("gru", 96, 1, 40, 4e-3),
    of("lstm", 128, 1, 50, 2e-3, "model.dropout=0.5", batch=32),
    of("gru", 64, 1, 60, 3e-3, "model.dropout=0.2", "model.attention=additive"),
)
CAPTIONS = (of("gru", 128, 1, 80, 4e-3, batch=32), of("lstm", 96, 1, 60, 3e-3, "model.dropout=0.2"))
ROWS = (
    of("gru", 32, 1, 100, 3e-3, batch=32),
    of("gru", 64, 1, 60, 1e-3, "training.seeds=3"),
    of("gru", 32, 1, 60, 3e-3, "model.decoder=segments"),
    of("lstm", 32, 1, 60, 3e-3, "data.residual=last-value", batch=32),
)
LONG = (
    of("gru", 64, 1, 10, 2e-3, batch=64),
    of("gru", 128, 1, 4, 1e-3, "data.channels=independent", "model.decoder=segments", "model.dropout=0.5", batch=256),
    of("gru", 64, 1, 4, 2e-3, "data.channels=independent", "model.decoder=segments", "data.scaling=standard", batch=64),
)
PANEL = (
    of("gru", 64, 1, 20, 3e-3, batch=64),
    of("gru", 64, 1, 20, 2e-3, "model.decoder=segments", "model.dropout=0.1", batch=64),
    of("gru", 32, 1, 40, 3e-3, "data.scaling=mean", batch=32),
)
PROSE = (
    of("gru", 128, 2, 30, 5e-3, "model.dropout=0.3"),
    of("gru", 64, 1, 60, 5e-3, batch=4),
    of("lstm", 128, 1, 30, 5e-3, "model.dropout=0.2"),
)


# Series, classified and regressed.


def ts_lines(series: Iterable[Sequence[np.ndarray]], answers: Iterable[str], *, numbers: bool = False) -> str:
    """A .ts file of series, each a list of dimensions, with an answer each."""
    answers = list(answers)
    label = "@targetlabel true" if numbers else f"@classLabel true {' '.join(sorted(set(answers)))}"
    rows = (":".join(",".join(f"{v:.4f}" for v in one) for one in many) for many in series)
    return "\n".join([label, "@data", *map(":".join, zip(rows, answers, strict=True)), ""])


def warped(kinds: int, random: np.random.Generator) -> tuple[list[np.ndarray], str]:
    """A wave of one of some shapes, whose time is warped and which starts anywhere."""
    kind, N = int(random.integers(kinds)), 80
    t = np.cumsum(np.exp(0.4 * random.normal(size=N)))
    x = 2 * np.pi * (3 * t / t[-1] + random.uniform())
    shapes = (np.sin(x), np.sign(np.sin(x)) * np.abs(np.sin(x)) ** 0.3, (x / np.pi) % 2 - 1)
    return [shapes[kind] * random.uniform(0.7, 1.4) + 0.3 * random.normal(size=N)], "abc"[kind]


def bumps(random: np.random.Generator) -> tuple[list[np.ndarray], str]:
    """Two channels, in which a bump comes first in one or the other, and is wide or narrow."""
    kind, N = int(random.integers(4)), int(random.integers(50, 90))
    first, gap = random.uniform(8, 20), random.uniform(8, 20)
    width = (2.0, 5.0)[kind % 2]
    waves = [np.exp(-(((np.arange(N) - at) / width) ** 2)) for at in (first, first + gap)]
    return [w + 0.25 * random.normal(size=N) for w in (waves if kind < 2 else waves[::-1])], "nesw"[kind]


def pace(random: np.random.Generator) -> tuple[list[np.ndarray], str]:
    """A noisy wave, of which the number of periods in 100 steps is asked."""
    periods = random.uniform(2, 8)
    x = np.sin(2 * np.pi * (periods * np.arange(60) / 100 + random.uniform()))
    return [x + 0.3 * random.normal(size=60)], f"{periods:.4f}"


def marked(random: np.random.Generator) -> tuple[list[np.ndarray], str]:
    """The adding problem of 60 steps."""
    values, marks = random.uniform(size=60), np.zeros(60)
    marks[[random.integers(30), random.integers(30, 60)]] = 1
    return [values, marks], f"{(values * marks).sum():.4f}"


def drawn(draw: Callable[[np.random.Generator], Any], train: int, test: int, seed: int, **numbers: bool) -> Any:
    """The maker of a set of .ts files."""

    def make(folder: Path, data: Path) -> Made:
        source = np.random.default_rng(seed)
        for name, count in (("train.ts", train), ("test.ts", test)):
            series, answers = zip(*(draw(source) for _ in range(count)), strict=True)
            (folder / name).write_text(ts_lines(series, answers, **numbers), encoding="ascii")
        return Made(folder / "train.ts", folder / "test.ts")

    return make


# Texts, tags and pairs.

NOUNS = [
    "river",
    "tower",
    "garden",
    "engine",
    "letter",
    "market",
    "winter",
    "candle",
    "bridge",
    "farmer",
    "violin",
    "harbour",
    "needle",
    "pepper",
]
VERBS = ["find", "build", "sell", "carry", "paint", "repair", "borrow", "measure", "follow", "count"]
NAMES = ["Ana", "Berit", "Carlo", "Dunja", "Emil", "Farid", "Greta", "Hanno", "Ida", "Jonas", "Kaja", "Levin"]
PLACES = ["Aldorf", "Brinn", "Castra", "Dremmen", "Elbau", "Fornheim", "Gatow", "Hulst", "Irsee", "Jorat"]


def question(random: random.Random) -> tuple[str, str]:
    """A question, and what it asks for."""
    noun, verb, name, place = map(random.choice, (NOUNS, VERBS, NAMES, PLACES))
    kind, forms = random.choice(
        (
            ("person", ("who can {v} the {n}", "tell me who will {v} a {n} in {p}", "whose {n} is it")),
            ("place", ("where did {m} {v} the {n}", "in which town is the {n} of {m}", "where is {p}")),
            ("count", ("how many {n}s does {m} {v}", "what number of {n}s are in {p}")),
            (
                "time",
                ("when did {m} {v} the {n}", "in which year was the {n} of {p} built", "since when is {m} in {p}"),
            ),
            ("cause", ("why does {m} {v} a {n}", "what made {m} leave {p}", "for what reason is the {n} in {p}")),
        )
    )
    return random.choice(forms).format(v=verb, n=noun, m=name, p=place), kind


def offer(random: random.Random) -> tuple[str, str]:
    """A flat in words, and its rent."""
    rooms, garden, old = random.randint(1, 6), random.random() < 0.4, random.random() < 0.5
    size = f"{rooms} rooms" if rooms > 1 else "one room"
    parts = [
        "old house" if old else "new building",
        size,
        *(["with a garden"] if garden else []),
        random.choice(PLACES),
    ]
    return ", ".join(parts), f"{200 * rooms + 150 * garden - 80 * old + random.gauss(0, 15):.0f}"


def code(random: random.Random) -> tuple[str, str]:
    """A code of letters and digits, which is good if a pattern stands in it somewhere."""
    letters = [random.choice("ABCDXYZ0123") for _ in range(random.randint(8, 16))]
    good = random.random() < 0.5
    if good:
        at = random.randrange(len(letters) - 3)
        letters[at : at + 4] = ["X", random.choice("0123"), random.choice("ABCD"), "Z"]
    return "".join(letters), "good" if good else "bad"


def sentence(random: random.Random) -> list[tuple[str, str]]:
    """Words with BIO tags of people, places and amounts."""

    def person() -> list[tuple[str, str]]:
        made = [(random.choice(NAMES) + random.choice(("", "", "s", "ov", "sen")), "B-PER")]
        return made + ([(random.choice(PLACES).lower().title() + "er", "I-PER")] if random.random() < 0.5 else [])

    def place() -> list[tuple[str, str]]:
        return [
            *([("New", "B-LOC")] if (new := random.random() < 0.3) else []),
            (random.choice(PLACES) + random.choice(("", "burg", "au")), "I-LOC" if new else "B-LOC"),
        ]

    def amount() -> list[tuple[str, str]]:
        return [(str(random.randint(2, 90)), "B-AMT"), (random.choice(NOUNS) + "s", "I-AMT")]

    def plain(text: str) -> list[tuple[str, str]]:
        return [(word, "O") for word in text.split()]

    forms = (
        lambda: person() + plain(random.choice(VERBS) + "s") + amount() + plain("in") + place(),
        lambda: plain("the " + random.choice(NOUNS) + " of") + person() + plain("is near") + place(),
        lambda: plain("from") + place() + plain("came") + person() + plain("and") + person(),
        lambda: plain("nobody in") + place() + plain("will " + random.choice(VERBS)) + amount(),
    )
    return random.choice(forms)()


def form(random: random.Random) -> tuple[str, str]:
    """A made-up verb with features, and its form by rules with exceptions of sound."""
    stem = "".join(random.choice(("b", "d", "st", "l", "m", "r", "t", "k")) + random.choice("aeiou") for _ in range(2))
    stem += random.choice(("n", "s", "rt", "ck", "d", ""))
    tense, number = random.choice(("PRS", "PST", "PTCP")), random.choice(("SG", "PL"))
    vowel = stem[-1] in "aeiou"
    end = {"PRS": "es" if stem.endswith("s") else "s", "PST": "d" if vowel else "ed", "PTCP": "ng" if vowel else "ing"}
    made = ("ge" if tense == "PTCP" and stem[0] in "bdk" else "") + stem + end[tense]
    return f"{stem} {tense};{number}", made + ("an" if number == "PL" else "")


def date(random: random.Random) -> tuple[str, str]:
    day = datetime.date(1950, 1, 1) + datetime.timedelta(random.randrange(30000))
    ways = ("%d.%m.%Y", "%B %d, %Y", "%d %b %y", "%A %d %B %Y", "%m/%d/%Y")
    return day.strftime(random.choice(ways)), day.isoformat()


def weather(random: random.Random) -> tuple[str, str, str]:
    """A place, a temperature, and a report of them."""
    place, degrees = random.choice(PLACES), random.randint(-10, 35)
    feels = "freezing" if degrees < 0 else "cold" if degrees < 12 else "mild" if degrees < 22 else "hot"
    wear = {"freezing": "stay in", "cold": "take a coat", "mild": "take a walk", "hot": "drink a lot"}[feels]
    return place, str(degrees), f"{feels} in {place} today, so {wear}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(
        itertools.chain([header] if header else [], rows)
    )
    return text.getvalue()


def lines_of(
    draw: Callable[[random.Random], Sequence[object]],
    header: Sequence[str],
    train: int,
    test: int,
    seed: int,
    **data: Any,
) -> Any:
    """The maker of a set of tables, or without a header of tab-separated pairs."""

    def make(folder: Path, public: Path) -> Made:
        source, end = random.Random(seed), "csv" if header else "tsv"
        for name, count in (("train", train), ("test", test)):
            rows = [draw(source) for _ in range(count)]
            (folder / f"{name}.{end}").write_text(table(header, rows, "," if header else "\t"), encoding="utf-8")
        return Made(folder / f"train.{end}", folder / f"test.{end}", data=data)

    return make


def tagged(train: int, test: int, seed: int) -> Any:
    def make(folder: Path, data: Path) -> Made:
        source = random.Random(seed)
        for name, count in (("train.conll", train), ("test.conll", test)):
            made = ("\n".join(f"{word}\t{tag}" for word, tag in sentence(source)) for _ in range(count))
            (folder / name).write_text("\n\n".join(made) + "\n", encoding="utf-8")
        return Made(folder / "train.conll", folder / "test.conll")

    return make


def machine(folder: Path, data: Path) -> Made:
    """A machine that heats, holds and cools, with its state at every step."""
    source = np.random.default_rng(5)
    for name, count in (("train.csv", 40), ("test.csv", 40)):
        rows: list[Sequence[object]] = []
        for part in range(count):
            level, state = 0.0, 0
            for _ in range(60):
                state = (state + (source.random() < 0.08)) % 3
                level += (1.0, 0.0, -1.0)[state] - 0.02 * level
                rows.append((part, f"{level + 1.5 * source.normal():.3f}", ("heat", "hold", "cool")[state]))
        (folder / name).write_text(table(("part", "level", "state"), rows), encoding="ascii")
    return Made(folder / "train.csv", folder / "test.csv", data={"id": "part", "label": "state"})


def prose(words: bool) -> Any:
    """Text of a Markov chain over made-up words, or lines of items that follow each other."""

    def make(folder: Path, data: Path) -> Made:
        source = random.Random(8)
        vocabulary = [*NOUNS, *VERBS, *(name.lower() for name in PLACES), "the", "a", "of", "and", "in"]
        follows = {word: source.choices(vocabulary, k=4) for word in vocabulary}

        def text(count: int) -> str:
            made, word = [], "the"
            for k in range(count):
                word = source.choice(follows[word])
                made.append(word + (("." if words else "") + "\n" if k % 9 == 8 else " "))
            return "".join(made)

        (folder / "train.txt").write_text(text(8000), encoding="ascii")
        (folder / "test.txt").write_text(text(2000), encoding="ascii")
        return Made(folder / "train.txt", folder / "test.txt")

    return make


# Tables of times.


def forecast(
    columns: Callable[[np.random.Generator], dict[str, np.ndarray]], test: int, start: str, **data: Any
) -> Any:
    """The maker of a table of days, months or hours, whose last rows are tested on."""

    def make(folder: Path, public: Path) -> Made:
        return parted(folder, columns(np.random.default_rng(11)), test, start, **data)

    return make


def parted(folder: Path, columns: dict[str, np.ndarray], test: int, start: str, **data: Any) -> Made:
    N = len(next(iter(columns.values())))
    kind = {"month": "M", "day": "D", "hour": "h"}[start]
    times = (np.datetime64("2001-01", kind) + np.arange(N)).astype(str)
    rows = list(zip(times, *(values.round(5) for values in columns.values()), strict=True))
    header = ("time", *columns)
    for name, kept in (("train.csv", rows[:-test]), ("whole.csv", rows)):
        (folder / name).write_text(table(header, kept), encoding="ascii")
    return Made(folder / "train.csv", test, folder / "whole.csv", data)


def months(random: np.random.Generator) -> dict[str, np.ndarray]:
    t = np.arange(168)
    season = 1 + 0.3 * np.sin(2 * np.pi * t / 12) + 0.1 * np.cos(4 * np.pi * t / 12)
    return {"sales": (100 + 2 * t) * season * np.exp(0.04 * random.normal(size=168))}


def days(random: np.random.Generator) -> dict[str, np.ndarray]:
    week = np.tile(random.uniform(2, 12, 7), 80)
    return {"calls": random.poisson(week * np.exp(0.3 * np.sin(np.arange(560) / 60))).astype(float)}


def walk(random: np.random.Generator) -> dict[str, np.ndarray]:
    return {"price": 100 + np.cumsum(random.normal(size=500))}


def hours(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Five columns with a day each, which share a slow level."""
    t, level = np.arange(4000), np.cumsum(random.normal(0, 0.05, 4000))
    noise = random.normal(0, 0.4, (5, 4000))
    for k in range(1, 4000):
        noise[:, k] += 0.7 * noise[:, k - 1]
    return {
        f"v{c}": random.uniform(1, 3) * np.sin(2 * np.pi * (t / 24 + c / 7)) + level * random.uniform(-1, 1) + noise[c]
        for c in range(5)
    }


def shops(folder: Path, data: Path) -> Made:
    """Thirty series of weeks, one under another."""
    source = np.random.default_rng(3)
    rows: dict[str, list[Sequence[object]]] = {"train.csv": [], "whole.csv": []}
    for shop in range(30):
        t = np.arange(130)
        level = source.uniform(5, 200) * np.exp(0.004 * source.normal() * t)
        sold = (
            level * (1 + 0.4 * np.sin(2 * np.pi * (t / 26 + source.uniform()))) * np.exp(0.15 * source.normal(size=130))
        )
        for k in range(130):
            row = (f"shop{shop}", str(np.datetime64("2020-01-06") + 7 * k), f"{sold[k]:.2f}")
            rows["whole.csv"].append(row)
            if k < 117:
                rows["train.csv"].append(row)
    for name, kept in rows.items():
        (folder / name).write_text(table(("shop", "week", "sold"), kept), encoding="ascii")
    return Made(folder / "train.csv", 13, folder / "whole.csv", {"id": "shop", "target": "sold", "horizon": 13})


# Files and tables of others.


def public(train: str, test: str, **data: Any) -> Any:
    """A set of files in the folder of public data."""

    def make(folder: Path, given: Path) -> Made:
        return Made(found(given, train), found(given, test), data=data)

    return make


def found(folder: Path, name: str) -> Path:
    if not (folder / name).exists():
        raise AbsentError(f"$RNNCLI_DATA has no {name}")
    return folder / name


def archive(name: str) -> Any:
    return public(f"{name}_TRAIN.ts", f"{name}_TEST.ts")


def reviews(folder: Path, given: Path) -> Made:
    lines = found(given, "movie_reviews_polarity.txt").read_text(encoding="latin-1").rstrip("\n").split("\n")
    for name, kept in (("train.txt", [x for i, x in enumerate(lines, 1) if i % 10]), ("test.txt", lines[9::10])):
        (folder / name).write_text("\n".join(kept) + "\n", encoding="latin-1")
    return Made(folder / "train.txt", folder / "test.txt", data={"encoding": "latin-1", "format": "text"})


def forms(count: int) -> Any:
    def make(folder: Path, given: Path) -> Made:
        lines = found(given, "inflection_english_train.tsv").read_text(encoding="utf-8").split("\n")
        (folder / "train.tsv").write_text("\n".join(lines[:count]) + "\n", encoding="utf-8")
        data = {"source": [1, 3], "target": 2}
        return Made(folder / "train.tsv", found(given, "inflection_english_dev.tsv"), data=data)

    return make


def rows_of(name: str, test: int, **data: Any) -> Any:
    """A public table, the last rows of which are tested on."""

    def make(folder: Path, given: Path) -> Made:
        lines = found(given, name).read_text(encoding="utf-8").rstrip("\n").split("\n")
        (folder / "train.csv").write_text("\n".join(lines[:-test]) + "\n", encoding="utf-8")
        return Made(folder / "train.csv", test, found(given, name), data)

    return make


def etth1(folder: Path, given: Path) -> Made:
    """By its protocol: 8,640 rows to train on, 2,880 to validate and to test on, z-scored by the first."""
    header, *lines = found(given, "ETTh1.csv").read_text(encoding="ascii").split("\n")[:14401]
    values = np.array([[float(cell) for cell in line.split(",")[1:]] for line in lines])
    values = (values - values[:8640].mean(axis=0)) / values[:8640].std(axis=0)
    rows = [[line.split(",")[0], *(repr(float(v)) for v in row)] for line, row in zip(lines, values, strict=True)]
    for name, kept in (("train.csv", rows[:-2880]), ("whole.csv", rows)):
        (folder / name).write_text(table(header.split(","), kept), encoding="ascii")
    return Made(folder / "train.csv", 2880, folder / "whole.csv", {"horizon": 96, "validation": 2880})


def digits(folder: Path, given: Path) -> Made:
    """Images of scikit-learn, read row by row."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise AbsentError("scikit-learn is not installed") from None
    images, answers = load_digits().images, load_digits().target
    order = np.random.default_rng(0).permutation(len(images))
    for name, kept in (("train.ts", order[400:]), ("test.ts", order[:400])):
        text = ts_lines((list(images[i].T) for i in kept), (str(answers[i]) for i in kept))
        (folder / name).write_text(text, encoding="ascii")
    return Made(folder / "train.ts", folder / "test.ts")


def of_statsmodels(name: str, column: str, test: int, step: str, **data: Any) -> Any:
    def make(folder: Path, given: Path) -> Made:
        try:
            import statsmodels.api as sm
        except ImportError:
            raise AbsentError("statsmodels is not installed") from None
        values = getattr(sm.datasets, name).load_pandas().data[column].to_numpy(float)
        return parted(folder, {column: values[~np.isnan(values)]}, test, step, **data)

    return make


SETS: dict[str, Set] = {
    "two shapes, 20": Set("classify", drawn(lambda r: warped(2, r), 20, 300, 1), SERIES),
    "two shapes, 60": Set("classify", drawn(lambda r: warped(2, r), 60, 300, 2), SERIES),
    "three shapes, 90": Set("classify", drawn(lambda r: warped(3, r), 90, 300, 3), SERIES),
    "three shapes, 300": Set("classify", drawn(lambda r: warped(3, r), 300, 300, 4), SERIES),
    "bumps, 120": Set("classify", drawn(bumps, 120, 300, 5), SERIES),
    "pace, 150": Set("regress", drawn(pace, 150, 300, 6, numbers=True), NUMBERS),
    "adding, 2000": Set("regress", drawn(marked, 2000, 300, 7, numbers=True), NUMBERS),
    "questions, 400": Set("classify", lines_of(question, ("text", "label"), 400, 300, 1), WORDS),
    "codes, 600": Set("classify", lines_of(code, ("text", "label"), 600, 300, 2), WORDS),
    "offers, 400": Set(
        "regress", lines_of(offer, ("text", "rent"), 400, 300, 3, text="text", label="rent"), TEXT_NUMBERS
    ),
    "entities, 300": Set("tag", tagged(300, 300, 4), TAGS),
    "machine, 40": Set("tag", machine, STATES),
    "forms, 1000": Set("seq2seq", lines_of(form, (), 1000, 300, 5), PAIRS),
    "dates, 2000": Set("seq2seq", lines_of(date, (), 2000, 300, 6), PAIRS),
    "weather, 400": Set(
        "caption", lines_of(weather, ("place", "degrees", "text"), 400, 200, 7, target="text"), CAPTIONS
    ),
    "months": Set("forecast", forecast(months, 24, "month"), ROWS),
    "days": Set("forecast", forecast(days, 84, "day", horizon=14), ROWS),
    "walk": Set("forecast", forecast(walk, 100, "day", horizon=5), ROWS),
    "hours of five": Set("forecast", forecast(hours, 800, "hour", horizon=24), LONG),
    "shops": Set("forecast", shops, PANEL),
    "prose": Set("language-model", prose(words=True), PROSE),
    "items": Set("language-model", prose(words=False), PROSE),
    "ItalyPowerDemand": Set("classify", archive("ItalyPowerDemand"), SERIES),
    "JapaneseVowels": Set("classify", archive("JapaneseVowels"), SERIES),
    **{
        name: Set("classify", archive(f"ucr/{name}"), SERIES)
        for name in ("Coffee", "FaceFour", "Lightning7", "OSULeaf", "Plane")
    },
    "movie reviews": Set("classify", reviews, WORDS),
    "Danish": Set("tag", public("pos_danish_train.conllu", "pos_danish_test.conllu"), TAGS),
    "restaurants": Set("tag", public("entities_restaurant_train.conll", "entities_restaurant_test.conll"), TAGS),
    "inflection, 1000": Set("seq2seq", forms(1000), PAIRS),
    "inflection, 10000": Set("seq2seq", forms(10_000), PAIRS),
    "airline": Set("forecast", rows_of("airline_passengers.csv", 12, horizon=12), ROWS),
    "temperatures": Set("forecast", rows_of("daily_min_temperatures.csv", 365, horizon=7, missing="ffill"), ROWS),
    "taxi": Set("forecast", rows_of("nyc_taxi.csv", 1440, horizon=48), LONG),
    "ETTh1": Set("forecast", etth1, LONG),
    "digits": Set("classify", digits, SERIES),
    "co2": Set("forecast", of_statsmodels("co2", "co2", 260, "day", horizon=52), ROWS),
    "nile": Set("forecast", of_statsmodels("nile", "volume", 20, "month"), ROWS),
}
