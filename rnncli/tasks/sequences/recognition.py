"""Whether a bare data file has labelled sequences: texts or numbers with a label each, or a tag for every word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from rnncli.data.look import LABELS, NUMBERS, TEXTS, ColumnLook, Look
from rnncli.data.numeric import is_number
from rnncli.errors import DataError, shown
from rnncli.tasks.sequences.config import TagDataConfig
from rnncli.tasks.sequences.tag_columns import rows_of
from rnncli.tasks.sequences.written_labels import cut_at_marks, cut_at_tab, cut_of
from rnncli.tasks.task import CERTAIN, CONCEIVABLE, LIKELY, Recognised

_TAG_FILES = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".bioes")
_WORDS, _TAGS = {"word", "words", "token", "tokens", "form"}, {"tag", "tags", "label", "labels", "pos", "upos", "ner"}
_NUMBERED = re.compile(r"[a-z_ ]{0,8}[0-9]+")
_FEWEST_STEPS = 8  # columns, before a row of them is a sequence
_FEWEST_LINES = 10  # that begin with few words, before these are labels
_CODE = re.compile(r"[A-Z][A-Z0-9]+|[A-Za-z]\w*[:._/]\w+")  # ENTY, DESC:manner, sci.space
_FEW_WORDS, _FREQUENT = 5, 1 / 20
_MANY_WORDS = 100
_SEEN = 2000  # lines tell whether words have tags


def classify(look: Look) -> Recognised | None:
    """Return that each sequence has a label of few, which recur."""
    if _is_archive(look):
        return _archive(look, numbers=False)
    if _tag_lines(look) or _tag_columns(look):
        return None
    return _labelled_lines(look) or _labelled_texts(look) or _labelled_series(look)


def regress(look: Look) -> Recognised | None:
    """Return that each sequence has a number, which varies."""
    if _is_archive(look):
        return _archive(look, numbers=True)
    numbers = [one for one in look.columns if one.numeric and not one.time and not (one.whole and one.distinct == 2)]
    texts = _texts(look)
    if len(look.columns) != 2 or len(numbers) != 1 or len(texts) != 1:
        return None
    number = numbers[0]
    if number.title in LABELS and number.repeats:
        return None
    classes = number.whole and number.repeats and number.title not in NUMBERS
    certainty = LIKELY if classes or texts[0].repeats else CERTAIN
    why = f"texts in the column {texts[0].called} and numbers in {number.called}"
    return Recognised(why, certainty, _reading(look, text=texts[0].key, label=number.key), look.rows_of(texts[0]))


def tag(look: Look) -> Recognised | None:
    """Return that every word has a tag, in columns and lines of their own."""
    return _tag_lines(look) or _tag_columns(look)


RECOGNISERS: Mapping[str, Callable[[Look], Recognised | None]] = {"classify": classify, "regress": regress, "tag": tag}


def _reading(look: Look, **columns: Any) -> dict[str, Any]:
    """Return the keys of `data` that read a table in these columns."""
    assert look.table is not None
    header = {} if look.table.headed else {"header": False}
    decimal = {} if "thousands" in look.marks else look.marks  # these tasks read no marks between thousands
    return columns | header | look.reading | decimal


def _is_archive(look: Look) -> bool:
    """True for a .ts file, by its name or by the keys that begin it, which are not those of Weka's .arff."""
    if look.form is not None:
        return look.form == "ts"
    keys = {line.split()[0].lower() for line in look.lines if line.startswith("@")}
    return look.name.lower().endswith(".ts") or ("@data" in keys and "@relation" not in keys)


def _archive(look: Look, *, numbers: bool) -> Recognised | None:
    """Return what the header of a .ts file says that its sequences have, or else what their labels look like."""
    keys = [line.lower().split() for line in look.lines if line.startswith("@")]
    data = {} if look.name.lower().endswith(".ts") else {"format": "ts"}
    lines = [line.rpartition(":") for line in look.lines if line.strip() and line[0] not in "@#"]
    inputs, labels = [values for values, _, _ in lines], [label.strip() for _, _, label in lines]
    if ["@targetlabel", "true"] in [key[:2] for key in keys]:
        return Recognised("sequences with a number each (@targetLabel)", CERTAIN, data, inputs) if numbers else None
    are_labels = any(key[0] == "@classlabel" for key in keys) or 2 * len(set(labels)) <= len(labels)
    if numbers == (not are_labels and all(map(is_number, labels))):
        what = "a number each" if numbers else "a class each"
        return Recognised(f"sequences with {what} (.ts)", CERTAIN, data, inputs)
    return None


