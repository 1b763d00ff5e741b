"""Labels as files write them: before a text on its line, and several of one example together.

fastText   `__label__a __label__b text`: each such word is a label, prefix included, wherever it stands
tab        `a label<TAB>text`: a label may hold spaces
space      `label text`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from rnncli.errors import ConfigError, DataError, quoted, shown
from rnncli.notes import doubt, note
from rnncli.tasks.sequences.examples import Examples

MARK = "__label__"
_MARKED = re.compile(rf"(?<!\S){MARK}\S+\s?")  # a label of fastText, and one character between it and the text
_END = re.compile("[ \t]")

Cut = Callable[[str], tuple[str, str]]  # a line's label, or labels with spaces between them, and its text


def cut_at_marks(line: str) -> tuple[str, str]:
    """Cut a line of fastText's."""
    return " ".join(label.strip() for label in _MARKED.findall(line)), _MARKED.sub("", line).strip()


def cut_at_tab(line: str) -> tuple[str, str]:
    """Cut `a label<TAB>text`; a line without a tab has no text."""
    label, _, text = line.partition("\t")
    return label.strip(), text.strip()


def cut_at_space(line: str) -> tuple[str, str]:
    """Cut `label text`; a line that begins with a space has no label."""
    label, *rest = _END.split(line, maxsplit=1)
    return label, "".join(rest).strip()


FORMS: dict[Cut, str] = {
    cut_at_marks: f"labels that begin with {MARK}, as those of the other lines do, and a text",
    cut_at_tab: "a label, a tab and a text",
    cut_at_space: "a label, a space and a text",
}


def cut_of(lines: Sequence[str]) -> Cut:
    """Return the way in which most of the lines are cut into label and text."""
    most = len(lines) // 2
    if sum(_MARKED.search(line) is not None for line in lines) > most:
        return cut_at_marks
    before = [line.partition("\t")[0].strip() for line in lines if "\t" in line]
    # Where every label held a space, the tabs might be those of texts: then hardly one of these "labels" would recur.
    are_labels = any(" " not in label for label in before) or 2 * len(set(before)) <= len(before)
    return cut_at_tab if len(before) > most and are_labels else cut_at_space


def labels_in(cell: str, separator: str) -> tuple[str, ...]:
    """Return the labels in a cell, each once, in the order of the cell; none if it is empty."""
    return tuple(dict.fromkeys(label for piece in cell.split(separator) if (label := piece.strip())))


def in_sets(found: Examples, separator: str | None, *, may_find: bool) -> Examples:
    """Return examples with their labels cut at the separator, into `sets`, or as they are if each has one label.

    may_find: True if lines of fastText's with several labels define that examples have several.
    """
    labels = found.labels or []
    several = [i for i, label in enumerate(labels) if label.startswith(MARK) and f" {MARK}" in label]
    if several and separator is None and not may_find:
        where, label = found.where(several[0]), labels[several[0]]
        raise DataError(f"{where}: {shown(label)} are several labels, where one is known; leave one")
    if several and separator is None:
        note(
            f"{found.name}: {len(several):,} of {len(found):,} lines have several labels, "
            "so each label is learnt by itself"
        )
    if several and separator not in (None, " "):
        raise ConfigError(f"data.label_separator: spaces separate labels that begin with {MARK}; remove it")
    separator = " " if several else separator
    if separator is None:
        if may_find:
            _note_joined(found.name, set(labels))
        return found
    sets = None if found.labels is None else [labels_in(label, separator) for label in labels]
    if may_find and sets and max(map(len, sets)) < 2:
        doubt(f"{found.name}: no example has several labels with {shown(separator)} between them")
    return replace(found, columns=replace(found.columns, separator=separator), labels=None, sets=sets)


def _note_joined(name: str, labels: set[str]) -> None:
    """Tell how labels of which one is others, joined by a mark, are cut."""
    for mark in ";|,":
        for label in sorted(label for label in labels if mark in label):
            if len(pieces := labels_in(label, mark)) > 1 and labels.issuperset(pieces):
                learns = f"--set data.label_separator={quoted(mark)} learns each by itself"
                note(f"{name}: the label {shown(label)} is others joined; {learns}")
                return
