"""Did you mean ...? What a word that nobody knows was most likely meant to be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

LONGEST_WORD = 80  # the comparison is quadratic, and nothing we know is nearly as long
_SHORTEST = 3  # letters
_JOINTS = "[-_ ]"


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean "x"?`, ready to append to a message, or an empty string."""
    match = closest(word, candidates)
    return f'; did you mean "{match}"?' if match else ""


def similar_sibling(path: str, fits: Callable[[str], bool] = lambda path: True) -> str:
    """Return `; did you mean …` of a path that fits and has almost this name in the same folder, or an empty string."""
    folder, name = os.path.split(path)
    try:
        siblings = {sibling for sibling in os.listdir(folder or ".") if fits(os.path.join(folder, sibling))} - {name}
    except OSError:
        return ""
    near = closest(name, sorted(siblings))
    return f'; did you mean "{os.path.join(folder, near)}"?' if near else ""


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` most likely stands for, or None when nothing is near.

    That is the one with the fewest letters wrong, at most three in eight; or else the shortest that begins or ends
    like it, such as hidden_size for hidden, or of which it is half the letters or the initials, such as bf16 or lr.
    """
    import difflib  # costs a command that makes no mistake two milliseconds

    word = word[:LONGEST_WORD]
    bare, names = _bare(word), {_bare(name): name for name in candidates}
    alike = difflib.get_close_matches(bare, names, n=9, cutoff=0.5)  # fast, and calls "path" like "watch"
    wrong = {name: _edits(bare, name) for name in alike}
    if misspelt := [name for name in alike if 8 * wrong[name] <= 3 * max(len(bare), len(name))]:
        return names[min(misspelt, key=wrong.__getitem__)]
    return min((name for known, name in names.items() if _shortens(bare, known, name)), key=len, default=None)


def _bare(word: str) -> str:
    """Return a word in lower case, without what joins its words."""
    return re.sub(_JOINTS, "", word.lower())


def _shortens(word: str, known: str, name: str) -> bool:
    """True if one of `word` and `known` begins or ends with the other, or the word leaves out letters of the name."""
    short, long = sorted((word, known), key=len)
    if len(short) >= _SHORTEST and (long.startswith(short) or long.endswith(short)):
        return True
    initials = "".join(one[:1] for one in re.split(_JOINTS, name.lower()))
    rest = iter(known)
    is_half = 2 * len(word) >= len(known) and known.startswith(word[:1]) and all(letter in rest for letter in word)
    return is_half or (len(word) > 1 and word == initials)


def _edits(word: str, known: str) -> int:
    """Return how many letters to put in, leave out, replace, or swap with the next (optimal string alignment)."""
    older: list[int] = []
    before, row = older, list(range(len(known) + 1))
    for i, a in enumerate(word):
        older, before, row = before, row, [i + 1]
        for j, b in enumerate(known):
            row.append(min(row[j] + 1, before[j + 1] + 1, before[j] + (a != b)))
            if i and j and a == known[j - 1] and b == word[i - 1]:
                row[-1] = min(row[-1], older[j - 1] + 1)
    return row[-1]