def _tag_lines(look: Look) -> Recognised | None:
    """Return that lines of columns have blank lines between sentences, and a last column of few words that recur."""
    called = look.name.lower().endswith(_TAG_FILES)
    if look.form in ("csv", "ts") or look.name.lower().endswith(".csv"):
        return None
    try:
        rows = rows_of(look.text(_SEEN), TagDataConfig(encoding="utf-8"))[0]
    except DataError:
        rows = []
    sentences = [[fields for _, fields in some] for full, some in groupby(rows, lambda row: bool(row[1])) if full]
    words = [fields for sentence in sentences for fields in sentence]
    widths = {len(fields) for fields in words}
    tags = [fields[-1] for fields in words]
    regular = len(widths) == 1 and widths != {1} and len(sentences) > 1 and len(words) > 2 * len(sentences)
    few = 4 * len(set(tags)) <= len(tags) and not all(map(is_number, tags))
    if not called and not (regular and few):
        return None
    columns = f"{len(words[0])} columns" if words else "columns"
    inputs: list[tuple[Any, ...]] = [tuple(tuple(fields[:-1]) for fields in sentence) for sentence in sentences]
    if len(words) >= _MANY_WORDS:  # in however few sentences
        inputs = [fields for sentence in inputs for fields in sentence]
    counted = inputs if len(look.lines) <= _SEEN else None
    return Recognised(f"sentences with a tag on every word ({columns}, blank lines between)", CERTAIN, {}, counted)


def _tag_columns(look: Look) -> Recognised | None:
    """Return that a table has a column of words, one of tags, and before them one that tells sentences apart."""
    words, tags = ([one for one in look.columns if one.title in names] for names in (_WORDS, _TAGS))
    apart = [one for one in look.columns if one.key not in [o.key for o in words + tags] and _in_runs(one)]
    if len(words) != 1 or not tags or not apart:
        return None
    why = f"sentences with a tag on every word (columns {words[0].called} and {tags[-1].called})"
    return Recognised(why, CERTAIN, _reading(look, id=apart[0].key, text=words[0].key, label=tags[-1].key))


def _in_runs(column: ColumnLook) -> bool:
    """True if equal cells stand one under another, in several runs of several rows."""
    runs = [cell for cell, _ in groupby(column.first)]
    return len(runs) == len(set(runs)) > 1 and 2 * len(runs) <= len(column.first)


def _labelled_lines(look: Look) -> Recognised | None:
    """Return that each line begins with labels of fastText's, or with one of few words that recur."""
    if look.table is not None or look.form == "csv":
        return None
    lines = [line for line in look.lines if line.strip()]
    cut = cut_of(lines)
    if cut is cut_at_marks:
        return Recognised("lines of __label__ and a text", CERTAIN, {}, [text for _, text in map(cut, lines)])
    pieces = [cut(line) for line in lines]
    counts, texts = Counter(label for label, _ in pieces), {text for _, text in pieces}
    labels = counts.keys()
    if not (labels and texts) or "" in counts or "" in texts or len(lines) < _FEWEST_LINES:
        return None
    if not 1 < len(labels) <= len(lines) / 10 or len(texts) < 3 * len(labels):
        return None
    of_a_play = all(one.endswith(":") for one in labels)
    if of_a_play or not all(any(map(str.isalnum, one)) for one in labels):  # or bullets
        return None
    like_others = 5 * sum(not labels.isdisjoint(text.split()) for _, text in pieces) > len(pieces)
    likely = not like_others and (cut is cut_at_tab or _are_apart(counts))
    first, second, *more = sorted(map(shown, labels))
    listed = f"{first}, {second}, …" if more else f"{first} or {second}"
    certainty = LIKELY if likely else CONCEIVABLE
    return Recognised(f"lines of a label ({listed}) and a text", certainty, {}, [text for _, text in pieces])


