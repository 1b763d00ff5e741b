"""Spans that tags mark, such as names, and their F1.

The schemes are IOB2 (B- begins each span), IOB1 (B- only where a span follows one of its kind), and IOBES or BILOU (E-
or L- ends a span, S- or U- is one by itself). Spans are counted as conlleval and seqeval do: a tag that continues no
span of its kind begins one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

_TAG = re.compile(r"([BIESLU])-(.+)")
OUTSIDE = "O"
_ENDING = {"E", "S", "L", "U"}
_INSIDE = {"I", "E", "L"}
_OPEN = {"B", "I"}
SCHEMES = "BIOES", "BIO"  # the strictest first; BILOU is BIOES by other letters


def are_spans(tags: Collection[str]) -> bool:
    """True if most of the tags, but for O, mark beginnings, insides and ends of spans."""
    marking = sum(_TAG.fullmatch(tag) is not None for tag in tags)
    return 2 * marking > len(set(tags) - {OUTSIDE}) > 0


def strays(tags: Collection[str]) -> list[str]:
    """Return those of the tags that mark no span, without O."""
    return sorted(tag for tag in tags if tag != OUTSIDE and not _TAG.fullmatch(tag))


def _marks(tag: str) -> tuple[str, str]:
    """Return the prefix and the kind of a tag; O and no kind of one that marks no span."""
    marks = _TAG.fullmatch(tag)
    return (marks[1], marks[2]) if marks else (OUTSIDE, "")


def forbids(scheme: str, before: str, tag: str) -> bool:
    """True if `tag` may not follow the tag `before`; O stands for either end of a sequence.

    In every scheme a tag that continues a span follows one of its kind. In BIOES a span also goes on until it ends.
    """
    (opens, open_kind), (prefix, kind) = _marks(before), _marks(tag)
    continues, is_open = prefix in _INSIDE, opens in _OPEN
    fits = continues and is_open and kind == open_kind
    return not fits and (continues or (scheme == "BIOES" and is_open))


def scheme_of(rows: Iterable[Sequence[str]]) -> str | None:
    """Return the strictest scheme that all these sequences of tags keep to, None if they keep to none."""
    seen = {pair for tags in rows for pair in pairwise((OUTSIDE, *tags, OUTSIDE))}
    kept = (scheme for scheme in SCHEMES if not any(forbids(scheme, before, tag) for before, tag in seen))
    return next(kept, None)


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Return (first, end, kind) of every span."""
    found, start, open_kind, goes_on = set(), 0, "", False
    for i, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind = _marks(tag)
        continues = goes_on and prefix in _INSIDE and kind == open_kind
        if open_kind and not continues:
            found.add((start, i, open_kind))
        if not continues:
            start, open_kind = i, kind
        goes_on = bool(kind) and prefix not in _ENDING
    return found


def span_f1(predicted: Sequence[Sequence[str]], actual: Sequence[Sequence[str]]) -> float:
    """Return 2·hits / (predicted + actual) over all spans; a hit agrees in place and kind."""
    pairs = [(spans(a), spans(b)) for a, b in zip(predicted, actual, strict=True)]
    total = sum(len(a) + len(b) for a, b in pairs)
    return 2 * sum(len(a & b) for a, b in pairs) / total if total else 0.0