def _are_apart(counts: Counter[str]) -> bool:
    """True if words before blanks are rather labels than what sentences begin with, as those of notes, diaries and
    commits do, which recur too: codes, or few words, each frequent and without a capital."""
    if all(map(_CODE.fullmatch, counts)):
        return True
    frequent = min(counts.values()) >= _FREQUENT * counts.total()
    return len(counts) <= _FEW_WORDS and frequent and not any(label[0].isupper() for label in counts)


def _texts(look: Look) -> list[ColumnLook]:
    """Return the columns that may hold texts: the one called text, those with another usual name, or else all that hold
    neither numbers nor times."""
    words = [one for one in look.columns if not one.numeric and not one.time]
    called = [one for one in words if one.title == "text"]
    return called or [one for one in words if one.title in TEXTS] or words


def _labelled_texts(look: Look) -> Recognised | None:
    """Return that a table has a column of texts beside one of labels."""
    texts, columns = _texts(look), look.columns
    named = [one for one in columns if one.title in LABELS and not one.dated]
    texts = [one for one in texts if one not in named and (one.title in TEXTS or not one.repeats)]
    labels = named or [one for one in columns if one not in texts and not one.time and _may_be_labels(one)]
    if len(texts) != 1 or not labels:
        if len(columns) != 2 or len(texts) != 2:
            return None
        texts.sort(key=lambda one: one.distinct)  # a toss-up: one of two columns of words may be labels
        texts, labels = texts[1:], texts[:1]
        if labels[0].varies or labels[0].wordy or texts[0].distinct == labels[0].distinct:
            return None
    text, label = texts[0], labels[0]
    sure = label.title in LABELS or (len(columns) == 2 and label.repeats)
    if label.numeric and label.title not in LABELS and label.distinct > 2:
        sure = False
        if label.title in NUMBERS:
            return None
    why = f"texts in the column {text.called} and labels in {label.called}"
    reading = _reading(look, text=text.key, label=label.key)
    return Recognised(why, CERTAIN if sure else LIKELY, reading, look.rows_of(text))


def _may_be_labels(column: ColumnLook) -> bool:
    return column.repeats and (not column.numeric or column.whole)


def _labelled_series(look: Look) -> Recognised | None:
    """Return that the rows of a table are sequences with a label each, or that rows with the same id are one."""
    columns = look.columns
    numbers = [one for one in columns if one.numeric and not one.time]
    words = [one for one in columns if not one.numeric and not one.time]
    labels = [one for one in columns if one.title in LABELS and one.repeats]
    if len(columns) < 2 or any(one.dated for one in columns):
        return None
    for identity in (one for one in columns if _in_runs(one) and one not in labels):
        constant = [one for one in columns if one is not identity and _constant_in(identity, one)]
        found = [one for one in constant if one in labels] or constant
        if len(found) == 1 and _may_be_labels(found[0]) and len(numbers) > found[0].numeric + identity.numeric:
            why = f"sequences of the rows with the same {identity.called}, and a label each in {found[0].called}"
            return Recognised(why, CERTAIN, _reading(look, id=identity.key, label=found[0].key))
    labels = labels or [one for one in words if one.repeats and not one.of_sentences] or _number_of_class(look)
    steps = [one for one in numbers if one not in labels]
    others = [one for one in words if one not in labels and not one.repeats]
    if len(labels) != 1 or not steps or others or any(one.time for one in columns):
        return None
    wide = len(steps) >= _FEWEST_STEPS and all(_NUMBERED.fullmatch(one.title) for one in steps)
    why = f"rows of numbers with a label each in the column {labels[0].called}"
    inputs = {} if wide else {"inputs": [one.key for one in steps]}
    return Recognised(why, CERTAIN if wide else LIKELY, _reading(look, label=labels[0].key, **inputs))


def _number_of_class(look: Look) -> list[ColumnLook]:
    """Return the first or last column of whole numbers that recur, beside many columns of fractions without names."""
    first, *middle, last = look.columns
    for one, others in ((first, [*middle, last]), (last, [first, *middle])):
        fractions = not one.title and not any(other.whole for other in others)
        if fractions and one.numeric and one.whole and one.repeats and len(others) >= _FEWEST_STEPS:
            return [one]
    return []


def _constant_in(identity: ColumnLook, column: ColumnLook) -> bool:
    """True if the column has one value for each of `identity`, and several in all."""
    pairs = set(zip(identity.first, column.first, strict=True))
    return len(pairs) == len(set(identity.first)) and column.distinct > 1
